import pytest
from click.testing import CliRunner
from flask.cli import FlaskGroup
from gevent.pywsgi import WSGIHandler, WSGIServer

from piehub import create_app
from tests.commands.fake_api import FakeApi
from tests.support.timing import PATIENCE

TOKEN = "a-token-for-the-tests"


class Handler(WSGIHandler):
    """gevent's, which says as some other servers do what the path was before it was decoded."""

    def get_environ(self):
        return {**super().get_environ(), "REQUEST_URI": self.path}


@pytest.fixture(autouse=True)
def environment(monkeypatch):
    """Nothing of the shell's that commands look at."""
    for name in ("PORT", "PIEHUB_ADMIN_TOKEN", "WEB_CONCURRENCY", "GUNICORN_CMD_ARGS"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def pie():
    """Run `flask pie ...` in an app that has a hub."""

    def run(*words, settings=None, **options):
        given = {"PIEHUB_SECRET_KEY": "a secret for the tests", **(settings or {})}
        flask = FlaskGroup(create_app=lambda: create_app(**given), load_dotenv=False)
        return CliRunner().invoke(flask, ["pie", *words], **options)

    return run


@pytest.fixture
def serve():
    """Serve WSGI apps in this process; return the URL of each."""
    servers = []

    def start(app, scheme="http", host="127.0.0.1", **options):
        server = WSGIServer(
            (host, 0), app, log=None, error_log=None, handler_class=Handler, **options
        )
        server.start()
        servers.append(server)
        return f"{scheme}://localhost:{server.server_port}"

    yield start
    for server in servers:
        server.stop(timeout=PATIENCE)


@pytest.fixture
def fake(serve):
    """A server that speaks the API."""
    api = FakeApi(TOKEN)
    api.url = serve(api.app)
    return api
