"""What a hub shows Prometheus, read as Prometheus reads it."""

from collections import defaultdict
from contextlib import closing
from http.client import HTTPConnection
from urllib.parse import urlsplit

from prometheus_client.parser import text_string_to_metric_families

from tests.support.timing import PATIENCE

ADMIN = "an-admin-token-for-tests"
METRICS = "a-metrics-token-for-tests"


def fetch(url, path="/metrics", token=METRICS, **headers):
    """An answer's text. url: the hub's, as its clients have it."""
    headers |= {"Authorization": f"Bearer {token}"}
    with closing(HTTPConnection(urlsplit(url).netloc, timeout=PATIENCE)) as connection:
        connection.request("GET", path, headers=headers)
        answer = connection.getresponse()
        text = answer.read().decode()
    assert answer.status == 200, text
    return text


def families(text):
    """The metrics by name; the parser raises ValueError for what is none."""
    return {family.name: family for family in text_string_to_metric_families(text)}


def values(text):
    """Each sample's value by its name, or by (name, label's value) where it has one label."""
    found = defaultdict(float)
    for family in families(text).values():
        for sample in family.samples:
            labels = tuple(sample.labels.values())
            key = (sample.name, *labels) if labels else sample.name
            assert key not in found, f"{key} is there twice"
            found[key] = sample.value
    return found
