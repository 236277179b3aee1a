"""Everybody's cursor on one canvas.

    .venv/bin/python -m examples cursors

The hub only passes on where they are; static/cursors.js tells it, and draws.
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
