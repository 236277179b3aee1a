"""How tests start the examples, and use their pages."""

import re
import sys

from tests.browser.hub import ROOT

EXAMPLES = ROOT / "examples"

# As their page says them, by name.
_LINES = re.findall(
    r"^\.venv/bin/python (-m examples (\w+))$", (EXAMPLES / "README.md").read_text(), re.MULTILINE
)
COMMANDS = {name: [sys.executable, *line.split()] for line, name in _LINES}


def see(page, script, argument=None):
    """Wait until a condition holds on a page."""
    page.wait_for_function(script, arg=argument)


def says(page, text, selector="#status"):
    page.locator(selector, has_text=text).wait_for()


def cut(network):
    """Nobody gets through any more."""
    network.is_down = True
    network.cut()


def move(page, x, y, **options):
    """Move the mouse to a part of the canvas."""
    box = page.locator("canvas").bounding_box()
    page.mouse.move(box["x"] + box["width"] * x, box["y"] + box["height"] * y, **options)
