"""What the front door takes for a plain upgrade, held against gunicorn's own reading of it."""

import random
from itertools import count

import pytest
from gunicorn.config import Config
from gunicorn.http.message import Request
from gunicorn.http.unreader import IterUnreader
from gunicorn.http.wsgi import create

from piehub.serve.plain_upgrade import MOST_BYTES, recognise

HEAD = (
    b"GET /ws?clientId=anna&resumeToken=a.b-c%20d HTTP/1.1\r\n"
    b"Host: hub.example.com:8080\r\n"
    b"Upgrade: websocket\r\n"
    b"Connection: keep-alive, Upgrade\r\n"
    b"Sec-WebSocket-Version: 13\r\n"
    b"Sec-WebSocket-Key: MDEyMzQ1Njc4OWFiY2RlZg==\r\n"
    b"Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n"
    b"Origin: https://example.com\r\n"
    b"Cookie: a=b; c=\r\n"
    b"X-Forwarded-Proto: https\r\n"
    b"\r\n"
)
ODD = [b"\r\n", b"\n", b"\r", b"\t", b" ", b":", b",", b"\0", b"\x80", b"_", b"#"]
CONFIG = Config()
HERE = ("127.0.0.1", 40000)


def gunicorns(data, address=HERE):
    """The environ that gunicorn makes of it, and what it has left of `data`. Raises where it
    refuses."""
    unreader = IterUnreader([data])
    request = Request(CONFIG, unreader, address)
    _, environ = create(request, None, address, ("127.0.0.1", 8080), CONFIG)
    return environ, unreader.take_buffered()


@pytest.mark.parametrize(
    "address", [HERE, ("::1", 40000, 0, 0), ("fe80::1%eth0", 40000, 0, 2), "", "/a/path", b"\0name"]
)
def test_the_environ_is_gunicorns(address):
    asked = recognise(HEAD, "/ws", address)
    environ, _ = gunicorns(HEAD, address)
    assert len(asked.environ) > 12
    assert asked.environ == {name: environ.get(name) for name in asked.environ}
    missing = environ.keys() - asked.environ.keys()
    assert not [name for name in missing if name.startswith(("HTTP_", "REMOTE_", "REQUEST_", "Q"))]


def test_the_size_is_that_of_the_head_alone():
    assert recognise(HEAD + b"\x81\x80\x00\r\n\r\n", "/ws", HERE).size == len(HEAD)


def test_a_head_that_is_not_whole_is_not_recognised():
    assert not any(recognise(HEAD[:size], "/ws", HERE) for size in range(len(HEAD)))


@pytest.mark.parametrize("path", ["/", "/w", "/wss", "/ws/", "/WS", "/ws?clientId=anna"])
def test_another_path_is_not_recognised(path):
    assert recognise(HEAD, path, HERE) is None


def spoiled(luck):
    """HEAD with a few bytes changed, put in, left out, or lines said twice."""
    lines = HEAD.split(b"\r\n")
    if luck.random() < 0.3:
        lines.insert(luck.randrange(len(lines)), luck.choice(lines))
    data = bytearray(b"\r\n".join(lines))
    for _ in range(luck.choice((1, 1, 2, 4))):
        at = luck.randrange(len(data))
        new = luck.choice((luck.choice(ODD), b"", b"a", bytes([luck.randrange(256)])))
        data[at : at + luck.randrange(3)] = new
    return bytes(data)


def test_whatever_is_recognised_gunicorn_reads_in_the_same_way():
    luck, recognised = random.Random(2), 0
    for _ in range(1500):
        data = spoiled(luck)
        if asked := recognise(data, "/ws", HERE):
            recognised += 1
            environ, left = gunicorns(data)
            assert asked.environ == {name: environ.get(name) for name in asked.environ}, data
            assert environ["PATH_INFO"] == "/ws"
            assert data[asked.size :] == left
    assert 200 < recognised < 1300


def test_as_many_lines_and_bytes_as_are_recognised_gunicorn_reads():
    filled = HEAD
    for number in count():
        more = filled[:-2] + b"X-%d: %b\r\n\r\n" % (number, b"x" * 50)
        if recognise(more, "/ws", HERE) is None:
            break
        filled = more
    long_line = b"GET /ws?" + b"x" * 3980 + HEAD[HEAD.index(b" HTTP") :]
    longer = b"GET /ws?" + b"x" * 4090 + HEAD[HEAD.index(b" HTTP") :]
    one_field = HEAD[:-2] + b"X: " + b"x" * (MOST_BYTES - len(HEAD) - 5) + b"\r\n\r\n"
    assert len(one_field) == MOST_BYTES
    for data in (filled, long_line, one_field):
        assert recognise(data, "/ws", HERE)
        assert gunicorns(data)
    assert recognise(longer, "/ws", HERE) is None
