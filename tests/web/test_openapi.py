"""The API's document, and that the API is as it says, whatever it is asked."""

from collections import Counter

import pytest
import schemathesis
from schemathesis.config import SchemathesisConfig
from schemathesis.engine import events, from_schema

from piehub import __version__, create_app
from piehub.operating import SORTS
from tests.support.operator import TOKEN, Operator

DOCUMENT = "/api/openapi.json"
SEED = 1


@pytest.fixture
def app(service):
    app = create_app(
        PIEHUB_SECRET_KEY="for tests", PIEHUB_ROOM_CLEANUP_DELAY=0, PIEHUB_ADMIN_TOKEN=TOKEN
    )
    app.url = service.start(app)
    return app


def asked(app, examples, only=None, parameters=None):
    """Ask all that the document knows, rightly and wrongly, so often; return how often each status
    was answered to each operation, and what was found wrong.

    only: these methods alone. parameters: what they are, where they are not made up.
    """
    config = SchemathesisConfig.from_dict(
        {
            "seed": SEED,
            "headers": {"Authorization": f"Bearer {TOKEN}"},
            "generation": {"max-examples": examples, "no-shrink": True, "database": "none"},
            "parameters": parameters or {},
            "phases": {"stateful": {"enabled": False}},  # one answer does not lead to another
            # How it asks without a token, a WSGI app cannot be asked; test_api.py does that.
            "checks": {"ignored_auth": {"enabled": False}},
            "continue-on-failure": True,
        }
    )
    schema = schemathesis.openapi.from_wsgi(DOCUMENT, app, config=config)
    if only:
        schema = schema.include(method=only)
    answers, faults = Counter(), set()
    for event in from_schema(schema).execute():
        if isinstance(event, events.ScenarioFinished):
            recorder = event.recorder
            for interaction in recorder.interactions.values():
                if interaction.response is not None:
                    answers[recorder.label, interaction.response.status_code] += 1
            for checks in recorder.checks.values():
                for check in checks:
                    if check.failure_info is not None:
                        faults.add(f"{recorder.label}: {check.failure_info.failure}")
        elif isinstance(event, events.NonFatalError):
            faults.add(f"{event.label}: {event.value!r}")
        elif isinstance(event, events.FatalError):
            raise event.exception
    return answers, sorted(faults)


def test_the_api_is_as_its_document_says_whatever_it_is_asked(app, service):
    service.peer(app.url).join()
    answers, faults = asked(app, 20)
    assert faults == []
    answered = {label for label, status in answers if status != 405}
    described = app.test_client().get(DOCUMENT).json["paths"]
    assert answered >= {
        f"{method.upper()} {path}"
        for path, item in described.items()
        for method in item
        if method != "parameters" and path != DOCUMENT
    }
    assert answers["GET /api/rooms", 200] > 10
    assert answers["GET /api/rooms", 400] > 10


def test_the_same_of_a_room_and_a_client_that_are_there(app, service):
    peer = service.peer(app.url)
    peer.join()
    pinned = {"app": "chat", "version": "1.0.0", "name": "lobby", "id": peer.id}
    answers, faults = asked(app, 50, ["GET", "POST"], pinned)
    assert faults == []
    send = "POST /api/rooms/{app}/{version}/{name}/messages"
    assert answers[send, 200] > 10
    assert answers[send, 400] > 10
    assert answers["GET /api/rooms/{app}/{version}/{name}", 200] > 0
    assert answers["GET /api/clients/{id}", 200] > 0


def test_the_document_needs_no_token_and_says_where_the_api_is(app):
    answer = app.test_client().get(DOCUMENT)
    assert answer.status_code == 200
    document = answer.json
    assert document["openapi"].startswith("3.1")
    assert document["servers"] == [{"url": "/"}]
    assert document["info"]["version"] == __version__
    assert document == Operator(app).get("/openapi.json")


def test_the_document_knows_every_way_to_sort_clients(app):
    document = app.test_client().get(DOCUMENT).json
    parameters = document["paths"]["/api/clients"]["get"]["parameters"]
    (sort,) = (one for one in parameters if one["name"] == "sort")
    assert sort["schema"]["enum"] == list(SORTS)
