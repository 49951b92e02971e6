"""Finding the far end of a trunk by name: NAPTR, SRV and addresses, remembered while the DNS is away (RFC 3263).

Shell over ``locating`` and dnspython. A target with a port is just a host; one with port 0 is a domain whose servers
are looked up. What was found last is used as long as it is fresh, and for want of better when the DNS does not answer.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from ipaddress import ip_address
from typing import Any

import dns.asyncresolver
import dns.exception
import dns.nameserver
import dns.rdatatype
import structlog

from channels.sip.locating import Pointer, Server, in_order, service_name, services
from channels.sip.target import ListenAddress, Target, default_port
from gateway.domain.errors import Unavailable

FRESH = 60.0
"""Seconds for which a result is used without asking again; the watch over the trunks asks more often."""
LOOKUP_LIMIT = 3.0
MOST_TARGETS = 8

log = structlog.get_logger(__name__)


class Resolver:
    """*nameservers* as ``(address, port)``; none means those of this machine, and its hosts file."""

    def __init__(
        self,
        nameservers: Sequence[tuple[str, int]] = (),
        *,
        chance: random.Random | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._has_own = bool(nameservers)
        self._nameservers = nameservers
        self._chance = chance or random.Random()
        self._clock = clock
        self._known: dict[Target, tuple[float, list[Target]]] = {}
        self._dns: dns.asyncresolver.Resolver | None = None

    async def locate(self, target: Target, listen: Sequence[ListenAddress], *, fresh: bool = False) -> list[Target]:
        """Return where to reach *target*, IP addresses of families we listen on, in the order to try them.

        *fresh* asks the DNS even if the last result is still young. Raises Unavailable when nothing is known.
        """
        if _is_address(target.host):
            return [target if target.port else replace(target, port=default_port(target.transport))]
        known = self._known.get(target)
        if known is not None and not fresh and self._clock() - known[0] < FRESH:
            return known[1]
        found: list[Target] = []
        with suppress(TimeoutError, Unavailable):
            async with asyncio.timeout(LOOKUP_LIMIT):
                found = await self._look_up(target, listen)
        if found:
            self._known[target] = self._clock(), found[:MOST_TARGETS]
        elif known is None:
            raise Unavailable(f"{target.host} has no address that we could send to")
        else:
            log.warning("dns.stale", host=target.host)
        return self._known[target][1]

    async def _look_up(self, target: Target, listen: Sequence[ListenAddress]) -> list[Target]:
        transports = {address.transport for address in listen}
        places = [] if target.port else await self._servers(target, transports)
        if not places:
            places = [replace(target, port=target.port or default_port(target.transport))]
        found: list[Target] = []
        for place in places:
            families = {":" in address.host for address in listen if address.transport == place.transport}
            for host in await self._addresses(place.host):
                if (":" in host) in families:
                    found.append(replace(place, host=host, name=target.name or target.host))
        return found

    async def _servers(self, target: Target, transports: set[str]) -> list[Target]:
        """Return the hosts and ports of a domain. Its configured transport goes first where NAPTR is silent."""
        pointers = [
            Pointer(
                order=record.order,
                preference=record.preference,
                flags=record.flags.decode("ascii", "replace"),
                service=record.service.decode("ascii", "replace"),
                replacement=str(record.replacement),
            )
            for record in await self._records(target.host, "NAPTR")
        ]
        names = services(pointers, transports) or [(target.transport, service_name(target.transport, target.host))]
        places: list[Target] = []
        for transport, name in names:
            servers = [
                Server(priority=record.priority, weight=record.weight, host=str(record.target), port=record.port)
                for record in await self._records(name, "SRV")
            ]
            places += [
                Target(transport, server.host.rstrip("."), server.port, target.name)
                for server in in_order(servers, self._chance)
            ]
        return places

    async def _addresses(self, host: str) -> list[str]:
        if _is_address(host):
            return [host]
        if self._has_own:
            return [record.address for kind in ("A", "AAAA") for record in await self._records(host, kind)]
        try:
            found = await asyncio.get_running_loop().getaddrinfo(host, 0)
        except (OSError, UnicodeError):
            return []
        return list(dict.fromkeys(str(address[0]) for *_, address in found))

    async def _records(self, name: str, kind: str) -> list[Any]:
        try:
            answer = await self._resolver().resolve(name, kind, raise_on_no_answer=False)
        except (dns.exception.DNSException, OSError):
            return []
        return list(answer.rrset or ())

    def _resolver(self) -> dns.asyncresolver.Resolver:
        if self._dns is None:
            self._dns = dns.asyncresolver.Resolver(configure=not self._has_own)
            self._dns.lifetime = LOOKUP_LIMIT
            if self._has_own:
                self._dns.nameservers = [
                    dns.nameserver.Do53Nameserver(address, port) for address, port in self._nameservers
                ]
        return self._dns


def _is_address(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True
