"""What a client makes of what it hears: that it misses nothing, and hears nothing twice."""

from itertools import combinations


class Ears:
    """Those of one connection. The client counts its room's messages as a client's library does.

    last: by room, what it has heard last there, epoch and seq; kept between connections.
    """

    def __init__(self, client_id, last):
        self._id = client_id
        self.last = last
        self.asked = []  # what it wanted to recover from, for each promise that is still to come
        self.echoes = 0  # that may come, of what it has said again
        self.orders = [[]]  # of what it has heard, one for each room that it was in
        self._room = None

    def leave(self):
        """What it hears from now on is no message of the room that it was in."""
        self._room = None

    def hear(self, message):
        kind = message["type"]
        if kind == "ResolvePromise" and message["func"] == "JoinRoom":
            self._join(message["data"], self.asked.pop(0))
        elif kind == "MatchFound":
            self._room = None
            self.orders.append([])
        elif kind == "Data":
            self._count(message)

    def _join(self, told, asked):
        self.orders.append([])
        self._room = None
        if "seq" in told:
            self._room = told["app"], told["name"], told["version"]
            self.last[self._room] = (
                told["epoch"],
                asked[1] if told.get("recovered") else told["seq"],
            )

    def _count(self, message):
        order, payload = self.orders[-1], str(message["payload"])
        if self._room and "seq" in message:
            epoch, last = self.last[self._room]
            if message["seq"] <= last:  # what it has heard already, or never wanted to hear
                assert message.get("fromClient") == self._id, f"{self._id} hears {message} again"
                assert self.echoes, f"{self._id} hears {message} again and has not said it again"
                self.echoes -= 1
                return
            assert message["seq"] == last + 1, f"{self._id} has heard {last} and hears {message}"
            self.last[self._room] = epoch, message["seq"]
        assert payload not in order, f"{self._id} hears {payload} twice"
        order.append(payload)


def assert_one_order(everybodys):
    """All who heard the same messages heard them in the same order."""
    orders = [order for ears in everybodys for order in ears.orders if len(order) > 1]
    for one, other in combinations(orders, 2):
        both = set(one).intersection(other)
        assert [each for each in one if each in both] == [each for each in other if each in both]
