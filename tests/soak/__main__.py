"""Is the hub still right after a long time, much trouble, and under a crowd?  (make soak)

Real servers, real sockets, over loopback only. Each phase is a file of its own; its figures are
printed, with what they ought to be, and written to build/soak.json. Exit status 1: one falls short.

SOAK_MINUTES stretches the ten minutes; SOAK_SEED repeats what was left to chance.
"""

from gevent import monkey

monkey.patch_all()

import json
import os
import random
import signal
import sys
from time import monotonic

from tests.soak import phases
from tests.soak.figures import FULL
from tests.support.process import ROOT

MINUTES = 10  # of the full form


def main(names):
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("ended by SIGTERM"))  # servers end first
    minutes = float(os.environ.get("SOAK_MINUTES", MINUTES))
    seed = int(os.environ.get("SOAK_SEED", random.randrange(10**6)))
    print(f"SOAK_SEED={seed} SOAK_MINUTES={minutes:g}", flush=True)
    extent = FULL._replace(length=minutes / MINUTES, seed=seed)
    seen = {}
    for name in names or phases.ALL:
        began = monotonic()
        seen[name] = []
        for figure in phases.ALL[name](extent):
            seen[name].append(figure)
            print(figure.line(name), flush=True)
        print(f"{name:8} took {monotonic() - began:.0f} s", flush=True)
    figures = {name: [figure._asdict() for figure in those] for name, those in seen.items()}
    record = {"seed": seed, "minutes": minutes, "figures": figures}
    (ROOT / "build" / "soak.json").write_text(json.dumps(record, indent=1) + "\n")
    return any(figure.held is False for those in seen.values() for figure in those)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
