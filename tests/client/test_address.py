import pytest

from piehub.client.address import parse, shown, with_id


@pytest.mark.parametrize(
    ("url", "kept", "client_id"),
    [
        ("ws://hub", "ws://hub/", None),
        ("wss://hub:1/a/b", "wss://hub:1/a/b", None),
        ("https://hub/?x=%20+;&y&&z==1#top", "wss://hub/?x=%20+;&y&&z==1", None),
        ("http://u:p@hub?clientId=a%26b+c&k=1", "ws://u:p@hub/?k=1", "a&b c"),
        ("ws://[::1]:8080/?resumeToken=t&clientId=", "ws://[::1]:8080/", None),
        ("ws://hub/?client%49d=x", "ws://hub/", "x"),
    ],
)
def test_an_address_is_kept_but_for_what_is_ours(url, kept, client_id):
    assert parse(url) == (kept, client_id)


def test_what_is_ours_comes_behind():
    assert with_id("ws://hub/", "a&b", "") == "ws://hub/?clientId=a%26b"
    assert (
        with_id("ws://hub/?k=1", "a", "t+/=") == "ws://hub/?k=1&clientId=a&resumeToken=t%2B%2F%3D"
    )


def test_no_password_nor_token_is_shown():
    assert shown("wss://user:secret@hub:1/path?key=secret") == "wss://hub:1/path"
