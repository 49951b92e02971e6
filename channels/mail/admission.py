"""How much is heard of one peer: connections at once, and messages in a minute. Time is an argument, in seconds."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Address, IPv6Network, ip_address

Network = IPv4Network | IPv6Network

MINUTE = 60.0
MOST_PEERS = 20_000
"""Peers that are remembered; beyond it those who have been quiet are forgotten."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What is admitted: connections in all and of one peer, messages of one peer in a minute; 0 is no limit.

    ``relays`` are networks of our own that pass on what others wrote: their messages are not counted, and their
    address says nothing of the sender.
    """

    connections: int = 200
    connections_of_peer: int = 20
    messages_of_peer: int = 60
    relays: tuple[Network, ...] = ()


class Admission:
    """Counts what is under way. An IPv6 peer is its /64."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._connections: Counter[str] = Counter()
        self._credit: dict[str, tuple[float, float]] = {}  # messages that are left, and when that was so

    def opens(self, peer: str) -> bool:
        """Tell whether *peer* may connect once more, and count it if so."""
        name = _name(peer)
        if 0 < self._limits.connections <= self._connections.total():
            return False
        if 0 < self._limits.connections_of_peer <= self._connections[name] and not self.is_relay(peer):
            return False
        self._connections[name] += 1
        return True

    def closes(self, peer: str) -> None:
        """Take note that a connection of *peer*'s has ended."""
        name = _name(peer)
        self._connections[name] -= 1
        if self._connections[name] <= 0:
            del self._connections[name]

    def writes(self, peer: str, now: float) -> bool:
        """Tell whether *peer* may bring one more message at *now*, and count it if so."""
        most = self._limits.messages_of_peer
        if not most or self.is_relay(peer):
            return True
        if len(self._credit) > MOST_PEERS:
            self._credit = {name: each for name, each in self._credit.items() if now - each[1] < MINUTE}
        name = _name(peer)
        left, since = self._credit.get(name, (float(most), now))
        left = min(float(most), left + (now - since) * most / MINUTE)
        self._credit[name] = (left - 1 if left >= 1 else left), now
        return left >= 1

    def is_relay(self, peer: str) -> bool:
        """Tell whether *peer* is one of our own relays."""
        if not self._limits.relays:
            return False
        try:
            address = ip_address(peer)
        except ValueError:
            return False
        return any(address in network for network in self._limits.relays)


def _name(peer: str) -> str:
    if ":" not in peer:
        return peer
    try:
        address = ip_address(peer.partition("%")[0])
    except ValueError:
        return peer
    return str(IPv6Address(int(address) >> 64 << 64)) if address.version == 6 else peer
