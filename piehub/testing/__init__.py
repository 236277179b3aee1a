"""For the tests of apps: clients that join rooms in process, and a clock that the test moves.

    def test_what_one_says_the_other_hears(pie):
        with pie.test_client() as ann, pie.test_client() as bob:
            ann.join(app="chat", version="1")
            bob.join(app="chat", version="1")
            ann.send_data({"text": "hi"})
            assert bob.payloads() == [{"text": "hi"}]

There is no socket, no thread and no sleeping: what a call leads to is done when it returns.
"""

from piehub.testing.client import Closed, PieTestClient, Refused, tick
from piehub.testing.in_process import NeverDone

__all__ = ["Closed", "NeverDone", "PieTestClient", "Refused", "tick"]
