"""Trunks (中继): the carrier links by which calls come and go, and which of them a request comes from."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from ipaddress import ip_address, ip_network

from channels.sip.digest import Credentials
from channels.sip.identity import identity_headers
from channels.sip.target import Target, default_port
from channels.sip.uri import Uri

MOST_HOSTS = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Trunk:
    """A carrier link: where our calls over it go, and which addresses its calls come from.

    Calls come from ``target.host`` and from the addresses and networks of ``sources``, from any port unless
    ``same_port``: then over UDP only from the port of ``target``, so that trunks and telephones may share a machine.
    ``believes`` its P-Asserted-Identity. We call it as ``asserts`` (a number of ours; "": as From says) and, with
    ``is_private``, ask it not to show us (RFC 3325). ``proxy`` is where our requests to it go first (an outbound proxy,
    RFC 3261 8.1.2), and counts as a source. With ``registers`` we register there as the user of ``credentials``.
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
    believes: bool = True
    asserts: str = ""
    is_private: bool = False
    registers: bool = False

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

    def uri(self, number: str | None) -> Uri:
        """How *number* is called at this trunk; None is the trunk itself."""
        transport = self.target.transport
        port = None if self.target.port in (0, default_port(transport)) else self.target.port
        params: dict[str, str | None] = {"transport": transport} if transport == "tls" else {}
        return Uri(user=number, host=self.target.host, port=port, params=params)

    def identity(self, number: str, host: str) -> list[tuple[str, str]]:
        """Return the headers that say to this trunk who we are; *host* is where it reaches us."""
        asserted = Uri(user=number, host=host) if number else None
        return identity_headers(asserted, is_private=self.is_private)

    def is_at(self, uri: Uri) -> bool:
        """Whether a URI of a redirection means this trunk: by the very names that are configured for it."""
        hosts = {self.target.host, self.first_hop.host, *self.sources}
        return uri.scheme == "tel" or uri.host.lower() in {host.lower() for host in hosts}

    def is_host(self, host: str) -> bool:
        """Whether *host* is one of the trunk's."""
        hosts = (self.target.host, self.first_hop.host)
        return host in hosts or any(_contains(network, host) for network in self.sources)

    def sends_from(self, source: Target) -> bool:
        """Whether *source* is this trunk."""
        if source in (self.target, self.first_hop):
            return True
        if self.same_port:
            hosts = (self.target.host, self.first_hop.host)
            return source.transport == self.target.transport != "udp" and source.host in hosts
        return self.is_host(source.host)


class Trunks:
    """All trunks of a user agent, by name and by address; host names are remembered with what they resolved to."""

    def __init__(self, trunks: Iterable[Trunk]) -> None:
        self._by_name = {trunk.name: trunk for trunk in trunks}
        self._name_of: dict[str, str] = {}
        self._target_of: dict[Target, Target] = {}
        self._known_hosts: dict[str, bool] = {}

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

    def knows(self, host: str) -> bool:
        """Whether some trunk's requests may come from this host; asked for every datagram, hence remembered."""
        if host not in self._known_hosts:
            if len(self._known_hosts) >= MOST_HOSTS:
                self._known_hosts.clear()
            name = self._name_of.get(host, host)
            self._known_hosts[host] = any(trunk.is_host(name) or trunk.is_host(host) for trunk in self)
        return self._known_hosts[host]

    def remember(self, target: Target, found: Sequence[Target]) -> None:
        """Know where a target, as configured, is found now, and know it again when requests come from there."""
        self._known_hosts.clear()
        self._name_of.update({place.host: target.host for place in found})
        if found:
            self._target_of[target] = found[0]

    def last_found(self, target: Target) -> Target:
        """Return where a target, as configured, was found last; itself if it never was."""
        return self._target_of.get(target, target)

    def _as_configured(self, source: Target) -> Target:
        return replace(source, host=self._name_of.get(source.host, source.host))


def _contains(network: str, host: str) -> bool:
    """Whether an address or network, as configured, covers the IP address *host*."""
    try:
        return ip_address(host) in ip_network(network)
    except ValueError:
        return host == network
