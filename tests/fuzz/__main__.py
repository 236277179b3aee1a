"""Look for inputs that break the hub: python -m tests.fuzz, for FUZZ_SECONDS a target."""

import os
import re
import subprocess
import sys

from tests.fuzz.inputs import HERE, TARGETS, folders

ROOT = HERE.parents[1]
SECONDS = int(os.environ.get("FUZZ_SECONDS", "60"))


def fuzz(target):
    """Print one line of figures; return whether nothing was found."""
    kept = ROOT / "build" / "fuzz" / target
    corpus = kept / "corpus"  # grows from run to run
    corpus.mkdir(parents=True, exist_ok=True)
    command = [
        *(sys.executable, "-m", "tests.fuzz.one", target),
        *(f"-max_total_time={SECONDS}", "-timeout=10", "-rss_limit_mb=1024", "-max_len=8192"),
        *("-print_final_stats=1", f"-artifact_prefix={kept}/"),
        *(corpus, *folders(target)),
    ]
    log = kept / "log"
    with log.open("w") as output:
        code = subprocess.call(command, cwd=ROOT, stdout=output, stderr=output)
    said = log.read_text(errors="replace")
    runs = _last(r"executed_units: *(\d+)", said)
    pace = _last(r"exec_per_sec: *(\d+)", said)
    edges = _last(r" cov: (\d+)", said)
    end = (
        f"FOUND {_last(r'Test unit written to (.*)', said)}; see {log}" if code else "found nothing"
    )
    print(f"{target:9} {runs:>9} runs {pace:>6}/s {edges:>5} edges  {end}", flush=True)
    return not code


def _last(pattern, text):
    return (re.findall(pattern, text) or ["?"])[-1]


if __name__ == "__main__":
    results = [fuzz(target) for target in sys.argv[1:] or TARGETS]
    sys.exit(not all(results))
