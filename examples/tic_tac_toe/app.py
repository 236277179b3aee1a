"""Tic-tac-toe by matchmaking, with a referee on the server.

    .venv/bin/python -m examples tic_tac_toe

The hub finds two who want to play and puts them in a room of their own, where a Referee sees each
message before anybody else. The page only shows what the Referee says.
"""

from flask import Flask, send_from_directory

from examples.tic_tac_toe.referee import Referee
from piehub import PieHub

app = Flask(__name__, static_url_path="")
pie = PieHub(app, host_app=Referee)


@app.get("/")
def page():
    return app.send_static_file("index.html")


@app.get("/look.css")
def look():
    return send_from_directory("..", "look.css")
