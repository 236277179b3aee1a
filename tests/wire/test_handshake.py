"""The answer to an upgrade."""

from piehub.wire.handshake import accept


def test_a_key_is_answered_as_in_the_rfcs_own_example():
    """RFC 6455 section 1.3."""
    assert accept("dGhlIHNhbXBsZSBub25jZQ==") == (
        b"HTTP/1.1 101 Switching Protocols\r\n"
        b"Upgrade: websocket\r\n"
        b"Connection: Upgrade\r\n"
        b"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"
        b"\r\n"
    )


def test_what_was_agreed_on_is_part_of_the_answer():
    answer = accept("dGhlIHNhbXBsZSBub25jZQ==", "permessage-deflate")
    assert answer.endswith(b"\r\nSec-WebSocket-Extensions: permessage-deflate\r\n\r\n")
