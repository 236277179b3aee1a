"""app.json, by which Heroku makes a hub of this repository."""

import json

from piehub.addresses import of_client, proxies
from piehub.settings import FIELDS
from tests.support.process import ROOT

APP = json.loads((ROOT / "app.json").read_text())


def test_each_of_its_variables_is_a_setting_and_the_secret_is_made_for_each_hub():
    assert APP["env"].keys() <= FIELDS.keys()
    assert APP["env"]["PIEHUB_SECRET_KEY"]["generator"] == "secret"
    assert all("value" in each or "generator" in each for each in APP["env"].values())


def test_it_starts_one_hub_of_the_procfile_with_its_values(start, clients):
    assert APP["formation"]["web"]["quantity"] == 1
    values = {name: each["value"] for name, each in APP["env"].items() if "value" in each}
    server = start(["honcho", "start"], WEB_CONCURRENCY="2", PIEHUB_MAX_CLIENTS="100", **values)
    assert clients(server.url).join()["type"] == "ResolvePromise"
    assert "warning" not in server.log.lower()


def test_who_comes_by_a_router_is_known_by_its_own_address():
    routers = proxies(APP["env"]["PIEHUB_TRUSTED_PROXIES"]["value"])
    assert of_client("10.1.2.3", "203.0.113.9, 198.51.100.7", routers) == "198.51.100.7"
