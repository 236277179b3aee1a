import pytest

from piehub.wire import close_codes
from piehub.wire.close_codes import is_known, may_be_received


def test_a_peer_may_send_the_assigned_codes_and_those_of_libraries_and_applications():
    assigned = [1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014]
    accepted = [code for code in range(65536) if may_be_received(code)]
    assert accepted == [*assigned, *range(3000, 5000)]


@pytest.mark.parametrize(
    "code",
    [
        pytest.param(0, id="zero"),
        pytest.param(999, id="below the range"),
        pytest.param(1004, id="without a meaning yet"),
        pytest.param(1005, id="stands for no status"),
        pytest.param(1006, id="stands for no close frame"),
        pytest.param(1015, id="stands for a failed TLS handshake"),
        pytest.param(1016, id="not assigned"),
        pytest.param(2999, id="kept for the protocol"),
        pytest.param(5000, id="above the range"),
        pytest.param(65535, id="the largest"),
    ],
)
def test_a_peer_may_not_send_a_code_that_is(code):
    assert not may_be_received(code)


@pytest.mark.parametrize(
    ("name", "number"),
    [
        ("NORMAL", 1000),
        ("GOING_AWAY", 1001),
        ("PROTOCOL_ERROR", 1002),
        ("NO_STATUS", 1005),
        ("ABNORMAL", 1006),
        ("BAD_TEXT", 1007),
        ("POLICY_VIOLATION", 1008),
        ("TOO_BIG", 1009),
        ("INTERNAL_ERROR", 1011),
        ("RESTARTING", 1012),
        ("FULL", 1013),
        ("NO_PONG", 4408),
        ("TAKEN_OVER", 4409),
        ("TOO_SLOW", 4413),
        ("TOO_MANY_MESSAGES", 4429),
    ],
)
def test_clients_know_each_code_by_its_number(name, number):
    assert getattr(close_codes, name) == number


def test_only_the_two_codes_that_are_never_on_the_wire_may_not_be_sent():
    codes = [
        value for name, value in vars(close_codes).items() if name.isupper() and name[0] != "_"
    ]
    assert [code for code in codes if not may_be_received(code)] == [1005, 1006]


def test_a_code_is_known_if_it_is_assigned_or_the_hubs_own_and_not_if_an_application_made_it_up():
    own = [4408, 4409, 4413, 4429]
    assigned = [*range(1000, 1004), *range(1005, 1015)]
    assert [code for code in range(65536) if is_known(code)] == [*assigned, *own]
