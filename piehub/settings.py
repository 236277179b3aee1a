"""Every setting: its name, type, default, what is allowed, and one line of help.

docs/settings.md is made from it by `make docs`.
"""

from __future__ import annotations

import dataclasses
import difflib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from piehub.addresses import Proxies
from piehub.kinds import (
    BOOLEAN,
    COUNT,
    DEPTH,
    DURATION,
    NUMBER,
    ORIGINS,
    PATH,
    POSITIVE,
    PROXIES,
    SECONDS,
    SECRET,
    TEXT,
    TOKEN,
    Kind,
    one_of,
)
from piehub.origins import Origins

PREFIX = "PIEHUB_"
OWN_ID_BYTES = 39  # of an id that the hub makes, where the clients of a room are named


class SettingError(ValueError):
    """A setting is wrong; the text names it, its value, and what would do."""


def _setting(default: Any, kind: Kind, text: str) -> Any:
    return dataclasses.field(default=default, metadata={"kind": kind, "help": text})


@dataclass(frozen=True)
class Settings:
    """The settings of one hub. `path` is PIEHUB_PATH, and so on."""

    path: str = _setting("/", PATH, "Where clients open their WebSocket.")
    serve_client: bool = _setting(
        True, BOOLEAN, "Whether the browser client is served, at `/pie.js` and `/pie.d.ts`."
    )
    allow_stats: bool = _setting(True, BOOLEAN, "Whether GetStats is answered with figures.")
    max_clients: int = _setting(
        20_000,
        POSITIVE,
        "Clients at once in this process, if it may open files for as many (three quarters of "
        "`ulimit -Hn`, less 64); those beyond are refused with 503.",
    )
    max_clients_per_address: int = _setting(
        0,
        COUNT,
        "Clients at once from one address (of IPv6, from one network of 64 bits), 0 is no limit; "
        "those beyond get 429.",
    )
    allowed_origins: Origins = _setting(  # noqa: RUF009, a tuple
        Origins(),
        ORIGINS,
        "Whose pages may connect: `*` is any, `same` those of the hub's own host, by http or "
        "https. None: any, but with `authorize` those of its own host.",
    )
    trusted_proxies: Proxies = _setting(  # noqa: RUF009, a tuple
        Proxies(), PROXIES, "Whose X-Forwarded-For is believed to say where a client comes from."
    )
    max_message_bytes: int = _setting(
        65_536, POSITIVE, "The largest message a client may send, in bytes; over it: close 1009."
    )
    max_fragments: int = _setting(
        1024, POSITIVE, "Frames that one message may come in; over it: close 1008."
    )
    message_timeout: float = _setting(
        30.0,
        NUMBER,
        "Seconds in which a message that has begun must be here, 0 is any time; over it: close "
        "1008.",
    )
    max_depth: int = _setting(
        32, DEPTH, "Arrays and objects in each other in a message; deeper ones are refused."
    )
    compression: bool = _setting(
        False, BOOLEAN, "Whether clients that offer permessage-deflate get it."
    )
    rate_limit: float = _setting(
        60.0,
        NUMBER,
        "Messages a second for a client, 0 is no limit; over it: close 4429. What has a long "
        "answer counts for more.",
    )
    rate_burst: int = _setting(
        120, POSITIVE, "Messages that a client may send at once before the rate limit bites."
    )
    outbox_bytes: int = _setting(
        1_048_576, POSITIVE, "Bytes that may wait for a slow client; over it: close 4413."
    )
    outboxes_bytes: int = _setting(
        0,
        COUNT,
        "Bytes that may wait for all slow clients together, with what has come from clients and "
        "is not dealt with; 0 is a quarter of the memory. Over it, those with most are closed "
        "with 4413.",
    )
    stall_timeout: float = _setting(
        10.0,
        DURATION,
        "Seconds in which a client held up by its outbox must take a byte, or 4413; and whoever "
        "asks a stand-alone hub for a page, some of it.",
    )
    ping_interval: float = _setting(
        25.0, SECONDS, "Seconds of silence by which a client is pinged, 0 is never."
    )
    ping_timeout: float = _setting(
        20.0, DURATION, "Seconds that a ping may stay unanswered; over it: close 4408."
    )
    require_join: bool = _setting(
        False, BOOLEAN, "Whether clients that join nothing are closed (1008)."
    )
    join_timeout: float = _setting(
        30.0, DURATION, "Seconds until a client must have joined something, where that is required."
    )
    header_timeout: float = _setting(
        10.0,
        DURATION,
        "Seconds for the head of a request, and for a TLS handshake. Under gunicorn they are "
        "rounded to whole ones, its --keep-alive, if it is set, goes before them, and a head that "
        "comes in pieces may take twice as long.",
    )
    max_rooms: int = _setting(
        10_000,
        POSITIVE,
        "Rooms at once; for one more, an empty one goes, or who would make it is refused.",
    )
    room_rate: float = _setting(
        50.0,
        NUMBER,
        "Rooms that all clients together may make at once, and then so many a second (50: then one "
        "every 20 ms); 0 is no limit.",
    )
    room_rate_per_client: float = _setting(
        5.0,
        NUMBER,
        "Rooms that one client may make at once, and then so many a second (5: then one every "
        "200 ms); 0 is no limit.",
    )
    max_members: int = _setting(
        5_000, POSITIVE, "Clients in one room, whatever its own maxClients; no more may join."
    )
    password_attempts: int = _setting(
        5,
        COUNT,
        "Wrong passwords of a client, and of an address, at once, and then so many a minute (5: "
        "then one every 12 s); 0 is no limit.",
    )
    max_name: int = _setting(
        200, POSITIVE, "Characters of a room's app, name, version and password, and of togetherId."
    )
    max_client_id: int = _setting(
        128, POSITIVE, "Characters of an id that a client asks for; longer ones get 400."
    )
    max_whisper_ids: int = _setting(1000, POSITIVE, "Clients that one whisper may name.")
    max_together_groups: int = _setting(
        32,
        POSITIVE,
        "Together groups that may wait in a room; more are refused to who begins them.",
    )
    together_bytes: int = _setting(
        268_435_456,
        POSITIVE,
        "Bytes that may wait together in all rooms, at most an eighth of the memory; beyond, to "
        "each room a share.",
    )
    max_together_timeout_ms: int = _setting(
        600_000, POSITIVE, "The longest togetherTimeoutMs that a room may have, in milliseconds."
    )
    room_cleanup_delay: float = _setting(
        300.0, SECONDS, "Seconds that an empty room keeps its settings, 0 goes at once."
    )
    rejoin_window: float = _setting(
        30.0, SECONDS, "Seconds after the start in which clients that rejoin make their room again."
    )
    history_seconds: float = _setting(
        120.0, DURATION, "Seconds for which a room made with `history` keeps a message."
    )
    history_bytes: int = _setting(
        67_108_864, POSITIVE, "Bytes that all such messages may take; then the oldest go."
    )
    host_app: str = _setting("", TEXT, "The host app for every room, as `module:Class`.")
    secret_key: str = _setting(
        "", SECRET, "Signs resume tokens; Flask's SECRET_KEY, else a random one for each start."
    )
    admin_token: str = _setting(
        "",
        TOKEN,
        "Opens what operators see: `/dashboard`, `/api` and `/metrics`. None: they are not there.",
    )
    metrics_token: str = _setting(
        "", TOKEN, "Opens `/metrics` alone, so that who collects them need not hold the other."
    )
    log_format: str = _setting(
        "text",
        one_of("text", "json"),
        "How the stand-alone hub logs: lines for people, or for machines.",
    )
    log_level: str = _setting(
        "INFO",
        one_of("DEBUG", "INFO", "WARNING", "ERROR"),
        "What the stand-alone hub logs: this, and what is worse.",
    )

    @property
    def envelope_bytes(self) -> int:
        """That the hub may add to a message: the sender's id, four bytes a character, and more."""
        return 512 + 4 * self.max_client_id


FIELDS = {PREFIX + field.name.upper(): field for field in dataclasses.fields(Settings)}


def load(config: Mapping[str, Any]) -> Settings:
    """Check every PIEHUB_ entry of a Flask config or of the environment. Raises SettingError."""
    settings = Settings(**read(config))
    _check_outbox(settings)
    return settings


def read(config: Mapping[str, Any]) -> dict[str, Any]:
    """Check each entry by itself; whether they go together is not known before all are here.

    Raises SettingError.
    """
    values = {}
    for name in config:
        if not name.startswith(PREFIX):
            continue
        if name not in FIELDS:
            close = difflib.get_close_matches(name, FIELDS, 1, 0.8)
            hint = (
                f"did you mean {close[0]}?" if close else "docs/settings.md lists those there are."
            )
            raise SettingError(f"{name} is no setting of piehub; {hint}")
        field = FIELDS[name]
        kind: Kind = field.metadata["kind"]
        value = kind.parse(config[name])
        if value is None:
            shown = "wrong" if kind.is_secret else repr(config[name])
            raise SettingError(f"{name} is {shown}; it must be {kind.right}")
        values[field.name] = value
    return values


def _check_outbox(settings: Settings) -> None:
    """Raise SettingError if the parts of it that rooms may use are too small for what they hold."""
    size = settings.outbox_bytes
    least = 2 * (settings.max_message_bytes + settings.envelope_bytes)
    if size < least:
        raise SettingError(
            f"PIEHUB_OUTBOX_BYTES is {size}; it must be at least {least}, as half of it must hold "
            f"the longest message (PIEHUB_MAX_MESSAGE_BYTES, {settings.max_message_bytes}) and "
            f"the {settings.envelope_bytes} bytes that the hub may add"
        )
    least = 4 * OWN_ID_BYTES * settings.max_members
    if size < least:
        raise SettingError(
            f"PIEHUB_OUTBOX_BYTES is {size}; it must be at least {least}, as a quarter of it must "
            f"hold the ids of all clients that may be in a room, {OWN_ID_BYTES} bytes each, or "
            f"PIEHUB_MAX_MEMBERS ({settings.max_members}) at most {size // 4 // OWN_ID_BYTES}"
        )


def document() -> str:
    """docs/settings.md."""
    lines = [
        "# Settings",
        "",
        "The stand-alone hub reads them from the environment, the Flask extension from",
        "`app.config`. Each is checked at start; a name that is not here is refused, so that a",
        "slip of the pen is seen.",
        "",
        "| name | default | takes | what it does |",
        "|---|---|---|---|",
    ]
    for name, field in FIELDS.items():
        default = (
            "none" if field.default in ("", Proxies(), Origins()) else f"`{_shown(field.default)}`"
        )
        lines.append(
            f"| `{name}` | {default} | {field.metadata['kind'].right} | {field.metadata['help']} |"
        )
    return "\n".join(lines) + "\n"


def _shown(value: Any) -> str:
    if isinstance(value, bool):
        return str(int(value))
    return f"{value:g}" if isinstance(value, float) else str(value)
