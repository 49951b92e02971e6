"""Trunks (中继): the carrier links by which calls come and go, and which of them a request comes from."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from ipaddress import ip_address, ip_network

from channels.sip.digest import Credentials
from channels.sip.target import Target, default_port
from channels.sip.uri import Uri


@dataclass(frozen=True, slots=True, kw_only=True)
class Trunk:
    """A carrier link: where our calls over it go, and which addresses its calls come from.

    Calls come from ``target.host`` and from the addresses and networks of ``sources``, from any port unless
    ``same_port``: then over UDP only from the port of ``target``, so that trunks and telephones may share a machine.
    ``proxy`` is where our requests to it go first (an outbound proxy, RFC 3261 8.1.2), and counts as a source.
    With ``keeps_way`` all requests of a call go where its first one went or came from, whatever Contact and
    Record-Route say: some carriers' SBCs name their inside address there.
    """

    name: str
    target: Target
    sources: tuple[str, ...] = ()
    same_port: bool = False
    keeps_way: bool = False
    credentials: Credentials | None = None
    proxy: Target | None = None

    @property
    def first_hop(self) -> Target:
        """Where our requests outside a dialog are sent."""
        return self.proxy or self.target

    @property
    def route(self) -> tuple[str, ...]:
        """The Route of our requests outside a dialog."""
        if self.proxy is None:
            return ()
        transport = None if self.proxy.transport == "udp" else self.proxy.transport
        params: dict[str, str | None] = {"transport": transport, "lr": None} if transport else {"lr": None}
        return (f"<{Uri(host=self.proxy.host, port=self.proxy.port, params=params)}>",)

    def uri(self, number: str) -> Uri:
        """How *number* is called at this trunk."""
        transport = self.target.transport
        port = None if self.target.port == default_port(transport) else self.target.port
        params: dict[str, str | None] = {"transport": transport} if transport == "tls" else {}
        return Uri(user=number, host=self.target.host, port=port, params=params)

    def is_at(self, uri: Uri) -> bool:
        """Whether a URI of a redirection means this trunk: by the very names that are configured for it."""
        hosts = {self.target.host, self.first_hop.host, *self.sources}
        return uri.scheme == "tel" or uri.host.lower() in {host.lower() for host in hosts}

    def sends_from(self, source: Target) -> bool:
        """Whether *source* is this trunk."""
        if source in (self.target, self.first_hop):
            return True
        hosts = (self.target.host, self.first_hop.host)
        if self.same_port:
            return source.transport == self.target.transport != "udp" and source.host in hosts
        return source.host in hosts or any(_contains(network, source.host) for network in self.sources)


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
        return next((trunk for trunk in self if source in (trunk.target, trunk.first_hop)), None)

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
