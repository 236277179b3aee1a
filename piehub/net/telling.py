"""Text on its way to clients: framed once, or twice where some of them take it deflated."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from piehub.wire import deflate, frames


def tell(recipients: Iterable[Any], text: bytes) -> None:
    """Push a text (UTF-8) to each Recipient. Neither blocks nor switches greenlets."""
    plain = frames.text(text)
    deflated: bytes | None = None
    for recipient in recipients:
        if not recipient.outbox.takes_deflated:
            recipient.push(plain)
        else:
            deflated = deflated or deflate.text(text) or plain
            recipient.push(deflated)
