"""Which hosts serve a SIP domain, in the order to try them (RFC 3263, RFC 2782, RFC 3403).

Pure: records as the DNS gave them in, places to ask out. Chance is an argument.
"""

from __future__ import annotations

import random
from collections.abc import Collection, Iterable
from dataclasses import dataclass

_SERVICES = {"SIP+D2U": "udp", "SIP+D2T": "tcp", "SIPS+D2T": "tls"}
_LABELS = {"udp": "_sip._udp", "tcp": "_sip._tcp", "tls": "_sips._tcp"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Pointer:
    """A NAPTR record: which service of a domain is found under which name."""

    order: int
    preference: int
    flags: str
    service: str
    replacement: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """An SRV record: a host and port, with priority (the lower first) and weight (the share among equals)."""

    priority: int
    weight: int
    host: str
    port: int


def service_name(transport: str, domain: str) -> str:
    """Return the name under which a domain's servers for a transport are found (RFC 3263 4.1)."""
    return f"{_LABELS[transport]}.{domain}"


def services(pointers: Iterable[Pointer], transports: Collection[str]) -> list[tuple[str, str]]:
    """Return (transport, SRV name) of the pointers to SIP over our *transports*, the best first."""
    usable = [
        (pointer.order, pointer.preference, _SERVICES[pointer.service.upper()], pointer.replacement.rstrip("."))
        for pointer in pointers
        if pointer.flags.lower() == "s" and _SERVICES.get(pointer.service.upper()) in transports
    ]
    return [(transport, name) for _, _, transport, name in sorted(usable)]


def in_order(servers: Iterable[Server], chance: random.Random) -> list[Server]:
    """Return the servers by priority, those of one priority drawn by weight (RFC 2782); "." serves nobody."""
    waiting = [server for server in servers if server.host.rstrip(".")]
    ordered: list[Server] = []
    while waiting:
        first = min(server.priority for server in waiting)
        equals = sorted((server for server in waiting if server.priority == first), key=lambda each: each.weight)
        mark = chance.uniform(0, sum(server.weight for server in equals))
        chosen = equals[-1]
        for server in equals:
            mark -= server.weight
            if mark <= 0:
                chosen = server
                break
        ordered.append(chosen)
        waiting.remove(chosen)
    return ordered
