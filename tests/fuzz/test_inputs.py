"""What fuzzing begins with, and what it ever found, goes through its checks at each run."""

from importlib import import_module

import pytest

from tests.fuzz.inputs import HERE, TARGETS, files

INPUTS = [(target, path) for target in TARGETS for path in files(target)]


@pytest.mark.parametrize(
    ("target", "path"), INPUTS, ids=[str(path.relative_to(HERE)) for _, path in INPUTS]
)
def test_an_input_that_is_kept_breaks_nothing(target, path):
    import_module(f"tests.fuzz.{target}").check(path.read_bytes())


@pytest.mark.parametrize("target", TARGETS)
def test_each_target_has_inputs_to_begin_with(target):
    assert len(files(target)) > 5
