"""Who guesses passwords, and what that does to others."""

import pytest

from piehub.rooms.entry import Refused


def guess(hub, client, password="wrong"):
    """Try a password; return why it was refused."""
    with pytest.raises(Refused) as refused:
        hub.join(client, password=password)
    return str(refused.value)


def test_after_five_wrong_passwords_in_a_minute_the_right_one_is_refused_too(hub):
    anna, bert = hub.clients("anna bert")
    hub.join(anna, password="right")
    for _ in range(5):
        assert "incorrect password" in guess(hub, bert)
    for password in ("wrong", "right", None):
        assert "Too many wrong passwords" in guess(hub, bert, password)
    hub.clock.advance(12)
    hub.join(bert, password="right")


def test_wrong_passwords_count_for_all_of_an_address_and_for_nobody_else(hub):
    anna, bert, carl, dora = hub.clients("anna bert carl dora")
    hub.join(anna, password="right")
    bert.network = carl.network = "one house"
    for _ in range(5):
        guess(hub, bert)
    assert "Too many wrong passwords" in guess(hub, carl, "right")
    hub.join(dora, password="right")


def test_a_client_is_held_to_its_wrong_passwords_wherever_it_comes_from(hub):
    anna, bert = hub.clients("anna bert")
    hub.join(anna, password="right")
    for count in range(5):
        bert.network = f"place {count}"
        guess(hub, bert)
    bert.network = "another place"
    assert "Too many wrong passwords" in guess(hub, bert, "right")


def test_who_has_guessed_too_often_still_joins_rooms_without_a_password(hub):
    anna, bert, carl = hub.clients("anna bert carl")
    hub.join(anna, password="right")
    hub.join(carl, "open")
    for _ in range(6):
        guess(hub, bert)
    with pytest.raises(Refused, match="incorrect password"):  # where there is none to guess
        hub.join(bert, "open", password="any")
    hub.join(bert, "open")


def test_no_password_is_no_guess(hub):
    anna, bert = hub.clients("anna bert")
    hub.join(anna, password="right")
    for _ in range(20):
        assert "incorrect password" in guess(hub, bert, None)
    hub.join(bert, password="right")


def test_a_password_for_a_room_that_has_none_is_no_guess(hub):
    anna, bert, carl = hub.clients("anna bert carl")
    hub.join(anna, "open")
    hub.join(carl, "closed", password="right")
    for _ in range(20):
        with pytest.raises(Refused, match="incorrect password"):
            hub.join(bert, "open", password="any")
    hub.join(bert, "closed", password="right")


def test_with_0_passwords_may_be_tried_without_end(make_hub):
    hub = make_hub(password_attempts=0)
    anna, bert = hub.clients("anna bert")
    hub.join(anna, password="right")
    for _ in range(50):
        assert "incorrect password" in guess(hub, bert)
    assert len(hub.registry._entry._passwords._by_client) == 0


def test_behind_a_proxy_that_was_not_named_who_guesses_shuts_nobody_else_out(hub):
    anna, bert, carl = hub.clients("anna bert carl")
    hub.join(anna, password="right")
    bert.network = carl.network = ""
    for _ in range(5):
        guess(hub, bert)
    assert "Too many wrong passwords" in guess(hub, bert, "right")
    hub.join(carl, password="right")
