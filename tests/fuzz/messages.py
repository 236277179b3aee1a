"""A text to the decoder of messages: it is refused in one way only, exactly where Python's own json
finds no object or the hub wants none, and goes on to others as it came."""

import json
import math
from itertools import chain

from piehub.protocol import incoming, outgoing
from piehub.protocol.fields import BadMessage

MAX_DEPTH = 32
TIME = 1_700_000_000_123


class Object(list):
    """A JSON object as its pairs, so that of two with one key none is lost."""


class Number(str):
    """A number as its digits."""


def check(data):
    try:
        text = data.decode()
    except UnicodeDecodeError:
        return  # no reader yields it
    said = _read(text)
    envelope = _unless_refused(incoming.decode, data)
    if envelope is None:
        assert said is None or _is_unwanted(said) or _has_a_number_for_the_hub(said)
        return
    assert said is not None, "for Python's json it is no object"
    assert not _is_unwanted(said)
    if "type" in dict(said):  # the hub passes on no others
        _goes_on_as_it_came(data, envelope, said)
    _is_understood_or_refused(data, envelope)
    _can_be_handed_to_the_app(data, said)


def _read(text):
    """The object that it is, for Python's json; or None."""
    try:
        said = json.loads(
            text,
            parse_int=Number,
            parse_float=Number,
            parse_constant=_no_constant,
            object_pairs_hook=Object,
        )
    except (ValueError, RecursionError):
        return None
    return said if isinstance(said, Object) else None


def _no_constant(name):
    raise ValueError(f"{name} is no JSON")


def _is_unwanted(said):
    """Whether it is nested too deep, or half a surrogate pair is in it."""
    waiting = [(said, 1)]
    while waiting:
        value, depth = waiting.pop()
        if isinstance(value, str) and not _is_text(value):
            return True
        if isinstance(value, list):
            if depth > MAX_DEPTH:
                return True
            parts = chain(*value) if isinstance(value, Object) else value
            waiting += [(part, depth + 1) for part in parts]
    return False


def _is_text(value):
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


def _has_a_number_for_the_hub(said):
    """Whether, where the hub itself reads, there is a number beyond what it can hold."""
    waiting = [value for key, value in said if key in incoming.Envelope.__struct_fields__]
    while waiting:
        value = waiting.pop()
        if isinstance(value, Number) and math.isinf(float(value)):
            return True
        if isinstance(value, list):
            waiting += chain(*value) if isinstance(value, Object) else value
    return False


def _can_be_told(error):
    told = outgoing.reject(error.func, str(error)) if error.func else outgoing.err(str(error))
    assert str(error) in json.loads(told).values()


def _goes_on_as_it_came(data, envelope, said):
    head = outgoing.relay_head(data, envelope, outgoing.signature("id-1"))
    relayed = _read(outgoing.relay(head, TIME).decode())
    assert relayed is not None, "what is relayed is no object"
    keys = [key for key, _ in relayed]
    assert keys.count("fromClient") == keys.count("time") == 1, keys
    assert dict(relayed) == dict(said) | {"fromClient": "id-1", "time": Number(TIME)}
    assert not _is_unwanted(relayed)


def _is_understood_or_refused(data, envelope):
    if join := _unless_refused(incoming.join, data):
        assert all(isinstance(name, str) for name in join.room.key)
        assert join.room.app
        assert join.room.version
        answer = outgoing.joined(join.room)
        assert json.loads(outgoing.resolve("JoinRoom", answer))["data"] == answer
    if match := _unless_refused(incoming.match, data):
        assert match.app
        assert match.version
        assert 2 <= match.match_size < 2**53
    if search := _unless_refused(incoming.search, data):
        assert all(isinstance(name, str) for name in (search.app, search.name, search.version))
    ids = _unless_refused(incoming.whisper_ids, envelope)
    assert ids is None or all(isinstance(one, str) for one in ids)
    group = _unless_refused(incoming.together_group, envelope)
    assert group is None or isinstance(group, str)


def _unless_refused(read, said):
    try:
        return read(said)
    except BadMessage as error:
        _can_be_told(error)
        return None


def _can_be_handed_to_the_app(data, said):
    message = incoming.to_dict(data)
    assert message.keys() == dict(said).keys()
    assert json.loads(outgoing.json_text(message)).keys() == message.keys()
