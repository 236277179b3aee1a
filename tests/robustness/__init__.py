"""Clients that send what they should not. (A package, so that one server lasts for all of it.)"""

import pytest


def each(table):
    """Run a test for each row of a table, under the row's name."""
    return pytest.mark.parametrize("case", table, ids=lambda case: case.name)
