"""Three readers of what clients send: ours, wsproto's, and that of websockets."""

import codecs
import logging
from typing import NamedTuple

from websockets.extensions.permessage_deflate import PerMessageDeflate
from websockets.protocol import OPEN
from websockets.server import ServerProtocol
from wsproto.extensions import PerMessageDeflate as WsprotosDeflate
from wsproto.frame_protocol import FrameProtocol, ParseFailed

from piehub.wire.close_codes import BAD_TEXT, NO_STATUS
from piehub.wire.frames import CLOSE, CONTINUATION, TEXT, WireError
from piehub.wire.reader import Reader

NO_LIMIT = 2**62 + 2**61
SILENT = logging.getLogger("tests.readers")
SILENT.disabled = True


class Outcome(NamedTuple):
    """What was read, as (opcode, payload), and the close code and the reason of the failure."""

    messages: list
    code: int | None = None
    reason: str = ""


def by_us(chunks, *, max_message_bytes=NO_LIMIT, max_fragments=NO_LIMIT, inflates=False):
    reader = Reader(
        max_message_bytes=max_message_bytes, max_fragments=max_fragments, inflates=inflates
    )
    messages = []
    try:
        for chunk in chunks:
            messages += iter(reader.feed(chunk))
    except WireError as error:
        return Outcome(messages, error.code, error.reason)
    return Outcome(messages)


def by_wsproto(stream, *, inflates=False):
    """It has no limits."""
    extension = WsprotosDeflate(client_no_context_takeover=True)
    extension.finalize("")
    protocol = FrameProtocol(client=False, extensions=[extension] if inflates else [])
    protocol.receive_bytes(stream)
    messages, parts = [], []
    try:
        for opcode, payload, _, is_whole in protocol.received_frames():
            if opcode == CLOSE:
                code, reason = payload
                sent = b"" if code == NO_STATUS else code.to_bytes(2, "big")
                messages.append((CLOSE, sent + reason.encode()))
            elif opcode & 8:
                messages.append((opcode, bytes(payload)))
            else:
                parts.append(payload.encode() if opcode == TEXT else payload)
                if is_whole:
                    messages.append((opcode, b"".join(parts)))
                    parts = []
    except ParseFailed as error:
        return Outcome(messages, error.code, str(error))
    return Outcome(messages)


def by_websockets(stream, *, inflates=False, max_message_bytes=None):
    """It hands out frames; messages are made of them here, as its own connections make them."""
    protocol = ServerProtocol(state=OPEN, max_size=max_message_bytes, logger=SILENT)
    protocol.extensions = [PerMessageDeflate(True, True, 15, 15)] if inflates else []
    protocol.receive_data(stream)
    messages = []
    for frame in protocol.events_received():
        if frame.opcode & 8:
            messages.append((frame.opcode, bytes(frame.data)))
            continue
        if frame.opcode != CONTINUATION:
            opcode, payload = frame.opcode, b""
        payload += frame.data
        if opcode == TEXT and not is_utf8(payload, final=frame.fin):
            return Outcome(messages, BAD_TEXT)
        if frame.fin:
            messages.append((opcode, payload))
    if protocol.parser_exc:
        return Outcome(messages, protocol.close_sent.code, str(protocol.parser_exc))
    return Outcome(messages)


def is_utf8(payload, *, final=True):
    """final: or more may come, as Python's decoder sees it."""
    try:
        codecs.utf_8_decode(payload, "strict", final)
    except UnicodeDecodeError:
        return False
    return True
