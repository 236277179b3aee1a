"""The examples that are games, as two people would play them."""

import re

import pytest

from tests.browser.conftest import SIZES
from tests.browser.examples import cut, move, says, see

# ---- lockstep


@pytest.fixture
def ride(open_example):
    """Open the game, as many times as given; wait until a round begins in which all ride."""

    def ride(*networks):
        pages = [open_example("lockstep", network) for network in networks]
        for page in pages:
            watch(page)
        for page in pages:
            rides(page, len(pages))
        return pages

    return ride


def watch(page):
    """Have what the page knows of the game in its window: `game` and `sums`."""
    page.evaluate("async () => { Object.assign(window, await import('/lockstep.js')); }")


def rides(page, count):
    """Wait until a round is on with so many riders, the page's own among them."""
    see(
        page,
        """(count) => !game.begins && game.world?.riders.length === count
          && game.world.riders.some(({ id }) => id === game.me())""",
        count,
    )


def go_on(page, count):
    """Wait for so many more steps."""
    see(page, "(step) => game.step() >= step", page.evaluate("game.step()") + count)


def agree(*pages, least):
    """Whether all worlds were the same at each step that all have seen, which are so many."""
    seen = [dict(page.evaluate("[...sums]")) for page in pages]
    common = set.intersection(*(set(one) for one in seen))
    assert len(common) >= least
    assert len({seen[0][step] for step in common}) > least / 4  # they do move
    return all(len({one[step] for one in seen}) == 1 for step in common)


def test_all_worlds_are_the_same_at_each_step(ride):
    ann, bob = ride(None, None)
    ann.keyboard.press("ArrowUp")
    bob.click("[aria-label=Down]")
    headings = {ann.evaluate("game.me()"): 0, bob.evaluate("game.me()"): 2}
    for page in ann, bob:
        see(
            page,
            "(them) => game.world.riders.every((one) => one.heading === them[one.id])",
            headings,
        )
    for page in ann, bob:
        go_on(page, 20)
        see(page, "() => game.at === game.step()")  # not only when the next step begins
    assert agree(ann, bob, least=20)
    for page in ann, bob:
        see(page, "() => document.getElementById('people').innerText.split('✓').length === 3")
        assert "≠" not in page.inner_text("#people")


def test_a_world_that_differs_is_shown(ride):
    ann, bob = ride(None, None)
    ann.evaluate("game.world.walls[0] = 1")
    for page in ann, bob:
        says(page, "≠ here", "#people")


def test_someone_who_leaves_does_not_stop_the_others(ride):
    ann, bob, cyd = ride(None, None, None)
    bob.context.close()
    see(ann, "() => game.here.length === 2")
    for page in ann, cyd:
        go_on(page, 20)
    assert agree(ann, cyd, least=20)


def hide(page, is_hidden=True):
    """What the browser does when another tab is chosen, or this one again."""
    page.evaluate(
        """(isHidden) => {
          Object.defineProperty(document, "hidden", { value: isHidden, configurable: true });
          document.dispatchEvent(new Event("visibilitychange"));
        }""",
        is_hidden,
    )


def test_who_comes_later_rides_in_the_next_round(ride, open_example):
    cyd = open_example("lockstep")
    hide(cyd)
    watch(cyd)
    ann, bob = ride(None, None)
    hide(cyd, False)
    see(cyd, "() => game.told.size === 2")
    go_on(cyd, 2)
    says(cyd, "A round is on. You ride in the next one.")
    for page in ann, bob, cyd:
        rides(page, 3)
        go_on(page, 5)
    assert agree(ann, bob, cyd, least=5)


def test_a_machine_that_stands_still_does_not_stop_the_others_and_catches_up(ride):
    ann, bob = ride(None, None)
    bob.evaluate(
        """() => void setTimeout(() => {
          for (const end = Date.now() + 2000; Date.now() < end; );
          window.woke = true;
        })"""
    )
    go_on(ann, 3)
    see(bob, "window.woke")
    go_on(bob, 3)
    assert agree(ann, bob, least=6)


def test_who_was_cut_off_from_the_game_rides_again(ride, network_to):
    network = network_to("lockstep")
    ann, bob = ride(network, None)
    cut(network)
    says(ann, "Connecting")
    see(bob, "() => game.here.length === 1")
    network.is_down = False
    for page in ann, bob:
        rides(page, 2)


def test_a_hidden_page_leaves_the_game_and_comes_back(ride):
    ann, bob = ride(None, None)
    hide(ann)
    see(bob, "() => game.here.length === 1")
    hide(ann, False)
    for page in ann, bob:
        rides(page, 2)


def test_a_swipe_turns(open_example):
    page = open_example("lockstep", viewport=SIZES["phone"])
    watch(page)
    rides(page, 1)
    for heading, to in enumerate([(0.5, 0.3), (0.7, 0.5), (0.5, 0.7), (0.3, 0.5)]):
        move(page, 0.5, 0.5)
        page.mouse.down()
        move(page, *to)
        page.mouse.up()
        see(page, "(heading) => game.world.riders[0].heading === heading", heading)


def test_riders_crash_into_walls_and_each_other(open_example):
    page = open_example("lockstep")
    ends = page.evaluate(
        """async () => {
          const { newWorld, advance, isOver } = await import("/world.js");
          const play = (ids, ...inputs) => {
            const world = newWorld(ids);
            let steps = 0;
            for (; !isOver(world); steps++) advance(world, new Map(inputs[steps]));
            return [steps, world.riders.map(({ isAlive }) => isAlive)];
          };
          return [
            play(["a"]), // straight into the edge
            play(["a"], [["a", 3]]), // cannot turn round
            play(["a"], [["a", 0]], [["a", 3]], [["a", 2]], [["a", 1]]), // into its own wall
            play(["b", "a"], [["a", 2]], [["a", 1]]), // head on, in the other's row
            play(["a", "b"], [["a", 0]]), // the other goes further
          ];
        }"""
    )
    assert ends == [
        [28, [False]],
        [28, [False]],
        [4, [False]],
        [12, [False, False]],
        [16, [False, True]],
    ]


def test_a_checksum_is_of_all_there_is(open_example):
    sums = open_example("lockstep").evaluate(
        """async () => {
          const { newWorld, checksum } = await import("/world.js");
          const changes = [
            () => {},
            ({ riders }) => riders[1].x++,
            ({ riders }) => riders[1].y++,
            ({ riders }) => riders[1].heading--,
            ({ riders }) => (riders[1].isAlive = false),
            ({ riders }) => riders.reverse(),
            ({ walls }) => (walls[0] = 1),
          ];
          return changes.map((change) => {
            const world = newWorld(["a", "b"]);
            change(world);
            return checksum(world);
          });
        }"""
    )
    assert len(set(sums)) == len(sums)


# ---- tic_tac_toe


@pytest.fixture
def players(open_example):
    """Two who were matched: X, who begins, and O."""

    def players(*networks):
        pages = [open_example("tic_tac_toe", network) for network in networks]
        for page in pages:
            says(page, re.compile("You are [XO]"), "#mark")
        return sorted(pages, key=lambda page: page.inner_text("#mark"), reverse=True)

    return players


def put(page, cell):
    """Click a cell, counted from 0, row by row."""
    page.locator("#board button").nth(cell).click()


def board(page, marks):
    """Wait until a board is this."""
    see(
        page,
        """(marks) => [...document.querySelectorAll("#board button")]
          .map((button) => button.textContent || ".").join("") === marks""",
        marks.replace(" ", ""),
    )


def test_a_whole_game(players):
    x, o = players(None, None)
    says(x, "Your turn.")
    says(o, "X thinks")
    for page, cell, marks in (
        (x, 4, "... .X. ..."),
        (o, 0, "O.. .X. ..."),
        (x, 2, "O.X .X. ..."),
        (o, 1, "OOX .X. ..."),
        (x, 6, "OOX .X. X.."),
    ):
        put(page, cell)
        board(x, marks)
        board(o, marks)
    for page in x, o:
        assert page.locator(".wins").count() == 3
    says(x, "You won!")
    says(o, "X won.")
    put(o, 3)
    says(o, "The game is over.")
    for page in x, o:
        page.click("#again")
    for page in x, o:
        board(page, "... ... ...")
        says(page, re.compile("You are [XO]"), "#mark")


def test_a_draw(players):
    pages = players(None, None)
    marks = list("." * 9)
    for turn, cell in enumerate([0, 1, 2, 4, 3, 5, 7, 6, 8]):
        put(pages[turn % 2], cell)
        marks[cell] = "XO"[turn % 2]
        for page in pages:
            board(page, "".join(marks))
    for page in pages:
        says(page, "A draw.")


def test_a_move_out_of_turn_or_onto_another_is_refused(players):
    x, o = players(None, None)
    heard = []
    listener = x.context.new_cdp_session(x)
    listener.on(
        "Network.webSocketFrameReceived",
        lambda frame: heard.append(frame["response"]["payloadData"]),
    )
    listener.send("Network.enable")
    put(o, 0)
    says(o, "It is not your turn.")
    put(x, 4)
    board(o, "... .X. ...")
    put(x, 8)
    says(x, "It is not your turn.")
    put(o, 4)
    says(o, "Choose a free cell.")
    put(o, 0)
    for page in x, o:
        board(page, "O.. .X. ...")
    assert any('"cells":' in text for text in heard)
    assert not any('"cell":' in text for text in heard)  # nobody hears of it


def test_who_was_cut_off_comes_back_to_the_same_game(players, network_to):
    networks = [network_to("tic_tac_toe"), network_to("tic_tac_toe")]
    x, o = players(*networks)
    put(x, 4)
    board(o, "... .X. ...")
    (network_of_x,) = (one for one in networks if f":{one.port}/" in x.url)
    cut(network_of_x)
    says(x, "Disconnected")
    says(o, "The other one has gone, and may come back.")
    network_of_x.is_down = False
    says(o, "Your turn.")
    says(x, "O thinks")
    put(o, 0)
    for page in x, o:
        board(page, "O.. .X. ...")


def test_who_is_left_alone_is_told_and_may_begin_anew(players):
    x, o = players(None, None)
    o.context.close()
    says(x, "The other one has gone")
    x.click("#again")
    says(x, "Looking for somebody")
