"""python -m piehub: the stand-alone hub, from any folder."""

from __future__ import annotations

import argparse
import os
import sys


def main() -> None:
    """Serve under gunicorn; on gevent alone where there is no gunicorn, as on Windows."""
    parser = argparse.ArgumentParser(prog="python -m piehub", description="A WebSocket room hub.")
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
        # gunicorn reads it when it is imported, and can take nothing else.
        if not (asked := os.environ.get("WEB_CONCURRENCY", "1")).isdecimal():
            sys.exit(f"piehub: refusing to start: WEB_CONCURRENCY is {asked!r}; it must be 1")

        from gunicorn.app.wsgiapp import run

        sys.argv = ["piehub", "-c", "python:piehub.serve.gunicorn_conf", "piehub:create_app()"]
        run(prog="piehub")


if __name__ == "__main__":
    main()
