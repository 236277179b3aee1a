"""What strangers learn of rooms that are hidden or protected: that a guess was right, no more."""

import json

import pytest

from piehub.protocol import outgoing
from piehub.protocol.incoming import Search
from piehub.rooms.entry import Refused

SECRETS = ("cellar", "open sesame", "anna", "bert")


@pytest.fixture
def cellar(hub):
    """A hub with a hidden, protected room, in which anna and bert talk; and a stranger."""
    anna, bert = hub.clients("anna bert")
    for client in (anna, bert):
        hub.join(client, "cellar", hidden=True, password="open sesame", max_clients=2)
    hub.say(anna, "psst")
    return hub, anna, bert, hub.client("stranger")


def refusal(ask, *args, **fields):
    with pytest.raises(Refused) as caught:
        ask(*args, **fields)
    return str(caught.value)


def test_no_list_and_no_figure_names_a_hidden_room_or_who_is_in_it(cellar):
    hub, *_ = cellar
    searches = (Search(), Search(details=True), Search(app="app", name="cellar"))
    told = [outgoing.rooms(hub.registry.search(search)) for search in searches]
    told.append(outgoing.stats(hub.registry.stats()))
    assert not [secret for secret in SECRETS for text in told if secret in text.decode()]
    assert json.loads(told[-1])["stats"]["roomsHidden"] == 1


def test_the_figures_of_a_protected_room_say_that_it_is_and_not_who_is_in_it(hub):
    hub.join(hub.client("anna"), "club", password="open sesame")
    text = outgoing.stats(hub.registry.stats()).decode()
    assert '"isPasswordProtected":true' in text
    assert not [secret for secret in SECRETS if secret in text]


def test_a_wrong_password_is_told_the_same_whether_or_not_the_room_is_full(cellar):
    hub, anna, _, stranger = cellar
    wrong = [refusal(hub.join, stranger, "cellar", password="guess")]
    hub.registry.leave(anna)
    wrong.append(refusal(hub.join, stranger, "cellar", password="guess"))
    assert wrong == ["Client attempted to join room with incorrect password."] * 2
    assert stranger.heard() == []


def test_who_has_no_password_is_told_the_same_as_who_has_a_wrong_one(cellar):
    hub, _, _, stranger = cellar
    told = {refusal(hub.join, stranger, "cellar", password=said) for said in (None, "x")}
    assert told == {"Client attempted to join room with incorrect password."}


def test_a_stranger_whispers_to_nobody_and_learns_of_nobody(cellar):
    hub, anna, bert, stranger = cellar
    anna.heard()
    bert.heard()
    told = {refusal(hub.whisper, stranger, "hi", [one]) for one in ("anna", "nobody")}
    assert told == {'Cannot echo to room, missing "client.room"'}
    hub.join(stranger, "elsewhere")
    stranger.heard()
    hub.whisper(stranger, "hi", ["anna", "bert", "nobody"])
    assert anna.heard() == bert.heard() == stranger.heard() == []


def test_no_promise_and_no_setting_shows_a_password(cellar):
    hub, anna, *_ = cellar
    assert "open sesame" not in b"".join(anna.frames).decode()
    assert "open sesame" not in repr(hub.registry.place_of(anna))
    assert "open sesame" not in repr(hub.registry.views())
