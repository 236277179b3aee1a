"""What a client may say that the hub refuses, and with which words."""

import json
from typing import NamedTuple

PASSWORD = "a word that nobody may read"
PIN = 271_828


class Refused(NamedTuple):
    """text: a piece of what the sender is told. func: whose promise is rejected by it; an Err if it
    is empty."""

    name: str
    sent: str | bytes
    text: str
    func: str = ""


def table(func, *rows):
    """Rows of one kind of message: name, what is sent, text."""
    return [Refused(*row, func) for row in rows]


def nested(depth, kind="Data"):
    """A message that nests arrays and objects so deep."""
    return f'{{"type":"{kind}","payload":{"[" * (depth - 1)}{"]" * (depth - 1)}}}'


def data(fields):
    return f'{{"type":"Data",{fields}}}'


def payload(value):
    return data(f'"payload":{value}')


def listed(value):
    return f'{{"type":"GetRooms","roomInfo":{value}}}'


def join(**info):
    room = {"app": "cases", "version": "1.0.0", "name": "refused"} | info
    return json.dumps({"type": "JoinRoom", "roomInfo": room, "makeRoomIfNonExistant": True})


def join_with(setting):
    """The same, for what Python would not write."""
    return join(x=1).replace('"x": 1', setting)


def making(value):
    """The same, with makeRoomIfNonExistant."""
    return join().replace("true", value)


def room_info(value):
    return f'{{"type":"JoinRoom","makeRoomIfNonExistant":true,"roomInfo":{value}}}'


def match(**terms):
    return json.dumps({"type": "EnterMatchmaking", "app": "cases", "version": "1.0.0"} | terms)


def whisper(ids):
    return data(f'"subType":"Whisper","whisperClientIds":{ids}')


def together(group):
    return data(f'"subType":"Together","togetherId":{group}')


NOT_JSON = "The message is not JSON: "
EMPTY = "The message is empty; a message is a JSON object such as "
BEYOND = "A number that the hub reads is beyond what any computer holds"
NO_OBJECT = 'A message is a JSON object such as {"type": "Data", "payload": 1}: Expected `object`'
NO_TYPE = "is no type of message; a type is one of Data, JoinRoom, LeaveRoom"
TOO_DEEP = "The message is nested too deep: at most 32 arrays and objects in each other"
HALF = "The message holds half a surrogate pair, which is no character"
NOT_UTF8 = "A binary message must hold JSON text in UTF-8"
OUTSIDE = 'Cannot echo to room, missing "client.room"'

NO_MESSAGES = [
    Refused("an empty text", "", EMPTY),
    Refused("blanks", " \r\n\t", NOT_JSON),
    Refused("no JSON", "hello", NOT_JSON),
    Refused("a number", "1", NO_OBJECT + ", got `int`"),
    Refused("a list", '[{"type":"Data"}]', NO_OBJECT + ", got `array`"),
    Refused("null", "null", NO_OBJECT + ", got `null`"),
    Refused("true", "true", NO_OBJECT + ", got `bool`"),
    Refused("a JSON text", '"Data"', NO_OBJECT + ", got `str`"),
    Refused("two objects", '{"type":"Data"}{"type":"Data"}', NOT_JSON),
    Refused("a NUL behind", '{"type":"Data"}\0', NOT_JSON),
    Refused("a BOM before", '\ufeff{"type":"Data"}', NOT_JSON),
    Refused("a blank that JSON has none of", '\u00a0{"type":"Data"}', NOT_JSON),
    Refused("half an object", '{"type":"Data"', NOT_JSON),
    Refused("a comma too many", '{"type":"Data",}', NOT_JSON),
    Refused("single quotes", "{'type':'Data'}", NOT_JSON),
    Refused("no quotes", "{type:1}", NOT_JSON),
    Refused("a comment", '{"type":"Data"} // hello', NOT_JSON),
    Refused("NaN", payload("NaN"), NOT_JSON),
    Refused("Infinity", payload("-Infinity"), NOT_JSON),
    Refused("a zero in front", payload("01"), NOT_JSON),
    Refused("a plus in front", payload("+1"), NOT_JSON),
    Refused("a line end in a text", payload('"\n"'), NOT_JSON),
    Refused("a NUL in a text", payload('"\0"'), NOT_JSON),
    Refused("an unknown escape", payload('"\\x41"'), NOT_JSON),
    Refused("an empty binary", b"", EMPTY),
    Refused("a binary with a BOM", b'\xef\xbb\xbf{"type":"Data"}', NOT_JSON),
    Refused("a binary in UTF-16", '{"type":"Data"}'.encode("utf-16"), NOT_UTF8),
    Refused("a binary in UTF-16 without a BOM", '{"type":"Data"}'.encode("utf-16-le"), NOT_JSON),
    Refused("a binary in Latin-1", b'{"type":"\xe4"}', NOT_UTF8),
    Refused("a binary with half a pair", b'{"type":"Data","x":"\xed\xa0\x80"}', NOT_UTF8),
    Refused("a pickle", b"\x80\x04\x95\x0b\x00\x00\x00", NOT_UTF8),
    Refused("33 deep", nested(33), TOO_DEEP),
    Refused("33 objects deep", payload('{"a":' * 32 + "1" + "}" * 32), TOO_DEEP),
    Refused("10,000 deep", nested(10_000), TOO_DEEP),
    Refused("64 KiB of brackets", '{"a":' * 13_000, TOO_DEEP),
    Refused("a deep JoinRoom", nested(33, "JoinRoom"), TOO_DEEP, "JoinRoom"),
    Refused("a very deep JoinRoom", nested(10_000, "JoinRoom"), TOO_DEEP, "JoinRoom"),
    Refused("the first half of a pair", payload(r'"\ud83e"'), HALF),
    Refused("the second half of a pair", payload(r'"\udd67"'), HALF),
    Refused("two halves the wrong way round", payload(r'"\udd67\ud83e"'), HALF),
    Refused("half a pair as a key", data(r'"\ud800":1'), HALF),
    Refused("half a pair in a name", room_info(r'{"app":"\ud800"}'), HALF, "JoinRoom"),
]

TYPES = [
    Refused("no type", "{}", "The message has no type; a type is one of Data"),
    Refused("type null", '{"type":null}', "The message has no type; a type is one of Data"),
    *(
        Refused(f"type {value}", f'{{"type":{value}}}', f"This {NO_TYPE}")
        for value in ("1", "1e99", "true", "[]", '["Data"]', "{}", f'"{"x" * 41}"')
    ),
    *(
        Refused(f"type '{value}'", f'{{"type":"{value}"}}', f"'{value}' {NO_TYPE}")
        for value in ("", "data", "Data ", "Whisper", "Err", "ServerAssignedData", "__proto__")
    ),
    Refused("a NUL in the type", r'{"type":"Data\u0000"}', rf"'Data\x00' {NO_TYPE}"),
    Refused("two types, the last unknown", '{"type":"Data","type":"x"}', f"'x' {NO_TYPE}"),
    Refused("Data outside a room", payload("1"), OUTSIDE),
    Refused("a whisper outside a room", whisper('["a"]'), OUTSIDE),
    Refused("together outside a room", together("1"), OUTSIDE),
]

WHOM = 'A Whisper needs whisperClientIds, a list of client ids such as ["id-1", "id-2"]'
GROUP = "togetherId must be text, a number or a boolean, not "
IN_ONE = "Client cannot join a new room without first leaving their current room."
NO_MATCH = "Cannot enter matchmaking while in a room"

IN_ROOM = [
    Refused("a whisper to nobody", data('"subType":"Whisper"'), WHOM),
    Refused("a whisper to null", whisper("null"), WHOM),
    Refused("a whisper to a number", whisper("1"), WHOM),
    Refused("a whisper to a text", whisper('"a"'), WHOM),
    Refused("a whisper to an object", whisper("{}"), WHOM),
    Refused("a whisper to a list with a number in it", whisper('["a",1]'), WHOM),
    Refused("a whisper to a list in a list", whisper('[["a"]]'), WHOM),
    Refused("a whisper to 1,001", whisper(json.dumps(["x"] * 1001)), "at most 1000 clients, not"),
    Refused("a togetherId that is an object", together("{}"), GROUP + "an object"),
    Refused("a togetherId that is a list", together("[]"), GROUP + "a list"),
    Refused("a togetherId of 201", together(f'"{"x" * 201}"'), "togetherId has 201 characters"),
    Refused("a togetherId of 5,000 digits", together("9" * 5000), BEYOND),
    Refused("a second room", join(), IN_ONE, "JoinRoom"),
    Refused("a match, in a room", match(matchSize=2), NO_MATCH, "EnterMatchmaking"),
]

WHICH = "JoinRoom needs roomInfo, an object such as "
MILLISECONDS = "togetherTimeoutMs must be a number of milliseconds above 0 and at most 600000, not "
CLIENTS = "roomInfo.maxClients must be an integer of 1 or more, not "
HIDDEN = "roomInfo.hidden must be true or false, not "
MAKE = "makeRoomIfNonExistant must be true or false, not "

JOINS = table(
    "JoinRoom",
    ("no roomInfo", '{"type":"JoinRoom"}', WHICH),
    ("roomInfo null", room_info("null"), WHICH),
    ("roomInfo a list", room_info("[]"), WHICH),
    ("roomInfo a text", room_info('"lobby"'), WHICH),
    ("roomInfo a number", room_info("1"), WHICH),
    ("no app", room_info('{"version":"1"}'), "app must be a non-empty text, not nothing"),
    ("no version", room_info('{"app":"a"}'), "version must be a non-empty text, not nothing"),
    ("an empty app", join(app=""), "app must be a non-empty text, not the text ''"),
    ("an empty version", join(version=""), "version must be a non-empty text"),
    ("an app that is a number", join(app=1), "roomInfo.app must be text, not 1"),
    ("a version that is a number", join(version=1.5), "roomInfo.version must be text, not 1.5"),
    ("a name that is a list", join(name=[]), "roomInfo.name must be text, not a list"),
    ("a name that is an object", join(name={}), "roomInfo.name must be text, not an object"),
    ("an app of 201 characters", join(app="x" * 201), "roomInfo.app has 201 characters; at"),
    ("a name of 201 characters", join(name="x" * 201), "roomInfo.name has 201 characters; at"),
    ("a version of 201", join(version="x" * 201), "roomInfo.version has 201 characters; at"),
    ("maxClients 0", join(maxClients=0), CLIENTS + "0"),
    ("maxClients -1", join(maxClients=-1), CLIENTS + "-1"),
    ("maxClients 1.5", join(maxClients=1.5), CLIENTS + "1.5"),
    ("maxClients '2'", join(maxClients="2"), CLIENTS + "the text '2'"),
    ("maxClients true", join(maxClients=True), CLIENTS + "true"),
    ("maxClients a list", join(maxClients=[2]), CLIENTS + "a list"),
    ("maxClients 2**60", join(maxClients=2**60), "an integer from 1 to 9007199254740991"),
    ("maxClients 1e400", join_with('"maxClients":1e400'), BEYOND),
    ("togetherTimeoutMs 0", join(togetherTimeoutMs=0), MILLISECONDS + "0"),
    ("togetherTimeoutMs -1", join(togetherTimeoutMs=-1), MILLISECONDS + "-1"),
    ("togetherTimeoutMs 600001", join(togetherTimeoutMs=600_001), MILLISECONDS + "600001"),
    ("togetherTimeoutMs '9'", join(togetherTimeoutMs="9"), MILLISECONDS + "the text '9'"),
    ("togetherTimeoutMs true", join(togetherTimeoutMs=True), MILLISECONDS + "true"),
    ("hidden 1", join(hidden=1), HIDDEN + "1"),
    ("hidden 'true'", join(hidden="true"), HIDDEN + "the text 'true'"),
    ("a password that is a number", join(password=PIN), "roomInfo.password must be text"),
    ("a password in a list", join(password=[PASSWORD]), "roomInfo.password must be text"),
    ("a password of 201", join(password=PASSWORD.ljust(201)), "roomInfo.password has 201 charact"),
    ("makeRoomIfNonExistant 'yes'", making('"yes"'), MAKE + "the text 'yes'"),
    ("makeRoomIfNonExistant 1", making("1"), MAKE + "1"),
    ("a room that is not there", making("false"), "Cannot add client to non-existant room."),
)

SIZE = "matchSize must be an integer of 2 or more, not "

MATCHES = table(
    "EnterMatchmaking",
    ("no matchSize", match(), SIZE + "nothing"),
    ("matchSize 1", match(matchSize=1), SIZE + "1"),
    ("matchSize 2.5", match(matchSize=2.5), SIZE + "2.5"),
    ("matchSize '2'", match(matchSize="2"), SIZE + "the text '2'"),
    ("matchSize true", match(matchSize=True), SIZE + "true"),
    ("matchSize 5001", match(matchSize=5001), "this hub allows at most 5000 clients in a room"),
    ("a match without an app", match(matchSize=2, app=None), "app must be a non-empty text"),
    ("a match of a numeric app", match(matchSize=2, app=1), "app must be text, not 1"),
    ("a match without a version", match(matchSize=2, version=""), "version must be a non-emp"),
)

LIST = 'GetRooms takes roomInfo as an object such as {"app": "chat"}, not '

SEARCHES = [
    Refused("a search for a list", listed("[]"), LIST + "a list"),
    Refused("a search for a text", listed('"chat"'), LIST + "the text 'chat'"),
    Refused("a search for a number", listed("0"), LIST + "0"),
    Refused("a search for a numeric app", listed('{"app":1}'), "roomInfo.app must be text, not 1"),
    Refused("a search for a long name", listed(f'{{"name":"{"x" * 201}"}}'), "has 201 characters"),
    Refused("details 1", '{"type":"GetRooms","details":1}', "details must be true or false, not 1"),
]
