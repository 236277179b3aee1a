"""Puts the servers through the exercises, taking turns."""

import contextlib
import sys
import time
from collections.abc import Iterator, Sequence

from benchmarks import process
from benchmarks.load import Broken, TooSlow, drive
from benchmarks.measures import NotAsked, Pace
from benchmarks.plans import Exercise, Plan
from benchmarks.results import Figures, Results
from benchmarks.servers import DidNotStart, Kind, Server, running
from benchmarks.targets import OWN

FIRST = 20  # clients that come and go before anything is measured, so that all code is loaded


def run(plan: Plan, kinds: Sequence[Kind]) -> Results:
    """Every exercise of the plan in turn: in each of its rounds, each of these servers once."""
    results = Results({}, {}, [])
    with contextlib.ExitStack() as stack:
        standing: dict[str, Server] = {}
        for exercise in plan.exercises:
            began = time.monotonic()
            for turn in range(exercise.rounds or plan.pace.rounds):
                for kind in _in_turn(exercise, kinds, turn):
                    if not results.failure(exercise.name, kind.key):
                        figures = _measure(exercise, kind, plan.pace, results, stack, standing)
                        results.add(exercise.name, kind.key, figures)
            _say(exercise, results, time.monotonic() - began)
    return results


def _in_turn(exercise: Exercise, kinds: Sequence[Kind], turn: int) -> list[Kind]:
    """Who goes first changes with each round."""
    chosen = [kind for kind in kinds if kind.key in exercise.keys]
    first = turn % len(chosen) if chosen else 0
    return chosen[first:] + chosen[:first]


def _measure(
    exercise: Exercise,
    kind: Kind,
    pace: Pace,
    results: Results,
    stack: contextlib.ExitStack,
    standing: dict[str, Server],
) -> Figures | None:
    try:
        if exercise.is_fresh:
            with _ready(kind) as server:
                return exercise.measure(server, pace, results)
        if kind.key not in standing:
            standing[kind.key] = stack.enter_context(_ready(kind))
        server = standing[kind.key]
        process.wait_until_quiet(server.pid)
        return exercise.measure(server, pace, results)
    except (Broken, TooSlow, NotAsked, DidNotStart, OSError) as error:
        # OSError: the kernel no longer knows the server.
        results.fail(exercise.name, kind.key, str(error))
        if kind.key == OWN and not isinstance(error, (TooSlow, NotAsked)):
            results.wrongs.append(f"{exercise.name}: {error}")
        if not isinstance(error, NotAsked):
            standing.pop(kind.key, None)  # whatever state it is in, the next one starts afresh
        return None


@contextlib.contextmanager
def _ready(kind: Kind) -> Iterator[Server]:
    with running(kind) as server:
        drive(server, FIRST, 1, "open", *kind.talk.connect, patience=10)
        process.wait_until_quiet(server.pid)
        yield server


def _say(exercise: Exercise, results: Results, seconds: float) -> None:
    done = results.rounds.get(exercise.name, {})
    failed = results.failures.get(exercise.name, {})
    told = [f"{key} {len([one for one in rounds if one])}" for key, rounds in done.items()]
    told += [f"({key}: {reason})" for key, reason in failed.items()]
    print(f"{exercise.name}, {seconds:.0f} s: {', '.join(told)}", file=sys.stderr, flush=True)
