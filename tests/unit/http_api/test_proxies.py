from __future__ import annotations

import ipaddress

import pytest

from gateway.http_api.proxies import visitor_address

OURS = tuple(map(ipaddress.ip_network, ("10.0.0.0/8", "::1/128")))


@pytest.mark.parametrize(
    ("remote", "forwarded", "address"),
    [
        ("192.0.2.1", [], "192.0.2.1"),
        ("192.0.2.1", ["198.51.100.7"], "192.0.2.1"),
        ("10.0.0.1", ["198.51.100.7"], "198.51.100.7"),
        ("10.0.0.1", ["203.0.113.9, 198.51.100.7"], "198.51.100.7"),
        ("10.0.0.1", ["203.0.113.9", "198.51.100.7, 10.0.0.2"], "198.51.100.7"),
        ("10.0.0.1", ["10.0.0.3, 10.0.0.2"], "10.0.0.3"),
        ("::1", ["2001:db8::5"], "2001:db8::5"),
        ("::ffff:10.0.0.1", ["198.51.100.7"], "198.51.100.7"),
        ("10.0.0.1", ["unknown"], "10.0.0.1"),
        ("10.0.0.1", ["198.51.100.7, , "], "10.0.0.1"),
        ("", ["198.51.100.7"], ""),
    ],
)
def test_only_what_a_trusted_proxy_heard_is_believed(remote: str, forwarded: list[str], address: str) -> None:
    assert visitor_address(remote, forwarded, OURS) == address


def test_without_trusted_proxies_nobody_is_believed() -> None:
    assert visitor_address("127.0.0.1", ["198.51.100.7"], ()) == "127.0.0.1"
