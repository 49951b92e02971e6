"""IPv4 transport addresses as numbers, so that a column of them compares in one operation: address << 16 | port."""

from __future__ import annotations

from functools import lru_cache
from typing import Final

Address = tuple[str, int]

NOWHERE: Final = 0
"""0.0.0.0:0, which nothing is sent to and nothing comes from."""


@lru_cache(8192)
def to_number(address: Address) -> int:
    """Return *address*, whose host is a dotted quad, as a number; raises ValueError."""
    host, port = address
    first, second, third, fourth = (int(part) for part in host.split("."))
    return int.from_bytes(bytes((first, second, third, fourth))) << 16 | port


@lru_cache(8192)
def from_number(number: int) -> Address:
    """Return the address that *number* stands for."""
    return ".".join(str(octet) for octet in (number >> 16).to_bytes(4)), number & 0xFFFF
