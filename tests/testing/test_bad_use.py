"""What is no use of a test client says so, and what would be right."""

import pytest
from flask import Flask

from piehub import PieHub
from piehub.testing import PieTestClient, tick


def test_an_app_without_a_hub_has_no_clients():
    bare = Flask("bare")
    for use in (PieTestClient, lambda app: tick(app, 1)):
        with pytest.raises(RuntimeError, match=r"<Flask 'bare'> has no hub; call init_app first"):
            use(bare)


def test_a_piehub_has_no_clients_of_an_app_that_it_is_not_on(pie):
    with pytest.raises(RuntimeError, match="This PieHub is not on <Flask 'bare'>"):
        pie.test_client(Flask("bare"))
    other = Flask("other")
    PieHub(other)
    with pytest.raises(RuntimeError, match="This PieHub is not on <Flask 'other'>"):
        pie.test_client(app=other)
    with pytest.raises(RuntimeError, match="serves no app yet; call init_app first"):
        PieHub().test_client()


def test_flasks_own_test_client_is_one_of_the_same_app(pie):
    with pytest.raises(ValueError, match=r"one of <Flask 'other'>, not of <Flask 'club'>"):
        pie.test_client(flask_test_client=Flask("other").test_client())


def test_what_is_no_option_of_a_request_is_an_error(pie):
    with pytest.raises(TypeError, match="user"):
        pie.test_client(user="ann")


def test_a_test_client_does_not_inflate(pie):
    with pytest.raises(ValueError, match="offers no extensions"):
        pie.test_client(headers={"Sec-WebSocket-Extensions": "permessage-deflate"})


@pytest.mark.parametrize(
    ("payload", "error"), [({1, 2}, TypeError), (b"x", TypeError), (float("nan"), ValueError)]
)
def test_what_is_no_json_is_not_sent(payload, error, join):
    ann = join()
    with pytest.raises(error, match="What a client says is JSON: "):
        ann.send_data(payload)
    assert ann.payloads() == []


def test_what_has_no_answer_cannot_be_asked(join):
    ann = join()
    with pytest.raises(ValueError, match=r"Data has no answer; use say\(\)"):
        ann.ask("Data", payload=1)
    assert ann.payloads() == []
