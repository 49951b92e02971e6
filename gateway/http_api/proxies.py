"""Where a visitor is when proxies stand before us (反向代理): the last address that no trusted proxy could make up."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from typing import TypeAlias

Network: TypeAlias = ipaddress.IPv4Network | ipaddress.IPv6Network


def visitor_address(remote: str, forwarded: Sequence[str], trusted: Sequence[Network]) -> str:
    """Return the visitor's address: *remote*, or out of *forwarded* (the lines of ``X-Forwarded-For``).

    Each proxy adds at the right whom it heard from. So they are read from the right as long as whoever wrote them is
    *trusted*; what stands further left anybody may have invented. What is no address ends the reading.
    """
    heard = remote
    for text in reversed([part.strip() for line in forwarded for part in line.split(",")]):
        if not _is_trusted(heard, trusted) or _address(text) is None:
            break
        heard = text
    return heard


def _is_trusted(text: str, trusted: Sequence[Network]) -> bool:
    address = _address(text)
    return address is not None and any(address in network for network in trusted)


def _address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address
