"""Transport addresses as three numbers, so that a column of them compares in one operation.

They are the upper and the lower half of the IPv6 address, or of the one that an IPv4 address is mapped to (RFC 4291
2.5.5.2), and the port.
"""

from __future__ import annotations

from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Final

Address = tuple[str, int]
Numbers = tuple[int, int, int]

MAPPED: Final = 0xFFFF << 32
"""What the lower half of a mapped IPv4 address has before it."""
NOWHERE: Final = (0, MAPPED, 0)
"""0.0.0.0:0, which nothing is sent to and nothing comes from."""

_HALF: Final = (1 << 64) - 1


@lru_cache(8192)
def to_numbers(address: Address) -> Numbers:
    """Return *address*, whose host is numeric, as numbers; raises ValueError."""
    host, port = address
    found = ip_address(host)
    if isinstance(found, IPv4Address):
        return 0, MAPPED | int(found), port
    return int(found) >> 64, int(found) & _HALF, port


@lru_cache(8192)
def from_numbers(numbers: Numbers) -> Address:
    """Return the address that *numbers* stand for, its host as it is usually written."""
    high, low, port = numbers
    if high == 0 and low >> 32 == MAPPED >> 32:
        return str(IPv4Address(low & 0xFFFFFFFF)), port
    return str(IPv6Address(high << 64 | low)), port


def usual(address: Address) -> Address:
    """Return *address* as it is usually written: an IPv6 host may be written in many ways."""
    return from_numbers(to_numbers(address))
