"""What the registry has counted of what has happened."""

import pytest

from piehub.protocol.incoming import Recover
from piehub.rooms.entry import Refused


def told(hub, client, **settings):
    """What a client that joins is told of its room."""
    client.heard()
    hub.join(client, history=2, **settings)
    return client.heard()[-1]["data"]


def test_at_first_nothing_has_happened(hub):
    assert hub.registry.tally() == (0, 0, 0, 0)


def test_a_room_counts_when_it_is_made_and_not_when_somebody_joins_it(hub):
    anna, bert, carl, dora = hub.clients("anna bert carl dora")
    hub.join(anna)
    hub.join(bert)
    assert hub.registry.tally().rooms_made == 1
    hub.play(carl)
    hub.play(dora)
    assert hub.registry.tally().rooms_made == 2


def test_a_room_that_has_gone_was_made_all_the_same(make_hub):
    hub = make_hub(cleanup_delay=0)
    (anna,) = hub.clients("anna")
    for _ in range(2):
        hub.join(anna)
        hub.registry.leave(anna)
    assert hub.registry.tally().rooms_made == 2


def test_a_password_counts_that_is_wrong_and_not_one_that_is_missing(hub):
    anna, bert = hub.clients("anna bert")
    hub.join(anna, password="right")
    for password in ("wrong", None, "wrong"):
        with pytest.raises(Refused):
            hub.join(bert, password=password)
    assert hub.registry.tally().wrong_passwords == 2
    hub.join(bert, password="right")
    assert hub.registry.tally().wrong_passwords == 2


def test_who_comes_back_counts_by_whether_it_can_be_told_all_that_it_missed(hub):
    anna, bert = hub.clients("anna bert")
    epoch = told(hub, anna)["epoch"]
    hub.join(bert)
    for _ in range(3):
        hub.say(anna, "missed")
    for seq, outcome in ((1, (1, 0)), (0, (1, 1)), (3, (2, 1))):
        hub.registry.leave(bert)
        hub.join(bert, recover=Recover(epoch, seq))
        assert (hub.registry.tally().recovered, hub.registry.tally().lost) == outcome


def test_who_comes_back_to_a_room_without_a_history_has_lost_it(hub):
    (anna,) = hub.clients("anna")
    hub.join(anna, recover=Recover("of another room", 1))
    tally = hub.registry.tally()
    assert (tally.recovered, tally.lost) == (0, 1)


def test_who_joins_anew_neither_recovers_nor_loses(hub):
    hub.room_of("anna bert", history=3)
    tally = hub.registry.tally()
    assert (tally.recovered, tally.lost) == (0, 0)
