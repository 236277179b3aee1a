"""What both runtimes do for a socket."""

import socket
import threading
from contextlib import ExitStack

import gevent
import pytest
from gevent import monkey
from gevent.threadpool import ThreadPool

from piehub.net import greenlets as greenlets_module
from piehub.net.greenlets import Greenlets
from piehub.net.heartbeat import Heartbeat
from piehub.net.runtime import native_ident
from piehub.net.threads import ThreadLink, Threads
from tests.support.timing import A_WHILE, PATIENCE

NativeSocket = monkey.get_original("socket", "socket")
LIMIT = 10_000_000


@pytest.mark.parametrize("family", [socket.AF_INET, socket.AF_UNIX])
@pytest.mark.parametrize(
    ("runtime", "make"),
    [(Greenlets, socket.socket), (Threads, NativeSocket)],
    ids=["gevent", "threads"],
)
def test_small_frames_do_not_wait_for_acknowledgements(runtime, make, family):
    with make(family) as client:
        runtime().link(client, 1000, b"").release()
        if family == socket.AF_INET:
            assert client.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


@pytest.mark.parametrize("runtime", [Greenlets, Threads])
def test_a_timer_fires_once_and_not_when_it_is_cancelled(runtime):
    fired = threading.Event()
    runtime().call_later(0, fired.set)
    assert fired.wait(PATIENCE)
    cancelled = threading.Event()
    cancel = runtime().call_later(A_WHILE / 2, cancelled.set)
    cancel()
    assert not cancelled.wait(A_WHILE)


@pytest.fixture
def pair():
    ours, theirs = socket.socketpair()
    with ours, theirs:
        yield ours


@pytest.mark.parametrize(
    "make",
    [lambda *of_link: Greenlets().link(*of_link), ThreadLink],
    ids=["gevent", "threads"],
)
def test_an_outbox_holds_as_much_as_its_limit(make, pair):
    link = make(pair, LIMIT, b"last words")
    link.push(b"x" * LIMIT)
    link.flush(A_WHILE)  # the kernel takes some
    link.push(b"x" * (LIMIT - link.outbox.size))
    assert not link.outbox.overflowed
    link.push(b"x")
    assert link.outbox.overflowed
    link.shut_down()
    link.release()


@pytest.fixture
def elsewhere():
    """The runtime of another thread, whose loop stands still."""
    pool = ThreadPool(1)
    yield pool.apply(Greenlets)
    pool.kill()


def test_a_loop_that_stands_still_is_told_of(elsewhere, monkeypatch):
    monkeypatch.setattr(greenlets_module, "_RUN_TIMEOUT", A_WHILE)
    with pytest.raises(RuntimeError, match="does not answer: is it blocked"):
        elsewhere.run(lambda: 1)


def test_a_hub_serves_on_one_loop_alone(elsewhere, pair):
    with pytest.raises(RuntimeError, match="a hub lives on one gevent loop"):
        elsewhere.link(pair, LIMIT, b"")


def test_what_another_thread_runs_runs_on_the_loop_and_answers_it():
    runtime, pool = Greenlets(), gevent.get_hub().threadpool
    assert pool.apply(runtime.run, (native_ident,)) == native_ident()
    with pytest.raises(ZeroDivisionError):
        pool.apply(runtime.run, (lambda: 1 / 0,))


def test_a_client_may_go_while_all_are_looked_at():
    heartbeat = Heartbeat(Greenlets, 25, 20)
    clients = {object(), object()}
    with ExitStack() as first, ExitStack() as second:
        for client, stack in zip(clients, (first, second), strict=True):
            stack.enter_context(heartbeat.watching(client))
        seen = set()
        for client in heartbeat:
            seen.add(client)
            first.close()
    assert seen == clients


def test_a_sweep_that_cannot_begin_leaves_nobody_behind():
    class Full(Greenlets):
        def spawn(self, function):
            raise RuntimeError("no more threads")

    runtime = Full()
    heartbeat = Heartbeat(lambda: runtime, 25, 20)
    with pytest.raises(RuntimeError, match="no more threads"), heartbeat.watching(object()):
        pass
    assert list(heartbeat) == []
