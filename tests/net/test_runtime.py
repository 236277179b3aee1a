"""What both runtimes do for a socket."""

import socket
import ssl
import threading
from contextlib import suppress
from time import monotonic
from types import SimpleNamespace

import gevent
import pytest
import trustme
from gevent import monkey
from gevent.threadpool import ThreadPool

from piehub.net import greenlet_link
from piehub.net import greenlets as greenlets_module
from piehub.net.greenlets import Greenlets
from piehub.net.heartbeat import Heartbeat
from piehub.net.runtime import native_ident
from piehub.net.threads import ThreadLink, Threads
from tests.support.timing import A_WHILE, MS, PATIENCE

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


either = pytest.mark.parametrize(
    "make",
    [lambda *of_link: Greenlets().link(*of_link), ThreadLink],
    ids=["gevent", "threads"],
)


@either
def test_who_neither_speaks_nor_goes_is_waited_for_no_longer_than_that(make, pair):
    link = make(pair, LIMIT, b"")
    began = monotonic()
    with gevent.Timeout(PATIENCE):
        link.linger(A_WHILE)
    assert monotonic() - began < PATIENCE / 2
    link.release()


@either
def test_who_speaks_without_end_is_listened_to_no_longer_either(make):
    ours, theirs = socket.socketpair()
    with ours, theirs:
        link = make(ours, LIMIT, b"")
        began = monotonic()
        speaking = gevent.spawn(speak_until_closed, theirs)
        link.linger(A_WHILE)
        assert monotonic() - began < PATIENCE / 2
        speaking.kill()
        link.release()


def speak_until_closed(client):
    deadline = monotonic() + PATIENCE
    while monotonic() < deadline:
        client.send(b"and another thing")
        gevent.sleep(MS)


@either
def test_who_is_no_longer_listened_to_can_still_be_told_why(make):
    ours, theirs = socket.socketpair()
    with ours, theirs:
        theirs.settimeout(PATIENCE)
        link = make(ours, LIMIT, b"")
        link.stop_receiving()
        assert not any(served(link))
        link.push_last(b"why")
        link.flush(PATIENCE)
        assert theirs.recv(10) == b"why"
        link.release()


def served(link):
    """What a link hands over to its end."""
    heard = []
    serve(link, heard).wait(PATIENCE)
    return heard


def serve(link, heard):
    """Let what arrives be put in `heard`; returns what is set at the end."""
    has_ended = threading.Event()

    def take(data, now):
        heard.append(data)
        return bool(data)

    gevent.spawn(link.serve, take, has_ended.set, ())
    return has_ended


@either
def test_a_link_that_was_let_go_of_takes_nothing_more(make, pair):
    link = make(pair, LIMIT, b"")
    link.release()
    link.push(b"too late")
    assert (link.outbox.frames, link.outbox.is_open) == ([], False)


@either
def test_a_socket_that_is_gone_already_may_be_shut_down_again(make, pair):
    link = make(pair, LIMIT, b"")
    link.release()
    pair.close()
    link.stop_receiving()
    link.shut_down()
    assert not link.outbox.is_open


def test_while_the_apps_own_code_runs_nothing_more_is_read_and_then_it_goes_on():
    ours, theirs = socket.socketpair()
    with ours, theirs:
        link = Greenlets().link(ours, LIMIT, b"")
        heard, may_go_on, has_ended = [], threading.Event(), threading.Event()

        def take(data, now):
            heard.append(data)
            may_go_on.wait(PATIENCE)  # as a hook may
            return bool(data)

        link.serve(take, has_ended.set, [["a hook"]])
        theirs.send(b"one")
        wait_until(lambda: heard == [b"one"])
        theirs.send(b"two")
        gevent.sleep(A_WHILE)
        assert (heard, link.is_listening) == ([b"one"], False)
        assert not link._readable.active  # or the loop would be kept busy
        may_go_on.set()
        theirs.shutdown(socket.SHUT_WR)
        assert has_ended.wait(PATIENCE)
        assert heard == [b"one", b"two", b""]
        link.release()


def test_who_is_given_up_while_the_apps_own_code_runs_ends_after_it():
    ours, theirs = socket.socketpair()
    with ours, theirs:
        link = Greenlets().link(ours, LIMIT, b"")
        heard, may_go_on, has_ended = [], threading.Event(), threading.Event()

        def take(data, now):
            heard.append(data)
            may_go_on.wait(PATIENCE)
            return True

        link.serve(take, has_ended.set, [["a hook"]])
        theirs.send(b"one")
        wait_until(lambda: heard == [b"one"])
        link.stop_receiving()
        assert not has_ended.wait(A_WHILE)
        may_go_on.set()
        assert has_ended.wait(PATIENCE)
        assert heard == [b"one"]
        link.release()


def test_who_is_given_up_in_the_turn_in_which_it_speaks_is_not_heard_any_more(capsys):
    """The app's own code would run in a greenlet, which begins after the end has been told."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        link = Greenlets().link(ours, LIMIT, b"")
        heard, has_ended = [], threading.Event()
        link.serve(lambda data, now: heard.append(data), has_ended.set, [["a hook"]])
        theirs.send(b"one")
        link._loop.run_callback(link.stop_receiving)
        link._loop.run_callback(link._on_readable)  # as the loop does for all who are ready
        assert has_ended.wait(PATIENCE)
        gevent.sleep(0)  # until that greenlet has been, too
        assert (heard, capsys.readouterr().err) == ([], "")
        link.release()


def wait_until(condition):
    with gevent.Timeout(PATIENCE):
        while not condition():
            gevent.sleep(MS)


@either
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


def fill(client):
    """Leave no space for what the kernel would take."""
    with suppress(BlockingIOError):
        while True:
            client._sock.send(b"x" * 65_536)


def test_a_client_that_has_begun_to_receive_nothing_is_told_but_why_it_is_closed(pair):
    fill(pair)
    link = Greenlets().link(pair, LIMIT, b"last words")
    link.push(b"one")
    link.flush(A_WHILE)
    link.push(b"x" * LIMIT)
    assert link.outbox.frames == [b"last words"]
    link.release()


def test_a_write_to_a_peer_that_is_gone_ends_the_outbox():
    ours, theirs = socket.socketpair()
    with ours:
        theirs.close()
        link = Greenlets().link(ours, LIMIT, b"")
        link.push(b"anyone?")
        link.flush(A_WHILE)
        assert (link.outbox.size, link.outbox.is_open) == (0, False)
        link.release()


def test_a_socket_that_was_let_go_of_is_neither_watched_nor_written_to(pair):
    fill(pair)
    link = Greenlets().link(pair, LIMIT, b"")
    serve(link, [])
    link.push(b"one")
    link.flush(A_WHILE)
    link.release()
    # At once: libev aborts the process over a watcher whose file is closed.
    assert not link._readable.active
    assert not link.outbox._writable.active
    link.push(b"two")
    assert link.outbox.frames == []


@pytest.fixture
def tls_pair():
    """The hub's and the client's end of a TLS connection."""
    authority = trustme.CA()
    ours, theirs = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), ssl.create_default_context()
    authority.issue_cert("hub.example").configure_cert(ours)
    authority.configure_trust(theirs)
    hub, client = socket.socketpair()
    handshake = gevent.spawn(ours.wrap_socket, hub, server_side=True)
    with (
        theirs.wrap_socket(client, server_hostname="hub.example") as client,
        handshake.get() as hub,
    ):
        client.settimeout(PATIENCE)
        yield hub, client


def test_what_is_still_sent_over_tls_once_nothing_more_is_read_is_not_plain_text(tls_pair):
    hub, client = tls_pair
    link = Greenlets().link(hub, LIMIT, b"")
    client.send(b"one")
    heard = []
    has_ended = serve(link, heard)
    wait_until(lambda: heard == [b"one"])
    link.stop_receiving()
    assert has_ended.wait(PATIENCE)
    link.push_last(b"why")
    link.flush(PATIENCE)
    assert client.recv(10) == b"why"
    link.shut_down()
    link.release()


def test_what_tls_has_read_ahead_is_handed_over_without_more_arriving(tls_pair, monkeypatch):
    monkeypatch.setattr(greenlet_link, "RECEIVE_BYTES", 10)
    hub, client = tls_pair
    link = Greenlets().link(hub, LIMIT, b"")
    client.send(b"0123456789" * 3)
    heard = []
    serve(link, heard)
    wait_until(lambda: heard == [b"0123456789"] * 3)
    link.shut_down()
    wait_until(lambda: heard[-1] == b"")
    assert heard == [b"0123456789"] * 3 + [b""]
    link.release()


def test_a_write_over_tls_to_a_peer_that_is_gone_ends_the_outbox(tls_pair):
    hub, client = tls_pair
    link = Greenlets().link(hub, LIMIT, b"")
    client._sock.close()
    for _ in range(2):  # the first may still find space
        link.push(b"anyone?")
        link.flush(A_WHILE)
    assert (link.outbox.size, link.outbox.is_open) == (0, False)
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
    for client in clients:
        heartbeat.watch(client)
    seen = set()
    for client in heartbeat:
        seen.add(client)
        heartbeat.forget(next(iter(clients)))
    assert seen == clients
    for client in clients:
        heartbeat.forget(client)


@pytest.mark.parametrize(
    ("ping_interval", "ping_timeout", "tick"), [(25, 20, 1), (0.4, 20, 0.1), (0, 0.4, 0.1)]
)
def test_the_sweep_goes_on_from_the_first_client_to_the_last(ping_interval, ping_timeout, tick):
    log = []

    def wait(seconds):
        log.append(seconds)
        return True

    event = SimpleNamespace(wait=wait, set=lambda: log.append("end"))
    runtime = Greenlets()
    runtime.event, runtime.spawn = lambda: event, lambda run: run()
    heartbeat = Heartbeat(lambda: runtime, ping_interval, ping_timeout)
    for _ in range(2):
        heartbeat.watch("one")
        heartbeat.watch("two")
        heartbeat.forget("two")
        log.append("one is left")
        heartbeat.forget("one")
    assert log == [tick, "one is left", "end"] * 2


def test_a_sweep_that_cannot_begin_leaves_nobody_behind():
    class Full(Greenlets):
        def spawn(self, function):
            raise RuntimeError("no more threads")

    runtime = Full()
    heartbeat = Heartbeat(lambda: runtime, 25, 20)
    with pytest.raises(RuntimeError, match="no more threads"):
        heartbeat.watch(object())
    assert list(heartbeat) == []
