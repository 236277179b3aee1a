"""A todo list that everybody keeps who has the page open.

    .venv/bin/python -m examples todo

The page works alone. static/shared.js makes it everybody's; here, all that takes is a PieHub.
"""

from flask import Flask, send_from_directory

from piehub import PieHub

app = Flask(__name__, static_url_path="")  # what is in static/ is at /
pie = PieHub(app)


@app.get("/")
def page():
    return app.send_static_file("index.html")


@app.get("/look.css")
def look():  # which all examples share
    return send_from_directory("..", "look.css")
