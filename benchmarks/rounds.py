"""Puts the servers through the exercises, taking turns."""

import contextlib
import sys
import time
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from benchmarks import cores, process
from benchmarks.load import Broken, TooSlow, drive
from benchmarks.measures import NotAsked
from benchmarks.plans import Exercise, Plan
from benchmarks.results import Figures, Results
from benchmarks.servers import DidNotStart, Kind, Server, running
from benchmarks.targets import OWN

FIRST = 20  # clients that come and go before anything is measured, so that all code is loaded
TAKEN = 0.05  # of a core, by others; a run in which it was more is repeated
TRIES = 3


class Stand(NamedTuple):
    """The servers that stay from one exercise to the next, by key; the stack ends them. over: when
    time is, as time.monotonic() has it."""

    over: float
    spinner: int
    servers: dict[str, Server]
    stack: contextlib.ExitStack


def run(plan: Plan, kinds: Sequence[Kind]) -> Results:
    """Every exercise of the plan in turn: in each of its rounds, each of these servers once."""
    results = Results({}, {}, [], [], [])
    with cores.server_core_awake() as spinner, contextlib.ExitStack() as stack:
        stand = Stand(time.monotonic() + plan.limit, spinner, {}, stack)
        for exercise in plan.exercises:
            began = time.monotonic()
            if began > stand.over:
                results.fail(exercise.name, OWN, f"left out, for {plan.limit:.0f} s were over")
                continue
            for turn in range(exercise.rounds or plan.pace.rounds):
                for kind in _in_turn(exercise, kinds, turn):
                    if not results.failure(exercise.name, kind.key):
                        figures = _try(exercise, kind, plan, results, stand)
                        results.add(exercise.name, kind.key, figures)
            _say(exercise, results, time.monotonic() - began)
    return results


def _in_turn(exercise: Exercise, kinds: Sequence[Kind], turn: int) -> list[Kind]:
    """Who goes first changes with each round."""
    chosen = [kind for kind in kinds if kind.key in exercise.keys]
    first = turn % len(chosen) if chosen else 0
    return chosen[first:] + chosen[:first]


def _try(
    exercise: Exercise, kind: Kind, plan: Plan, results: Results, stand: Stand
) -> Figures | None:
    try:
        return _undisturbed(exercise, kind, plan, results, stand)
    except (Broken, TooSlow, NotAsked, DidNotStart, OSError) as error:
        # OSError: the kernel no longer knows the server.
        results.fail(exercise.name, kind.key, str(error))
        if kind.key == OWN and not isinstance(error, (TooSlow, NotAsked)):
            results.wrongs.append(f"{exercise.name}: {error}")
        if not isinstance(error, NotAsked):
            stand.servers.pop(kind.key, None)  # whatever state it is in: the next one starts afresh
        return None


def _undisturbed(
    exercise: Exercise, kind: Kind, plan: Plan, results: Results, stand: Stand
) -> Figures:
    """Measure, and again when something else had the cores, a few times."""
    for _ in range(TRIES):
        with _server(exercise, kind, stand) as server:
            figures = exercise.measure(server, plan.pace, results)
        if figures.get("taken", 0) < TAKEN:
            return figures
        if len(results.repeated) >= plan.pace.repeats or time.monotonic() > stand.over:
            break
        results.repeated.append(exercise.name)
    results.disturbed.append(exercise.name)
    return figures


@contextlib.contextmanager
def _server(exercise: Exercise, kind: Kind, stand: Stand) -> Iterator[Server]:
    with contextlib.ExitStack() as own:
        if exercise.is_fresh:
            server = own.enter_context(_ready(kind, stand.spinner))
        elif kind.key in stand.servers:
            server = stand.servers[kind.key]
        else:
            server = stand.stack.enter_context(_ready(kind, stand.spinner))
            stand.servers[kind.key] = server
        # All of them: they share the core.
        process.wait_until_quiet({server.pid, *(one.pid for one in stand.servers.values())})
        yield server


@contextlib.contextmanager
def _ready(kind: Kind, spinner: int) -> Iterator[Server]:
    with running(kind, spinner) as server:
        drive(server, FIRST, 1, "open", *kind.talk.connect, patience=10)
        yield server


def _say(exercise: Exercise, results: Results, seconds: float) -> None:
    done = results.rounds.get(exercise.name, {})
    failed = results.failures.get(exercise.name, {})
    told = [f"{key} {len([one for one in rounds if one])}" for key, rounds in done.items()]
    told += [f"({key}: {reason})" for key, reason in failed.items()]
    again = results.repeated.count(exercise.name)
    if again:
        told.append(f"{again} repeated")
    print(f"{exercise.name}, {seconds:.0f} s: {', '.join(told)}", file=sys.stderr, flush=True)
