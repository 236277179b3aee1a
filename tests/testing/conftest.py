"""These tests need nothing of the others' conftest: they also run where nothing is patched."""

import pytest
from flask import Flask
from gevent import monkey

from piehub import PieHub

start_thread = monkey.get_original("_thread", "start_new_thread")
native_lock = monkey.get_original("_thread", "allocate_lock")


@pytest.fixture
def app():
    """A Flask app as a test of it would make it. Settings may still be added before `pie`."""
    app = Flask("club")
    app.config.update(SECRET_KEY="for tests")
    return app


@pytest.fixture
def pie(app):
    return PieHub(app)


@pytest.fixture
def join(pie):
    """Connect a client, and join a room."""

    def join(name="lobby", **settings):
        client = pie.test_client()
        client.join(app="chat", name=name, version="1", **settings)
        return client

    return join


@pytest.fixture
def in_thread():
    """Run a function in a thread of the system's, also where threads are greenlets; wait for it,
    and return what it raised."""

    def in_thread(function):
        done, errors = native_lock(), []
        done.acquire()

        def run():
            try:
                function()
            except Exception as error:
                errors.append(error)
            done.release()

        start_thread(run, ())
        done.acquire()
        return errors

    return in_thread
