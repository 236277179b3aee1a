"""Check that every command in the READMEs' sh blocks could be typed as it stands.

Their shape, not their effect: make targets, files, modules, options and settings must exist.
"""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from importlib import import_module
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
README = ROOT / "README.md"
PAGES = [README, ROOT / "examples" / "README.md"]
sys.path.insert(0, str(ROOT))

from piehub.settings import FIELDS  # noqa: E402

BLOCK = re.compile(r"^```sh\n(.*?)^```", re.MULTILINE | re.DOTALL)
ASSIGNMENT = re.compile(r"^([A-Z_]+)=")
KNOWN = {"pip", "honcho", "."}


def commands(text: str) -> list[str]:
    """The lines of all sh blocks, without comments."""
    lines = "\n".join(BLOCK.findall(text)).replace("\\\n", " ").splitlines()
    return [line for line in (one.partition(" #")[0].strip() for one in lines) if line]


def complaint(command: str) -> str | None:
    """Say what is wrong with a command, or None."""
    words = shlex.split(command)
    while words and (setting := ASSIGNMENT.match(words[0])):
        name = setting[1]
        if name.startswith("PIEHUB_") and name not in FIELDS:
            return f"{name} is no setting"
        value = words.pop(0).partition("=")[2]
        if name == "PIEHUB_HOST_APP" and (fault := _import_fault(value)):
            return fault
    if not words:
        return "sets a variable for nothing"
    program = words[0].removeprefix(".venv/bin/")
    if program == "make":
        targets = re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
        missing = [word for word in words[1:] if "=" not in word and word not in targets]
        return f"no make target {missing}" if missing else None
    if program in ("gunicorn", "flask"):
        apps = [word for word in words[1:] if re.fullmatch(r"[\w.]+:\w+", word)]
        # `app:app` is the snippet that the README tells to save as app.py.
        there = [app for app in apps if f"`{app.partition(':')[0]}.py`" not in README.read_text()]
        return next((fault for app in there if (fault := _import_fault(app))), None)
    if program in ("python", "python3") and words[1:2] == ["-m"]:
        return _module_fault(words[2], words[3:])
    if program in ("python", "python3"):
        return None if (ROOT / words[1]).exists() else f"no file {words[1]}"
    if program == "pip" and "-r" in words:
        file = words[words.index("-r") + 1]
        return None if (ROOT / file).exists() else f"no file {file}"
    return None if words[0] in KNOWN or program in KNOWN else f"unknown program {words[0]}"


def _import_fault(app: str) -> str | None:
    module, _, name = app.partition(":")
    try:
        getattr(import_module(module), name)
    except (ImportError, AttributeError) as error:
        return f"{app}: {error}"
    return None


def _module_fault(module: str, options: list[str]) -> str | None:
    if module == "venv":
        return None
    usage = subprocess.run(
        [sys.executable, "-m", module, "--help"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    if usage.returncode:
        return f"python -m {module} --help fails"
    # Of our own commands, each word is one of their choices.
    checked = [word for word in options if word.startswith("--") or module == "examples"]
    unknown = [word for word in checked if word not in re.findall(r"[\w-]+", usage.stdout)]
    return f"python -m {module} has no {unknown}" if unknown else None


def main() -> int:
    """Print each faulty command; exit status 1 when there is one, or a page without commands."""
    return max(check(page) for page in PAGES)


def check(page: Path) -> int:
    """Print a page's faulty commands; 1 when there is one, or no command, else 0."""
    name = page.relative_to(ROOT)
    found = commands(page.read_text())
    faults = [(command, fault) for command in found if (fault := complaint(command))]
    for command, fault in faults:
        print(f"{name}: `{command}`: {fault}")
    print(f"{name}: {len(found)} commands, {len(faults)} faulty")
    return 1 if faults or not found else 0


if __name__ == "__main__":
    sys.exit(main())
