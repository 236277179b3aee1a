"""The examples, each started by the command of its README and used as two people would."""

import re

import pytest

from tests.browser.conftest import SIZES
from tests.browser.examples import COMMANDS, EXAMPLES, cut, move, says, see


def test_every_folder_has_a_command():
    assert sorted(COMMANDS) == sorted(app.parent.name for app in EXAMPLES.glob("*/app.py"))


@pytest.mark.parametrize("name", COMMANDS)
def test_an_example_prints_the_address_to_open(start_example, open_page, name):
    example = start_example(name)
    address = example.says(r"Open (\S+) in two windows")[1]
    assert address == f"http://localhost:{example.port}"
    assert open_page(address).locator("h1").inner_text()


@pytest.mark.parametrize(("scheme", "size"), [("light", "desktop"), ("dark", "phone")])
@pytest.mark.parametrize("name", COMMANDS)
def test_a_page_is_accessible_and_not_too_wide(open_example, axe, name, scheme, size):
    page = open_example(name, viewport=SIZES[size], color_scheme=scheme)
    other = open_example(name)
    if name == "todo":
        add(page, "milk")
        add(page, "an extraordinarily" + "ly" * 60 + " long word")
        tick(page, "milk")
    elif name == "chat":
        enter(page, "Ann")
        enter(other, "Bob")
        other.fill("#text", "hello")
        other.keyboard.press("Enter")
        says(page, "hello", "#messages")
    elif name == "tic_tac_toe":
        says(page, re.compile("Your turn|thinks"))
    elif name == "lockstep":
        says(page, "You are", "#status")
    else:
        says(page, "2 here")
    assert axe(page) == []
    width = SIZES[size]["width"]
    assert page.evaluate("document.documentElement.scrollWidth") <= width


# ---- todo


def add(page, text):
    page.fill("#text", text)
    page.keyboard.press("Enter")


def tick(page, text):
    page.get_by_label(text, exact=True).click()


def has(page, *rows):
    """Wait until the list is this: texts, with a ✓ behind those that are done."""
    see(
        page,
        """(rows) => {
          const shown = [...document.querySelectorAll("li")].map((row) => {
            const isDone = row.querySelector("input").checked;
            return row.querySelector("span").textContent + (isDone ? " ✓" : "");
          });
          return JSON.stringify(shown) === JSON.stringify(rows);
        }""",
        list(rows),
    )


def test_what_one_changes_in_the_todo_list_the_other_sees(open_example):
    ann, bob = open_example("todo"), open_example("todo")
    says(ann, "2 here")
    add(ann, "milk")
    add(ann, "<b>bread</b>")
    has(bob, "milk", "<b>bread</b>")
    tick(bob, "milk")
    has(ann, "milk ✓", "<b>bread</b>")
    ann.get_by_label("Remove <b>bread</b>").click()
    has(bob, "milk ✓")
    tick(ann, "milk")
    has(bob, "milk")


def test_who_comes_later_gets_the_todo_list(open_example):
    ann = open_example("todo")
    texts = [f"{number:03} {'x' * 196}" for number in range(400)]  # more than a message may hold
    ann.evaluate("(all) => merge(all.map((text) => [text, { text, number: 1 }]))", texts)
    ann.get_by_label(f"Remove {texts[1]}").click()
    tick(ann, texts[0])
    has(ann, f"{texts[0]} ✓", *texts[2:])
    has(open_example("todo"), f"{texts[0]} ✓", *texts[2:])


def test_who_was_cut_off_from_the_todo_list_comes_back_and_all_agree(open_example, network_to):
    network = network_to("todo")
    ann, bob = open_example("todo", network), open_example("todo")
    says(ann, "2 here")
    add(ann, "old")
    add(ann, "older")
    has(bob, "old", "older")
    cut(network)
    says(ann, "Not connected")
    bob.get_by_label("Remove old", exact=True).click()
    add(bob, "said meanwhile")
    tick(ann, "older")
    has(ann, "old", "older ✓")
    add(ann, "done alone")
    network.is_down = False
    for page in ann, bob:
        has(page, "older ✓", "said meanwhile", "done alone")


def test_what_each_changed_alone_is_everybodys_when_the_hub_is_back(open_example, network_to):
    network = network_to("todo")
    ann, bob = open_example("todo", network), open_example("todo", network)
    says(ann, "2 here")
    add(ann, "old")
    has(bob, "old")
    cut(network)
    for page in ann, bob:
        says(page, "Not connected")
    tick(ann, "old")
    add(ann, "ann's")
    add(bob, "bob's")
    network.is_down = False
    for page in ann, bob:
        has(page, "old ✓", "ann's", "bob's")


def test_a_change_into_a_dead_connection_is_not_lost(open_example, network_to):
    network = network_to("todo")
    ann, bob = open_example("todo", network), open_example("todo")
    says(ann, "2 here")
    network.swallow()
    add(ann, "said to nobody")
    network.cut()
    has(bob, "said to nobody")


def test_of_two_changes_at_once_the_same_one_wins_everywhere(open_example):
    pages = [open_example("todo"), open_example("todo")]
    changes = [
        [["id", {"number": 2, "text": "milk", "isDone": True}]],
        [["id", {"number": 2, "text": "milk", "isDone": True, "isGone": True}]],
        [["id", {"number": 1, "text": "bread", "isDone": False}]],
    ]
    ends = [
        page.evaluate("(all) => { all.forEach(merge); return [...items]; }", some)
        for page, some in zip(pages, [changes, changes[::-1]], strict=True)
    ]
    assert ends[0] == ends[1]
    assert ends[0] in changes[:2]


def test_the_todo_list_works_alone_from_disk_and_remembers(open_page):
    page = open_page((EXAMPLES / "todo" / "static" / "index.html").as_uri())
    add(page, "milk")
    tick(page, "milk")
    has(page, "milk ✓")
    page.reload()
    has(page, "milk ✓")


def test_the_todo_list_keeps_the_keyboards_place(open_example):
    ann, bob = open_example("todo"), open_example("todo")
    says(ann, "2 here")
    add(ann, "milk")
    has(bob, "milk")
    bob.keyboard.press("Tab")  # to Add
    bob.keyboard.press("Tab")
    bob.keyboard.press("Space")
    has(ann, "milk ✓")
    add(ann, "bread")
    has(bob, "milk ✓", "bread")
    bob.keyboard.press("Space")
    has(ann, "milk", "bread")


# ---- cursors


def people(page, *names):
    """Wait until these are listed, in whatever order."""
    see(
        page,
        """(names) => JSON.stringify([...document.querySelectorAll("#people li, .people li")]
          .map((item) => item.textContent).sort()) === JSON.stringify(names)""",
        sorted(names),
    )


def name(page, text):
    page.fill("#name", text)


# Whether something is drawn just below and right of the tip of a cursor that is there.
DRAWN = """([x, y]) => {
  const canvas = document.querySelector("canvas");
  const at = [Math.round(x * canvas.width) + 2, Math.round(y * canvas.height) + 6];
  return canvas.getContext("2d").getImageData(...at, 1, 1).data[3] > 0;
}"""


def test_the_others_cursor_is_where_its_owner_is_and_goes_with_them(open_example):
    ann, bob = open_example("cursors"), open_example("cursors", viewport=SIZES["phone"])
    name(ann, "Ann")
    name(bob, "Bob")
    people(bob, "Bob (you)", "Ann")
    move(ann, 0.25, 0.75)
    see(bob, DRAWN, [0.25, 0.75])
    move(ann, 0.75, 0.25, steps=10)
    see(bob, DRAWN, [0.75, 0.25])
    see(bob, f"(at) => !({DRAWN})(at)", [0.25, 0.75])
    ann.context.close()
    see(bob, f"(at) => !({DRAWN})(at)", [0.75, 0.25])
    people(bob, "Bob (you)")


def test_who_comes_later_sees_a_cursor_that_rests(open_example):
    ann = open_example("cursors")
    name(ann, "Ann")
    move(ann, 0.2, 0.4)
    see(ann, DRAWN, [0.2, 0.4])
    bob = open_example("cursors")
    name(bob, "Bob")
    people(bob, "Bob (you)", "Ann")
    see(bob, DRAWN, [0.2, 0.4])


def test_a_cursor_glides(open_example):
    ann, bob = open_example("cursors"), open_example("cursors")
    move(ann, 0.1, 0.1)
    see(bob, DRAWN, [0.1, 0.1])
    bob.evaluate(
        """async () => {
          const { prototype } = CanvasRenderingContext2D;
          const fill = prototype.fillText;
          window.lefts = new Set();
          prototype.fillText = function (text, left, top) {
            lefts.add(Math.round(left / 10));
            fill.call(this, text, left, top);
          };
        }"""
    )
    move(ann, 0.9, 0.1)
    see(bob, DRAWN, [0.9, 0.1])
    assert bob.evaluate("lefts.size") > 4


def test_a_fast_mouse_stays_well_under_the_hubs_rate(open_page, start_example):
    ann, sent = open_page(), []
    ann.on(
        "websocket",
        lambda socket: socket.on("framesent", lambda frame: sent.append(len(frame))),
    )
    ann.goto(start_example("cursors").page)
    bob = open_page(start_example("cursors").page)
    says(ann, "2 here")
    ms = ann.evaluate(
        """async () => {
          const canvas = document.querySelector("canvas");
          const begin = performance.now();
          for (let i = 0; i <= 500; i++) {
            const at = { clientX: 100 + i, clientY: 300 };
            canvas.dispatchEvent(new PointerEvent("pointermove", at));
            await new Promise((resolve) => setTimeout(resolve, 2));
          }
          return performance.now() - begin;
        }"""
    )
    box = ann.locator("canvas").bounding_box()
    last = [(600 - box["x"]) / box["width"], (300 - box["y"]) / box["height"]]
    see(bob, DRAWN, last)  # where it came to rest
    assert 5 < len(sent) < ms / 1000 * 25 + 5


def test_a_finger_and_the_keyboard_move_a_cursor_too(open_example):
    ann = open_example("cursors", has_touch=True, viewport=SIZES["phone"])
    bob = open_example("cursors")
    says(bob, "2 here")
    finger = ann.context.new_cdp_session(ann)
    touch(finger, ann, "touchStart", 0.3, 0.6)
    see(bob, DRAWN, [0.3, 0.6])
    for y in 0.5, 0.3, 0.2:  # so far, another page would have scrolled
        touch(finger, ann, "touchMove", 0.3, y)
    see(bob, DRAWN, [0.3, 0.2])
    ann.focus("canvas")
    for _ in range(10):
        ann.keyboard.press("ArrowRight")
    see(bob, DRAWN, [0.5, 0.2])


def touch(finger, page, kind, x, y):
    box = page.locator("canvas").bounding_box()
    point = {"x": box["x"] + box["width"] * x, "y": box["y"] + box["height"] * y}
    finger.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": [point]})


def test_cursors_come_back_after_a_cut(open_example, network_to):
    network = network_to("cursors")
    ann, bob = open_example("cursors", network), open_example("cursors")
    name(ann, "Ann")
    name(bob, "Bob")
    people(ann, "Ann (you)", "Bob")
    cut(network)
    people(bob, "Bob (you)")
    people(ann, "Ann (you)")
    network.is_down = False
    people(ann, "Ann (you)", "Bob")
    people(bob, "Bob (you)", "Ann")


# ---- chat


def enter(page, name):
    page.fill("#name", name)
    page.keyboard.press("Enter")
    says(page, "You are in.", "#notice")


def test_two_chat(open_example):
    ann, bob = open_example("chat"), open_example("chat")
    enter(ann, "Ann")
    enter(bob, "Bob")
    people(ann, "Ann (you)", "Bob")
    people(bob, "Ann", "Bob (you)")
    ann.fill("#text", "hello")
    ann.keyboard.press("Enter")
    says(bob, "Ann hello", "#messages")


def test_what_was_said_in_the_chat_meanwhile_comes_after_a_cut(open_example, network_to):
    network = network_to("chat")
    ann, bob = open_example("chat", network), open_example("chat")
    enter(ann, "Ann")
    enter(bob, "Bob")
    cut(network)
    says(ann, "Reconnecting", "#notice")
    bob.fill("#text", "missed?")
    bob.keyboard.press("Enter")
    says(bob, "missed?", "#messages")
    network.is_down = False
    says(ann, "missed?", "#messages")


def test_the_chat_with_server_code_in_it_greets_and_censors(own_hub, open_page):
    hub = own_hub(
        command=COMMANDS["chat"],
        PIEHUB_HOST_APP="examples.host_app:Greeter",
    )
    page = open_page(hub.page)
    enter(page, "Ann")
    says(page, "Welcome", "#messages")
    page.fill("#text", "darn it")
    page.keyboard.press("Enter")
    says(page, "**** it", "#messages")
