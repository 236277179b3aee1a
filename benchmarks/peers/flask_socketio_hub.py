"""A hub on Flask-SocketIO's rooms, as its documentation starts one under gunicorn."""

from flask import Flask, request
from flask_socketio import SocketIO, join_room

app = Flask(__name__)
socketio = SocketIO(app, async_mode="gevent")
room_of = {}


@socketio.on("join")
def join(room):
    room_of[request.sid] = room
    join_room(room)


@socketio.on("say")
def say(payload):
    socketio.emit("say", payload, to=room_of[request.sid])


@socketio.on("disconnect")
def leave(reason):
    room_of.pop(request.sid, None)
