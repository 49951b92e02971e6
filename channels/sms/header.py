"""The user data header of a long message's part: which message, how many parts, which one (3GPP TS 23.040 9.2.3.24)."""

from __future__ import annotations

from dataclasses import dataclass

WIDTHS = {0x00: 1, 0x08: 2}
"""Information elements of concatenation, and how many octets their reference has."""
HEADER = 6
"""Octets of the header that we write, its length octet included."""
MOST_PARTS = 255


@dataclass(frozen=True, slots=True, kw_only=True)
class Fragment:
    """A part's place: *number* counts from 1 to *total*, *reference* is the sender's for the whole."""

    reference: int
    total: int
    number: int


def split_header(octets: bytes) -> tuple[Fragment | None, bytes]:
    """Return a part's place and its own octets; None and everything else where there is no usable place.

    A header that is longer than the message is none at all: everything is content.
    """
    end = octets[0] + 1 if octets else 0
    if not octets or end > len(octets):
        return None, octets
    fragment: Fragment | None = None
    at = 1
    while at + 2 <= end:
        element, length = octets[at], octets[at + 1]
        value = octets[at + 2 : min(at + 2 + length, end)]
        width = WIDTHS.get(element)
        if width is not None and len(value) == width + 2:
            fragment = placed(int.from_bytes(value[:width]), value[width], value[width + 1])
        at += 2 + length
    return fragment, octets[end:]


def placed(reference: int, total: int, number: int) -> Fragment | None:
    """Return that place, None where it is none: the only part of one, or a number beyond the total."""
    if total < 2 or not 1 <= number <= total:
        return None
    return Fragment(reference=reference, total=total, number=number)


def header_of(fragment: Fragment) -> bytes:
    """Return the header that says *fragment*, with an eight-bit reference."""
    return bytes((5, 0, 3, fragment.reference & 0xFF, fragment.total, fragment.number))
