"""TLS of gunicorn's own, under gevent: by itself it waits for a handshake as long as the client
likes, and prints the traceback of each that fails."""

from __future__ import annotations

from typing import Any

import gevent


def be_patient(worker: Any) -> None:
    """Let a handshake take as long as the head of a request may, and log at debug why it failed.

    worker: gunicorn's, before it serves.
    """
    cfg, log = worker.cfg, worker.log
    asked = cfg.ssl_context

    def ssl_context(cfg: Any, default: Any) -> Any:
        context = asked(cfg, default)
        shake_hands = context.wrap_socket

        def wrap_socket(client: Any, **options: Any) -> Any:
            try:
                with gevent.Timeout(cfg.keepalive, TimeoutError("it took too long")):
                    return shake_hands(client, **options)
            except OSError as error:
                log.debug("piehub: a TLS handshake failed: %s", error)
                raise gevent.GreenletExit from error  # for which gevent prints nothing

        context.wrap_socket = wrap_socket
        return context

    cfg.set("ssl_context", ssl_context)
