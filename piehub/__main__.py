"""python -m piehub: the stand-alone hub, from any folder; and its commands (piehub doctor)."""

from __future__ import annotations

import argparse
import os
import sys

_CONFIGURATION = ("-c", "python:piehub.serve.gunicorn_conf")


def main() -> None:
    """Run a command, if the first word names one; else serve."""
    if sys.argv[1:] and not sys.argv[1].startswith("-"):
        _command()
    else:
        _serve()


def _command() -> None:
    from flask.cli import ScriptInfo

    from piehub import create_app
    from piehub.cli import group
    from piehub.settings import SettingError

    try:
        group.main(
            prog_name="piehub",
            # The doctor says itself what the app would warn of.
            obj=ScriptInfo(create_app=lambda: create_app(PIEHUB_LOG_LEVEL="ERROR")),
            default_map={"doctor": {"options": _CONFIGURATION}},
        )
    except SettingError as error:
        sys.exit(f"piehub: refusing to start: {error}")


def _serve() -> None:
    """Serve under gunicorn; on gevent alone where there is no gunicorn, as on Windows."""
    parser = argparse.ArgumentParser(
        prog="python -m piehub",
        description="A WebSocket room hub.",
        epilog="`piehub doctor --help`, and so for rooms, send and bench, tells of its commands.",
    )
    parser.add_argument("--port", type=int, help="where to listen (default: PORT, else 8080)")
    arguments = parser.parse_args()
    if arguments.port is not None:
        os.environ["PORT"] = str(arguments.port)
    if sys.platform == "win32":
        from gevent import monkey

        monkey.patch_all()

        from piehub import create_app
        from piehub.serve import pywsgi

        pywsgi.start(create_app)
    else:
        from piehub.serve import options

        if wrong := options.wrong_concurrency():
            sys.exit(f"piehub: refusing to start: {wrong}")

        from gunicorn.app.wsgiapp import run

        sys.argv = ["piehub", *_CONFIGURATION, "piehub:create_app()"]
        run(prog="piehub")


if __name__ == "__main__":
    main()
