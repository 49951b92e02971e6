"""Which requests come from a trunk."""

from __future__ import annotations

import pytest

from channels.sip.connections import Target
from channels.sip.user_agent import Trunk

SBC = Target("udp", "192.0.2.1", 5060)


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        (Target("udp", "192.0.2.1", 5060), True),
        (Target("udp", "192.0.2.1", 9999), True),
        (Target("tcp", "192.0.2.1", 40000), True),
        (Target("udp", "198.51.100.7", 5060), True),
        (Target("udp", "203.0.113.20", 5060), True),
        (Target("udp", "203.0.113.200", 5060), False),
        (Target("udp", "2001:db8::1", 5060), False),
        (Target("udp", "192.0.2.2", 5060), False),
    ],
)
def test_a_trunk_sends_from_its_host_and_its_sources(source: Target, expected: bool) -> None:
    trunk = Trunk(name="carrier", target=SBC, sources=("198.51.100.7", "203.0.113.0/25"))

    assert trunk.sends_from(source) is expected


def test_with_same_port_other_ports_are_somebody_else() -> None:
    trunk = Trunk(name="carrier", target=SBC, same_port=True)

    assert trunk.sends_from(SBC)
    assert not trunk.sends_from(Target("udp", "192.0.2.1", 5062))
    assert not trunk.sends_from(Target("tcp", "192.0.2.1", 40000))


def test_with_same_port_a_tcp_trunk_is_known_by_its_host_since_its_port_is_any() -> None:
    trunk = Trunk(name="carrier", target=Target("tcp", "192.0.2.1", 5060), same_port=True)

    assert trunk.sends_from(Target("tcp", "192.0.2.1", 40000))
    assert not trunk.sends_from(Target("udp", "192.0.2.1", 40000))
