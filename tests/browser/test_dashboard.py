"""The operators' dashboard, as an operator uses it."""

import pytest

TOKEN = "an-operators-token"
SIZES = {"desktop": {"width": 1200, "height": 900}, "phone": {"width": 360, "height": 740}}
ROOM = {"app": "chat", "name": "lobby", "version": "1.0.0"}


@pytest.fixture
def operated(own_hub):
    return own_hub(PIEHUB_ADMIN_TOKEN=TOKEN)


@pytest.fixture
def people(open_page, operated):
    """Two clients in a room, in a page of their own: window.ann and window.bob."""
    page = open_page(operated.page)
    page.evaluate(
        """async ([url, room]) => {
          const { default: PieClient } = await import("/pie.js");
          for (const name of ["ann", "bob"]) {
            const pie = (window[name] = new PieClient());
            pie.errors = [];
            pie.onError = ({ message }) => pie.errors.push(message);
            await pie.connect(`${url}?clientId=${name}`);
            await pie.makeRoom(room);
          }
        }""",
        [operated.url, ROOM],
    )
    return page


@pytest.fixture
def dashboard(open_page, operated):
    """Open it, and sign in."""

    def dashboard(**options):
        page = open_page(f"{operated.page}/dashboard", **options)
        page.fill("#token", TOKEN)
        page.keyboard.press("Enter")
        page.wait_for_selector("#client-rows tr")
        return page

    return dashboard


def row(page, table, text):
    return page.locator(f"#{table} tr", has_text=text)


def test_it_is_not_there_without_a_token(open_page, hub):
    assert open_page().goto(f"{hub.page}/dashboard").status == 404


def test_nobody_sees_anything_without_the_right_token(open_page, operated):
    page = open_page(f"{operated.page}/dashboard")
    page.fill("#token", "a guess, and a wrong one")
    page.click("text=Sign in")
    page.locator("#refusal", has_text="That is not the hub").wait_for()
    assert not page.is_visible("#figures")


def test_it_shows_rooms_and_clients_as_they_come(people, dashboard):
    page = dashboard()
    assert "lobby" in row(page, "room-rows", "chat").inner_text()
    assert "127.0.0.1" in row(page, "client-rows", "ann").inner_text()
    people.evaluate("bob.disconnect()")
    row(page, "client-rows", "bob").wait_for(state="detached")
    assert row(page, "client-rows", "ann").count() == 1


def test_it_finds_what_is_searched_for(people, dashboard):
    page = dashboard()
    page.fill("#client-text", "an")
    page.press("#client-text", "Enter")
    row(page, "client-rows", "bob").wait_for(state="detached")
    page.fill("#room-text", "no such room")
    page.press("#room-text", "Enter")
    row(page, "room-rows", "No room.").wait_for()
    assert row(page, "client-rows", "ann").count() == 1


def test_it_closes_a_room_once_one_is_sure(people, dashboard):
    page = dashboard()
    close = row(page, "room-rows", "lobby").get_by_role("button")
    close.click()
    page.click("dialog button[value=no]")
    assert people.evaluate("ann.errors.length") == 0
    close.click()
    page.click("dialog button[value=yes]")
    people.wait_for_function("() => ann.errors.length && bob.errors.length")
    assert people.evaluate("ann.errors[0]").startswith("The operator has closed this room")
    row(page, "room-rows", "lobby").wait_for(state="detached")


def test_it_drops_a_client_that_stays_away(people, dashboard):
    page = dashboard()
    row(page, "client-rows", "bob").get_by_role("button").click()
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")  # Yes, by the keyboard
    people.wait_for_function("() => bob.errors.length")
    assert "1008 closed by the operator" in people.evaluate("bob.errors[0]")
    row(page, "client-rows", "bob").wait_for(state="detached")


def test_it_forgets_the_token_of_who_signs_out(dashboard):
    page = dashboard()
    page.click("text=Sign out")
    page.reload()
    page.wait_for_selector("#sign-in:not([hidden])")
    assert not page.is_visible("#figures")


def test_a_reload_does_not_sign_out(dashboard):
    page = dashboard()
    page.reload()
    page.wait_for_selector("#client-rows tr")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", SIZES)
def test_it_is_accessible(people, dashboard, axe, size, scheme):
    page = dashboard(viewport=SIZES[size], color_scheme=scheme)
    assert axe(page) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= SIZES[size]["width"]
    row(page, "room-rows", "lobby").get_by_role("button").click()
    assert axe(page) == []
