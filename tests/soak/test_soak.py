"""The soak in its quick form: the same phases, each for some seconds."""

import pytest

from tests.soak import phases
from tests.soak.figures import QUICK


@pytest.mark.parametrize("phase", phases.ALL)
def test_the_hub_holds_in_small_what_it_is_to_hold_for_long(phase):
    figures = list(phases.ALL[phase](QUICK))
    assert any(figure.held for figure in figures)
    assert not [figure.line(phase) for figure in figures if figure.held is False]
