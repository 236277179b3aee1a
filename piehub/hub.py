"""What all clients of one app share."""

from __future__ import annotations

import logging
import secrets
from collections import Counter
from collections.abc import Callable
from math import inf
from typing import Any, TypeVar

from flask import Flask
from itsdangerous import BadSignature, TimestampSigner

from piehub import addresses, descriptors, host_app, origins, shares, signals
from piehub.figures import Figures
from piehub.hooks import Hooks
from piehub.host_app import HostApp, Mailbox
from piehub.net import runtime
from piehub.net.connection import Limits
from piehub.net.drain import drain
from piehub.net.heartbeat import Heartbeat
from piehub.net.runtime import CLOCK, Clock, Runtime
from piehub.net.telling import tell
from piehub.origins import Origins
from piehub.protocol import outgoing
from piehub.protocol.incoming import RoomInfo
from piehub.protocol.limits import MessageLimits
from piehub.rooms.limits import RoomLimits
from piehub.rooms.registry import Deliver, Registry, Send
from piehub.settings import Settings

RESUME_SECONDS = 86_400  # for which a resume token is good
CLOCKS_APART = 300  # seconds by which it may come from the future: clocks are set back, or differ

ONLY_OWN_PAGES = (
    "PIEHUB_ALLOWED_ORIGINS is not set: as this app authorizes its clients, only pages of its own "
    "host may connect. Set it to `same` if that is right, to the origins of all your pages, such "
    "as https://example.com, or to `*`."
)

T = TypeVar("T")

log = logging.getLogger("piehub")


class Hub:
    """The state behind one Flask app. `app.extensions["piehub"]` is one of these."""

    def __init__(
        self, app: Flask, settings: Settings, hooks: Hooks, host_app: type[HostApp] | None
    ) -> None:
        self.app = app
        self.settings = settings
        self.hooks = hooks
        self.host_app = host_app
        # All that a message may lead to of the app's own code; looked at whenever bytes arrive.
        self.app_code = (
            [host_app] if host_app else [],
            hooks.on_data,
            hooks.on_join,
            hooks.on_leave,
            signals.data_received.receivers,
            signals.room_joined.receivers,
            signals.room_left.receivers,
        )
        self.limits = Limits(
            max_message_bytes=settings.max_message_bytes,
            outbox_bytes=settings.outbox_bytes,
            rate_limit=settings.rate_limit,
            rate_burst=settings.rate_burst,
            max_fragments=settings.max_fragments,
            stall_timeout=settings.stall_timeout,
            message_timeout=settings.message_timeout,
        )
        self.message_limits = MessageLimits(
            depth=settings.max_depth,
            name=settings.max_name,
            whisper_ids=settings.max_whisper_ids,
            together_timeout_ms=settings.max_together_timeout_ms,
        )
        self._share = share = shares.of(settings)
        self.heartbeat = Heartbeat(
            lambda: self.runtime,
            settings.ping_interval,
            settings.ping_timeout,
            join_timeout=settings.join_timeout if settings.require_join else 0,
            outboxes_bytes=share.outboxes,
        )
        self.figures = Figures(self.heartbeat, lambda: self.registry, self._now_ms)
        if settings.admin_token:
            self.figures.watchers.append(self.figures.sample)
        self._clients = 0  # that are here, or for whom a place is kept
        self._clients_from: Counter[str] = Counter()  # the same, by network, if that is limited
        self._expected: dict[str, int] = {}  # for whom a place is kept, by host
        self._clients_lock = runtime.native_lock()  # guards these, where threads serve
        self.is_draining = False
        self.places = inf  # for clients, in a server that has a thread for each
        self._for_clients: Callable[[], float] = descriptors.for_clients  # whom there are files for
        self._runtime: Runtime | None = None
        self._secret = self._find_secret()
        self._begin(CLOCK)

    def _now_ms(self) -> int:
        return self.clock.now_ms()

    def _begin(self, clock: Clock) -> None:
        """With no rooms, by this clock."""
        settings = self.settings
        self.clock = clock
        self._rejoin_until = clock.monotonic() + settings.rejoin_window
        self.registry = Registry(
            lock=runtime.native_lock(),
            call_later=self._call_later,
            now_ms=clock.now_ms,
            monotonic=clock.monotonic,
            broadcaster=lambda: self.runtime.broadcast,
            tell=tell,
            host_for=self._mailbox if self.host_app else None,
            cleanup_delay=settings.room_cleanup_delay,
            limits=RoomLimits(
                rooms=settings.max_rooms,
                rate=settings.room_rate,
                rate_per_client=settings.room_rate_per_client,
                members=settings.max_members,
                password_attempts=settings.password_attempts,
                together_groups=settings.max_together_groups,
                together_bytes=self._share.together,
                history_seconds=settings.history_seconds,
                history_bytes=self._share.histories,
                outbox_bytes=settings.outbox_bytes,
            ),
        )

    @property
    def runtime(self) -> Runtime:
        """Chosen by the first to serve: the app is often made before gevent patches the process."""
        if self._runtime is None:
            self._runtime = runtime.choose()
            self.figures.begin(self._runtime)
        return self._runtime

    def serve_in_process(self, make: Callable[[], Runtime]) -> Runtime:
        """The runtime. If nobody has been served yet, it is `make()` from here on: for clients
        that have no sockets, and by its own clock."""
        if self._runtime is None:
            self._runtime = make()
            self._for_clients = lambda: inf
            self._begin(self._runtime.clock)
        return self._runtime

    def run(self, function: Callable[[], T], otherwise: T) -> T:
        """Run `function` where rooms may be used, from any thread; `otherwise` if none came yet."""
        if self._runtime is None:  # not for us to choose: we may be in any thread
            return otherwise
        return self._runtime.run(function)

    @property
    def allowed_origins(self) -> Origins:
        """Whose pages may connect. Asked at each connection: hooks may come after the hub."""
        asked = self.settings.allowed_origins
        if asked.named:
            return asked
        return origins.SAME if self.hooks.authorize else origins.ANY

    def tell_of_origins(self) -> None:
        """Say whose pages may connect, where it is neither everybody's nor set."""
        if self.hooks.authorize and not self.settings.allowed_origins.named:
            log.warning(ONLY_OWN_PAGES)

    @property
    def is_full(self) -> bool:
        """Whether there are as many clients as one process is to have, or can have."""
        return self._clients >= min(self.settings.max_clients, self.places, self._for_clients())

    def has_enough_from(self, host: str) -> bool:
        """Whether as many clients as may are from this address."""
        most = self.settings.max_clients_per_address
        return bool(most) and self._clients_from[addresses.network(host)] >= most

    def expect(self, host: str) -> None:
        """Keep a place for a client that has been let in."""
        with self._clients_lock:
            self._expect(host)

    def keep_place(self, host: str) -> bool:
        """The same if there is space for it, where others are let in meanwhile."""
        with self._clients_lock:
            if self.is_full or self.has_enough_from(host):
                return False
            self._expect(host)
            return True

    def give_back_place(self, host: str) -> None:
        """A client for whom a place was kept does not arrive."""
        with self._clients_lock:
            self._expect_less(host)
            self._count(host, -1)

    def arrived_from(self, host: str) -> None:
        """A client is here. It is counted already if a place was kept for it."""
        with self._clients_lock:
            if host in self._expected:
                self._expect_less(host)
            else:
                self._count(host, 1)

    def gone_from(self, host: str) -> None:
        """A client that had arrived has gone."""
        with self._clients_lock:
            self._count(host, -1)

    def _expect(self, host: str) -> None:
        self._expected[host] = self._expected.get(host, 0) + 1
        self._count(host, 1)

    def _expect_less(self, host: str) -> None:
        if self._expected[host] > 1:
            self._expected[host] -= 1
        else:
            del self._expected[host]

    def _count(self, host: str, change: int) -> None:
        self._clients += change
        if self.settings.max_clients_per_address:
            network = addresses.network(host)
            self._clients_from[network] += change
            if not self._clients_from[network]:
                del self._clients_from[network]

    @property
    def may_remake_rooms(self) -> bool:
        """Whether the hub has just started, so that clients may bring back the rooms it lost."""
        return self.clock.monotonic() < self._rejoin_until

    def resume_token(self, client_id: str, lineage: str) -> str:
        """What lets its bearer take over this id from a connection of the same lineage."""
        return self._signer(client_id).sign(lineage).decode()

    def lineage(self, client_id: str, token: str) -> str | None:
        """The lineage that `token` shows for this id; None for a token that is not good."""
        if not token:
            return None
        signer = self._signer(client_id)
        try:
            lineage, signed_at = signer.unsign(token, return_timestamp=True)
        except BadSignature:
            return None
        age = signer.get_timestamp() - signed_at.timestamp()
        return lineage.decode() if -CLOCKS_APART <= age <= RESUME_SECONDS else None

    def _signer(self, client_id: str) -> TimestampSigner:
        return _Signer(self.clock, self._secret, f"piehub.resume.{client_id}")

    def drain(self) -> None:
        """Take no new clients, close those that are here with 1012; return when all are told."""
        if not self.is_draining:
            self.is_draining = True
            drain(self.heartbeat, self.runtime)

    def _call_later(self, seconds: float, function: Callable[[], None]) -> Callable[[], None]:
        return self.runtime.call_later(seconds, function)

    def sendable(self, payload: Any, from_client: str | None = None) -> bytes:
        """A Data of the server's own. Raises TypeError or ValueError for a payload that is no JSON,
        ValueError for one that no outbox could hold."""
        return self.fitting(outgoing.room_data(payload, self.clock.now_ms(), from_client))

    def fitting(self, text: bytes) -> bytes:
        """The same text, of the server's own. Raises ValueError if no outbox could hold it."""
        most = self.settings.outbox_bytes - self.settings.envelope_bytes
        if len(text) > most:
            raise ValueError(
                f"The message is {len(text)} bytes long; with PIEHUB_OUTBOX_BYTES of "
                f"{self.settings.outbox_bytes}, at most {most} can be sent"
            )
        return text

    def _mailbox(self, info: RoomInfo, deliver: Deliver, send: Send) -> Mailbox:
        here = self.runtime

        def send_data(payload: Any, as_from_client: str | None, skip_host: bool) -> None:
            text = self.sendable(payload, as_from_client)
            here.run(lambda: send(text, skip_host))  # a host app may call it from any thread

        def start() -> HostApp:
            assert self.host_app is not None
            return host_app.start(self.host_app, info, send_data)

        return Mailbox(here, self.app, info, start, self.fitting, deliver, self._share.mailbox)

    def _find_secret(self) -> str:
        secret = self.settings.secret_key or self.app.secret_key
        if secret:
            return secret if isinstance(secret, str) else secret.hex()
        log.warning(
            "PIEHUB_SECRET_KEY is not set: resume tokens are signed with a key of this start only. "
            "Set it to a long random text."
        )
        return secrets.token_hex(32)


class _Signer(TimestampSigner):
    """By the hub's clock."""

    def __init__(self, clock: Clock, secret: str, salt: str) -> None:
        super().__init__(secret, salt=salt)
        self._clock = clock

    def get_timestamp(self) -> int:
        return self._clock.now_ms() // 1000
