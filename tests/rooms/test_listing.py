import pytest

from piehub.protocol import outgoing
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


def listed(hub, **search):
    """The rooms of an answer that holds all there are."""
    answer = hub.registry.search(Search(**search))
    assert set(answer) == {"rooms"}
    return answer["rooms"]


def found(hub, **search):
    rooms = listed(hub, **search)
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
    assert listed(hub) == [{"app": "app", "name": "r", "version": "1"}]


def test_details_are_told_if_asked_for(hub):
    hub.room_of("a b", max_clients=2, password="secret", together_timeout_ms=5)
    hub.room_of("c", name="open")
    assert listed(hub, details=True) == [
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
    (room,) = listed(town, name="bar", details=True)
    assert room["name"] == "bar"


def test_a_room_that_is_hidden_only_by_null_or_false_is_found(hub):
    hub.room_of("a", name="null", hidden=None)
    hub.room_of("b", name="false", hidden=False)
    assert found(hub) == ["app null 1", "app false 1"]


def test_an_empty_room_is_found_until_it_goes(hub):
    (a,) = hub.room_of("a")
    hub.registry.leave(a)
    assert listed(hub, details=True)[0]["clients"] == 0
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


# What finds no space


def crowd(hub, count):
    """Rooms with long names, one client in every other."""
    for number in range(count):
        client = hub.client(f"id-{number}")
        hub.join(client, f"{number:03}" + "\N{GRINNING FACE}" * 20)
        if number % 2:
            hub.registry.leave(client)


def numbers(answer):
    return [int(room["name"][:3]) for room in answer["rooms"]]


@pytest.fixture
def roomy_hub(make_hub):
    return make_hub(rate=0)


MOST = 2000  # bytes of an answer
ANSWERS = {
    "rooms": lambda hub: (hub.registry.search(Search(), MOST), outgoing.rooms),
    "details": lambda hub: (hub.registry.search(Search(details=True), MOST), outgoing.rooms),
    "stats": lambda hub: (hub.registry.stats(MOST), outgoing.stats),
}


@pytest.mark.parametrize("ask", ANSWERS.values(), ids=ANSWERS)
def test_an_answer_takes_no_more_than_it_may_and_says_that_there_is_more(roomy_hub, ask):
    for size in range(1, 60):
        roomy_hub.join(roomy_hub.client(f"id-{size}"), "é" * size)
    answer, write = ask(roomy_hub)
    assert answer["more"] is True
    size = len(write(answer))
    assert 1800 < size <= 2000


@pytest.mark.parametrize("ask", ANSWERS.values(), ids=ANSWERS)
def test_where_not_all_find_space_rooms_with_members_come_before_empty_ones(roomy_hub, ask):
    crowd(roomy_hub, 20)
    answer, _ = ask(roomy_hub)
    count = len(answer["rooms"])
    assert 10 < count < 20
    assert numbers(answer) == [*range(0, 20, 2), *range(1, 20, 2)][:count]


@pytest.mark.parametrize("ask", ANSWERS.values(), ids=ANSWERS)
def test_where_all_find_space_they_stay_in_the_order_of_making(roomy_hub, ask):
    crowd(roomy_hub, 8)
    answer, _ = ask(roomy_hub)
    assert numbers(answer) == [*range(8)]
    assert "more" not in answer


def test_what_fits_to_the_byte_is_told(hub):
    hub.room_of("a")
    hub.room_of("b", name="other")
    size = len(outgoing.rooms(hub.registry.search(Search()) | {"more": True})) + 1
    answers = [hub.registry.search(Search(), most) for most in (size, size - 1)]
    assert [len(answer["rooms"]) for answer in answers] == [2, 1]


def test_of_queues_that_find_no_space_the_longest_are_told(roomy_hub):
    crowd(roomy_hub, 16)
    for number in range(60):
        roomy_hub.play(roomy_hub.client(f"alone-{number}"), 3, app=f"queue {number}")
    roomy_hub.play(roomy_hub.client("second"), 3, app="queue 50")
    stats = roomy_hub.registry.stats(MOST)
    queues = stats["matchmaking"]["queues"]
    assert next(iter(queues.items())) == ("queue 50::1", 2)
    assert list(queues)[1:] == [f"queue {number}::1" for number in range(len(queues) - 1)]
    assert stats["more"] is True
    assert stats["rooms"]
    assert 600 < outgoing.length(queues) < 1000
    assert 1800 < len(outgoing.stats(stats)) <= 2000


def test_of_queues_alone_that_find_no_space_it_is_said_that_there_are_more(roomy_hub):
    for number in range(60):
        roomy_hub.play(roomy_hub.client(f"alone-{number}"), 3, app=f"queue {number}")
    stats = roomy_hub.registry.stats(MOST)
    assert (stats["rooms"], stats["more"]) == ([], True)


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


def page(hub, limit=100, offset=0, text="", **search):
    """The names of the rooms on a page, and how many there are in all."""
    rooms, total = hub.registry.page(Search(**search), text, limit, offset)
    return [room.name for room in rooms], total


def test_a_page_has_rooms_in_the_order_of_making_hidden_ones_too(town):
    names = ["lobby", "lobby", "bar", "lobby", "lobby", "", "cellar"]
    assert page(town) == (names, 7)
    assert page(town, limit=3) == (names[:3], 7)
    assert page(town, limit=3, offset=2) == (names[2:5], 7)
    assert page(town, offset=6) == (["cellar"], 7)
    assert page(town, offset=7) == ([], 7)


def test_a_page_has_those_that_match_and_counts_them(town):
    assert page(town, app="chat", version="1", limit=2) == (["lobby", "bar"], 5)
    assert page(town, name="cellar") == (["cellar"], 1)
    assert page(town, text="ella") == (["cellar"], 1)
    assert page(town, text="hat", limit=1)[0] == ["lobby"]
    assert page(town, text="nowhere") == ([], 0)
    assert page(town, name="attic") == ([], 0)


def test_one_room_is_shown_as_it_is(hub):
    hub.room_of("a b", max_clients=5, history=7, hidden=True)
    shown = RoomView("app", "r", "1", ("a", "b"), 5, True, False, history=7)
    assert hub.registry.view(("app", "r", "1")) == shown
    assert hub.registry.page(Search(), "", 1, 0) == ([shown], 1)
    assert hub.registry.view(("app", "1", "r")) is None


def test_clients_are_shown_as_they_came_in_a_room_or_not(hub):
    a, b = hub.clients("a b")
    hub.join(b)
    assert hub.registry.clients() == [a, b]
    assert hub.registry.client("b") is b
    hub.registry.disconnect(b)
    assert hub.registry.clients() == [a]
    assert hub.registry.client("b") is None


def test_views_of_a_hub_without_rooms_are_none(hub):
    assert hub.registry.views() == []
