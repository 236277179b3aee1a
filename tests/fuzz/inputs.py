"""The targets, and the inputs that are kept for each."""

from pathlib import Path

HERE = Path(__file__).parent
TARGETS = ("reader", "handshake", "messages")


def folders(target):
    """Those to begin with, and those that once broke something, if there are any."""
    return [folder for folder in HERE.glob(f"*/{target}") if folder.is_dir()]


def files(target):
    return sorted(path for folder in folders(target) for path in folder.iterdir())
