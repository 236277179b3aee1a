"""How the stand-alone hub logs: lines for people, or JSON objects for machines."""

from __future__ import annotations

import json
import logging
import re
import time
from typing import Any

from piehub.settings import Settings


def configure(settings: Settings) -> None:
    """Send the log of "piehub" to standard error. An app that configures its own logging does not
    call this."""
    handler = logging.StreamHandler()
    handler.setFormatter(_Json() if settings.log_format == "json" else _Text())
    log = logging.getLogger("piehub")
    log.handlers = [handler]
    log.propagate = False
    log.setLevel(settings.log_level)


_PLAIN = re.compile(r"[\w.:\[\]-]+", re.ASCII)


def _word(value: Any) -> str:
    """A value that cannot be taken for more than one; an id may hold spaces and signs."""
    text = str(value)
    return text if _PLAIN.fullmatch(text) else json.dumps(text)


class _Text(logging.Formatter):
    """`2026-11-22 20:03:39 INFO client closed id=7 code=1000`"""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)s %(message)s", "%Y-%m-%d %H:%M:%S")

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802, logging's own name
        figures: dict[str, Any] = getattr(record, "figures", {})
        return super().formatMessage(record) + "".join(
            f" {key}={_word(value)}" for key, value in figures.items()
        )


class _Json(logging.Formatter):
    """One object a line, in UTC."""

    converter = staticmethod(time.gmtime)

    def format(self, record: logging.LogRecord) -> str:
        entry = {
            "time": f"{self.formatTime(record, '%Y-%m-%dT%H:%M:%S')}.{int(record.msecs):03}Z",
            "level": record.levelname,
            "message": record.getMessage(),
            **getattr(record, "figures", {}),
        }
        if record.exc_info:
            entry["traceback"] = self.formatException(record.exc_info)
        return json.dumps(entry)
