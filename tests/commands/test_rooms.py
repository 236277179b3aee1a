"""`flask pie rooms`, and what all commands say that ask a hub which is not there, or no hub."""

import json

import pytest
from flask import Flask, redirect
from gevent.server import StreamServer

from tests.commands.conftest import TOKEN
from tests.support.process import free_port


def told(ran):
    """The one line of a command that failed."""
    assert ran.exit_code == 1, ran.output
    assert ran.stdout == ""
    (line,) = ran.stderr.splitlines()
    assert line.startswith("Error: ")
    return line


def test_rooms_are_a_table(pie, fake):
    fake.add(clients=12, maxClients=20, history=100)
    fake.add(name="back room", version="2", clients=1, hidden=True, isPasswordProtected=True)
    ran = pie("rooms", "--url", fake.url, "--token", TOKEN)
    assert ran.exit_code == 0
    assert ran.stdout.splitlines() == [
        "app   name       version  clients  most  history  is",
        "chat  lobby      1.0.0    12       20    100",
        "chat  back room  2        1                       hidden, protected",
        "2 rooms, 13 clients",
    ]


def test_rooms_are_json_for_machines(pie, fake):
    fake.add(clients=12)
    ran = pie("rooms", "--url", fake.url, "--token", TOKEN, "--json")
    assert json.loads(ran.stdout) == fake.rooms


def test_a_list_of_many_pages_is_told_whole(pie, fake):
    for number in range(2500):
        fake.add(name=f"room {number}")
    ran = pie("rooms", "--url", fake.url, "--token", TOKEN, "--json")
    assert json.loads(ran.stdout) == fake.rooms
    assert [query["offset"] for _, query in fake.asked] == ["0", "1000", "2000"]


def test_a_room_that_slips_to_the_next_page_is_told_once(pie, fake):
    for number in range(1001):
        fake.add(name=f"room {number}")
    again = fake.rooms[999]
    fake.rooms[1000] = again
    ran = pie("rooms", "--url", fake.url, "--token", TOKEN, "--json")
    assert json.loads(ran.stdout).count(again) == 1


def test_the_hub_does_the_searching(pie, fake):
    words = ["--app", "chat", "--name", "a&b", "--version", "1."]
    assert pie("rooms", "--url", fake.url, "--token", TOKEN, *words).exit_code == 0
    ((_, query),) = fake.asked
    wanted = {name: query[name] for name in ("app", "name", "version")}
    assert wanted == {"app": "chat", "name": "a&b", "version": "1."}


def test_a_terminal_is_not_told_what_to_do_by_the_name_of_a_room(pie, fake):
    fake.add(name="\x1b[2Jü\n\u202e")
    ran = pie("rooms", "--url", fake.url, "--token", TOKEN)
    assert "\\x1b[2Jü\\n\\u202e" in ran.stdout
    assert len(ran.stdout.splitlines()) == 3


@pytest.mark.parametrize("answer", ['{"error": "\\u001b[2J\\n"}', "\x1b[2J"])
def test_nor_by_what_the_hub_answers(answer, pie, serve):
    app = Flask(__name__)
    app.add_url_rule("/api/rooms", view_func=lambda: (answer, 400))
    assert "\\x1b[2J" in told(pie("rooms", "--url", serve(app), "--token", TOKEN))


def test_the_token_may_be_the_environments(pie, fake, monkeypatch):
    monkeypatch.setenv("PIEHUB_ADMIN_TOKEN", f" {TOKEN}\n")
    assert pie("rooms", "--url", fake.url).exit_code == 0


def test_the_token_may_be_the_apps(pie, fake):
    ran = pie("rooms", "--url", fake.url, settings={"PIEHUB_ADMIN_TOKEN": TOKEN})
    assert ran.exit_code == 0


def test_without_a_token_nobody_is_asked(pie, fake):
    assert "no token: set PIEHUB_ADMIN_TOKEN" in told(pie("rooms", "--url", fake.url))
    assert not fake.asked


@pytest.mark.parametrize("token", ["two words", "töken", "a\nb"])
def test_a_token_that_no_header_can_carry_is_refused(token, pie, fake):
    line = told(pie("rooms", "--url", fake.url, "--token", token))
    assert "the token has characters that no token has" in line
    assert not fake.asked


def test_a_wrong_token_is_said_with_the_hubs_words(pie, fake):
    line = told(pie("rooms", "--url", fake.url, "--token", "wrong"))
    assert "says 401 (this token is not the hub's): This needs a token." in line


def test_where_no_hub_is_the_url_is_named(pie):
    url = f"http://127.0.0.1:{free_port()}"
    line = told(pie("rooms", "--url", url, "--token", TOKEN))
    assert line == f"Error: no hub answers at {url}: Connection refused"


def test_by_itself_the_hub_of_this_machine_is_asked_on_PORT(pie, monkeypatch):  # noqa: N802
    monkeypatch.setenv("PORT", port := str(free_port()))
    assert f"at http://127.0.0.1:{port}: " in told(pie("rooms", "--token", TOKEN))


@pytest.mark.parametrize(
    "url",
    [
        "",
        "http://",
        "http://:80",
        "ftp://x",
        "http://x:99999",
        "http://[::1",
        "http://a b",
        "file:///",
    ],
)
def test_a_url_that_is_none_is_refused(url, pie):
    assert "is no URL such as http://127.0.0.1:8080" in told(
        pie("rooms", "--url", url, "--token", TOKEN)
    )


@pytest.mark.parametrize(
    "url", ["http://me:pw@localhost", "http://localhost?x", "http://localhost#x"]
)
def test_what_a_url_says_and_nobody_heeds_is_refused(url, pie):
    line = told(pie("rooms", "--url", url, "--token", TOKEN))
    assert "only a host, a port and a path are taken" in line


def test_where_there_is_no_api_what_is_missing_is_said(pie, serve):
    line = told(pie("rooms", "--url", serve(Flask(__name__)), "--token", TOKEN))
    assert "/api: the hub there has no PIEHUB_ADMIN_TOKEN" in line


@pytest.mark.parametrize(
    "answer", ["<h1>Hello</h1>", "[]", "null", '{"rooms": 1}', '{"rooms": [{}]}']
)
def test_what_is_no_hub_is_said(answer, pie, serve):
    app = Flask(__name__)
    app.add_url_rule("/api/rooms", view_func=lambda: answer)
    line = told(pie("rooms", "--url", serve(app), "--token", TOKEN))
    assert "is no hub" in line


def test_who_does_not_speak_http_is_said(pie):
    def babble(client, _):
        client.recv(65536)
        client.sendall(b"\x16\x03\x01\r\n\r\n")

    server = StreamServer(("127.0.0.1", 0), babble)
    server.start()
    line = told(pie("rooms", "--url", f"http://127.0.0.1:{server.server_port}", "--token", TOKEN))
    server.stop()
    assert "what answers there does not speak HTTP" in line


def test_the_token_is_not_taken_along_to_another_server(pie, serve, fake):
    app = Flask(__name__)
    app.add_url_rule("/api/rooms", view_func=lambda: redirect(f"{fake.url}/api/rooms"))
    line = told(pie("rooms", "--url", serve(app), "--token", TOKEN))
    assert f"give --url {fake.url}/api/rooms" in line
    assert not fake.asked


def test_what_is_on_this_machine_is_asked_past_a_proxy(pie, fake, monkeypatch):
    for name in ("http_proxy", "HTTP_PROXY"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{free_port()}")
    assert pie("rooms", "--url", fake.url, "--token", TOKEN).exit_code == 0


def test_an_api_may_be_under_a_path(pie, fake):
    fake.add()
    ran = pie("rooms", "--url", f"{fake.url}/hub/", "--token", TOKEN)
    assert "1 rooms" in ran.stdout
