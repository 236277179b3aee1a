import time

import pytest
from websockets.extensions.permessage_deflate import ClientPerMessageDeflateFactory
from websockets.headers import parse_extension

from piehub.wire.extensions import negotiate

PLAIN = "permessage-deflate; server_no_context_takeover; client_no_context_takeover"


def bits(number):
    return f"{PLAIN}; server_max_window_bits={number}"


# What a client may offer, what it is answered, and the window that it was promised.
AGREED = {
    "nothing more": ("permessage-deflate", PLAIN, 15),
    "Chrome and Firefox": ("permessage-deflate; client_max_window_bits", PLAIN, 15),
    "Safari's older name beside it": (
        "x-webkit-deflate-frame, permessage-deflate",
        PLAIN,
        15,
    ),
    "no context of the server": ("permessage-deflate; server_no_context_takeover", PLAIN, 15),
    "no context of the client": ("permessage-deflate; client_no_context_takeover", PLAIN, 15),
    "no context of either": (
        "permessage-deflate; client_no_context_takeover; server_no_context_takeover",
        PLAIN,
        15,
    ),
    "client bits 8": ("permessage-deflate; client_max_window_bits=8", PLAIN, 15),
    "client bits 15": ("permessage-deflate; client_max_window_bits=15", PLAIN, 15),
    "server bits 9": ("permessage-deflate; server_max_window_bits=9", bits(9), 9),
    "server bits 10": ("permessage-deflate; server_max_window_bits=10", bits(10), 10),
    "server bits 11": ("permessage-deflate; server_max_window_bits=11", bits(11), 11),
    "server bits 12": ("permessage-deflate; server_max_window_bits=12", bits(12), 12),
    "server bits 13": ("permessage-deflate; server_max_window_bits=13", bits(13), 13),
    "server bits 15": ("permessage-deflate; server_max_window_bits=15", bits(15), 15),
    "server bits in quotes": ('permessage-deflate; server_max_window_bits="10"', bits(10), 10),
    "an escape in quotes": ('permessage-deflate; server_max_window_bits="1\\0"', bits(10), 10),
    "all there are": (
        "permessage-deflate; client_no_context_takeover; client_max_window_bits; "
        "server_no_context_takeover; server_max_window_bits=9",
        bits(9),
        9,
    ),
    "the first of two": (
        "permessage-deflate; server_max_window_bits=12, permessage-deflate",
        bits(12),
        12,
    ),
    "the first of two, whatever is in the second": (
        "permessage-deflate, permessage-deflate; server_max_window_bits=10",
        PLAIN,
        15,
    ),
    "the second, as the first asks for 8 bits": (
        "permessage-deflate; server_max_window_bits=8, permessage-deflate",
        PLAIN,
        15,
    ),
    "the second, as the first has a parameter of its own": (
        "permessage-deflate; level=9, permessage-deflate; client_max_window_bits",
        PLAIN,
        15,
    ),
    "the third": (
        "permessage-bzip2, permessage-deflate; server_max_window_bits=7, permessage-deflate",
        PLAIN,
        15,
    ),
    "the one behind a text in quotes": (
        'foo; bar="a, b; permessage-deflate \\" c", permessage-deflate',
        PLAIN,
        15,
    ),
    "no space": ("permessage-deflate;client_max_window_bits", PLAIN, 15),
    "much space": (
        " \tpermessage-deflate \t;\t server_max_window_bits \t=\t 10 \t, foo ",
        bits(10),
        10,
    ),
    "empty places in the list": (", ,permessage-deflate,,", PLAIN, 15),
}

DECLINED = {
    "nothing": "",
    "only spaces": " \t ",
    "only empty places": ", ,",
    "another extension": "permessage-bzip2",
    "a longer name": "permessage-deflate2",
    "in capitals": "Permessage-Deflate",
    "older names": "x-webkit-deflate-frame, perframe-deflate",
    "server bits 8": "permessage-deflate; server_max_window_bits=8",
    "server bits 7": "permessage-deflate; server_max_window_bits=7",
    "server bits 16": "permessage-deflate; server_max_window_bits=16",
    "server bits with a zero before them": "permessage-deflate; server_max_window_bits=09",
    "server bits below zero": "permessage-deflate; server_max_window_bits=-9",
    "server bits that are no number": "permessage-deflate; server_max_window_bits=many",
    "server bits of another script": "permessage-deflate; server_max_window_bits=١٢",
    "server bits without a value": "permessage-deflate; server_max_window_bits",
    "server bits, empty quotes": 'permessage-deflate; server_max_window_bits=""',
    "client bits 7": "permessage-deflate; client_max_window_bits=7",
    "client bits 16": "permessage-deflate; client_max_window_bits=16",
    "client bits with a zero before them": "permessage-deflate; client_max_window_bits=08",
    "client bits, empty quotes": 'permessage-deflate; client_max_window_bits=""',
    "no context of the server, with a value": "permessage-deflate; server_no_context_takeover=1",
    "no context of the client, with a value": 'permessage-deflate; client_no_context_takeover="1"',
    "a parameter nobody knows": "permessage-deflate; client_max_window_bits; level=9",
    "a parameter in capitals": "permessage-deflate; Client_Max_Window_Bits",
    "a parameter twice": "permessage-deflate; client_max_window_bits; client_max_window_bits",
    "a parameter twice, with two values": (
        "permessage-deflate; server_max_window_bits=15; server_max_window_bits=12"
    ),
    # Not by the grammar of RFC 6455 section 9.1:
    "no name": "; client_max_window_bits",
    "no parameter": "permessage-deflate;",
    "no parameter between two": "permessage-deflate;; client_max_window_bits",
    "no value": "permessage-deflate; client_max_window_bits=",
    "no comma": "permessage-deflate permessage-deflate",
    "a quote that does not end": 'permessage-deflate; server_max_window_bits="10',
    "a quote that ends in an escape": 'permessage-deflate; server_max_window_bits="10\\"',
    "a quote that ends in an escape, and a good offer behind it": (
        'permessage-deflate; server_max_window_bits="10\\", permessage-deflate'
    ),
    "more behind a quote": 'permessage-deflate; server_max_window_bits="10"0',
    "a slip behind a good offer": "permessage-deflate, =",
    "a name that is not ASCII": "permessage-déflate",
    "a line end": "permessage-deflate\n",
}


@pytest.mark.parametrize(("header", "response", "window"), AGREED.values(), ids=AGREED.keys())
def test_an_offer_is_agreed_to(header, response, window):
    assert negotiate(header) == (response, window)


@pytest.mark.parametrize("header", DECLINED.values(), ids=DECLINED.keys())
def test_an_offer_is_declined(header):
    assert negotiate(header) is None


def test_an_agreement_says_what_its_parts_are():
    agreement = negotiate("permessage-deflate; server_max_window_bits=9")
    assert agreement.response == bits(9)
    assert agreement.window_bits == 9


@pytest.mark.parametrize(
    ("window", "takes"),
    [(9, False), (10, False), (11, False), (12, True), (13, True), (14, True), (15, True)],
)
def test_what_is_deflated_for_all_is_for_who_has_a_window_of_12_bits_or_more(window, takes):
    agreement = negotiate(f"permessage-deflate; server_max_window_bits={window}")
    assert agreement.takes_deflated is takes


@pytest.mark.parametrize("server_bits", [None, *range(9, 16)])
@pytest.mark.parametrize("client_bits", [None, True, 9, 15])
@pytest.mark.parametrize("takeover", [False, True])
def test_the_websockets_library_accepts_the_answer_to_its_offer(server_bits, client_bits, takeover):
    client = ClientPerMessageDeflateFactory(not takeover, False, server_bits, client_bits)
    offered = [
        name if value is None else f"{name}={value}" for name, value in client.get_request_params()
    ]
    agreement = negotiate("; ".join(["permessage-deflate", *offered]))
    [(name, parameters)] = parse_extension(agreement.response)
    assert name == "permessage-deflate"
    agreed = client.process_response_params(parameters, [])
    assert agreed.remote_no_context_takeover
    assert agreed.local_no_context_takeover
    assert agreement.window_bits == agreed.remote_max_window_bits


@pytest.mark.parametrize(
    "header",
    [
        pytest.param("permessage-deflate" + "; a" * 20_000 + "!=", id="many parameters"),
        pytest.param("permessage-deflate; a" + " " * 60_000 + "=", id="much space"),
        pytest.param('permessage-deflate; a="' + "\\" * 60_001, id="many escapes"),
        pytest.param("a" * 60_000 + "=", id="a long name"),
        pytest.param("," * 60_000 + "=", id="many empty places"),
    ],
)
def test_a_header_made_to_be_slow_is_not(header):
    began = time.monotonic()
    assert negotiate(header) is None
    assert time.monotonic() - began < 1


def test_a_header_of_many_blanks_is_read_in_no_time():
    """Blanks that two parts of a pattern could share would be tried in every way."""
    began = time.perf_counter()
    assert negotiate("x," + " " * 8000 + "(") is None
    assert time.perf_counter() - began < 0.2
