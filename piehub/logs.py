"""How the stand-alone hub logs: lines for people, or JSON objects for machines."""

from __future__ import annotations

import json
import logging
import time

from piehub.settings import Settings

_TEXT = logging.Formatter("%(asctime)s %(levelname)s %(message)s", "%Y-%m-%d %H:%M:%S")


def configure(settings: Settings) -> None:
    """Send the log of "piehub" to standard error. An app that configures its own logging does not
    call this."""
    handler = logging.StreamHandler()
    handler.setFormatter(_Json() if settings.log_format == "json" else _TEXT)
    log = logging.getLogger("piehub")
    log.handlers = [handler]
    log.propagate = False
    log.setLevel(settings.log_level)


class _Json(logging.Formatter):
    """One object a line, in UTC: the message, and the figures in it as fields of their own."""

    converter = staticmethod(time.gmtime)

    def format(self, record: logging.LogRecord) -> str:
        entry = {
            "time": f"{self.formatTime(record, '%Y-%m-%dT%H:%M:%S')}.{int(record.msecs):03}Z",
            "level": record.levelname,
            "message": record.getMessage(),
            **(record.args if isinstance(record.args, dict) else {}),
        }
        if record.exc_info:
            entry["traceback"] = self.formatException(record.exc_info)
        return json.dumps(entry)
