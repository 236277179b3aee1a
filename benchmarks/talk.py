"""What is said to get into a room, and in it: each kind of hub has its own words.

Each step is an argument of the load: `expect=` waits for a message that holds the text, `send=`
sends one; %r stands for the client's room, %m for the mark by which a message is known again.
"""

import json
import random
from typing import NamedTuple


class Talk(NamedTuple):
    """path: of the upgrade. connect: until the hub has greeted. join: from there into the room."""

    path: str
    connect: tuple[str, ...]
    join: tuple[str, ...]
    message: str

    def say(self, size: int = 0) -> str:
        """A message whose payload is at least `size` bytes."""
        padding = "x" * max(0, size - MARK_BYTES)
        return "message=" + self.message.replace("%m", "%m" + padding)


MARK_BYTES = 19
SPRITES = 80  # about 4 kB


def sprites() -> str:
    """What a game might send: a list of objects, of which each has other figures."""
    dice = random.Random(1)  # noqa: S311, the same in each run
    things = [
        {
            "id": number,
            "x": round(dice.uniform(0, 800), 2),
            "y": round(dice.uniform(0, 600), 2),
            "state": dice.choice(("idle", "walking", "jumping")),
        }
        for number in range(SPRITES)
    ]
    listed = json.dumps(things, separators=(",", ":"))
    return f'message={{"type":"Data","payload":{{"mark":"%m","sprites":{listed}}}}}'


WEBSOCKETPIE = Talk(
    path="/",
    connect=("expect=ServerAssignedData",),
    join=(
        'send={"type":"JoinRoom","makeRoomIfNonExistant":true,'
        '"roomInfo":{"app":"bench","name":"room %r","version":"1"}}',
        "expect=ResolvePromise",
    ),
    message='{"type":"Data","payload":"%m"}',
)

# Engine.IO's 0 (open) and 4 (message), in which Socket.IO's 0 (connect), 2 (event), 3 (answer).
SOCKET_IO = Talk(
    path="/socket.io/?EIO=4&transport=websocket",
    connect=("expect=0{", "send=40", "expect=40{"),
    join=('send=420["join","room %r"]', "expect=430["),
    message='42["say","%m"]',
)
