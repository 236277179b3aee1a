"""The targets, and the inputs that are kept for each."""

from pathlib import Path

HERE = Path(__file__).parent
TARGETS = ("reader", "handshake", "messages")


def folders(target):
    """Where they are: those to begin with, and those that once broke something."""
    return [HERE / "seeds" / target, HERE / "found" / target]


def files(target):
    return sorted(path for folder in folders(target) for path in folder.glob("*"))
