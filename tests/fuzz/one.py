"""One target under atheris: python -m tests.fuzz.one reader [libFuzzer's flags and folders]."""

import sys
from importlib import import_module

import atheris

with atheris.instrument_imports(include=["piehub"]):
    check = import_module(f"tests.fuzz.{sys.argv[1]}").check

atheris.Setup([sys.argv[0], *sys.argv[2:]], check)
atheris.Fuzz()
