"""Tests of what runs in a browser or in Node, beside a real hub.

They run in a process of their own, `make test-browser`: Playwright cannot be patched by gevent.
"""

import shutil
import subprocess
from pathlib import Path

import pytest
from gevent import monkey

from tests.browser.examples import COMMANDS
from tests.browser.hub import BIN, HubProcess, Network
from tests.browser.site import Site

HERE = Path(__file__).parent
MODULES = HERE / "node_modules"
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
SIZES = {"desktop": {"width": 1200, "height": 900}, "phone": {"width": 360, "height": 740}}


def pytest_collection_modifyitems(items):
    """Skip what would hang where gevent has patched the process, as it has for the other tests."""
    if not monkey.is_module_patched("socket"):
        return
    skip = pytest.mark.skip(reason="not in a process that gevent has patched; make test-browser")
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(skip)


@pytest.fixture(scope="session")
def hub():
    """A hub that nobody restarts; rooms go as soon as they are empty."""
    hub = HubProcess(PIEHUB_ROOM_CLEANUP_DELAY="0")
    yield hub
    hub.kill()
    assert "Traceback" not in hub.log, hub.log


@pytest.fixture
def own_hub():
    """Start a hub of a test's own."""
    started = []

    def start(*args, **environment):
        started.append(HubProcess(*args, **environment))
        return started[-1]

    yield start
    for hub in started:
        hub.kill()


@pytest.fixture
def network(hub):
    network = Network(hub)
    yield network
    network.close()


@pytest.fixture(scope="session")
def browser():
    if CHROMIUM is None:
        pytest.skip("no Chromium is installed; on Debian and Ubuntu: apt install chromium")
    playwright = pytest.importorskip("playwright.sync_api")
    with playwright.sync_playwright() as started:
        browser = started.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def open_page(browser):
    """Open pages, each in a context of its own, as different people do.

    The test fails where one of them has an error that nobody caught.
    """
    contexts, errors = [], []

    def open_page(url="about:blank", **options):
        contexts.append(browser.new_context(**options))
        page = contexts[-1].new_page()
        page.on("pageerror", lambda error: errors.append(error.message))
        page.goto(url)
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert not errors


@pytest.fixture
def axe():
    """Say what the accessibility rules of axe-core find wrong with a page."""
    source = MODULES / "axe-core" / "axe.min.js"
    if not source.exists():
        pytest.skip("axe-core is not installed; `make test-browser` needs npm for that")

    def axe(page):
        page.evaluate(source.read_text())  # the page's policy would not let it in as a script
        found = page.evaluate("axe.run(document, { resultTypes: ['violations'] })")
        return [
            f"{rule['id']}: {node['html']} {node['failureSummary']}"
            for rule in found["violations"]
            for node in rule["nodes"]
        ]

    return axe


@pytest.fixture(scope="session")
def start_example():
    """Start an example by its command, once."""
    started = {}

    def start_example(name):
        if name not in started:
            started[name] = HubProcess(command=COMMANDS[name])
        return started[name]

    yield start_example
    for example in started.values():
        example.kill()
        assert "Traceback" not in example.log, example.log


@pytest.fixture
def network_to(start_example):
    """Put a network of one's own before an example."""
    networks = []

    def network_to(name):
        networks.append(Network(start_example(name)))
        return networks[-1]

    yield network_to
    for network in networks:
        network.close()


@pytest.fixture
def open_example(open_page, start_example):
    """Open an example's page as one more person does, by a network of one's own if it is given."""

    def open_example(name, network=None, **options):
        port = (network or start_example(name)).port
        return open_page(f"http://127.0.0.1:{port}/", **options)

    return open_example


@pytest.fixture(scope="session")
def bundled(tmp_path_factory):
    """The published client, bundled as its users do: a script that sets window.PieClient."""
    esbuild = MODULES / ".bin" / "esbuild"
    if not esbuild.exists():
        pytest.skip("the published client is not installed; `make test-browser` needs npm for that")
    folder = tmp_path_factory.mktemp("bundle")
    entry, bundle = folder / "entry.js", folder / "bundle.js"
    entry.write_text(
        'import client from "@websocketpie/client";\nwindow.PieClient = client.default ?? client;\n'
    )
    subprocess.run(
        [
            esbuild,
            entry,
            "--bundle",
            "--platform=browser",
            f"--outfile={bundle}",
            "--log-level=error",
        ],
        check=True,
        env={"NODE_PATH": str(MODULES), "PATH": str(BIN)},
    )
    return bundle.read_text()


@pytest.fixture(scope="session")
def site():
    """A web site that is not the hub's: `put` a page there and get its address."""
    site = Site()
    yield site
    site.close()


@pytest.fixture
def start_node(tmp_path):
    """Start a module in Node 22; its output comes line by line."""
    started = []

    def start(script, **environment):
        path = tmp_path / "script.mjs"
        path.write_text(script)
        started.append(
            subprocess.Popen(
                [BIN / "node", path], stdout=subprocess.PIPE, text=True, env=environment
            )
        )
        return started[-1]

    yield start
    for process in started:
        process.kill()
        process.wait()
        process.stdout.close()
