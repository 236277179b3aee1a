"""How much memory there is: the machine's, or what a container leaves of it."""

import os

import pytest

from piehub import memory

MACHINE = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


@pytest.mark.parametrize(
    ("files", "bytes_"),
    [
        ({}, MACHINE),
        ({"sys/fs/cgroup/memory.max": "536870912\n"}, 536_870_912),
        ({"sys/fs/cgroup/memory.max": "max\n"}, MACHINE),
        ({"sys/fs/cgroup/memory/memory.limit_in_bytes": "268435456\n"}, 268_435_456),
        ({"sys/fs/cgroup/memory/memory.limit_in_bytes": "9223372036854771712\n"}, MACHINE),
        (
            {
                "proc/self/cgroup": "0::/system.slice/hub.service\n",
                "sys/fs/cgroup/system.slice/hub.service/memory.max": "134217728\n",
            },
            134_217_728,
        ),
        (
            {
                "proc/self/cgroup": "9:name=systemd:/x\n4:memory:/hub\n",
                "sys/fs/cgroup/memory/hub/memory.limit_in_bytes": "67108864\n",
                "sys/fs/cgroup/memory/memory.limit_in_bytes": "9223372036854771712\n",
            },
            67_108_864,
        ),
    ],
)
def test_the_least_that_anybody_says_is_what_there_is(files, bytes_, tmp_path):
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    assert memory.of_machine(tmp_path) == bytes_


def test_where_nobody_says_there_are_two_gigabytes(tmp_path, monkeypatch):
    monkeypatch.delattr(os, "sysconf")
    assert memory.of_machine(tmp_path) == 2 * 1024**3


def test_in_little_memory_less_may_wait_together(service, monkeypatch):
    monkeypatch.setattr(memory, "of_machine", lambda: 80_000)
    url = service.start(max_rooms=100, room_cleanup_delay=0)
    one, other = service.peer(url), service.peer(url)
    for peer in (one, other):
        peer.join()
    one.say("Data", subType="Together", togetherId="fits", payload="x" * 8_000)
    one.say("Data", subType="Together", togetherId="does not", payload="x" * 8_000)
    assert "in the rooms of this hub; send this again" in one.hear_type("Err")["message"]
