"""What gunicorn would make here of its options, its environment and its configuration.

A process of its own (python -m piehub.commands.probe): a configuration is a program, which may
patch Python, change the folder, or end the process that reads it.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from typing import Any

from gevent import monkey
from gunicorn.app.base import Application

from piehub import descriptors
from piehub.commands.findings import ERROR, OK, WARNING, Finding
from piehub.serve import gunicorn_conf, options

_HOOKS = [name for name in gunicorn_conf.__all__ if callable(getattr(gunicorn_conf, name))]
_TAKE_IN = (
    "Start with -c python:piehub.serve.gunicorn_conf, or write `from piehub.serve.gunicorn_conf "
    "import *` into your gunicorn.conf.py."
)


def main() -> None:
    """Print the findings as JSON. What a configuration prints goes to standard error."""
    max_clients, *given = sys.argv[1:]
    sys.argv = ["gunicorn", *given]
    with os.fdopen(os.dup(1), "w") as output:
        os.dup2(2, 1)
        json.dump(list(_findings(_Configured(), int(max_clients))), output)


class _Configured(Application):  # type: ignore[misc]
    """An app that is there for its `cfg` alone."""

    source = ""

    def init(self, parser: Any, opts: Any, args: Any) -> None:
        """gunicorn's hook: there is nothing that the app itself sets."""

    def load_config_from_module_name_or_filename(self, location: str) -> Any:
        """gunicorn's own, but we remember where the configuration came from."""
        self.source = location.removeprefix(os.getcwd() + os.sep)
        return super().load_config_from_module_name_or_filename(location)


def _findings(app: _Configured, max_clients: int) -> Iterator[Finding]:
    cfg = app.cfg
    try:
        worker = cfg.worker_class
    except RuntimeError as error:
        yield Finding("workers", ERROR, str(error).partition(":")[0], "Start with -k gevent.")
        return
    yield _workers(cfg)
    yield from _configuration(cfg, app.source)
    if wrong := options.wrong_setting(cfg):
        yield Finding("settings", ERROR, wrong)
    yield _patching(cfg, worker)
    yield _files(worker, max_clients, is_lifted=_is_ours(cfg, "post_worker_init"))


def _workers(cfg: Any) -> Finding:
    if refusal := options.refusal(cfg):
        return Finding("workers", ERROR, refusal)
    asked = os.environ.get("WEB_CONCURRENCY", "1")
    although = "" if asked == "1" else f", although WEB_CONCURRENCY is {asked}"
    return Finding("workers", OK, f"one {cfg.worker_class_str} worker{although}")


def _configuration(cfg: Any, source: str) -> Iterator[Finding]:
    others = [name for name in _HOOKS if not _is_ours(cfg, name)]
    read_from = source or "no gunicorn.conf.py here, and no -c"
    if len(others) == len(_HOOKS):
        yield Finding(
            "gunicorn",
            WARNING,
            f"{read_from}: piehub's settings are not taken in, so clients are not told when the "
            "hub ends, and nothing refuses what it cannot run with",
            _TAKE_IN,
        )
    elif others:
        yield Finding(
            "gunicorn",
            WARNING,
            f"{read_from}: {', '.join(others)} of its own, in the place of piehub's",
            "Let it call that of piehub.serve.gunicorn_conf, too.",
        )
    else:
        yield Finding("gunicorn", OK, f"{read_from} takes piehub's settings in")
    hurry = options.hurry(cfg, gunicorn_conf.graceful_timeout)
    yield from _unused([hurry] if hurry else [], is_mended=_is_ours(cfg, "on_starting"))
    yield from _unused(options.unused(cfg), is_mended=_is_ours(cfg, "post_worker_init"))
    if few := options.few_places(cfg.worker_class, cfg):
        yield Finding("gunicorn", WARNING, few)


def _unused(told: list[str], *, is_mended: bool) -> Iterator[Finding]:
    for text in told:
        if is_mended:
            yield Finding("gunicorn", WARNING, text)
        else:
            so = f"Here it is; with piehub's settings, {text}"
            yield Finding("gunicorn", ERROR, so, "Leave it out.")


def _is_ours(cfg: Any, name: str) -> bool:
    return getattr(cfg, name) is getattr(gunicorn_conf, name)


def _patching(cfg: Any, worker: type) -> Finding:
    if options.is_of_gevent(worker):
        return Finding("patching", OK, "gunicorn lets gevent patch Python before the app is loaded")
    if monkey.is_module_patched("socket"):
        return Finding("patching", OK, "the configuration lets gevent patch Python")
    if options.few_places(worker, cfg):
        return Finding("patching", OK, "none: the hub serves by threads")
    return Finding(
        "patching",
        ERROR,
        f"a {cfg.worker_class_str} worker does not let gevent patch Python",
        "Start gevent's (-k gevent).",
    )


def _files(worker: type, max_clients: int, *, is_lifted: bool) -> Finding:
    descriptors.each_takes(options.files_a_client(worker))
    soft, hard = descriptors.limits()
    if is_lifted:
        descriptors.raise_limit()
    if told := descriptors.shortage(max_clients):
        lifts = "" if is_lifted else f" Piehub's settings would lift it to {hard}."
        return Finding("files", WARNING, f"{told[0].upper()}{told[1:]}{lifts}")
    lifted = f", which the hub lifts to {hard}" if is_lifted and soft < hard else ""
    return Finding(
        "files",
        OK,
        f"the soft limit is {soft}{lifted}: {descriptors.for_clients()} clients find space, and "
        f"PIEHUB_MAX_CLIENTS is {max_clients}; a service wants LimitNOFILE="
        f"{descriptors.needed_for(max_clients)} or more",
    )


if __name__ == "__main__":
    main()
