"""A chat in one page.

    .venv/bin/python -m examples chat

With PIEHUB_HOST_APP=examples.host_app:Greeter before it, there is server code in the room, too.
"""

import os

from flask import Flask, send_from_directory

from piehub import PieHub

app = Flask(__name__, static_url_path="")
app.config["PIEHUB_HOST_APP"] = os.environ.get("PIEHUB_HOST_APP", "")
pie = PieHub(app)


@app.get("/")
def page():
    return app.send_static_file("index.html")


@app.get("/look.css")
def look():
    return send_from_directory("..", "look.css")
