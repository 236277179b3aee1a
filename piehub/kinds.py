"""What values a setting takes, and the words for that."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from math import inf
from typing import Any

from piehub.addresses import proxies
from piehub.origins import origins

_SHORTEST = 0.05  # seconds: who looks at a clock more often does little else
_MOST = 10**12  # which has space in a float, too

_TRUE = frozenset({"1", "true", "yes", "on"})
_FALSE = frozenset({"0", "false", "no", "off", ""})


@dataclass(frozen=True)
class Kind:
    """`parse` returns None for what is not `right`. is_secret: a wrong value is not shown."""

    right: str
    parse: Callable[[Any], Any]
    is_secret: bool = False


def _yes_or_no(value: Any) -> bool | None:
    if isinstance(value, bool):
        return value
    word = str(value).strip().lower()
    return True if word in _TRUE else False if word in _FALSE else None


def _integer(least: int, most: float = inf) -> Callable[[Any], int | None]:
    def parse(value: Any) -> int | None:
        try:
            number = int(value) if isinstance(value, str) else value
        except ValueError:
            return None
        is_integer = isinstance(number, int) and not isinstance(number, bool)
        return number if is_integer and least <= number <= most else None

    return parse


def _number(value: Any) -> float | None:
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    try:
        number = float(value)
    except ValueError:
        return None
    return number if 0 <= number < inf else None


def _seconds(value: Any) -> float | None:
    number = _number(value)
    return number if number is None or number == 0 or number >= _SHORTEST else None


def _path(value: Any) -> str | None:
    # As it is in a request, where other characters come encoded, and routed: a double slash is not.
    if isinstance(value, str) and re.fullmatch(r"/[!-~]*", value):
        return None if re.search(r"[<>?#%\\]|//", value) else value
    return None


def _secret(value: Any) -> str | None:
    return (value if value.strip() else "") if isinstance(value, str) else None


def _token(value: Any) -> str | None:
    token = value.strip() if isinstance(value, str) else None
    return token if token is None or re.fullmatch(r"([!-~]{16,})?", token) else None


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None


def one_of(*words: str) -> Kind:
    def parse(value: Any) -> str | None:
        word = str(value).lower()
        return next((known for known in words if known.lower() == word), None)

    return Kind("one of " + ", ".join(words), parse)


BOOLEAN = Kind("1 or 0 (also true, false, yes, no, on, off)", _yes_or_no)
NUMBER = Kind("a number, 0 or more", _number)
SECONDS = Kind(f"0, or a number of {_SHORTEST} or more", _seconds)
DURATION = Kind(f"a number of {_SHORTEST} or more", lambda value: _seconds(value) or None)
COUNT = Kind("an integer of 0 or more, up to 10**12", _integer(0, _MOST))
POSITIVE = Kind("an integer of 1 or more, up to 10**12", _integer(1, _MOST))
# Python's JSON, which the app's own code gets its messages from, has a limit of its own.
DEPTH = Kind("an integer from 1 to 500", _integer(1, 500))
PATH = Kind("a path such as /ws", _path)
TEXT = Kind("text", _text)
SECRET = Kind("text", _secret, is_secret=True)
TOKEN = Kind(
    "text of 16 characters or more, ASCII without blanks; best a long random one",
    _token,
    is_secret=True,
)
PROXIES = Kind("addresses and networks, with commas between them; unix is a UNIX socket", proxies)
ORIGINS = Kind(
    "origins such as https://example.com, with commas between them; * or same. None has a * in it, "
    "and a name that is not ASCII is written with xn--, as browsers write it",
    origins,
)
