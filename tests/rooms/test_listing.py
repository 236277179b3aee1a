import pytest

from piehub.protocol.incoming import Search
from piehub.rooms.listing import RoomView


@pytest.fixture
def town(hub):
    """A hub with rooms whose names say what they are."""
    for number, (app, name, version) in enumerate(
        [
            ("chat", "lobby", "1.0.0"),
            ("chess", "lobby", "1.0.0"),
            ("chat", "bar", "1.0.0"),
            ("chat", "lobby", "1.2.0"),
            ("chat", "lobby", "2.1.0"),
            ("chat", "", "1.0.0"),
        ]
    ):
        hub.join(hub.client(f"id-{number}"), name, app=app, version=version)
    hub.join(hub.client("hides"), "cellar", app="chat", version="1.0.0", hidden=True)
    return hub


def found(hub, **search):
    rooms = hub.registry.search(Search(**search))
    return [f"{room['app']} {room['name']} {room['version']}" for room in rooms]


def test_a_search_for_nothing_finds_all_that_is_not_hidden_in_the_order_of_making(town):
    assert found(town) == [
        "chat lobby 1.0.0",
        "chess lobby 1.0.0",
        "chat bar 1.0.0",
        "chat lobby 1.2.0",
        "chat lobby 2.1.0",
        "chat  1.0.0",
    ]


@pytest.mark.parametrize(
    ("search", "rooms"),
    [
        ({"app": "chess"}, ["chess lobby 1.0.0"]),
        ({"app": "ch"}, []),
        ({"app": "chatter"}, []),
        ({"app": "Chat"}, []),
        ({"name": "bar"}, ["chat bar 1.0.0"]),
        ({"name": "lob"}, []),
        ({"version": "2"}, ["chat lobby 2.1.0"]),
        ({"version": "1.2.0"}, ["chat lobby 1.2.0"]),
        ({"version": "1.2.0.0"}, []),
        ({"version": ".0"}, []),
        (
            {"app": "chat", "name": "lobby", "version": "1."},
            ["chat lobby 1.0.0", "chat lobby 1.2.0"],
        ),
        ({"app": "chess", "version": "2"}, []),
        ({"name": "cellar"}, []),
    ],
)
def test_app_and_name_match_whole_and_version_by_its_start(town, search, rooms):
    assert found(town, **search) == rooms


def test_a_room_that_is_found_tells_its_name_and_nothing_else(hub):
    hub.room_of("a", max_clients=2, password="secret", together_timeout_ms=5)
    assert hub.registry.search(Search()) == [{"app": "app", "name": "r", "version": "1"}]


def test_details_are_told_if_asked_for(hub):
    hub.room_of("a b", max_clients=2, password="secret", together_timeout_ms=5)
    hub.room_of("c", name="open")
    assert hub.registry.search(Search(details=True)) == [
        {
            "app": "app",
            "name": "r",
            "version": "1",
            "clients": 2,
            "maxClients": 2,
            "isPasswordProtected": True,
        },
        {
            "app": "app",
            "name": "open",
            "version": "1",
            "clients": 1,
            "isPasswordProtected": False,
        },
    ]


def test_details_are_of_the_rooms_that_match(town):
    (room,) = town.registry.search(Search(name="bar", details=True))
    assert room["name"] == "bar"


def test_a_room_that_is_hidden_only_by_null_or_false_is_found(hub):
    hub.room_of("a", name="null", hidden=None)
    hub.room_of("b", name="false", hidden=False)
    assert found(hub) == ["app null 1", "app false 1"]


def test_an_empty_room_is_found_until_it_goes(hub):
    (a,) = hub.room_of("a")
    hub.registry.leave(a)
    assert hub.registry.search(Search(details=True))[0]["clients"] == 0
    hub.clock.advance(300)
    assert found(hub) == []


def test_a_match_is_not_found(hub):
    for player in hub.clients("a b"):
        hub.play(player)
    assert found(hub) == []


# Stats


def test_stats_list_the_rooms_and_count_those_that_are_hidden(hub):
    hub.room_of("a b", max_clients=2, password="secret")
    (c,) = hub.room_of("c", name="open")
    hub.room_of("d", name="cellar", hidden=True)
    hub.room_of("g", name="attic", hidden=True)
    for player in hub.clients("e f"):
        hub.play(player)
    hub.registry.leave(c)
    stats = hub.registry.stats()
    assert stats["rooms"] == [
        {"app": "app", "name": "r", "version": "1", "isPasswordProtected": True, "clients": 2},
        {"app": "app", "name": "open", "version": "1", "isPasswordProtected": False, "clients": 0},
    ]
    assert stats["roomsHidden"] == 3
    assert stats["matchmaking"]["playersInMatchmakingGames"] == 2
    assert set(stats) == {"rooms", "roomsHidden", "lifeTimeClients", "uptime", "matchmaking"}


def test_clients_are_counted_for_life_and_only_those_who_were_let_in(hub):
    a, _ = hub.clients("a b")
    hub.registry.enter(hub.stranger("a"))
    hub.registry.disconnect(a)
    hub.client("a")
    assert hub.registry.stats()["lifeTimeClients"] == 3


def test_uptime_is_whole_milliseconds_since_the_hub_began(hub):
    assert hub.registry.stats()["uptime"] == 0
    hub.clock.advance(61.2507)
    uptime = hub.registry.stats()["uptime"]
    assert uptime == 61250
    assert type(uptime) is int


# What the server's own code sees


def test_views_show_every_room_as_it_is_hidden_ones_too(hub):
    a, _ = hub.room_of("a b", max_clients=5, password="secret")
    hub.room_of("c", name="cellar", hidden=True)
    views = hub.registry.views()
    assert views == [
        RoomView("app", "r", "1", ("a", "b"), 5, hidden=False, is_password_protected=True),
        RoomView("app", "cellar", "1", ("c",), None, hidden=True, is_password_protected=False),
    ]
    hub.registry.leave(a)
    assert views[0].clients == ("a", "b")
    assert hub.registry.views()[0].clients == ("b",)


def test_views_of_a_hub_without_rooms_are_none(hub):
    assert hub.registry.views() == []
