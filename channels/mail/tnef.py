"""winmail.dat: a message as Exchange wraps it (MS-OXTNEF), opened with tnefparse."""

from __future__ import annotations

import struct
import warnings
from dataclasses import dataclass

from striprtf.striprtf import rtf_to_text
from tnefparse import TNEF

from channels.mail.charset import decode

SIGNATURE = b"\x78\x9f\x3e\x22"
MOST_OBJECTS = 2000
LARGEST_RTF = 512 * 1024
"""Octets of packed rich text that are unpacked for want of another body."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wrapped:
    """What was inside: a body, as text or as HTML, and files by name."""

    text: str = ""
    html: str = ""
    files: tuple[tuple[str, bytes], ...] = ()


def unwrapped(octets: bytes) -> Wrapped | None:
    """Return what *octets* hold; None when they are no TNEF that can be read."""
    if not octets.startswith(SIGNATURE) or not _is_sound(octets):
        return None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tnef = TNEF(octets, do_checksum=False)
            text, html = _text(tnef.body), _text(tnef.htmlbody)
            if not text and not html:
                text = _rich_text(tnef)
            files = tuple((_text(each.long_filename()), bytes(each.data)) for each in tnef.attachments)
    except Exception:  # the library meets what it does not expect with whatever Python raises
        return None
    return Wrapped(text=text, html=html, files=files)


def _is_sound(octets: bytes) -> bool:
    """Tell whether the objects are few enough: the library copies the rest of the file for each of them."""
    offset, count = 6, 0
    while offset + 11 < len(octets) and count <= MOST_OBJECTS:
        (length,) = struct.unpack_from("<I", octets, offset + 5)
        offset += length + 11
        count += 1
    return count <= MOST_OBJECTS


def _rich_text(tnef: TNEF) -> str:
    packed = getattr(tnef, "_rtfbody", None)
    if not packed or len(packed) > LARGEST_RTF:
        return ""
    rich = tnef.rtfbody
    if not rich:
        return ""
    text = rtf_to_text(decode(rich), encoding="gb18030", errors="replace")  # type: ignore[no-untyped-call]
    return str(text).strip()


def _text(value: object) -> str:
    if isinstance(value, bytes):
        return decode(value.rstrip(b"\x00"))
    return str(value).rstrip("\x00") if value else ""
