"""What a client may send first: what gunicorn cannot read, what the hub refuses, what is no upgrade
at all, and what looks odd and is right."""

from typing import NamedTuple

KEY = "Sec-WebSocket-Key: MDEyMzQ1Njc4OWFiY2RlZg=="
UPGRADE = [
    "Host: localhost",
    "Upgrade: websocket",
    "Connection: Upgrade",
    "Sec-WebSocket-Version: 13",
    KEY,
]


class Handshake(NamedTuple):
    """text: a piece of the answer's body; of what gunicorn cannot read, also of what it logs."""

    name: str
    sent: bytes
    status: int
    text: str


class LetIn(NamedTuple):
    """id: which the client gets; one of the hub's if it is empty."""

    name: str
    sent: bytes
    id: str = ""


def head(*lines, first="GET / HTTP/1.1"):
    """An upgrade with more lines; where there is one of the same name already, it goes."""
    names = {line.partition(":")[0] for line in lines}
    kept = [line for line in UPGRADE if line.partition(":")[0] not in names]
    return "\r\n".join([first, *kept, *lines, "", ""]).encode("latin-1")


def without(name):
    """An upgrade that lacks a line."""
    lines = [line for line in UPGRADE if not line.startswith(name)]
    return "\r\n".join(["GET / HTTP/1.1", *lines, "", ""]).encode()


def twice(line):
    """An upgrade in which a line of that name comes twice."""
    return head().replace(b"\r\n\r\n", f"\r\n{line}\r\n\r\n".encode())


def asking(query):
    return head(first=f"GET /?{query} HTTP/1.1")


def first(line):
    return head(first=line)


def version(value):
    return head(f"Sec-WebSocket-Version: {value}")


def key(value):
    return head(f"Sec-WebSocket-Key: {value}")


THIRTEEN = "This hub speaks version 13 of WebSocket."
SIXTEEN = "Sec-WebSocket-Key must be 16 bytes in base64."
UNPRINTABLE = "clientId must not hold control characters or line ends."
HOST = "The Host of an upgrade must be in ASCII."
NO_BODY = "An upgrade to a WebSocket has no body."

REFUSED = [
    Handshake("POST", first("POST / HTTP/1.1"), 405, "Method Not Allowed"),
    Handshake("PUT", first("PUT / HTTP/1.1"), 405, "Method Not Allowed"),
    Handshake("DELETE", first("DELETE / HTTP/1.1"), 405, "Method Not Allowed"),
    Handshake("CONNECT", first("CONNECT / HTTP/1.1"), 405, "Method Not Allowed"),
    Handshake("OPTIONS", first("OPTIONS / HTTP/1.1"), 405, "A WebSocket is opened with GET."),
    Handshake("HTTP/1.0", first("GET / HTTP/1.0"), 400, "A WebSocket is opened with HTTP/1.1"),
    Handshake("version 8", version(8), 426, THIRTEEN),
    Handshake("version 0", version(0), 426, THIRTEEN),
    Handshake("version 13, 8", version("13, 8"), 426, THIRTEEN),
    Handshake("version 013", version("013"), 426, THIRTEEN),
    Handshake("an empty version", version(""), 426, THIRTEEN),
    Handshake("no version", without("Sec-WebSocket-Version"), 426, THIRTEEN),
    Handshake("two versions", twice("Sec-WebSocket-Version: 8"), 426, THIRTEEN),
    Handshake("no key", without("Sec-WebSocket-Key"), 400, SIXTEEN),
    Handshake("an empty key", key(""), 400, SIXTEEN),
    Handshake("a key of 15 bytes", key("MDEyMzQ1Njc4OWFiY2Rl"), 400, SIXTEEN),
    Handshake("a key of 17 bytes", key("MDEyMzQ1Njc4OWFiY2RlZmc="), 400, SIXTEEN),
    Handshake("a key without its padding", key("MDEyMzQ1Njc4OWFiY2RlZg"), 400, SIXTEEN),
    Handshake("a key that is no base64", key("*" * 24), 400, SIXTEEN),
    Handshake("a key with a blank in it", key("MDEyMzQ1 Njc4OWFiY2RlZg=="), 400, SIXTEEN),
    Handshake("a key that is not ASCII", key("\xe4" * 24), 400, SIXTEEN),
    Handshake("a key of 4,000 characters", key("x" * 4000), 400, SIXTEEN),
    Handshake("two keys", twice("Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="), 400, SIXTEEN),
    Handshake("the same key twice", twice(KEY), 400, SIXTEEN),
    Handshake("an id of 129 characters", asking(f"clientId={'x' * 129}"), 400, "has 129 char"),
    Handshake("an id with a line end", asking("clientId=a%0Ab"), 400, UNPRINTABLE),
    Handshake("an id with a NUL", asking("clientId=a%00b"), 400, UNPRINTABLE),
    Handshake("an id with a DEL", asking("clientId=a%7Fb"), 400, UNPRINTABLE),
    Handshake("an id with U+2028", asking("clientId=a%E2%80%A8b"), 400, UNPRINTABLE),
    Handshake("an id that turns round", asking("clientId=%E2%80%AEa"), 400, UNPRINTABLE),
    Handshake("an id with a BOM", asking("clientId=%EF%BB%BFa"), 400, UNPRINTABLE),
    # RFC 9112 section 3.2
    Handshake("no Host", without("Host"), 400, "An upgrade must name its Host."),
    Handshake("an empty Host", head("Host:"), 400, "An upgrade must name its Host."),
    Handshake("a Host that is not ASCII", head("Host: b\xe4r.example"), 400, HOST),
    Handshake("a Host in UTF-8", head("Host: b\xc3\xa4r.example"), 400, HOST),
    # What has been sent as a body must not be read as frames.
    Handshake("a body", head("Content-Length: 5") + b"hello", 400, NO_BODY),
    Handshake("a body in chunks", head("Transfer-Encoding: chunked") + b"0\r\n\r\n", 400, NO_BODY),
    # Not the hub's
    Handshake("no Upgrade", without("Upgrade"), 200, "<!doctype html>"),
    Handshake("Upgrade: h2c", head("Upgrade: h2c"), 200, "<!doctype html>"),
    Handshake("Upgrade: websockets", head("Upgrade: websockets"), 200, "<!doctype html>"),
    Handshake("no Connection", without("Connection"), 200, "<!doctype html>"),
    Handshake("Connection: keep-alive", head("Connection: keep-alive"), 200, "<!doctype html>"),
    Handshake("Connection: close", head("Connection: close"), 200, "<!doctype html>"),
    Handshake("another path", first("GET /nowhere HTTP/1.1"), 404, "Not Found"),
    Handshake("a path with a NUL", first("GET /%00 HTTP/1.1"), 404, "Not Found"),
    Handshake("a path upwards", first("GET /../ HTTP/1.1"), 404, "Not Found"),
    Handshake(
        "Socket.IO's polling, on the hub's path",
        b"GET /?EIO=4&transport=polling&t=P1 HTTP/1.1\r\nHost: localhost\r\n\r\n",
        200,
        "<!doctype html>",
    ),
    Handshake(
        "Socket.IO's polling, on its own path",
        b"GET /socket.io/?EIO=4&transport=polling&t=P1 HTTP/1.1\r\nHost: localhost\r\n\r\n",
        404,
        "Not Found",
    ),
    Handshake("Socket.IO's upgrade", first("GET /socket.io/?EIO=4 HTTP/1.1"), 404, "Not Found"),
]

LINE = "Invalid HTTP request line"
METHOD = "Invalid HTTP method"
VERSION = "Invalid HTTP Version"
FIELD = "Invalid HTTP Header"
NAME = "Invalid HTTP header name"
FOLDED = "Obsolete line folding is unacceptable"
BIG = "limit request headers fields"
LONG = "Request Line is too large"

HELLO = b"\x16\x03\x01\x00\x2d\x01\x00\x00\x29\x03\x03" + bytes(range(32)) + b"\0\0\2\x13\1\1\0"

UNREADABLE = [
    Handshake("get", first("get / HTTP/1.1"), 400, METHOD),
    Handshake("HTTP/0.9", first("GET / HTTP/0.9"), 400, VERSION),
    Handshake("HTTP/2.0", first("GET / HTTP/2.0"), 400, VERSION),
    Handshake("HTTP/1", first("GET / HTTP/1"), 400, VERSION),
    Handshake("http/1.1", first("GET / http/1.1"), 400, VERSION),
    Handshake("no version of HTTP", first("GET /"), 400, LINE),
    Handshake("two blanks", first("GET  / HTTP/1.1"), 400, LINE),
    Handshake("tabs for blanks", first("GET\t/\tHTTP/1.1"), 400, LINE),
    Handshake("a star for a path", first("GET * HTTP/1.1"), 400, LINE),
    Handshake("a path that is not ASCII", first("GET /\xe4 HTTP/1.1"), 400, LINE),
    Handshake("an id that is not ASCII", asking("clientId=\xe4"), 400, LINE),
    Handshake("a first line of 4,095 bytes", asking("x" * 4080), 414, LONG),
    Handshake("a line of 8,191 bytes", head(f"X-A: {'x' * 8184}"), 431, BIG),
    Handshake("101 lines", head(*(f"X-{n}: x" for n in range(96))), 431, BIG),
    Handshake("a folded line", head("X-A: b", " c"), 400, FOLDED),
    Handshake("a line folded by a tab", head("X-A: b", "\tc"), 400, FOLDED),
    Handshake("no colon", head("X-A"), 400, FIELD),
    Handshake("no name", head(": b"), 400, FIELD),
    Handshake("a blank before the colon", head("X-A : b"), 400, NAME),
    Handshake("a name with brackets", head("X(A): b"), 400, NAME),
    Handshake("a name that is not ASCII", head("X-\xe4: b"), 400, NAME),
    Handshake("a bare line feed", head("X-A: b\nX-B: c"), 400, FIELD),
    Handshake("a bare carriage return", head("X-A: b\rX-B: c"), 400, FIELD),
    Handshake("line feeds alone", head().replace(b"\r\n", b"\n"), 400, LINE),
    Handshake("a NUL", head("X-A: b\0c"), 400, FIELD),
    Handshake("two Hosts", twice("Host: elsewhere"), 400, FIELD),
    Handshake("a negative length", head("Content-Length: -1"), 400, FIELD),
    Handshake("a length in letters", head("Content-Length: five"), 400, FIELD),
    Handshake("a length of 5,000 digits", head(f"Content-Length: {'9' * 5000}"), 400, FIELD),
    Handshake("two lengths", head("Content-Length: 0", "Content-Length: 5"), 400, FIELD),
    Handshake("gzip without chunks", head("Transfer-Encoding: gzip"), 400, FIELD),
    Handshake("an unknown coding", head("Transfer-Encoding: x"), 501, "Unsupported transfer cod"),
    Handshake(
        "a length and chunks", head("Content-Length: 5", "Transfer-Encoding: chunked"), 400, FIELD
    ),
    Handshake("an expectation", head("Expect: miracles"), 417, "Unable to comply"),
    Handshake("HTTP/2 at once", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes(9), 400, LINE),
    Handshake("TLS", HELLO, 400, LINE),
    Handshake("SSH", b"SSH-2.0-OpenSSH_9.2\r\n", 400, LINE),
    Handshake("a proxy's own protocol", b"PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\n", 400, LINE),
    Handshake("no HTTP", b"hello\r\n\r\n", 400, LINE),
]

LET_IN = [
    LetIn("as ever", head()),
    LetIn("names in small letters", head().replace(b"Upgrade", b"upgrade").replace(b"Sec", b"sEC")),
    LetIn("WEBSOCKET", head("Upgrade: WEBSOCKET")),
    LetIn("a Host in IDNA", head("Host: xn--br-via.example:8080")),
    # RFC 5891, not 3490
    LetIn("a Host with a sharp s", head("Host: xn--strae-oqa.de")),
    LetIn("a Host with a sharp s and a port", head("Host: xn--fa-hia.de:443")),
    LetIn("a Host with a joiner", head("Host: xn--1ug.com")),
    LetIn("a Host in Cyrillic with a port", head("Host: xn--e1afmkfd.xn--p1ai:8080")),
    LetIn("a Host in capitals", head("Host: XN--STRAE-OQA.DE")),
    LetIn("a Host that no IDNA is", head("Host: xn--a")),
    LetIn("a Host that is an address", head("Host: [::1]:8080")),
    LetIn("more in Connection", head("Connection: keep-alive, Upgrade")),
    LetIn("no blanks", head().replace(b": ", b":")),
    LetIn("an empty line before", b"\r\n" + head()),
    LetIn("an absolute target", first("GET http://localhost/ HTTP/1.1")),
    LetIn("HTTP/1.2", first("GET / HTTP/1.2")),
    LetIn("a value that is not ASCII", head("X-A: \xe4")),
    LetIn("a tab in a value", head("X-A: b\tc")),
    LetIn("a line of 8,190 bytes", head(f"X-A: {'x' * 8183}")),
    LetIn("100 lines", head(*(f"X-{n}: x" for n in range(95)))),
    LetIn("a first line of 4,094 bytes", asking("x" * 4079)),
    LetIn("a body of nothing", head("Content-Length: 0")),
    LetIn("extensions that cannot be read", head("Sec-WebSocket-Extensions: ;;,=")),
    LetIn("subprotocols, which the hub has none of", head("Sec-WebSocket-Protocol: chat")),
    LetIn("an origin", head("Origin: https://elsewhere.example")),
    LetIn("an empty id", asking("clientId=")),
    LetIn("an id of 128 characters", asking(f"clientId={'x' * 128}"), "x" * 128),
    LetIn("an id of 128 pies", asking(f"clientId={'%F0%9F%A5%A7' * 128}"), "🥧" * 128),
    LetIn("an id that a log would have to quote", asking("clientId=%27%22%5C"), "'\"\\"),
    # Bad percent-encoding stays as it is.
    LetIn("an id that is not UTF-8", asking("clientId=%FFa"), "%FFa"),
    LetIn("half a pair in an id", asking("clientId=%ED%A0%80"), "%ED%A0%80"),
    LetIn("a percent sign alone", asking("clientId=%zz%"), "%zz%"),
    LetIn("the first of two ids", asking("clientId=one&clientId=two"), "one"),
    LetIn("a token that is none", asking("clientId=three&resumeToken=a.b.c"), "three"),
    LetIn("a query that is none", asking("&&&=&?/")),
    LetIn("Socket.IO's upgrade, on the hub's path", asking("EIO=4&transport=websocket")),
]
