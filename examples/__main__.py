"""Serve one of the examples on gevent alone:  python -m examples todo

PORT chooses the port; 8080 otherwise.
"""

from __future__ import annotations

import argparse
import logging
from importlib import import_module
from pathlib import Path

from gevent import monkey

NAMES = sorted(app.parent.name for app in Path(__file__).parent.glob("*/app.py"))


def main() -> None:
    """Serve the example that the command line names, until Ctrl-C."""
    parser = argparse.ArgumentParser(prog="python -m examples", description="Serve an example.")
    parser.add_argument("name", choices=NAMES, help="a folder of examples/")
    name = parser.parse_args().name

    monkey.patch_all()  # before the hub is imported
    # It would warn of what matters on the internet: a key of one's own, and many open files.
    logging.getLogger("piehub").setLevel(logging.ERROR)
    from piehub.serve import address, pywsgi

    app = import_module(f"examples.{name}.app").app
    print(f"Open http://localhost:{address.port()} in two windows. Ctrl-C ends it.", flush=True)
    pywsgi.serve(app)


if __name__ == "__main__":
    main()
