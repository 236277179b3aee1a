"""What deploy/grafana.json asks for, and docs/operating.md tells of, is what /metrics has."""

import json
import re
from pathlib import Path

import pytest

from piehub import create_app
from tests.support.scrape import METRICS, families

ROOT = Path(__file__).resolve().parents[1]
DASHBOARD = json.loads((ROOT / "deploy" / "grafana.json").read_text())
PANELS = DASHBOARD["panels"]
QUERIES = [target["expr"] for panel in PANELS for target in panel.get("targets", [])]
ASKED = [
    variable["query"]["query"]
    for variable in DASHBOARD["templating"]["list"]
    if variable["type"] == "query"
]


@pytest.fixture(scope="module")
def shown():
    """The labels of each sample that a hub shows, by name."""
    app = create_app(PIEHUB_SECRET_KEY="for tests", PIEHUB_METRICS_TOKEN=METRICS)
    text = app.test_client().get("/metrics", headers={"Authorization": f"Bearer {METRICS}"}).text
    return {
        sample.name: {*sample.labels, "instance", "job"}  # those are Prometheus's own
        for family in families(text).values()
        for sample in family.samples
    }


def named(query):
    return set(re.findall(r"\bpiehub_\w+", query))


@pytest.mark.parametrize("query", [*QUERIES, *ASKED])
def test_a_query_asks_for_what_there_is(query, shown):
    names = named(query)
    assert names
    assert names <= shown.keys()
    for labels in re.findall(r"by \(([^)]*)\)", query):
        for label in labels.split(","):
            assert all(label.strip() in shown[name] for name in names), label
    for label in re.findall(r"(\w+)=~?\"", query):
        assert all(label in shown[name] for name in names), label


@pytest.mark.parametrize("query", QUERIES)
def test_a_counter_is_shown_as_a_rate_and_a_gauge_as_it_is(query):
    for name in named(query):
        counts = name.endswith(("_total", "_bucket", "_sum", "_count"))
        assert bool(re.search(rf"\b(rate|increase)\({name}\b", query)) is counts


def test_all_that_is_counted_has_a_panel(shown):
    asked = set().union(*map(named, QUERIES))
    counted = {name for name in shown if not name.endswith(("_created", "_sum", "_count"))}
    assert counted <= asked


def test_the_page_tells_of_all_that_there_is_and_of_nothing_else(shown):
    told = named((ROOT / "docs" / "operating.md").read_text())
    # A histogram is told of by its own name.
    histograms = {name.removesuffix("_bucket") for name in shown if name.endswith("_bucket")}
    assert told <= shown.keys() | histograms
    parts = ("_created", "_sum", "_count", "_bucket")
    assert histograms | {name for name in shown if not name.endswith(parts)} <= told


def test_what_a_legend_names_is_left_by_its_query():
    for panel in PANELS:
        for target in panel.get("targets", []):
            for label in re.findall(r"{{(\w+)}}", target["legendFormat"]):
                assert f"by ({label})" in target["expr"]


def test_each_panel_has_a_place_of_its_own():
    assert len({panel["id"] for panel in PANELS}) == len(PANELS)
    taken = set()
    for panel in PANELS:
        at = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(at["x"], at["x"] + at["w"])
            for y in range(at["y"], at["y"] + at["h"])
        }
        assert at["x"] + at["w"] <= 24
        assert not cells & taken, panel["title"]
        taken |= cells
