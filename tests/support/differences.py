"""What wsproto and websockets are to make of a client's frames: what our reader makes of them, but
for these differences, each with its reason. None of them has limits here.

Once our reader fails nothing more is read; so the others get no frame after that one.
"""

import zlib

from piehub.wire.close_codes import BAD_TEXT, PROTOCOL_ERROR
from piehub.wire.frames import CLOSE, CONTINUATION, FIN, RSV1, TEXT
from tests.support.readers import Outcome, by_us, is_utf8
from tests.support.streams import Frame

TAIL = b"\x00\x00\xff\xff"  # what a sender has cut off a compressed message


def for_wsproto(frames, *, inflates):
    """The frames to give it, and the outcome to expect."""
    given, outcome = _read(_first_streams(frames), frames, inflates=inflates)
    for difference in (_waits, _takes_half_a_pair, _takes_what_is_cut_off, _knows_no_1014):
        given, outcome = difference(given, outcome)
    if given and (given[-1].claims or 0) >> 63 and not _has_closed(outcome):
        outcome = Outcome(outcome.messages, PROTOCOL_ERROR)  # no length has its first bit set
    if inflates:
        given = _one_too_many_without_payload(_control_frames_first(given), outcome)
    return given, outcome


def for_websockets(frames, **options):
    """The same. options: our reader's."""
    seen = [_in_shortest_form(frame) for frame in _first_streams(frames)]
    given, outcome = _read(seen, frames, **options)
    for difference in (_waits, _takes_half_a_pair, _takes_what_is_cut_off, _wants_messages_ended):
        given, outcome = difference(given, outcome)
    if outcome.code == BAD_TEXT and _inflated(given) is None:
        # RFC 7692 names no code; and it inflates all of a frame before the text is looked at.
        outcome = Outcome(outcome.messages, PROTOCOL_ERROR)
    return given, outcome


def _read(seen, frames, **options):
    given = []

    def chunks():
        for frame, instead in zip(frames, seen, strict=True):
            given.append(frame)
            yield instead.encode()

    return given, by_us(chunks(), **options)


def _waits(frames, outcome):
    """They ask whether a frame may stand where it does once its payload is there."""
    if frames and frames[-1].claims and outcome.code == PROTOCOL_ERROR:
        return frames, Outcome(outcome.messages)
    return frames, outcome


def _takes_half_a_pair(frames, outcome):
    """Python's decoder, which they rely on, holds the first two bytes of a surrogate for the start
    of a character, until the third comes or the message ends. So that is ended for them."""
    goes_on = outcome.reason.startswith("text is not UTF-8") and not frames[-1].first & FIN
    if goes_on and is_utf8(_inflated(frames), final=False):
        return [*frames, Frame(FIN | CONTINUATION)], outcome
    return frames, outcome


def _takes_what_is_cut_off(frames, outcome):
    """They do not ask zlib whether a message's compressed data is whole."""
    if not outcome.reason.startswith("compressed data is") or not frames[-1].first & FIN:
        return frames, outcome
    payload = _inflated(frames)
    if payload is None:
        return frames, outcome
    opcode = _last_message(frames)[0].first & 15
    if opcode == TEXT and not is_utf8(payload):
        return frames, Outcome(outcome.messages, BAD_TEXT)
    return frames, Outcome([*outcome.messages, (opcode, payload)])


def _knows_no_1014(frames, outcome):
    """It was registered after RFC 6455, for a gateway that got no good answer."""
    if outcome.messages[-1:] == [(CLOSE, b"\x03\xf6")]:
        return frames, Outcome(outcome.messages[:-1], PROTOCOL_ERROR)
    return frames, outcome


def _wants_messages_ended(frames, outcome):
    """It refuses a close frame in the middle of a message, which RFC 6455 (section 5.4) allows."""
    if _has_closed(outcome):
        before = frames[: next(at for at, frame in enumerate(frames) if frame.first & 15 == CLOSE)]
        data = [frame for frame in before if not frame.is_control]
        if data and not data[-1].first & FIN:
            return frames, Outcome(outcome.messages[:-1], PROTOCOL_ERROR)
    return frames, outcome


def _has_closed(outcome):
    return bool(outcome.messages) and outcome.messages[-1][0] == CLOSE


def _in_shortest_form(frame):
    """websockets takes a length in any of its forms."""
    return frame if frame.claims else frame._replace(width=None)


def _first_streams(frames):
    """They inflate no more of a message than its first DEFLATE stream; RFC 7692 (section 7.2.3.4)
    has room for several."""
    seen, stream, unread = [], None, 0
    for frame in frames:
        payload = frame.payload
        if not frame.is_control:
            if frame.first & 15:
                stream = zlib.decompressobj(-zlib.MAX_WBITS) if frame.first & RSV1 else None
                unread = 0
            if stream:
                try:
                    stream.decompress(payload)
                except zlib.error:
                    break
                more = len(stream.unused_data) - unread
                payload = payload[: len(payload) - more]
                unread += more
        seen.append(frame._replace(payload=payload))
    return seen + frames[len(seen) :]


def _control_frames_first(frames):
    """A control frame within a compressed message makes wsproto forget that it is compressed. So it
    gets them before the message, which comes out behind them in any case."""
    ordered, message = [], []
    for frame in frames:
        (ordered if frame.is_control else message).append(frame)
        if frame.first & FIN and not frame.is_control:
            ordered += message
            message = []
    return ordered + message


def _one_too_many_without_payload(frames, outcome):
    """wsproto inflates what a frame holds before it sees that another message has not ended, and
    may find that corrupt. So there is nothing to inflate."""
    if outcome.reason.startswith("new message"):
        return [*frames[:-1], frames[-1]._replace(first=frames[-1].first & ~FIN, payload=b"")]
    return frames


def _inflated(frames):
    """What zlib makes of the last message by itself; None if that is corrupt."""
    message = _last_message(frames)
    data = b"".join(frame.payload for frame in message)
    if not message or not message[0].first & RSV1:
        return data
    try:
        tail = TAIL if message[-1].first & FIN else b""
        return zlib.decompressobj(-zlib.MAX_WBITS).decompress(data + tail)
    except zlib.error:
        return None


def _last_message(frames):
    """The frames of it."""
    data = [frame for frame in frames if not frame.is_control]
    start = max((at for at, frame in enumerate(data) if frame.first & 15), default=0)
    return data[start:]
