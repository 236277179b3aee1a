"""How a hub that ends takes leave of its clients."""

import pytest

from piehub.net.drain import SPREAD, drain


class Farewell:
    """Clients and a clock: when each was told, and why."""

    def __init__(self, count):
        self.now = 0.0
        self.told = []
        self.clients = [Client(self) for _ in range(count)]

    def sleep(self, seconds):
        self.now += seconds


class Client:
    def __init__(self, farewell):
        self.farewell = farewell

    def close(self, code, reason):
        self.farewell.told.append((self.farewell.now, code, self))


@pytest.mark.parametrize("count", [1, 10, 800, 801, 20_000])
def test_every_client_is_told_once_within_the_time_there_is(count):
    farewell = Farewell(count)
    drain(farewell.clients, farewell)
    assert [client for _, _, client in farewell.told] == farewell.clients
    assert {code for _, code, _ in farewell.told} == {1012}
    assert farewell.now <= SPREAD * 1.001


def test_many_clients_are_told_bit_by_bit_so_that_they_come_back_so():
    farewell = Farewell(20_000)
    drain(farewell.clients, farewell)
    first_half = sum(1 for now, _, _ in farewell.told if now < SPREAD / 2)
    assert 9_900 < first_half < 10_100


def test_a_hub_without_clients_has_no_leave_to_take():
    farewell = Farewell(0)
    drain(farewell.clients, farewell)
    assert farewell.now == 0
