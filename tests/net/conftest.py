from time import monotonic
from types import SimpleNamespace

import pytest

from piehub.net import greenlet_link
from piehub.net.greenlets import Greenlets
from piehub.net.runtime import CLOCK


@pytest.fixture
def clock(monkeypatch):
    """The time that connections go by: it stands still unless the test moves it."""
    clock = SimpleNamespace(now=float(int(monotonic())))
    monkeypatch.setattr(Greenlets, "clock", CLOCK._replace(monotonic=lambda: clock.now))
    monkeypatch.setattr(greenlet_link, "monotonic", lambda: clock.now)
    return clock
