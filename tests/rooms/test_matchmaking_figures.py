def figures(hub):
    return hub.registry.stats()["matchmaking"]


def test_a_hub_where_nobody_plays_has_empty_figures(hub):
    assert figures(hub) == {
        "queues": {},
        "averageWaitTimeMs": 0,
        "recentMatches": 0,
        "playersInMatchmakingGames": 0,
    }


def test_queues_are_counted_by_app_and_version_whatever_the_size(hub):
    a, b, c, d, e = hub.clients("a b c d e")
    hub.play(a, 2)
    hub.play(b, 3)
    hub.play(c, 3)
    hub.play(d, app="other")
    hub.play(e, version="2")
    assert figures(hub)["queues"] == {"app::1": 3, "other::1": 1, "app::2": 1}
    hub.registry.leave_matchmaking(d)
    hub.registry.disconnect(c)
    assert figures(hub)["queues"] == {"app::1": 2, "app::2": 1}


def test_who_was_matched_is_counted_in_its_match_and_not_in_a_queue(hub):
    a, b, c = hub.clients("a b c")
    for player in (a, b, c):
        hub.play(player)
    hub.room_of("d e")
    assert figures(hub)["queues"] == {"app::1": 1}
    assert figures(hub)["playersInMatchmakingGames"] == 2
    assert figures(hub)["recentMatches"] == 1
    hub.registry.leave(a)
    assert figures(hub)["playersInMatchmakingGames"] == 1


def test_the_average_wait_is_over_all_players_who_were_matched(hub):
    a, b, c, d = hub.clients("a b c d")
    hub.play(a)
    hub.clock.advance(2)
    hub.play(b)
    assert figures(hub)["averageWaitTimeMs"] == 1000
    hub.play(c)
    hub.clock.advance(0.5005)
    hub.play(d)
    assert figures(hub)["averageWaitTimeMs"] == 625
    assert type(figures(hub)["averageWaitTimeMs"]) is int


def test_entering_again_does_not_restart_the_wait(hub):
    a, b = hub.clients("a b")
    hub.play(a)
    hub.clock.advance(2)
    hub.play(a)
    hub.clock.advance(2)
    hub.play(b)
    assert figures(hub)["averageWaitTimeMs"] == 2000


def test_who_gave_up_does_not_count_in_the_average_wait(hub):
    a, b = hub.clients("a b")
    hub.play(a)
    hub.clock.advance(60)
    hub.registry.leave_matchmaking(a)
    hub.play(a)
    hub.play(b)
    assert figures(hub)["averageWaitTimeMs"] == 0


def test_the_average_wait_is_that_of_the_last_hour(hub):
    a, b, c, d = hub.clients("a b c d")
    hub.play(a)
    hub.clock.advance(10)
    hub.play(b)
    hub.clock.advance(3599)
    hub.play(c)
    hub.clock.advance(1)
    hub.play(d)
    assert figures(hub)["averageWaitTimeMs"] == 2750
    hub.clock.advance(1)
    assert figures(hub)["averageWaitTimeMs"] == 500
    hub.clock.advance(3600)
    assert figures(hub)["averageWaitTimeMs"] == 0


def test_recent_matches_are_counted_up_to_50(make_hub):
    hub = make_hub(rate=0)
    for number in range(52):
        a, b = hub.clients(f"a{number} b{number}")
        hub.play(a)
        hub.play(b)
        assert figures(hub)["recentMatches"] == min(number + 1, 50)


def test_the_average_wait_is_that_of_the_last_1000_players(make_hub):
    hub = make_hub(rate=0)
    for number in range(501):
        a, b = hub.clients(f"a{number} b{number}")
        hub.play(a)
        hub.clock.advance(0 if number else 10)
        hub.play(b)
        if number == 499:
            assert figures(hub)["averageWaitTimeMs"] == 10
    assert figures(hub)["averageWaitTimeMs"] == 0
