"""The page around the tables: how it was measured, and how to do it again."""

from collections.abc import Sequence
from pathlib import Path

from benchmarks.measures import AUDIENCE, KEPT_UP_WITH
from benchmarks.plans import Plan
from benchmarks.rounds import FIRST
from benchmarks.targets import GROWTH, LEVEL

CAPTIONS = {
    "benchmarks-deliveries": "Deliveries by row, as a ratio to the original",
    "benchmarks-latency": "Latency under load",
    "benchmarks-growth": "What a delivery costs as rooms and clients grow",
}

PAGE = """\
# Benchmarks

Written by `make bench`; do not edit. Everything below was measured in one run, on one machine,
which is named at the end. What counts are the ratios: the figures themselves are as good as the
machine.

## What was asked, and what came out

Median of {rounds} rounds, and the least and the most; one round where no spread is given. The
ratio is piehub to the original on Bun, the median of the rounds' own ratios. Deliveries are
messages that reached a client, a second. Where a target is not met,
[performance.md](performance.md#not-reached) says where the time goes and what was tried.

{asked}

{plots}

## Everyone

{everyone}

{missing}

## How it was measured

- Each server runs on one core, the load on another. In each round every server is measured once,
  and who goes first changes; a ratio compares figures of the same round. A run of deliveries takes
  {run:g} s, after {warm_up:g} s of warming up; one of latency {paced:g} s.
- The load ([benchmarks/load](../benchmarks/load/main.c)) is one thread in C. It counts every
  message at every client, checks that each comes once and in order, and looks at what is in it by
  sample; one that is lost, doubled or changed ends the run with an error. Afterwards its clients
  vanish by reset, and the next run waits until all servers are quiet.
- "n in flight": a sender has n messages under way, and sends the next when one has come back.
- Ping-pong has more rounds (nine), for it has two speeds: where the server sleeps before the
  next message is there, waking it costs more than all else; where the message is there in time, it
  never sleeps. Which of the two a server has changes from round to round, and a quicker server
  sleeps more often.
- Latency is measured at a set rate, in one room of {audience} clients, each time from when a
  message should have been sent: a hub that stalls the sender does not hide it. A hub's maximum is
  that of the row with 32 in flight. "% of own maximum" is a share of that, for each hub of its
  own, so that piehub and the original work at different rates; "% of the original's" is one and
  the same rate for both. (What is more than {kept_up_with:.0%} of what a hub can is not asked of
  it.)
- "Level" is {level:g} of the other's figure or better: so much do the rounds of one run differ.
- p99 is held against the p50 of the same run.
- Joining: the seconds until all clients are in one room, at most 64 on their way at a time, and
  have heard one message that was sent after that. The originals tell everyone in the room who is
  there each time somebody joins; piehub does so in a small room, and in a big one tells of several
  at once. The other hubs tell nobody, and are left out; on Node it is measured for 1000 only.
- New connections: {connections:,} clients, at most 64 on their way at a time, until the hub has
  greeted.
- An idle client's memory is what the serving process (gunicorn's worker, not its master) grew by,
  after {first} clients had come and gone; its CPU is that of {hold:g} s{pings}.
- Reconnecting: 10,000 clients are reset and all connect again at once; the seconds until all are
  greeted. (Without Flask-SocketIO and the naive hub, which take most of a minute for a round.)
- Growth is judged by the CPU time that the server spends on a delivery: at most {growth} times what
  it costs in the cheapest of the smaller rows. What looks at every room or client would cost ten
  times as much from row to row; the rest is the kernel's, as more sockets fit less well into
  caches. Bun publish, which does little else, shows how much that is.
- The servers run as they come, apart from: rate limits, which are lifted everywhere; the
  originals' log of every message, which is turned off (`quiet=yes`), in their favour (in the full
  run, "logging as it comes" shows what it costs); gunicorn's limit of 1000 clients, which is
  raised for Flask-SocketIO and the naive hub; and piehub's compression, which is turned on and
  given to clients that offer it, as those of one row do. (What comes compressed is counted, and not
  looked into.) What they print goes to files.
- The servers' core is kept awake by a process that runs at `SCHED_IDLE`, which gives way at once
  to anything else: on a virtual machine a core that sleeps takes long to wake, and that would be
  all that the rows with little load show.

The servers: **piehub** under gunicorn's gevent worker; **WebsocketPie on Bun** and **on Node**,
the originals, as published; **Bun publish**, as little as a hub can do on Bun's own publish, which
checks nothing and stamps nothing; **Flask-SocketIO** on gevent, under gunicorn with
gevent-websocket as its documentation has it; **naive flask-sock**, a dict of rooms and `send` in a
loop under a lock.

## Again

```sh
make bench          # this page and its plots; about half an hour
make bench-quick    # the rows that have targets, on fewer servers, in less than two minutes
```

[benchmarks/README.md](../benchmarks/README.md) has more.

## The machine

{machine}
"""


def page(
    plan: Plan,
    asked: str,
    everyone: str,
    machine: str,
    missing: Sequence[str],
    plots: Sequence[Path],
) -> str:
    """The whole page; `missing` are sentences."""
    pace = plan.pace
    return PAGE.format(
        **pace._asdict(),
        asked=asked,
        everyone=everyone,
        machine=machine,
        missing="\n".join(f"- {one}" for one in missing) or "Every server gave every figure.",
        plots="\n\n".join(f"![{CAPTIONS[one.stem]}]({one.name})" for one in plots),
        audience=AUDIENCE,
        kept_up_with=KEPT_UP_WITH,
        first=FIRST,
        growth=GROWTH,
        level=LEVEL,
        pings=", one round of pings included" if pace.hold > 25 else ", without a round of pings",
    )
