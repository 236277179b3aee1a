"""What one writes first with flask-sock: a dict of rooms, and `send` in a loop under a lock."""

import json
from collections import defaultdict
from itertools import count
from threading import Lock

from flask import Flask
from flask_sock import Sock
from simple_websocket import ConnectionClosed

app = Flask(__name__)
sock = Sock(app)
rooms = defaultdict(set)
lock = Lock()
ids = count(1)


@sock.route("/")
def hub(ws):
    ws.send(json.dumps({"type": "ServerAssignedData", "clientId": str(next(ids))}))
    info = json.loads(ws.receive())["roomInfo"]
    room = rooms[info["app"], info["name"], info["version"]]
    with lock:
        room.add(ws)
    ws.send(json.dumps({"type": "ResolvePromise", "func": "JoinRoom"}))
    try:
        while True:
            send(room, ws.receive())
    finally:
        with lock:
            room.discard(ws)


def send(room, text):
    with lock:
        for member in list(room):
            try:
                member.send(text)
            except (ConnectionClosed, OSError):
                room.discard(member)
