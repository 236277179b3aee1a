"""The API of a hub, without one: what commands ask of it is kept, and answered as it says."""

from urllib.parse import unquote

from flask import Flask, jsonify, request


class FakeApi:
    """rooms: those there are. asked: the segments of each request's path, and its query. sent: the
    body of each message."""

    def __init__(self, token):
        self.token = token
        self.rooms = []
        self.heard_by = 0
        self.asked = []
        self.sent = []
        self.app = Flask(__name__)
        self.app.add_url_rule("/<path:_>", view_func=self._answer, methods=["GET", "POST"])

    def add(self, **room):
        self.rooms.append(
            {
                "app": "chat",
                "name": "lobby",
                "version": "1.0.0",
                "clients": 0,
                "hidden": False,
                "isPasswordProtected": False,
                **room,
            }
        )

    def _answer(self, _):
        # As it came: what is decoded has lost which "/" were in a name.
        path = request.environ["REQUEST_URI"].partition("?")[0]
        segments = [unquote(each) for each in path.removeprefix("/hub").split("/")[1:]]
        self.asked.append((segments, request.args))
        if request.headers.get("Authorization") != f"Bearer {self.token}":
            return jsonify(error="This needs a token."), 401, {"WWW-Authenticate": "Bearer"}
        match request.method, *segments:
            case "GET", "api", "rooms":
                limit, offset = int(request.args["limit"]), int(request.args["offset"])
                assert 1 <= limit <= 1000
                return jsonify(rooms=self.rooms[offset : offset + limit], total=len(self.rooms))
            case "POST", "api", "rooms", app, version, name, "messages" if any(
                (each["app"], each["version"], each["name"]) == (app, version, name)
                for each in self.rooms
            ):
                self.sent.append(request.get_json())
                return jsonify(sent=self.heard_by)
        return jsonify(error="There is no such room."), 404
