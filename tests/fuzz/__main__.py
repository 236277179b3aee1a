"""Looks for inputs that break the hub: python -m tests.fuzz, for FUZZ_SECONDS a target."""

import os
import re
import subprocess
import sys

from tests.fuzz.inputs import HERE, TARGETS

ROOT = HERE.parents[1]
BUILD = ROOT / "build" / "fuzz"
SECONDS = int(os.environ.get("FUZZ_SECONDS", "60"))


def fuzz(target):
    """Print one line of figures; return whether nothing was found."""
    kept = BUILD / target
    corpus = kept / "corpus"
    corpus.mkdir(parents=True, exist_ok=True)
    log = kept / "log"
    known = [
        folder for folder in (HERE / "seeds" / target, HERE / "found" / target) if folder.is_dir()
    ]
    with log.open("w") as output:
        code = subprocess.call(
            [
                *(sys.executable, "-m", "tests.fuzz.one", target),
                *(f"-max_total_time={SECONDS}", "-timeout=10", "-rss_limit_mb=1024"),
                *("-max_len=4096", "-print_final_stats=1", f"-artifact_prefix={kept}/"),
                *(corpus, *known),
            ],
            cwd=ROOT,
            stdout=output,
            stderr=output,
        )
    said = log.read_text(errors="replace")
    runs, pace, coverage = (
        (re.findall(figure, said) or ["?"])[-1]
        for figure in (r"executed_units: *(\d+)", r"exec_per_sec: *(\d+)", r" cov: (\d+)")
    )
    end = f"found something: {log}" if code else "found nothing"
    print(f"{target:10} {runs:>10} runs {pace:>7}/s {coverage:>5} edges  {end}", flush=True)
    return not code


if __name__ == "__main__":
    sys.exit(False in [fuzz(target) for target in sys.argv[1:] or TARGETS])
