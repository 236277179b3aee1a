"""A hub's address, and what a client says of itself in it."""

from __future__ import annotations

from urllib.parse import quote, unquote_plus, urlsplit, urlunsplit

_SCHEMES = {"ws": "ws", "wss": "wss", "http": "ws", "https": "wss"}
_OURS = {"clientId", "resumeToken"}


def parse(url: str) -> tuple[str, str | None]:
    """The address without what is ours, and the clientId that it asks for. Raises ValueError."""
    parts = urlsplit(url)
    _ = parts.port  # raises ValueError for what is none
    if parts.scheme not in _SCHEMES or not parts.hostname:
        example = "ws://localhost:8080 or wss://hub.example"
        raise ValueError(f"url is {url!r}; it must be such as {example}")
    fields = [(field, *_read(field)) for field in parts.query.split("&")]
    # Field by field, as others write a query in other ways than urllib does.
    query = "&".join(field for field, name, _ in fields if name not in _OURS)
    client_id = next((value for _, name, value in fields if name == "clientId" and value), None)
    address = (_SCHEMES[parts.scheme], parts.netloc, parts.path or "/", query, "")
    return urlunsplit(address), client_id


def with_id(url: str, client_id: str, resume_token: str) -> str:
    """The address to connect to."""
    fields = {"clientId": client_id, "resumeToken": resume_token}
    query = "&".join(f"{name}={quote(value, safe='')}" for name, value in fields.items() if value)
    return f"{url}{'&' if '?' in url else '?'}{query}"


def shown(url: str) -> str:
    """Without what a log is not to tell: passwords, tokens."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"


def _read(field: str) -> tuple[str, str]:
    name, _, value = field.partition("=")
    return unquote_plus(name), unquote_plus(value)
