"""What operators show to get in: a token, in a header that no other site can have sent."""

from __future__ import annotations

import hmac
import logging
from collections.abc import Callable

from flask import current_app, request

from piehub import addresses
from piehub.hub import Hub
from piehub.settings import PREFIX
from piehub.web.problem import refuse

log = logging.getLogger("piehub")


def required(*names: str) -> Callable[[], None]:
    """A before_request that wants the token of one of these settings ("admin_token"), as
    `Authorization: Bearer TOKEN` (RFC 6750 section 2.1).

    It answers 401 without one, and 404 where no such setting is set: nobody could get in.
    """
    is_set = available_with(*names)

    def check() -> None:
        is_set()
        hub: Hub = current_app.extensions["piehub"]
        shown = _shown()
        tokens = [token for name in names if (token := getattr(hub.settings, name))]
        if True not in [hmac.compare_digest(shown, token.encode()) for token in tokens]:
            if shown:
                log.warning("wrong token address=%(address)s", {"address": _address(hub)})
            refuse(
                401,
                f"This needs the header Authorization: Bearer TOKEN, with that of {_list(names)}.",
                WWW_Authenticate="Bearer",
            )

    return check


def available_with(*names: str) -> Callable[[], None]:
    """A before_request for what needs no token, but is there only if one of the settings is."""

    def check() -> None:
        hub: Hub = current_app.extensions["piehub"]
        if not any(getattr(hub.settings, name) for name in names):
            refuse(404, f"This is here only if {_list(names)} is set.")

    return check


def _shown() -> bytes:
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    return token.strip().encode(errors="replace") if scheme.lower() == "bearer" else b""


def _address(hub: Hub) -> str:
    environ = request.environ
    remote, forwarded = environ.get("REMOTE_ADDR", ""), environ.get("HTTP_X_FORWARDED_FOR", "")
    return addresses.of_client(remote, forwarded, hub.settings.trusted_proxies)


def _list(names: tuple[str, ...]) -> str:
    return " or ".join(PREFIX + name.upper() for name in names)
