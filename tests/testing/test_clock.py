"""Time passes when a test says so."""

import time

import pytest

from piehub import HostApp, PieHub
from piehub.testing import NeverDone, Refused, tick
from piehub.testing.in_process import InProcess

ROOM = {"app": "chat", "version": "1"}


def joined(pie, **room):
    client = pie.test_client()
    client.join(**ROOM | room)
    return client


def test_together_is_sent_when_its_time_is_over_and_not_before(app, pie):
    ann = joined(pie, togetherTimeoutMs=2500)
    bob = joined(pie)
    ann.send_data("move", subType="Together")
    tick(app, 1.25)
    tick(app, 1.249)
    assert bob.payloads() == []
    tick(app, 0.001)
    assert bob.payloads() == ["move"]


def test_tenths_of_a_second_add_up(app, pie):
    ann = joined(pie, togetherTimeoutMs=1000)
    joined(pie)
    ann.send_data("move", subType="Together")
    for _ in range(10):
        assert ann.payloads() == []
        tick(app, 0.1)
    assert ann.payloads() == ["move"]


def test_the_time_in_messages_moves_with_the_clock_and_not_without(app, pie):
    ann = joined(pie)
    began = time.time() * 1000
    ann.send_data(1)
    time.sleep(0.005)
    ann.send_data(2)
    tick(app, 60)
    pie.send(**ROOM, payload=3)
    first, second, third = [message["time"] for message in ann.received("Data")]
    assert (second - first, third - first) == (0, 60_000)
    assert abs(first - began) < 10_000


def test_an_empty_room_goes_after_its_time(app, pie):
    joined(pie).close()
    tick(app, 299)
    assert [room.name for room in pie.rooms()] == ["default"]
    tick(app, 1)
    assert pie.rooms() == []


def test_a_room_that_somebody_comes_back_to_stays(app, pie):
    joined(pie).close()
    tick(app, 299)
    ann = joined(pie)
    tick(app, 299)
    assert pie.rooms()[0].clients == (ann.id,)


def test_what_was_said_too_much_is_forgotten_in_time(app, pie):
    ann = joined(pie)
    for _ in range(5):
        for number in range(100):
            ann.send_data(number)
        tick(app, 2)
    assert ann.close_code is None
    assert len(ann.payloads()) == 500


def test_guesses_are_allowed_again_in_time(app, pie):
    joined(pie, password="swordfish")
    eve = pie.test_client()
    for _ in range(5):
        with pytest.raises(Refused, match="incorrect password"):
            eve.join(**ROOM, password="guess")
    with pytest.raises(Refused, match="wait a minute"):
        eve.join(**ROOM, password="swordfish")
    tick(app, 12)
    eve.join(**ROOM, password="swordfish")


@pytest.mark.parametrize(("seconds", "recovered"), [(119, True), (121, False)])
def test_what_was_missed_can_be_had_for_its_time(seconds, recovered, app, pie):
    where = joined(pie, history=10), joined(pie)
    room = pie.test_client().join(**ROOM)
    where[0].send_data("missed")
    tick(app, seconds)
    cid = pie.test_client()
    answer = cid.join(**ROOM, recover={"epoch": room["epoch"], "seq": 0})
    assert answer["recovered"] is recovered
    assert cid.payloads() == (["missed"] if recovered else [])


def test_a_room_can_be_brought_back_only_as_long_as_the_hub_is_new(app, pie):
    def come_back(name):
        client = pie.test_client(query_string={"clientId": name})
        return client.join(**ROOM, name=name, make=False, isPasswordProtected=False)

    assert come_back("early")
    tick(app, 30)
    with pytest.raises(Refused, match="non-existant"):
        come_back("late")


def test_a_resume_token_is_good_for_a_day(app, pie):
    ann = pie.test_client()
    tick(app, 86_401)
    again = {"clientId": ann.id, "resumeToken": ann.hello["resumeToken"]}
    assert pie.test_client(query_string=again).id != ann.id
    assert ann.close_code is None


def test_who_joins_nothing_is_closed_where_that_is_required(app):
    app.config["PIEHUB_REQUIRE_JOIN"] = True
    pie = PieHub(app)
    ann, idler = joined(pie), pie.test_client()
    tick(app, 31)
    assert (idler.close_code, idler.close_reason) == (1008, "no room was joined in 30 s")
    assert ann.close_code is None


def test_clients_that_are_silent_for_long_answer_pings_and_stay(app, pie):
    ann = joined(pie)
    tick(app, 3600)
    assert ann.close_code is None
    ann.send_data("still here")
    assert ann.payloads() == ["still here"]


def test_what_a_host_app_says_when_time_has_passed_is_heard(app):
    class Timekeeper(HostApp):
        def handle_message(self, message):
            if message["type"] == "Data" and message.get("subType") == "Together":
                self.send_data("time is up")

    pie = PieHub(app, host_app=Timekeeper)
    ann = joined(pie, togetherTimeoutMs=1000)
    joined(pie)
    ann.send_data("move", subType="Together")
    tick(app, 1)
    assert ann.payloads() == ["move", "time is up"]


def test_a_big_room_is_told_of_newcomers_a_little_later_or_before_they_speak(app, pie):
    ann = joined(pie)
    crowd = [joined(pie) for _ in range(60)]
    tick(app, 0.01)
    assert len(ann.received()[-1]["clients"]) == 61
    late = joined(pie)
    assert ann.received() == []
    late.send_data("hi")
    presence, _ = ann.received()
    assert len(presence["clients"]) == 62
    crowd[0].leave()
    crowd[1].leave()
    tick(app, 0.01)
    (presence,) = ann.received()
    assert len(presence["clients"]) == 60


@pytest.mark.parametrize("seconds", [-1, float("nan"), float("inf")])
def test_the_clock_goes_forward_only(seconds, app, pie):
    with pytest.raises(ValueError, match=f"cannot be moved by {seconds}"):
        tick(app, seconds)


# The runtime, where no client of the test's can lead


def test_who_waits_for_what_does_not_come_waits_no_longer_than_it_would():
    runtime = InProcess()
    done = []
    runtime.call_later(1, lambda: done.append(runtime.clock.monotonic()))
    assert runtime.event().wait(2) is False
    assert (done, runtime.clock.monotonic()) == ([1.0], 2.0)


def test_who_waits_goes_on_as_soon_as_it_has_come():
    runtime = InProcess()
    event = runtime.event()
    runtime.spawn(lambda: runtime.call_later(1, event.set))
    assert event.wait(2) is True
    assert runtime.clock.monotonic() == 1
    assert event.wait(5) is True
    assert runtime.clock.monotonic() == 1
    event.clear()
    assert not event.is_set()


def test_nobody_waits_for_ever():
    with pytest.raises(RuntimeError, match="Nothing is left to do"):
        InProcess().event().wait()


def test_who_looks_again_and_again_is_told_that_nothing_will_come():
    runtime = InProcess()
    event = runtime.event()

    def look():
        while not event.wait(1):
            pass

    runtime.spawn(look)
    with pytest.raises(NeverDone):
        runtime.settle()


def test_what_was_cancelled_does_not_happen_and_what_is_due_happens_in_order():
    runtime = InProcess()
    done = []
    for seconds in (3, 1, 2, 1):
        runtime.call_later(seconds, lambda seconds=seconds: done.append(seconds))
    runtime.call_later(1, lambda: done.append("cancelled"))()
    runtime.call_later(0, lambda: done.append(0))
    assert done == []
    runtime.settle()
    assert done == [0]
    runtime.sleep(3)
    assert done == [0, 1, 1, 2, 3]


def test_what_repeats_does_so_until_it_is_told_to_end():
    runtime = InProcess()
    done, enough = [], runtime.event()
    runtime.repeat(10, lambda: done.append(runtime.clock.monotonic()), enough)
    runtime.pass_time(35)
    enough.set()
    runtime.pass_time(35)
    assert done == [10, 20, 30]
