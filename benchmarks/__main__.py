"""python -m benchmarks [--quick] [EXERCISE ...]

The full run writes docs/benchmarks.md and its plots. The quick one, and one of chosen exercises,
write the same to build/benchmarks/. Exit status 1: piehub did something wrong, which is more than
being slow.
"""

import argparse
import sys
import time

from benchmarks import cores, machine, plans, plots, report, rounds
from benchmarks.folders import BUILD, DOCS
from benchmarks.load import compile_load


def main() -> int:
    arguments = _arguments()
    plan = plans.QUICK if arguments.quick else plans.FULL
    unknown = set(arguments.exercises) - {one.name for one in plan.exercises}
    if unknown:
        names = " ".join(one.name for one in plan.exercises)
        sys.exit(f"No exercise {' '.join(sorted(unknown))} in the {plan.name} run. It has: {names}")
    if arguments.exercises:
        plan = plans.only(plan, arguments.exercises)
    is_to_be_kept = not arguments.quick and not arguments.exercises
    folder = DOCS if is_to_be_kept else BUILD / plan.name
    began = time.monotonic()
    compile_load()
    cores.settle_here()
    present = [kind for kind in plan.kinds if not kind.lacks()]
    with cores.server_core_awake():
        results = rounds.run(plan, present)
    results.save(BUILD / plan.name / "results.json")
    plots.draw(plan, results, folder)
    page = folder / "benchmarks.md"
    page.write_text(report.markdown(plan, results, machine.describe()))
    print(report.terminal(plan, results))
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
    parser.add_argument("exercises", nargs="*", metavar="EXERCISE", help="only these (all)")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
