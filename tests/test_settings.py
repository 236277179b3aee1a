from pathlib import Path

import pytest

from piehub import settings
from piehub.settings import SettingError, load, read

DOCS = Path(__file__).parents[1] / "docs"


def test_the_settings_page_is_what_the_code_says():
    assert (DOCS / "settings.md").read_text() == settings.document(), "run: make docs"


def test_what_is_not_set_has_its_default():
    defaults = load({"OTHER": 1})
    assert (defaults.path, defaults.rate_limit, defaults.max_message_bytes) == ("/", 60, 65536)


@pytest.mark.parametrize(
    ("name", "given", "value"),
    [
        ("ALLOW_STATS", "off", False),
        ("ALLOW_STATS", "1", True),
        ("ALLOW_STATS", " Yes ", True),
        ("ALLOW_STATS", "", False),
        ("MAX_MESSAGE_BYTES", "1", 1),
        ("ALLOW_STATS", False, False),
        ("RATE_LIMIT", "0", 0),
        ("RATE_LIMIT", "1.5", 1.5),
        ("MAX_MESSAGE_BYTES", "1000", 1000),
        ("ROOM_CLEANUP_DELAY", 0, 0),
        ("LOG_FORMAT", "JSON", "json"),
        ("LOG_LEVEL", "debug", "DEBUG"),
        ("PATH", "/ws", "/ws"),
        ("PATH", "/", "/"),
        ("PATH", "/chat/v1.0/~me", "/chat/v1.0/~me"),
        ("PING_INTERVAL", "0", 0),
        ("PING_TIMEOUT", "0.05", 0.05),
    ],
)
def test_a_setting_is_read_from_text_and_from_values(name, given, value):
    assert getattr(load({f"PIEHUB_{name}": given}), name.lower()) == value


@pytest.mark.parametrize(
    ("name", "given", "right"),
    [
        ("ALLOW_STATS", "maybe", "1 or 0"),
        ("RATE_LIMIT", "fast", "a number, 0 or more"),
        ("RATE_LIMIT", -1, "a number, 0 or more"),
        ("RATE_LIMIT", True, "a number, 0 or more"),
        ("RATE_LIMIT", "inf", "a number, 0 or more"),
        ("RATE_LIMIT", None, "a number, 0 or more"),
        ("MAX_MESSAGE_BYTES", "0", "an integer of 1 or more"),
        ("MAX_MESSAGE_BYTES", True, "an integer of 1 or more"),
        ("MAX_MESSAGE_BYTES", 1.5, "an integer of 1 or more"),
        ("MAX_MESSAGE_BYTES", "64k", "an integer of 1 or more"),
        ("PATH", "ws", "a path such as /ws"),
        ("PATH", "/room/<name>", "a path such as /ws"),
        ("PATH", "/ws?a=b", "a path such as /ws"),
        ("PATH", "/my hub", "a path such as /ws"),
        ("PATH", "/a//b", "a path such as /ws"),
        ("PATH", "/%41", "a path such as /ws"),
        ("PATH", "/wörld", "a path such as /ws"),
        ("PING_TIMEOUT", 0, "a number of 0.05 or more"),
        ("PING_TIMEOUT", "1e-9", "a number of 0.05 or more"),
        ("PING_INTERVAL", "0.001", "0, or a number of 0.05 or more"),
        ("RATE_BURST", "9" * 400, "an integer of 1 or more, up to 10**12"),
        ("TOGETHER_BYTES", 10**13, "an integer of 1 or more, up to 10**12"),
        ("HOST_APP", 5, "text"),
        ("LOG_FORMAT", "xml", "one of text, json"),
    ],
)
def test_a_wrong_value_is_named_with_what_would_do(name, given, right):
    with pytest.raises(SettingError) as error:
        load({f"PIEHUB_{name}": given})
    assert f"PIEHUB_{name} is {given!r}" in str(error.value)
    assert right in str(error.value)


def test_a_secret_of_blanks_is_none():
    assert load({"PIEHUB_SECRET_KEY": " \n"}).secret_key == ""


def test_a_wrong_secret_is_not_shown():
    with pytest.raises(SettingError, match="PIEHUB_SECRET_KEY is wrong; it must be text") as error:
        load({"PIEHUB_SECRET_KEY": 123456})
    assert "123456" not in str(error.value)


@pytest.mark.parametrize("name", ["ADMIN_TOKEN", "METRICS_TOKEN"])
def test_a_token_has_16_characters_or_more_that_a_header_can_carry(name):
    assert read({f"PIEHUB_{name}": " 0123456789abcdef\n"}) == {name.lower(): "0123456789abcdef"}
    assert read({f"PIEHUB_{name}": " "}) == {name.lower(): ""}
    for wrong in ("0123456789abcde", "0123456789 abcdef", "0123456789abcdéf", 10**20, None):
        with pytest.raises(SettingError) as error:
            read({f"PIEHUB_{name}": wrong})
        assert f"PIEHUB_{name} is wrong; it must be text of 16 characters" in str(error.value)


def test_a_slip_of_the_pen_is_seen():
    with pytest.raises(SettingError, match="did you mean PIEHUB_PING_INTERVAL"):
        load({"PIEHUB_PING_INTERVALL": 5})
    with pytest.raises(SettingError, match=r"docs/settings\.md"):
        load({"PIEHUB_ZZZQQQ": 5})


def sizes(outbox, **others):
    named = {"OUTBOX_BYTES": outbox, **others}
    return {f"PIEHUB_{name}": value for name, value in named.items()}


@pytest.mark.parametrize(
    ("others", "least", "promised"),
    [
        ({}, 780_000, "PIEHUB_MAX_MEMBERS (5000)"),
        ({"MAX_MEMBERS": 1000}, 156_000, "PIEHUB_MAX_MEMBERS (1000)"),
        ({"MAX_MEMBERS": 800}, 133_120, "PIEHUB_MAX_MESSAGE_BYTES, 65536"),
        ({"MAX_MESSAGE_BYTES": 1_000_000}, 2_002_048, "PIEHUB_MAX_MESSAGE_BYTES, 1000000"),
        ({"MAX_MESSAGE_BYTES": 1, "MAX_MEMBERS": 1}, 2050, "PIEHUB_MAX_MESSAGE_BYTES, 1"),
        ({"MAX_CLIENT_ID": 10_000}, 780_000, "PIEHUB_MAX_MEMBERS (5000)"),
        ({"MAX_CLIENT_ID": 100_000}, 932_096, "and the 400512 bytes that the hub may add"),
    ],
)
def test_an_outbox_has_space_in_each_part_for_what_the_other_settings_promise(
    others, least, promised
):
    assert load(sizes(least, **others)).outbox_bytes == least
    with pytest.raises(SettingError) as error:
        load(sizes(least - 1, **others))
    assert f"PIEHUB_OUTBOX_BYTES is {least - 1}; it must be at least {least}" in str(error.value)
    assert promised in str(error.value)


def test_whether_settings_go_together_is_not_asked_of_a_part_of_them():
    assert read({"PIEHUB_MAX_MEMBERS": "10000"}) == {"max_members": 10_000}
    with pytest.raises(SettingError, match="PIEHUB_MAX_MEMBERS is 'many'; it must be"):
        read({"PIEHUB_MAX_MEMBERS": "many"})


def test_what_is_said_of_too_many_members_would_do():
    with pytest.raises(SettingError) as error:
        load(sizes(1_048_576, MAX_MEMBERS=100_000))
    most = int(str(error.value).rpartition(" at most ")[2])
    assert load(sizes(1_048_576, MAX_MEMBERS=most)).max_members == most
    with pytest.raises(SettingError):
        load(sizes(1_048_576, MAX_MEMBERS=most + 1))
