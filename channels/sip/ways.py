"""Where calls may go, and by which way: to trunks, to telephones, and within a call (RFC 3261 8.1.2, 12.2.1.1).

What a peer says of addresses (Contact, Record-Route, Refer-To) is followed within its own call only; whom else to call
is decided by the directory, in its own numbers and at our trunks' own addresses.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from ipaddress import ip_address

from channels.sip.callee import Callee
from channels.sip.endpoint import Endpoint
from channels.sip.numbers import Number, number_of
from channels.sip.registrar import Registrar
from channels.sip.session import Session
from channels.sip.target import Target, default_port
from channels.sip.trunk import Trunk, Trunks
from channels.sip.uri import Uri
from gateway.domain.errors import OurMistake


class Ways:
    """The trunks and the telephones, as callees. *find_number* is the directory, see `UserAgentSettings`."""

    def __init__(
        self,
        trunks: Trunks,
        registrar: Registrar,
        endpoint: Endpoint,
        find_number: Callable[[str, Number], str | None],
    ) -> None:
        self._trunks = trunks
        self._registrar = registrar
        self._endpoint = endpoint
        self._find_number = find_number
        self._service_routes: dict[str, tuple[str, ...]] = {}

    def trunk(self, name: str) -> Trunk:
        """Return the trunk of this name. Raises OurMistake for none."""
        trunk = self._trunks.get(name)
        if trunk is None:
            raise OurMistake(f"there is no trunk {name!r}")
        return trunk

    def over_trunk(self, name: str, number: str) -> Callee:
        """Say how to reach *number* over a trunk. Raises OurMistake for none."""
        trunk = self.trunk(name)
        return Callee(
            uri=str(trunk.uri(number)),
            target=trunk.first_hop,
            peer=name,
            credentials=trunk.credentials,
            route=self._service_routes.get(name) or trunk.route,
        )

    def to_telephone(self, user: str) -> Callee | None:
        """Say how to reach a telephone of ours, if it is registered."""
        binding = self._registrar.contact(user)
        return None if binding is None else Callee(uri=str(binding.contact), target=binding.target, peer=user)

    def use_service_route(self, name: str, route: tuple[str, ...]) -> None:
        """Send calls over a trunk by the route its registrar named (RFC 3608); () takes it back."""
        self._service_routes[name] = route

    def permitted(self, peer: str, uri: Uri) -> Callee | None:
        """Return the way to where a 3xx or REFER of *peer* points, if it is in the directory; else None.

        What is called then is the directory's own number at the trunk's own address, never the contact's text.
        """
        number = number_of(uri)
        of_trunk = self._trunks.get(peer)
        if of_trunk is None and (user := self._find_number("", number)) is not None:
            return self.to_telephone(user)
        for trunk in self._trunks:
            is_meant = of_trunk is None or (trunk.is_at(uri) and (uri.scheme != "tel" or trunk is of_trunk))
            if is_meant and (known := self._find_number(trunk.name, number)) is not None:
                callee = self.over_trunk(trunk.name, known)
                return replace(callee, target=self._trunks.last_found(callee.target))
        return None

    def within(self, session: Session, uri: Uri) -> Target:
        """Where a request of a call to *uri* goes: there if we can send there, else back to where the call is from.

        A telephone, which may sit behind a NAT, is always reached the way it registered or called. What began over TLS
        stays there, and a connection that stands is used again (RFC 5923).
        """
        trunk, fallback = self._trunks.get(session.peer), session.fallback
        if trunk is None and not (session.dialog and session.dialog.route_set):
            binding = self._registrar.contact(session.peer)
            return binding.target if binding is not None else fallback
        if trunk is not None and trunk.keeps_way:
            return fallback
        asked = "tls" if uri.scheme == "sips" else uri.params.get("transport")
        transport = (asked or fallback.transport).lower()
        if fallback.transport == "tls" != transport:
            return fallback
        if (uri.host, transport) == (fallback.host, fallback.transport) and self._endpoint.is_connected(fallback):
            return fallback
        target = Target(transport, uri.host, uri.port or default_port(transport), fallback.name)
        return target if _is_address(uri.host) and self._endpoint.can_reach(target) else fallback


def _is_address(host: str) -> bool:
    try:
        return not ip_address(host).is_unspecified
    except ValueError:
        return False
