"""The house's one direction: a module imports only what stands below it."""

import ast
from pathlib import Path

import pytest

import piehub

ROOT = Path(piehub.__file__).parent

# What each room of the house may import, besides itself. Below the top, names that only types
# need (under `if TYPE_CHECKING:`) may point anywhere.
BELOW = {
    "wire": set(),
    "protocol": set(),
    "rooms": {"protocol"},
    "net": {"wire"},
    "client": set(),  # a bot needs no hub
    "version": set(),
    "addresses": set(),
    "origins": set(),
    "memory": set(),
    "descriptors": set(),
    "kinds": {"addresses", "origins"},
    "settings": {"addresses", "kinds", "origins"},
    "shares": {"memory", "settings"},
    "signals": set(),
    "logs": {"settings"},
    "guard": set(),
    "hooks": {"guard", "protocol"},
    "host_app": {"guard", "protocol", "rooms", "net"},
    "figures": {"net", "rooms", "wire"},
    "hub": {
        "addresses",
        "descriptors",
        "figures",
        "hooks",
        "host_app",
        "net",
        "origins",
        "protocol",
        "rooms",
        "settings",
        "shares",
        "signals",
        "wire",
    },
    "session": {
        "addresses",
        "hooks",
        "hub",
        "loss",
        "net",
        "protocol",
        "rooms",
        "signals",
        "version",
        "wire",
    },
    "loss": {"net"},
    "operating": {"hub", "protocol", "rooms", "session", "signals", "wire"},
    "web": {
        "addresses",
        "figures",
        "hooks",
        "hub",
        "net",
        "operating",
        "origins",
        "protocol",
        "rooms",
        "session",
        "settings",
        "version",
        "wire",
    },
    "commands": {"descriptors", "hub", "memory", "serve", "settings", "shares"},
    "cli": {"commands"},
    "testing": {"hub", "net", "wire"},
    "extension": {
        "cli",
        "hooks",
        "host_app",
        "hub",
        "protocol",
        "rooms",
        "settings",
        "testing",
        "web",
    },
    "app": {"extension", "host_app", "logs", "settings", "web"},
    "serve": {"descriptors", "hub", "net", "settings", "signals", "web"},
    "__init__": {"app", "extension", "host_app", "version"},
    "__main__": {"__init__", "cli", "serve", "settings"},
}

# Of the hub's, sockets, greenlets and threads live in net; Flask above the rooms.
FORBIDDEN = {
    "client": {"flask", "gevent"},
    "wire": {"gevent", "socket", "threading", "time", "flask"},
    "protocol": {"gevent", "socket", "threading", "time", "flask"},
    "rooms": {"gevent", "socket", "threading", "time", "flask"},
    "net": {"flask"},
    "hooks": {"gevent", "socket", "threading"},
    "host_app": {"gevent", "socket", "threading"},
    "figures": {"gevent", "socket", "threading", "flask"},
    "hub": {"gevent", "socket", "threading"},
    "session": {"gevent", "socket", "threading", "flask"},
    "web": {"gevent", "socket", "threading"},
    "testing": {"gevent", "socket", "threading"},
    "extension": {"gevent", "socket", "threading"},
}


def rooms():
    return sorted({path.relative_to(ROOT).parts[0].removesuffix(".py") for path in sources()})


def sources():
    return ROOT.rglob("*.py")


def imports_of(path):
    """(module, line) for all that a file imports, but not for types alone."""
    tree = ast.parse(path.read_text())
    for_types = {
        child
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
        for child in ast.walk(node)
    }
    for node in ast.walk(tree):
        if node in for_types:
            continue
        if isinstance(node, ast.Import):
            yield from ((alias.name, node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"{path}: relative import"
            yield node.module, node.lineno
            if node.module.startswith("piehub"):
                yield from ((f"{node.module}.{alias.name}", node.lineno) for alias in node.names)


def room_of(module):
    """The room of the house that `piehub.rooms.registry` is in, or None for other packages."""
    package, _, rest = module.partition(".")
    if package != "piehub":
        return None
    first = rest.partition(".")[0]
    return first if first in rooms() else "__init__"


@pytest.mark.parametrize("room", rooms())
def test_every_arrow_points_down(room):
    wrong = []
    for path in sources():
        if path.relative_to(ROOT).parts[0].removesuffix(".py") != room:
            continue
        for module, line in imports_of(path):
            target = room_of(module)
            # `from piehub import hooks` names the package first; only its own names count.
            if module != "piehub" and target not in (None, room, *BELOW[room]):
                wrong.append(f"{path.relative_to(ROOT)}:{line} imports {module}")
            if module.partition(".")[0] in FORBIDDEN.get(room, ()):
                wrong.append(f"{path.relative_to(ROOT)}:{line} imports {module}")
    assert not wrong
