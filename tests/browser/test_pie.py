"""What pie.js does beyond the client that it replaces."""

import re
from pathlib import Path

import pytest

PEOPLE = (Path(__file__).parent / "pages" / "people.js").read_text()
PAGE = """<!doctype html><title>{page}</title>
<div id="websocketpie-connection-status"></div>
<script type="module">import PieClient from "{page}/pie.js"; window.PieClient = PieClient;</script>
"""
ROOM = {"app": "chat", "name": "lobby", "version": "1.0.0"}
KEPT = {**ROOM, "history": 100}
PING = b"\x89\x00"  # a frame by which the hub asks whether somebody is there


@pytest.fixture
def open_pie(open_page, site):
    """Open pages that have imported a hub's client, with what is in people.js."""

    def open_pie(hub, **options):
        page = open_page(site.put(PAGE.format(page=hub.page)), **options)
        page.add_script_tag(content=PEOPLE)
        page.wait_for_function("window.PieClient !== undefined")
        return page

    return open_pie


@pytest.fixture
def page(open_pie, hub):
    return open_pie(hub)


class Person:
    """A client in a page."""

    def __init__(self, page, name, url, room=None, **settings):
        self.page, self.name = page, name
        page.evaluate(
            "async ([name, ...rest]) => { window[name] = await person(...rest); }",
            [name, url, room, settings],
        )

    def do(self, script, argument=None):
        """Evaluate with `pie`, the client, and `it`, the argument."""
        return self.page.evaluate(
            f"async ([name, it]) => {{ const pie = window[name]; return await ({script}); }}",
            [self.name, argument],
        )

    def say(self, *payloads):
        self.do("it.forEach((payload) => pie.sendData(payload))", payloads)

    def waits_for(self, what, argument=None):
        self.do(f"until(() => {what}, it ?? {what!r})", argument)

    def has_heard(self, *payloads):
        """Wait for the last of these, and say whether it has heard just these."""
        self.do("until(() => pie.heard.includes(it), `${it} in ${pie.heard}`)", payloads[-1])
        return self.do("pie.heard") == list(payloads)

    def comes_back(self):
        self.waits_for("pie.links.length > 2 && pie.links.at(-1)[0]")


@pytest.fixture
def ann(page, network):
    """She connects by a network that may break, to a room that keeps a history."""
    return Person(page, "ann", network.url, KEPT)


@pytest.fixture
def bob(page, hub, ann):
    return Person(page, "bob", hub.url, KEPT)


def test_what_was_missed_comes_in_order_and_once(ann, bob, network):
    bob.say(0, 1, 2)
    assert ann.has_heard(0, 1, 2)
    network.is_down = True
    network.cut()
    bob.say(3, 4, 5)
    assert bob.has_heard(0, 1, 2, 3, 4, 5)
    network.is_down = False
    ann.comes_back()
    bob.say(6)
    assert ann.has_heard(0, 1, 2, 3, 4, 5, 6)
    assert ann.do("pie.recoveries") == [True]


def test_what_was_said_into_a_dead_connection_is_said_again(ann, bob, network):
    ann.say(0)
    assert ann.has_heard(0)
    network.swallow()
    ann.say(1, 2)
    network.cut()
    assert ann.has_heard(0, 1, 2)
    assert bob.has_heard(0, 1, 2)


def test_what_the_hub_had_already_is_not_said_twice(ann, bob, network):
    network.mute = True
    ann.say(0, 1)
    assert bob.has_heard(0, 1)
    assert ann.do("pie.heard") == []
    network.cut()
    assert ann.has_heard(0, 1)
    ann.say(2)
    assert ann.has_heard(0, 1, 2)
    assert bob.has_heard(0, 1, 2)


def test_what_the_hub_had_already_is_not_said_twice_though_somebody_else_has_ones_id_by_now(
    page, hub, ann, bob, network
):
    network.mute = True
    ann.say(0, 1)
    assert bob.has_heard(0, 1)
    network.is_down = True
    network.cut()
    bob.waits_for("pie.present === 1")
    Person(page, "eve", f"{hub.url}?clientId={ann.do('pie.clientId')}")
    network.is_down = False
    assert ann.has_heard(0, 1)
    assert ann.do("pie.clientId") != page.evaluate("eve.clientId")
    ann.say(2)
    assert bob.has_heard(0, 1, 2)
    assert ann.has_heard(0, 1, 2)


def test_what_has_the_same_number_is_heard_once(ann):
    ann.say("one")
    assert ann.has_heard("one")
    ann.do("pie.handleMessage({ type: 'Data', payload: 'one', seq: 1 }, false)")
    ann.say("two")
    assert ann.has_heard("one", "two")


def test_what_waits_for_its_echo_is_not_said_again_on_the_same_connection(ann):
    ann.do("pie.came = 0, pie.handle = pie.handleMessage")
    ann.do("pie.handleMessage = (message) => { pie.came++; pie.handle(message, false); }")
    ann.say(0, 1, 2, 3)
    assert ann.has_heard(0, 1, 2, 3)
    ann.say(4)
    assert ann.has_heard(0, 1, 2, 3, 4)
    assert ann.do("pie.came") == 5


def test_what_is_said_while_coming_back_is_heard_after_what_was_said_before(ann, bob, network):
    network.swallow()
    ann.say(0, 1)
    ann.do("pie.onConnectInfo = ({ connected }) => connected && pie.sendData(2)")
    network.cut()
    assert bob.has_heard(0, 1, 2)
    assert ann.has_heard(0, 1, 2)


def test_much_that_was_said_into_a_dead_connection_is_within_the_hubs_rate(ann, bob, network):
    ann.waits_for("pie.clientId")
    network.swallow()
    said = list(range(200))
    ann.say(*said)
    network.cut()
    assert bob.has_heard(*said)
    assert ann.do("pie.links.map(([connected]) => connected)") == [True, False, True]


def test_a_together_message_that_was_lost_is_sent_again(ann, bob, network):
    network.swallow()
    ann.do("pie.together('replaced', 1), pie.together('ann', 1)")
    network.cut()
    ann.waits_for("pie.recoveries.length")  # in the room, too, or the group would be bob alone
    bob.do("pie.together('bob', 1)")
    bob.waits_for("pie.heard.length === 2")
    assert sorted(bob.do("pie.heard")) == ["ann", "bob"]


def test_a_whisper_is_heard_by_whom_it_names_alone(ann, bob):
    ann.do("pie.whisper('psst', it)", bob.do("pie.clientId"))
    ann.say("aloud")
    assert bob.has_heard("psst", "aloud")
    assert ann.has_heard("aloud")


def test_what_a_host_app_has_swallowed_is_not_sent_again_once_something_later_is_echoed(
    own_hub, open_pie
):
    hub = own_hub("tests.browser.app:swallowing()")
    page = open_pie(hub)
    ann = Person(page, "ann", hub.url, KEPT)
    ann.say("swallowed", "heard")
    ann.waits_for("pie.heard.length === 2")
    ann.do("pie.ws.close(4000)")
    ann.comes_back()
    ann.say("heard later")
    ann.waits_for("pie.heard.length === 3")
    assert sorted(ann.do("pie.heard")) == ["heard", "heard later", "swallowed 1"]


def test_the_token_that_shows_whose_id_it_is_is_in_no_text(ann, network):
    network.cut()
    ann.comes_back()
    texts = ann.do("JSON.stringify([pie.links, pie.errors])")
    assert "clientId=" in texts
    assert "resumeToken" not in texts


def test_a_silent_network_is_noticed_and_the_id_kept_that_the_hub_still_holds(page, network, hub):
    ann = Person(page, "ann", network.url, KEPT, probeIntervalMs=500)
    bob = Person(page, "bob", hub.url, KEPT)
    id_before = ann.do("pie.clientId")
    network.swallow()
    bob.say("missed")
    assert ann.has_heard("missed")
    assert ann.do("pie.recoveries") == [True]
    ann.waits_for("pie.clientId === it", id_before)
    assert PING not in network.swallowed  # its token was enough


def test_a_client_that_only_listens_stays_connected(page, network):
    ann = Person(page, "ann", network.url, ROOM, probeIntervalMs=300)
    ann.do("new Promise((resolve) => setTimeout(resolve, 1500))")
    assert ann.do("pie.links.length") == 1
    assert ann.do("pie.errors") == []


def test_a_page_that_was_offline_comes_back(page, ann, bob):
    page.context.set_offline(True)
    ann.waits_for("!pie.isConnected()")
    page.context.set_offline(False)
    ann.waits_for("pie.isConnected()")
    bob.waits_for("pie.isConnected()")
    ann.say("here again")
    assert ann.has_heard("here again")
    assert bob.has_heard("here again")


def test_a_page_that_is_online_again_looks_whether_its_connection_still_lives(page, ann, network):
    page.context.set_offline(True)
    network.swallow()
    page.context.set_offline(False)
    ann.comes_back()


def test_a_restarted_hub_gets_the_room_as_it_was(own_hub, open_pie):
    hub = own_hub(PIEHUB_REJOIN_WINDOW="0")  # in which it would forgive who does not ask to make it
    page = open_pie(hub)
    room = {**KEPT, "password": "secret", "maxClients": 3}
    ann = Person(page, "ann", hub.url, room)
    ann.say("before")
    assert ann.has_heard("before")
    hub.restart()
    ann.comes_back()
    ann.say("after")
    assert ann.has_heard("before", "after")
    assert ann.do("pie.recoveries") == [False]  # a hub that ended remembers nothing
    settings = ann.do("pie.currentRoomInfo")
    assert (settings["maxClients"], settings["history"]) == (3, 100)
    refusal = Person(page, "eve", hub.url).do("pie.joinRoom(it).catch((error) => error)", ROOM)
    assert refusal == "Client attempted to join room with incorrect password."


def test_what_was_not_echoed_when_the_hub_ended_is_said_again(own_hub, open_pie):
    hub = own_hub()
    page = open_pie(hub)
    ann = Person(page, "ann", hub.url, KEPT)
    ann.say(1)
    assert ann.has_heard(1)
    hub.kill()
    ann.waits_for("!pie.isConnected()")
    hub.start()
    ann.comes_back()
    ann.say(2)
    assert ann.has_heard(1, 2)


def test_path_and_query_of_the_address_are_kept(own_hub, open_pie):
    hub = own_hub("tests.browser.app:for_teams()")
    page = open_pie(hub)
    address = f"{hub.url}/rooms/ws?team=blue&clientId=ann#top"
    ann = Person(page, "ann", address, ROOM)
    ann.do("pie.ws.close(4000)")
    ann.comes_back()
    assert ann.do("pie.clientId") == "ann"
    ann.say("still in the team")
    assert ann.has_heard("still in the team")


def test_an_address_may_be_relative_to_the_page(own_hub, open_page):
    hub = own_hub()
    page = open_page(hub.page)
    page.evaluate(
        """async () => {
          const { default: PieClient } = await import("/pie.js");
          window.ann = new PieClient();
          await ann.connect("/");
        }"""
    )
    assert page.evaluate("ann.isConnected()")


def test_those_who_were_cut_off_together_do_not_come_back_together(page, network):
    waits = []
    page.on("console", lambda line: waits.extend(re.findall(r"in (\d+) milli", line.text)))
    people = [Person(page, f"p{number}", network.url) for number in range(8)]
    network.cut()
    for person in people:
        person.comes_back()
    assert len(set(waits)) > 3
    assert all(50 <= int(wait) <= 100 for wait in waits)


def test_a_client_whose_id_was_taken_over_stays_away(page, hub):
    ann = Person(page, "ann", hub.url)
    ann.waits_for("pie._resumeToken")
    ann.do(
        "new WebSocket(`${it}/?clientId=${pie.clientId}&resumeToken=${pie._resumeToken}`)", hub.url
    )
    ann.waits_for("pie.errors.length")
    assert "4409 another connection took over this id" in ann.do("pie.errors[0]")
    assert ann.do("pie.reconnectAttempts") == 0


@pytest.mark.parametrize(
    "promise",
    [
        "pie.makeRoom({ app: 'chat', version: '1' })",
        "pie.getRooms()",
        "pie.enterMatchmaking('game', '1', 2)",
        "pie.leaveMatchmaking()",
    ],
)
def test_every_promise_settles_though_nothing_answers(page, network, promise):
    ann = Person(page, "ann", network.url)
    ann.do("pie.operationTimeoutMs = 200")
    network.swallow()
    assert "timed out after 200ms" in ann.do(f"{promise}.catch((error) => error.message)")
    ann.do("pie.operationTimeoutMs = 100000")
    ann.do(f"void (window.asked = {promise}.catch((error) => error.message))")
    network.cut()
    assert "closed before" in page.evaluate("asked")


def test_disconnecting_ends_though_the_network_is_gone(page, network):
    ann = Person(page, "ann", network.url)
    ann.do("pie.operationTimeoutMs = 200")
    network.swallow()
    ann.do("pie.disconnect()")
    assert not ann.do("pie.isConnected()")
    assert ann.do("pie.links.at(-1)[0]") is False


def test_connecting_to_what_says_nothing_ends(page, network):
    ann = Person(page, "ann", network.url)
    ann.do("pie.disconnect()")
    ann.do("pie.operationTimeoutMs = 200")
    network.mute = True
    error = ann.do("pie.connect(it).catch((error) => error.message)", network.url)
    assert error == "connect timed out after 200ms"
    assert ann.do("pie.ws.readyState") >= 2


def test_messages_can_be_iterated(page, hub):
    ann = Person(page, "ann", hub.url, ROOM)
    heard = ann.do(
        """(async () => {
          const heard = [];
          pie.sendData(1); pie.sendData(2); pie.sendData(3);
          for await (const { payload } of pie.messages()) {
            heard.push(payload);
            if (payload === 3) break;
          }
          return heard;
        })()"""
    )
    assert heard == [1, 2, 3]


def test_iterating_ends_with_the_connection_that_one_closed_oneself(page, hub):
    ann = Person(page, "ann", hub.url, ROOM)
    assert (
        ann.do(
            """(async () => {
          const reading = (async () => { for await (const message of pie.messages()); })();
          await pie.disconnect();
          await reading;
          return "ended";
        })()"""
        )
        == "ended"
    )


@pytest.mark.parametrize(
    ("cause", "error"),
    [
        ("for (let i = 0; i < 4; i++) pie.sendData(i)", "More than 3 messages wait to be read"),
        ("pie.maxReconnectAttempts = 0; pie.ws.close(4000)", "Max reconnect attempts (0) reached"),
    ],
)
def test_iterating_fails_rather_than_leaving_something_out(page, hub, cause, error):
    ann = Person(page, "ann", hub.url, ROOM)
    heard, failure = ann.do(
        f"""(async () => {{
          const messages = pie.messages({{ limit: 3 }});
          const heard = [];
          {cause};
          await until(() => pie.heard.length === 4 || pie.errors.length);
          try {{
            for await (const {{ payload }} of messages) heard.push(payload);
          }} catch (error) {{
            return [heard, error.message];
          }}
        }})()"""
    )
    assert failure == error
    assert heard in ([], [0, 1, 2])


def test_rooms_come_by_a_promise_and_by_the_callback(page, hub):
    ann = Person(page, "ann", hub.url, {"app": "listed", "name": "one", "version": "1"})
    rooms = ann.do(
        "(pie.onRooms = ({ rooms }) => (pie.told = rooms), pie.getRooms(it))", {"app": "listed"}
    )
    assert rooms == [{"app": "listed", "name": "one", "version": "1"}] == ann.do("pie.told")
    refusal = ann.do("pie.getRooms({ app: 'x'.repeat(201) }).catch((error) => error.message)")
    assert refusal.startswith("roomInfo.app has 201 characters")
    assert len(ann.do("pie.getRooms(it)", {"app": "listed"})) == 1


def test_who_waits_for_a_match_still_does_after_a_cut(page, network, hub):
    ann = Person(page, "ann", network.url)
    bob = Person(page, "bob", hub.url)
    ann.do("pie.enterMatchmaking('game', '1', 2)")
    network.cut()
    ann.comes_back()
    bob.do("pie.enterMatchmaking('game', '1', 2)")
    for player in (ann, bob):
        player.waits_for("pie.matches.length")
        assert ann.do("pie.clientId") in player.do("pie.matches[0]")


def test_who_has_left_is_not_put_back(page, network):
    ann = Person(page, "ann", network.url, KEPT)
    ann.do("pie.leaveRoom()")
    network.cut()
    ann.comes_back()
    ann.say("nobody hears this")
    ann.waits_for("pie.errors.length")
    assert ann.do("pie.errors") == ['Cannot echo to room, missing "client.room"']


def test_who_leaves_before_the_join_is_answered_is_not_put_back(page, network):
    ann = Person(page, "ann", network.url)
    ann.do("Promise.all([pie.makeRoom(it), pie.leaveRoom()])", KEPT)
    assert ann.do("pie.currentRoomInfo") is None
    network.cut()
    ann.comes_back()
    assert ann.do("pie.currentRoomInfo") is None


def test_who_cannot_come_back_into_the_room_is_told(page, network, hub):
    room = {**KEPT, "maxClients": 1}
    ann = Person(page, "ann", network.url, room)
    network.is_down = True
    network.cut()
    bob = Person(page, "bob", hub.url)
    while bob.do("pie.makeRoom(it).then(() => false, () => true)", room):
        """Until the hub knows that she has gone."""
    network.is_down = False
    ann.waits_for("pie.errors.length")
    assert ann.do("pie.errors[0]").startswith(
        "Could not rejoin the room: Error: Room is at capacity"
    )
    ann.say("lost?")
    ann.waits_for("pie.errors.length === 2")
    assert ann.do("pie.errors[1]") == 'Cannot echo to room, missing "client.room"'


def test_another_hub_is_not_shown_the_token(page, hub, network):
    ann = Person(page, "ann", hub.url)
    ann.waits_for("pie._resumeToken")
    ann.do("pie.connect(it)", network.url)
    assert "resumeToken" not in ann.do("pie.ws.url")
    ann.waits_for("pie._resumeToken")
    ann.do("pie.ws.close(4000)")
    ann.waits_for("pie.ws.url.includes('resumeToken')")


def test_what_is_said_as_soon_as_the_client_is_connected_again_is_said_in_its_room(page, network):
    ann = Person(page, "ann", network.url, ROOM)
    ann.do("void (pie.onConnectInfo = ({ connected }) => connected && pie.sendData('back'))")
    network.cut()
    assert ann.has_heard("back")
    assert ann.do("pie.errors") == []


def test_who_leaves_is_told_of_what_was_not_sent(ann, network):
    network.is_down = True
    network.swallow()
    ann.say("sent")
    network.cut()
    ann.waits_for("!pie.isConnected()")
    ann.do("pie.leaveRoom()")
    assert "1 messages were not sent before leaving" in ann.do("pie.errors")


def test_what_was_too_long_is_not_sent_again(ann, network):
    ann.say("x" * 70_000)
    ann.waits_for("pie.errors.length === 2")
    assert "1009" in ann.do("pie.errors[0]")
    assert ann.do("pie.errors[1]") == "1 messages may be lost: nobody echoed them"
    ann.do("pie.connect(it)", network.url)
    ann.waits_for("pie.recoveries.length || pie._position")
    ann.say("shorter")
    assert ann.has_heard("shorter")


def test_who_waits_for_a_match_still_does_though_the_next_connection_breaks_too(page, network, hub):
    ann, bob = Person(page, "ann", network.url), Person(page, "bob", hub.url)
    ann.do("pie.enterMatchmaking('game', '4', 2)")
    ann.do(
        """void (pie.onConnectInfo = ({ connected }) => {
          pie.links.push([connected]);
          if (connected && pie.links.length === 3) pie.ws.close(4000);
        })"""
    )
    network.cut()
    ann.waits_for("pie.links.length === 5")
    bob.do("pie.enterMatchmaking('game', '4', 2)")
    ann.waits_for("pie.matches.length")


def test_a_matchmaking_call_that_failed_is_not_made_again(page, network, hub):
    ann = Person(page, "ann", network.url)
    network.swallow()
    ann.do("void (window.entered = pie.enterMatchmaking('game', '2', 2).catch(() => 'failed'))")
    network.cut()
    assert page.evaluate("entered") == "failed"
    ann.comes_back()
    assert ann.do("pie._match") is None


def test_who_is_refused_a_room_waits_for_a_match_still(page, network, hub):
    ann, bob = Person(page, "ann", network.url), Person(page, "bob", hub.url)
    ann.do("pie.enterMatchmaking('game', '3', 2)")
    ann.do("pie.joinRoom({ app: 'no', version: 'such' }).catch(() => {})")
    network.cut()
    ann.comes_back()
    bob.do("pie.enterMatchmaking('game', '3', 2)")
    ann.waits_for("pie.matches.length")


def test_a_room_that_the_operator_has_closed_is_not_made_again(own_hub, open_pie):
    hub = own_hub(PIEHUB_ADMIN_TOKEN="an-operators-token")
    page = open_pie(hub)
    ann = Person(page, "ann", hub.url, KEPT)
    answer = page.context.request.delete(
        f"{hub.page}/api/rooms/chat/1.0.0/lobby",
        headers={"Authorization": "Bearer an-operators-token"},
    )
    assert answer.status == 204
    ann.waits_for("pie.errors.length")
    ann.do("pie.ws.close(4000)")
    ann.comes_back()
    assert ann.do("pie.currentRoomInfo") is None
    assert ann.do("pie.getRooms()") == []


def test_a_framework_may_wrap_it_in_a_proxy(page, hub):
    page.evaluate(
        """async ([url, room]) => {
          const pie = new Proxy(new PieClient(), {});
          await pie.connect(url);
          await pie.makeRoom(room);
          const heard = new Promise((resolve) => (pie.onData = resolve));
          pie.sendData("by a proxy");
          await heard;
          await pie.disconnect();
        }""",
        [hub.url, KEPT],
    )


def test_it_works_in_a_worker(page, hub):
    heard = page.evaluate(
        """([module, url, room]) => new Promise((resolve) => {
          const code = `
            import PieClient from "${module}";
            const pie = new PieClient();
            pie.onData = ({ payload }) => postMessage(payload);
            await pie.connect("${url}");
            await pie.makeRoom(${JSON.stringify(room)});
            pie.sendData("from a worker");
          `;
          const address = URL.createObjectURL(new Blob([code], { type: "text/javascript" }));
          new Worker(address, { type: "module" }).onmessage = ({ data }) => resolve(data);
        })""",
        [f"{hub.page}/pie.js", hub.url, KEPT],
    )
    assert heard == "from a worker"


def test_it_works_in_node_22(start_node, hub, network):
    pie = Path(__file__).parents[2] / "piehub" / "web" / "static" / "pie.js"
    process = start_node(
        f"""
        import PieClient from {str(pie)!r};
        const pie = new PieClient();
        console.log = console.error;
        const say = (text) => process.stdout.write(text + "\\n");
        pie.onConnectInfo = ({{ connected }}) => say(`connected ${{connected}}`);
        await pie.connect({network.url!r});
        await pie.makeRoom({{ app: "node", version: "1", history: 10 }});
        say(`version ${{process.versions.node}}`);
        pie.sendData("from Node");
        for await (const {{ payload }} of pie.messages()) {{
          say(payload);
          if (payload === "from Node") say("cut me off");
          pie.onRecovery = () => pie.sendData("back");
          if (payload === "back") break;
        }}
        await pie.disconnect();
        say("done");
        """
    )
    lines = []
    for line in process.stdout:
        lines.append(line.rstrip("\n"))
        if lines[-1] == "cut me off":
            network.cut()
    version = lines.pop(1)
    assert version.startswith("version 22.")
    assert lines == [
        "connected true",
        "from Node",
        "cut me off",
        "connected false",
        "connected true",
        "back",
        "connected false",
        "done",
    ]
    assert process.wait(10) == 0
