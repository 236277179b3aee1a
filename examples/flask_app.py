"""A Flask app with views of its own and a hub beside them, on the same port.

Run it from the folder above this one, with gunicorn (the -c brings the hub's settings for it):

    gunicorn -k gevent -c python:piehub.serve.gunicorn_conf examples.flask_app:app

or, while you work on it, with Flask's own server:

    flask --app examples.flask_app run --port 8080

Then open http://localhost:8080.
"""

from flask import Flask, jsonify, render_template, request

from piehub import PieHub

app = Flask(__name__)
pie = PieHub(app)


@app.get("/")
def index():
    return render_template("announcements.html")


@app.get("/rooms")
def rooms():
    return jsonify(pie.rooms())


@app.post("/announce")
def announce():
    # Anyone may post here. An app for real use would ask who it is first.
    payload = {"text": request.form["text"]}
    pie.send(app="chat", name="lobby", version="1.0.0", payload=payload)
    return "", 204  # no content: the browser stays on the page


@pie.on_join
def chats_only(client, room):
    if room.app != "chat":
        return f"There is no {room.app!r} here; this hub is for the app 'chat'."
    return None
