"""What a client may say that looks odd and is right, and what must arrive."""

from typing import Any, NamedTuple

from tests.robustness.messages import data, nested, payload, together


class Passed(NamedTuple):
    """arrives: up to what the hub adds; if it is empty, all that was sent but its last brace."""

    name: str
    sent: str | bytes
    arrives: str = ""


class Joined(NamedTuple):
    """info: of the room that is made. told: what the promise says of it, if not the same."""

    name: str
    info: dict[str, Any]
    told: dict[str, Any] | None = None


UNTOUCHED = [
    Passed("a number beyond every double", payload("1e400")),
    Passed("a number beyond every double, below zero", payload("-1E+400")),
    Passed("a number nearer to zero than every double", payload("1e-400")),
    Passed("minus zero", payload("-0")),
    Passed("minus zero with a point", payload("-0.0")),
    Passed("an integer of 5,000 digits", payload("9" * 5000)),
    Passed("5,000 digits behind the point", payload("0." + "1" * 5000)),
    Passed("more digits than a double has", payload("0.1000000000000000055511151231257827")),
    Passed("an integer that JavaScript cannot count to", payload("9007199254740993")),
    Passed("a point that is not needed", payload("1.0")),
    Passed("escapes that are not needed", payload(r'"\u0041\/"')),
    Passed("a pair of surrogates", payload(r'"\ud83e\udd67"')),
    Passed("a NUL, escaped", payload(r'"\u0000"')),
    Passed("line ends that JavaScript once had", payload('"\u2028\u2029"')),
    Passed("a DEL", payload('"\x7f"')),
    Passed("what will never be a character", payload('"\uffff"')),
    Passed("blanks everywhere", ' \r\n\t{ "type" : "Data" , "payload" : [ 1 , 2 ] } \n'),
    Passed("no payload", '{"type":"Data"}'),
    Passed("a key without a name", data('"":1')),
    Passed("a key twice", payload('{"a":1,"a":2}')),
    Passed("a key twice at the top", data('"a":1,"a":2')),
    Passed("two types, the last Data", '{"type":"JoinRoom","type":"Data"}'),
    Passed("an escape in the type", r'{"\u0074ype":"\u0044ata"}'),
    Passed("__proto__", payload('{"__proto__":{"admin":true},"constructor":{"prototype":1}}')),
    Passed("__proto__ at the top", data('"__proto__":{"admin":true},"constructor":1,"toString":1')),
    Passed("the hub's words for others", data('"doNotEcho":true,"present":true,"func":"JoinRoom"')),
    Passed("a subType that is a list", data('"subType":[]')),
    Passed("a subType in small letters", data('"subType":"whisper"')),
    Passed("32 deep", nested(32)),
    Passed("as deep as 64 KiB go, in a text", payload(f'"{"[" * 65_500}"')),
    Passed("64 KiB", payload(f'"{"x" * (65_536 - 28)}"')),
    Passed("a binary", payload('"für Zoë"').encode(), payload('"für Zoë"')[:-1]),
    # Only fields at the top are the hub's own.
    Passed("the hub's fields in the payload", payload('{"fromClient":"admin","time":0}')),
]

# Sent by all who are in the room.
TOGETHER = [
    Passed(f"the group {group[:20]}", together(group))
    for group in (
        '"__proto__"',
        '""',
        r'"\u0000"',
        "true",
        "null",
        "-0",
        "1e300",
        "9" * 400,
        f'"{"x" * 200}"',
    )
]

# What the sender wrote itself as fromClient and time goes, and the hub's comes, once.
SPOOFED = [
    Passed("fromClient", data('"fromClient":"admin","payload":1'), payload("1")[:-1]),
    Passed("time", data('"payload":1,"time":0'), payload("1")[:-1]),
    Passed(
        "both twice", data('"time":1,"fromClient":"a","fromClient":"b","time":2'), '{"type":"Data"'
    ),
    Passed("both as objects", data('"fromClient":{"a":[1]},"time":{}'), '{"type":"Data"'),
    Passed("both null", data('"fromClient":null,"time":null'), '{"type":"Data"'),
    Passed("both in escapes", data(r'"from\u0043lient":"a","tim\u0065":2'), '{"type":"Data"'),
    Passed(
        "both, beside numbers that must stay",
        data(f'"fromClient":"a","x":1e400,"time":1,"y":-0,"z":{"9" * 5000}'),
        f'{{"type":"Data","x":1e400,"y":-0,"z":{"9" * 5000}',
    ),
]

JOINED = [
    Joined("__proto__", {"name": "__proto__"}),
    Joined("constructor", {"name": "constructor"}),
    Joined("a NUL", {"name": "a\0b"}),
    Joined("U+2028", {"name": "a\u2028b"}),
    Joined("a line end", {"name": "\r\n"}),
    Joined("a blank", {"name": " "}),
    Joined("a mark that turns round", {"name": "\u202eabc"}),
    Joined("quotes and backslashes", {"name": "\"'\\"}),
    Joined("HTML", {"name": "</script><script>alert(1)</script>"}),
    Joined("what Python would fill in", {"name": "%s %(id)r {0} {self}"}),
    Joined("200 pies", {"name": "🥧" * 200}),
    Joined("an empty name", {"name": ""}),
    Joined("null for a name", {"name": None}, {"name": "default"}),
    Joined("maxClients 1.0", {"name": "1.0", "maxClients": 1.0}, {"name": "1.0", "maxClients": 1}),
    Joined("maxClients 2**53 - 1", {"name": "2**53", "maxClients": 2**53 - 1}),
    Joined("togetherTimeoutMs 600000", {"name": "slow", "togetherTimeoutMs": 600_000}),
    Joined("togetherTimeoutMs 0.5", {"name": "quick", "togetherTimeoutMs": 0.5}),
    Joined(
        "settings that are null",
        {"name": "null", "maxClients": None, "togetherTimeoutMs": None, "hidden": None},
        {"name": "null"},
    ),
    Joined("an empty password", {"name": "open", "password": ""}, {"name": "open"}),
    Joined(
        "settings that there are none of",
        {"name": "more", "clients": ["a"], "isPasswordProtected": "x", "__proto__": {"hidden": 1}},
        {"name": "more"},
    ),
]
