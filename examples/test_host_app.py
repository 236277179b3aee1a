"""How a host app is tested: the room that it lives in is one of a hub in process."""

import pytest
from flask import Flask

from examples.host_app import Greeter
from piehub import PieHub


@pytest.fixture
def join():
    """Let a client join the room."""
    app = Flask(__name__)
    pie = PieHub(app, host_app=Greeter)

    def join():
        client = pie.test_client(app)
        client.join(app="chat", version="1.0.0")
        return client

    return join


def test_newcomers_are_greeted_by_name_and_once(join):
    ann = join()
    bob = join()
    bob.leave()
    assert ann.payloads() == [
        {"text": f"Welcome, {ann.id[:8]}!"},
        {"text": f"Welcome, {bob.id[:8]}!"},
    ]


@pytest.mark.parametrize(
    ("said", "heard"),
    [("Oh, darn!", "Oh, ****!"), ("HECK", "****"), ("darning socks", "darning socks")],
)
def test_rude_words_are_not_heard(said, heard, join):
    ann, bob = join(), join()
    bob.payloads()
    ann.send_data({"text": said, "to": "all"})
    assert bob.payloads() == [{"text": heard, "to": "all"}]


def test_what_has_no_text_is_let_be(join):
    ann = join()
    ann.payloads()
    ann.send_data([1, 2, 3])
    assert ann.payloads() == [[1, 2, 3]]
