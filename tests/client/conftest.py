import threading

import pytest
from websockets.sync.server import serve

from tests.client.network import Network
from tests.client.people import KEPT, Person
from tests.support.servers import starting
from tests.support.timing import PATIENCE


@pytest.fixture
def url(service):
    return service.start(room_cleanup_delay=PATIENCE / 50)


@pytest.fixture
def start():
    """Start servers that are ended when the test ends."""
    yield from starting()


@pytest.fixture
def network_to():
    """Networks before hubs."""
    made = []

    def make(url):
        made.append(Network(url))
        return made[-1]

    yield make
    for one in made:
        one.stop()


@pytest.fixture
def mute_server():
    """The address of a WebSocket server that is no hub and says nothing."""
    with serve(lambda socket: [*socket], "127.0.0.1", 0, max_queue=None) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"ws://127.0.0.1:{server.socket.getsockname()[1]}"
    thread.join()


@pytest.fixture
def person(service, start, network_to, mute_server):
    """Make people, who go when the test ends, before hubs and networks do."""
    made = []

    def make(url, **options):
        made.append(Person(url, **options))
        return made[-1]

    yield make
    for one in made:
        one.goes()


@pytest.fixture
def network(url, network_to):
    return network_to(url)


@pytest.fixture
def ann(person, network):
    """She is in a room with a history, over a network that may break."""
    return person(network.url).joins(KEPT)


@pytest.fixture
def bob(person, url, ann):
    """He is in the same room, over one that does not."""
    return person(url).joins(KEPT)
