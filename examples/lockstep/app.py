"""A game in lockstep: light-cycles that leave a wall behind them.

    .venv/bin/python -m examples lockstep

There is no game on the server. Each page simulates the same world from the same inputs:
static/lockstep.js gets them to everybody, static/world.js is the game, static/page.js shows it.
"""

from flask import Flask, send_from_directory

from piehub import PieHub

app = Flask(__name__, static_url_path="")
pie = PieHub(app)


@app.get("/")
def page():
    return app.send_static_file("index.html")


@app.get("/look.css")
def look():
    return send_from_directory("..", "look.css")
