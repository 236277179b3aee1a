"""The hub's pages, as people see them."""

import re

import pytest

from tests.browser.conftest import SIZES


@pytest.fixture
def visit(open_page, hub):
    """Open one of the hub's pages; whatever its console complains about fails the test."""
    complaints = []

    def visit(path, **options):
        page = open_page("about:blank", **options)
        page.on(
            "console",
            lambda line: (
                complaints.append(line.text) if line.type in ("error", "warning") else None
            ),
        )
        page.goto(hub.page + path)
        return page

    yield visit
    assert not complaints


@pytest.fixture
def two(visit):
    """Two people in one room of the playground."""
    first = visit("/")
    first.wait_for_selector("#people li")
    second = visit(first.eval_on_selector("#again", "link => link.hash").join(["/", ""]))
    for page in first, second:
        page.wait_for_function("() => document.querySelectorAll('#people li').length === 2")
    return first, second


def say(page, text, to="everyone"):
    page.select_option("#to", to)
    page.fill("#text", text)
    page.keyboard.press("Enter")


def hears(page, text):
    """Wait for a line of the playground that ends so, and return it."""
    line = page.locator("#log p", has_text=re.compile(re.escape(text) + "$"))
    line.wait_for()
    return line.inner_text()


def test_two_who_open_the_playground_see_and_hear_each_other(two):
    first, second = two
    you = first.locator("#people li", has_text="(you)").inner_text().removesuffix(" (you)")
    say(first, "hello")
    assert hears(second, "hello") == f"{you} says hello"
    assert hears(first, "hello") == f"{you} says hello"


def test_those_who_open_the_playground_by_another_address_are_elsewhere(two, visit):
    third = visit("/")
    third.wait_for_selector("#people li")
    assert third.locator("#people li").count() == 1
    assert "You are alone" in third.locator("#alone").inner_text()


def test_a_whisper_in_the_playground_is_for_one(two, visit):
    first, second = two
    third = visit("/" + first.eval_on_selector("#again", "link => link.hash"))
    second_name = second.locator("#people li", has_text="(you)").inner_text()[: -len(" (you)")]
    first.wait_for_function("() => document.querySelectorAll('#people li').length === 3")
    say(
        first,
        "psst",
        first.locator("#whispers option", has_text=second_name).get_attribute("value"),
    )
    say(first, "aloud")
    assert "whispers psst" in hears(second, "psst")
    hears(third, "aloud")
    assert third.locator("#log p", has_text="psst").count() == 0


def test_a_together_message_in_the_playground_waits_for_the_other(two):
    first, second = two
    say(first, "one", "together")
    first.wait_for_selector("#waits:not([hidden])")
    say(first, "meanwhile")
    hears(second, "meanwhile")
    assert second.locator("#log p", has_text="one").count() == 0
    say(second, "two", "together")
    for page in two:
        assert "says, together" in hears(page, "one")
        hears(page, "two")
    assert not first.is_visible("#waits")


def test_the_playground_shows_a_break_and_that_nothing_was_missed(two):
    first, second = two
    first.evaluate(
        "() => { window.setTimeout = ((set) => (f, ms) => set(f, Math.min(ms, 999)))(setTimeout); }"
    )
    first.click("text=Break mine")
    first.wait_for_selector("#play[data-state=gone]")
    say(second, "said meanwhile")
    hears(second, "said meanwhile")
    first.wait_for_selector("#play[data-state=ok]")
    hears(first, "Back. What was missed comes now.")
    hears(first, "said meanwhile")
    assert first.locator("#log p", has_text="said meanwhile").count() == 1


def test_the_playground_measures_the_round_trip(two):
    first, _ = two
    first.wait_for_function("() => parseFloat(document.getElementById('trip').textContent) > 0")
    assert first.locator("#trips").get_attribute("points")


def test_the_playground_shows_what_goes_over_the_wire_but_not_the_token(two):
    first, _ = two
    say(first, "look")
    hears(first, "look")
    first.click("text=What goes over the wire")
    wire = first.locator("#wire").inner_text()
    assert re.search(r'→ \{"type":"JoinRoom"', wire)
    assert re.search(r'← \{"type":"Data","payload":\{"text":"look"\}', wire)
    assert '"resumeToken":"…"' in wire


def test_the_snippet_for_a_page_works_as_it_is_copied(visit, open_page, site):
    page = visit("/")
    snippet = page.locator("#module").inner_text()
    logs = []
    other = open_page("about:blank")
    other.on("console", lambda line: logs.append(line.text))
    other.goto(site.put("<!doctype html>" + snippet))
    other.wait_for_event(
        "console", lambda line: "Hello from a page!" in line.text or "text" in line.text
    )
    assert any(line.startswith("here:") for line in logs)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", SIZES)
def test_the_page_is_accessible(visit, axe, size, scheme):
    page = visit("/", viewport=SIZES[size], color_scheme=scheme)
    page.wait_for_selector("#people li")
    say(page, "hello")
    hears(page, "hello")
    page.click("text=What goes over the wire")
    assert axe(page) == []


def test_the_page_does_not_scroll_sideways_on_a_phone(visit):
    page = visit("/", viewport=SIZES["phone"])
    page.wait_for_selector("#people li")
    assert page.evaluate("document.documentElement.scrollWidth") <= SIZES["phone"]["width"]


def test_the_page_loads_nothing_from_elsewhere_and_little_of_its_own(visit, hub):
    sizes = {}
    page = visit("/")
    page.on("response", lambda answer: sizes.update({answer.url: len(answer.body())}))
    page.reload()
    page.wait_for_selector("#people li")
    assert all(url.startswith(hub.page) for url in sizes)
    assert sum(sizes.values()) < 80_000


def test_no_other_site_can_frame_the_page(hub, open_page):
    headers = open_page().request.get(hub.page).headers
    assert "frame-ancestors 'none'" in headers["content-security-policy"]
    assert "unsafe" not in headers["content-security-policy"]
