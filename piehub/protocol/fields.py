"""Read typed fields from a JSON object, and say what is wrong with those that are not."""

from __future__ import annotations

from typing import Any

from piehub.protocol.limits import DEFAULT

MAX_SAFE_INTEGER = 2**53 - 1  # the last one that JavaScript counts to


class BadMessage(Exception):
    """A message that the hub cannot take; the text says what is wrong and what would be right.

    `func` names the promise that the sender waits on, when it is known.
    """

    def __init__(self, text: str, func: str | None = None) -> None:
        super().__init__(text)
        self.func = func


class Check:
    """Reads the fields of one object; null is as if it were not there.

    where: what to put before a field's name in an error, such as "roomInfo.".
    func: the promise that waits on the message. longest: characters of a text.
    Every method raises BadMessage.
    """

    def __init__(
        self, fields: dict[str, Any], where: str, func: str | None, longest: int = DEFAULT.name
    ) -> None:
        self._fields = fields
        self._where = where
        self._func = func
        self._longest = longest

    def wrong(self, field: str, right: str) -> BadMessage:
        found = kind(self._fields.get(field))
        return BadMessage(f"{self._where}{field} must be {right}, not {found}", self._func)

    def text(self, field: str) -> str | None:
        value = self._fields.get(field)
        if value is None:
            return None
        if not isinstance(value, str):
            raise self.wrong(field, "text")
        if len(value) > self._longest:
            raise BadMessage(
                f"{self._where}{field} has {len(value)} characters; at most {self._longest} are "
                "allowed",
                self._func,
            )
        return value

    def secret(self, field: str) -> str | None:
        """A text whose value no error may show."""
        value = self._fields.get(field)
        if value is None or isinstance(value, str):
            return self.text(field)
        raise BadMessage(f"{self._where}{field} must be text", self._func)

    def optional_name(self, field: str, default: str) -> str:
        value = self.text(field)
        return default if value is None else value

    def name(self, field: str) -> str:
        value = self.text(field)
        if not value:
            raise self.wrong(field, "a non-empty text")
        return value

    def boolean(self, field: str) -> bool | None:
        value = self._fields.get(field)
        if value is None or isinstance(value, bool):
            return value
        raise self.wrong(field, "true or false")

    def _number(self, field: str, right: str) -> float | None:
        value = self._fields.get(field)
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise self.wrong(field, right)
        return value

    def whole(self, field: str, least: int, most: int = MAX_SAFE_INTEGER) -> int | None:
        right = f"an integer of {least} or more"
        if most != MAX_SAFE_INTEGER:
            right = f"an integer from {least} to {most}"
        value = self._number(field, right)
        if value is None:
            return None
        if value > most:
            raise self.wrong(field, f"an integer from {least} to {most}")
        if value < least or value != int(value):
            raise self.wrong(field, right)
        return int(value)

    def milliseconds(self, field: str, most: int) -> float | None:
        right = f"a number of milliseconds above 0 and at most {most}"
        value = self._number(field, right)
        if value is not None and not 0 < value <= most:
            raise self.wrong(field, right)
        return value


def kind(value: Any) -> str:
    """Name a JSON value for an error text: small ones whole, the others by their type."""
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return f"the text {value!r}" if len(value) <= 40 else "a long text"
    if isinstance(value, int | float):
        return f"{value:g}" if abs(value) < 1e300 else "a huge number"
    return "a list" if isinstance(value, list) else "an object"
