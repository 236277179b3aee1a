"""Hubs with code of their own, for the browser tests."""

from flask import Flask, request

from piehub import HostApp, PieHub, create_app


class Swallower(HostApp):
    """Lets nothing through that is to be swallowed, and counts it."""

    count = 0

    def handle_message(self, message):
        if message.get("payload") != "swallowed":
            return None
        self.count += 1
        self.send_data(f"swallowed {self.count}")
        return {**message, "doNotEcho": True}


def swallowing():
    return create_app(host_app=Swallower)


def for_teams():
    """Only those who say their team in the address may come in, and not at `/`."""
    app = Flask("teams")
    app.config.update(PIEHUB_PATH="/rooms/ws", PIEHUB_ALLOWED_ORIGINS="*")
    pie = PieHub(app)
    pie.authorize(lambda: request.args.get("team") == "blue")
    return app
