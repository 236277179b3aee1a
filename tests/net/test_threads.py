"""The runtime of `flask run`, on a pair of sockets. (The tests' threads are greenlets.)"""

import socket
import threading
import time
from contextlib import suppress
from time import monotonic

import pytest

from piehub.net.threads import ThreadLink, Threads
from tests.support.timing import A_WHILE, MS, PATIENCE

LAST_WORDS = b"last words"


@pytest.fixture
def peer_and_link():
    ours, theirs = socket.socketpair()
    theirs.settimeout(PATIENCE)
    link = ThreadLink(ours, 1000, LAST_WORDS)
    yield theirs, link
    link.release()
    theirs.close()
    ours.close()


def read(peer, size):
    data = b""
    while len(data) < size:
        data += peer.recv(size - len(data))
    return data


def test_frames_are_written_in_order(peer_and_link):
    peer, link = peer_and_link
    for number in range(100):
        link.push(b"%d," % number)
    began = monotonic()
    link.flush(PATIENCE)
    assert monotonic() - began < PATIENCE / 2
    expected = b"".join(b"%d," % number for number in range(100))
    assert read(peer, len(expected)) == expected
    assert (link.outbox.sent, link.outbox.size, link.outbox.written) == (100, 0, len(expected))


def serve(link, heard):
    """Serve in a thread; what arrives and the end of it are put in `heard`."""

    def take(data, now):
        heard.append(data)
        return bool(data)

    reader = threading.Thread(target=link.serve, args=(take, lambda: heard.append("end"), None))
    reader.start()
    return reader


def test_bytes_are_received_until_the_peer_ends(peer_and_link):
    peer, link = peer_and_link
    heard = []
    peer.sendall(b"hello")
    peer.shutdown(socket.SHUT_WR)
    serve(link, heard).join(PATIENCE)
    assert heard == [b"hello", b"", "end"]


def test_what_arrives_is_told_with_the_time_at_which_it_did(peer_and_link):
    peer, link = peer_and_link
    times = [monotonic()]

    def take(data, now):
        times.append(now)
        return bool(data)

    peer.sendall(b"hello")
    peer.shutdown(socket.SHUT_WR)
    link.serve(take, lambda: times.append(monotonic()), None)
    assert len(times) == 4
    assert times == sorted(times)


def test_the_reader_shows_that_it_listens(peer_and_link):
    _, link = peer_and_link
    heard = []
    reader = serve(link, heard)
    assert link.is_listening
    link.stop_receiving()
    reader.join(PATIENCE)
    assert heard == [b"", "end"]
    assert not link.is_listening


def test_who_does_not_read_is_not_read_from_until_it_does(peer_and_link):
    peer, link = peer_and_link
    heard = []
    with suppress(BlockingIOError):
        while True:  # leave no space for what the kernel would take
            link._socket._sock.send(b"x" * 65_536, socket.MSG_DONTWAIT)
    link.push(b"x" * 501)
    peer.sendall(b"one")
    reader = serve(link, heard)
    peer.sendall(b"two")
    while heard != [b"one"] or link.held_up_since is None:
        time.sleep(MS)
    while link.outbox.size:
        peer.recv(65_536)
    peer.shutdown(socket.SHUT_WR)
    reader.join(PATIENCE)
    assert heard == [b"one", b"two", b"", "end"]
    assert link.held_up_since is None


def test_nothing_follows_the_last_frame(peer_and_link):
    peer, link = peer_and_link
    link.push(b"one")
    link.push_last(b"two")
    link.push(b"three")
    link.push_last(b"four")
    link.flush(PATIENCE)
    link.shut_down()
    assert read(peer, 6) == b"onetwo"
    assert peer.recv(10) == b""


def test_too_much_for_a_peer_that_does_not_read_ends_with_the_last_words(peer_and_link):
    peer, link = peer_and_link
    frame = b"x" * 900
    count = 0
    while not link.outbox.overflowed:
        link.push(frame)
        link.flush(A_WHILE)
        count += 1
    link.push(b"too late")
    data = b""
    while not data.endswith(LAST_WORDS):
        data += peer.recv(65536)
    whole, rest = divmod(len(data) - len(LAST_WORDS), len(frame))
    assert rest == 0
    assert whole < count


def test_what_the_peer_still_sends_is_discarded_while_lingering(peer_and_link):
    peer, link = peer_and_link
    link.push_last(b"bye")
    link.flush(PATIENCE)
    lingering = threading.Thread(target=link.linger, args=(PATIENCE,))
    lingering.start()
    peer.sendall(b"x" * 100_000)
    assert read(peer, 3) == b"bye"
    assert peer.recv(10) == b""
    peer.close()
    lingering.join(PATIENCE)
    assert not lingering.is_alive()


def test_a_write_to_a_peer_that_is_gone_ends_the_outbox(peer_and_link):
    peer, link = peer_and_link
    peer.close()
    link.push(b"anyone?")
    link.flush(PATIENCE)
    assert link.outbox.size == 0
    heard = []
    serve(link, heard).join(PATIENCE)
    assert heard == [b"", "end"]


def test_a_gevent_server_in_a_process_that_is_not_patched_is_told_what_to_do():
    class Alien(socket.socket):
        pass

    Alien.__module__ = "gevent._socket3"
    with Alien() as client, pytest.raises(RuntimeError, match=r"monkey\.patch_all"):
        Threads().link(client, 1000, LAST_WORDS)


def test_no_thread_keeps_the_process_from_ending():
    are_daemons, done = [], threading.Event()

    def note():
        are_daemons.append(threading.current_thread().daemon)
        if len(are_daemons) == 2:
            done.set()

    Threads().spawn(note)
    Threads().call_later(0, note)
    assert done.wait(PATIENCE)
    assert are_daemons == [True, True]


def test_a_client_may_be_silent_for_longer_than_the_server_waits_for_requests():
    ours, theirs = socket.socketpair()
    with ours, theirs:
        ours.settimeout(1)
        link = ThreadLink(ours, 1000, LAST_WORDS)
        assert ours.gettimeout() is None
        link.release()
