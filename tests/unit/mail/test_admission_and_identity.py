"""How much one peer may bring, and which addresses and ids are ours."""

from __future__ import annotations

from ipaddress import ip_network

import pytest

from channels.mail.admission import Admission, Limits
from channels.mail.identity import Identity

US = Identity(
    addresses=frozenset({"12345@city.example", "@hot.example"}), domain="city.example", bounces="b@city.example"
)


def test_connections_are_limited_in_all_and_for_each_peer() -> None:
    admission = Admission(Limits(connections=3, connections_of_peer=2))

    assert [admission.opens(peer) for peer in ("a", "a", "a", "b", "c")] == [True, True, False, True, False]
    admission.closes("a")
    assert admission.opens("c")


def test_an_ipv6_peer_is_its_network() -> None:
    admission = Admission(Limits(connections_of_peer=1))

    assert admission.opens("2001:db8::1")
    assert not admission.opens("2001:db8::2")
    assert admission.opens("2001:db8:0:1::1")


def test_messages_of_a_peer_are_limited_and_come_back_with_time() -> None:
    admission = Admission(Limits(messages_of_peer=2))

    assert [admission.writes("a", now) for now in (0.0, 1.0, 2.0)] == [True, True, False]
    assert admission.writes("b", 2.0)
    assert admission.writes("a", 32.0)
    assert not admission.writes("a", 33.0)


def test_relays_of_ours_are_not_limited() -> None:
    relays = (ip_network("192.0.2.0/24"), ip_network("2001:db8::/32"))
    admission = Admission(Limits(connections_of_peer=1, messages_of_peer=1, relays=relays))

    for peer in ("192.0.2.1", "2001:db8::1"):
        assert admission.is_relay(peer)
        assert [admission.opens(peer) for _ in range(3)] == [True] * 3
        assert [admission.writes(peer, 0.0) for _ in range(3)] == [True] * 3
    assert not admission.is_relay("198.51.100.1")
    assert not admission.is_relay("")


@pytest.mark.parametrize(
    ("address", "is_ours"),
    [
        ("12345@city.example", True),
        ("12345@CITY.example", True),
        ("12345+lamp@city.example", True),
        ("b+0123@city.example", True),
        ("anyone@hot.example", True),
        ("other@city.example", False),
        ("12345@sub.city.example", False),
        ("@hot.example", False),
        ("hot.example", False),
        ("", False),
    ],
)
def test_our_addresses(address: str, is_ours: bool) -> None:
    assert US.is_ours(address) is is_ours


def test_an_id_and_its_return_path_lead_to_each_other() -> None:
    message_id = US.message_id("key")
    path = US.return_path(message_id, "12345@city.example")

    assert US.is_own_id(message_id)
    assert not US.is_own_id("jiesu.x@city.example")
    assert not US.is_own_id(message_id.replace("city", "other"))
    assert US.bounced_id(path) == message_id
    assert US.bounced_id("b+other@city.example") == ""
    assert US.bounced_id("12345@city.example") == ""


def test_nobody_writes_from_the_mailbox_for_bounces() -> None:
    assert US.writes_as("12345+lamp@city.example")
    assert not US.writes_as("b+0123@city.example")
    assert not US.writes_as("other@city.example")


def test_without_a_mailbox_for_bounces_they_come_to_the_writer() -> None:
    plain = Identity(addresses=frozenset({"12345@city.example"}), domain="city.example")

    assert plain.return_path(plain.message_id("key"), "12345@city.example") == "12345@city.example"
    assert plain.bounced_id("12345@city.example") == ""
    assert not plain.is_ours("+x@")
