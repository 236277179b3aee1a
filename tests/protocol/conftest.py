"""Shared by the tests of this package."""

import pytest


@pytest.fixture(autouse=True)
def nothing_left_behind():
    """Pure code has no greenlets and sockets to leave; looking for them is slow."""
