"""Trunks (中继): the carrier links by which calls come and go, and which of them a request comes from."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from ipaddress import ip_address, ip_network

from channels.sip.digest import Credentials
from channels.sip.target import Target


@dataclass(frozen=True, slots=True, kw_only=True)
class Trunk:
    """A carrier link: where our calls over it go, and which addresses its calls come from.

    Calls come from ``target.host`` and from the addresses and networks of ``sources``, from any port unless
    ``same_port``: then over UDP only from the port of ``target``, so that trunks and telephones may share a machine.
    With ``keeps_way`` all requests of a call go where its first one went or came from, whatever Contact and
    Record-Route say: some carriers' SBCs name their inside address there.
    """

    name: str
    target: Target
    sources: tuple[str, ...] = ()
    same_port: bool = False
    keeps_way: bool = False
    credentials: Credentials | None = None

    def sends_from(self, source: Target) -> bool:
        """Whether *source* is this trunk."""
        if source == self.target:
            return True
        if self.same_port:
            return source.transport == "tcp" == self.target.transport and source.host == self.target.host
        return source.host == self.target.host or any(_contains(network, source.host) for network in self.sources)


class Trunks:
    """All trunks of a user agent, by name and by address; host names are remembered with what they resolved to."""

    def __init__(self, trunks: Iterable[Trunk]) -> None:
        self._by_name = {trunk.name: trunk for trunk in trunks}
        self._name_of: dict[str, str] = {}

    def __iter__(self) -> Iterator[Trunk]:
        return iter(self._by_name.values())

    def get(self, name: str) -> Trunk | None:
        """Return the trunk of this name."""
        return self._by_name.get(name)

    def at(self, source: Target) -> Trunk | None:
        """Return the trunk whose target is just this address."""
        source = self._as_configured(source)
        return next((trunk for trunk in self if trunk.target == source), None)

    def sending_from(self, source: Target) -> Trunk | None:
        """Return the trunk whose requests come from there."""
        source = self._as_configured(source)
        return next((trunk for trunk in self if trunk.sends_from(source)), None)

    def remember(self, host: str, address: str) -> None:
        """Know that *host*, as configured, is at this IP address."""
        self._name_of[address] = host

    def _as_configured(self, source: Target) -> Target:
        return replace(source, host=self._name_of.get(source.host, source.host))


def _contains(network: str, host: str) -> bool:
    """Whether an address or network, as configured, covers the IP address *host*."""
    try:
        return ip_address(host) in ip_network(network)
    except ValueError:
        return host == network
