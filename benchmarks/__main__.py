"""Measures piehub and its peers.

The full run writes docs/benchmarks.md and its plots. The quick one, and one of chosen exercises or
servers, write the same to build/benchmarks/. Exit status 1: piehub did something wrong, which is
more than being slow.
"""

import argparse
import signal
import sys
import time

from benchmarks import cores, machine, plans, plots, report, rounds
from benchmarks.folders import BUILD, DOCS
from benchmarks.load import compile_load


def main() -> int:
    arguments = _arguments()
    plan = plans.QUICK if arguments.quick else plans.FULL
    names = set(arguments.names)
    known = [*(one.name for one in plan.exercises), *(kind.key for kind in plan.kinds)]
    if unknown := sorted(names.difference(known)):
        sys.exit(f"The {plan.name} run has no {' '.join(unknown)}. It has: {' '.join(known)}")
    plan = plans.only(plan, names)
    is_to_be_kept = not arguments.quick and not names
    folder = DOCS if is_to_be_kept else BUILD / plan.name
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("ended by SIGTERM"))  # servers end first
    began = time.monotonic()
    compile_load()
    cores.settle_here()
    present = [kind for kind in plan.kinds if not kind.lacks()]
    results = rounds.run(plan, present)
    results.save(BUILD / plan.name / "results.json")
    print(report.terminal(plan, results))
    drawn = plots.draw(plan, results, folder)
    page = folder / "benchmarks.md"
    page.write_text(report.markdown(plan, results, machine.describe(), drawn))
    for sentence in report.missing(plan, results):
        print(sentence)
    if arguments.quick:
        print(
            "The quick run leaves the slower servers, and rows without a target, to the full one."
        )
    print(f"{time.monotonic() - began:.0f} s; {page.relative_to(folder.parents[1])} has more.")
    for wrong in results.wrongs:
        print(f"piehub was wrong: {wrong}", file=sys.stderr)
    return 1 if results.wrongs else 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="what the targets need, in 2 minutes")
    parser.add_argument(
        "names", nargs="*", metavar="NAME", help="an exercise, or a server: only these"
    )
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
