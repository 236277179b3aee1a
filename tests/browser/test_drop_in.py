"""Changing the import is all it takes: a page runs twice, with each client, and sees the same."""

import difflib
from pathlib import Path

SCENARIO = (Path(__file__).parent / "pages" / "drop_in.js").read_text()
PAGE = """<!doctype html><title>drop-in</title>
<div id="websocketpie-connection-status"></div>
<script>{script}</script>
<script type="module">{module}</script>
"""


def test_a_page_sees_with_piehubs_client_what_it_saw_with_the_original(
    open_page, site, own_hub, bundled
):
    before = life(open_page, site, own_hub, script=bundled)
    after = life(open_page, site, own_hub, module=True)
    differences = list(difflib.unified_diff(before, after, "original", "piehub", lineterm="", n=2))
    assert len(before) > 100
    assert not differences, "\n".join(differences)


def life(open_page, site, own_hub, *, script="", module=False):
    """What the scenario notes."""
    hub = own_hub(PIEHUB_ROOM_CLEANUP_DELAY="0")
    imported = f'import PieClient from "{hub.page}/pie.js"; window.PieClient = PieClient;'
    page = open_page(site.put(PAGE.format(script=script, module=imported if module else "")))
    page.expose_function("restart", hub.restart)
    page.add_script_tag(content=SCENARIO)
    page.wait_for_function("window.PieClient !== undefined")
    lines = page.evaluate("(url) => dropIn(PieClient, url, restart)", hub.url)
    return [line.replace(f":{hub.port}", ":PORT") for line in lines]
