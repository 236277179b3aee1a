"""Where a client comes from: who is believed about it, and how far."""

import pytest

from piehub.addresses import Proxies, is_known, network, of_client, proxies

TRUSTED = proxies("10.0.0.0/8, ::1, unix")


@pytest.mark.parametrize(
    ("remote", "forwarded", "client"),
    [
        ("192.0.2.1", "", "192.0.2.1"),
        ("", "", ""),
        ("192.0.2.1", "198.51.100.7", "192.0.2.1"),  # it is no proxy of ours
        ("10.0.0.1", "", "10.0.0.1"),
        ("10.0.0.1", "198.51.100.7", "198.51.100.7"),
        ("::1", "198.51.100.7", "198.51.100.7"),
        ("::ffff:10.0.0.1", "198.51.100.7", "198.51.100.7"),
        ("", "198.51.100.7", "198.51.100.7"),  # by a UNIX socket
        # what the client itself wrote there stands before what the proxy saw
        ("10.0.0.1", "203.0.113.9, 198.51.100.7", "198.51.100.7"),
        ("10.0.0.1", "10.0.0.2, 198.51.100.7", "198.51.100.7"),
        ("10.0.0.1", "203.0.113.9,198.51.100.7 , 10.0.0.2", "198.51.100.7"),
        ("10.0.0.1", "10.0.0.3, 10.0.0.2", "10.0.0.3"),  # a client within
        ("10.0.0.1", "198.51.100.7:4711", "198.51.100.7"),
        ("10.0.0.1", "[2001:db8::7]:4711", "2001:db8::7"),
        ("10.0.0.1", "[2001:db8::7]", "2001:db8::7"),
        ("10.0.0.1", "2001:DB8:0::7", "2001:db8::7"),
        ("10.0.0.1", "::ffff:198.51.100.7", "198.51.100.7"),
        ("10.0.0.1", "unknown", "10.0.0.1"),
        ("10.0.0.1", "198.51.100.7, unknown", "10.0.0.1"),
        ("10.0.0.1", "198.51.100.7,", "10.0.0.1"),
        ("10.0.0.1", "<script>", "10.0.0.1"),
        ("10.0.0.1", "fe80::1", "fe80::1"),
        ("10.0.0.1", "fe80::1%eth0", "10.0.0.1"),
        ("10.0.0.1", "fe80::1%\x1b[31m code=1000 id='admin'", "10.0.0.1"),
        ("10.0.0.1", "[fe80::1% code=1000]:4711", "10.0.0.1"),
    ],
)
def test_a_proxy_that_is_trusted_is_believed_about_who_came_to_it(remote, forwarded, client):
    assert of_client(remote, forwarded, TRUSTED) == client


@pytest.mark.parametrize("remote", ["10.0.0.1", "::1", ""])
def test_nobody_is_believed_unless_that_was_asked_for(remote):
    assert of_client(remote, "198.51.100.7", Proxies()) == remote


@pytest.mark.parametrize(
    ("host", "counted"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::", "2001:db8:1:2::/64"),
        ("2001:db8:1:3::", "2001:db8:1:3::/64"),
        ("", ""),
    ],
)
def test_an_address_of_ipv6_counts_as_its_network(host, counted):
    assert network(host) == counted


@pytest.mark.parametrize(
    "words", ["10.0.0.0/33", "10.0.0.1/8", "localhost", "*", 5, None, "10.0.0.1 10.0.0.2"]
)
def test_what_is_no_list_of_networks_is_refused(words):
    assert proxies(words) is None


def test_an_empty_list_is_nobody():
    assert proxies(" , ") == Proxies()


@pytest.mark.parametrize(
    ("remote", "forwarded", "known"),
    [
        ("8.8.8.8", "", True),
        ("192.168.1.5", "", True),
        ("8.8.8.8", "198.51.100.7", True),  # it may have written that itself
        ("192.168.1.5", "198.51.100.7", False),
        ("127.0.0.1", "198.51.100.7", False),
        ("::ffff:127.0.0.1", "198.51.100.7", False),
        ("", "", False),
        ("", "garbage", False),
        ("10.0.0.1", "8.8.8.8", True),  # a trusted one says so
        ("10.0.0.1", "unknown", False),
    ],
)
def test_the_address_of_a_proxy_that_was_not_named_is_nobodys(remote, forwarded, known):
    trusted = proxies("10.0.0.0/8")
    assert is_known(of_client(remote, forwarded, trusted), remote, forwarded) is known
