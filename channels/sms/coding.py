"""The codings of short messages: octets to text and back, and how much of it one message holds (3GPP TS 23.038).

Whatever a peer calls its octets, reading them never fails: what cannot be read is shown as U+FFFD, and the octets are
kept beside the text.
"""

from __future__ import annotations

from enum import Enum

from aiosmpplib.codec import GSM7BitCodec

SHORT_MESSAGE = 140
"""Octets of one message on the air."""
SEPTETS = 160
"""Characters of one message in a seven-bit alphabet: 140 octets."""


class Coding(Enum):
    """What the octets of a message are."""

    ASCII = "ascii"
    GSM = "gsm"
    """The default alphabet of GSM, one character an octet, as SMPP carries it."""
    LATIN = "latin-1"
    UCS2 = "ucs2"
    """UTF-16 in big-endian order: pairs of surrogates do occur."""
    GBK = "gbk"
    BINARY = "binary"

    @property
    def is_seven_bit(self) -> bool:
        """Whether the air interface packs eight characters into seven octets."""
        return self in (Coding.ASCII, Coding.GSM)


def decoded(octets: bytes, coding: Coding) -> str:
    """Return the text of *octets*; "" for binary ones."""
    match coding:
        case Coding.BINARY:
            return ""
        case Coding.UCS2:
            return octets.decode("utf-16-be", "replace")
        case Coding.GBK:
            return octets.decode("gb18030", "replace")
        case Coding.LATIN:
            return octets.decode("latin-1")
        case Coding.ASCII if octets.isascii():
            return octets.decode("ascii")
        case Coding.GSM if octets.isascii():
            return str(GSM7BitCodec.get_codec_info().decode(octets, "replace")[0])
        case _:  # Eight bits where seven were announced: centres that say 0 for whatever the handset sent.
            return octets.decode("gb18030", "replace")


def encoded(text: str, coding: Coding) -> bytes:
    """Return *text* in octets. Raises `UnicodeEncodeError` when the coding does not have one of its characters."""
    match coding:
        case Coding.UCS2:
            return text.encode("utf-16-be", "replace")
        case Coding.GBK:
            return text.encode("gbk")
        case Coding.GSM:
            return bytes(GSM7BitCodec.get_codec_info().encode(text, "strict")[0])
        case Coding.LATIN:
            return text.encode("latin-1")
        case Coding.ASCII:
            return text.encode("ascii")
        case Coding.BINARY:
            raise ValueError("text has no binary coding")


def coding_for(text: str, preferred: tuple[Coding, ...]) -> Coding:
    """Return the first of *preferred* that has every character of *text*, else UCS-2."""
    for coding in preferred:
        try:
            encoded(text, coding)
        except UnicodeEncodeError:
            continue
        return coding
    return Coding.UCS2


def pieces(text: str, coding: Coding, header: int) -> list[bytes]:
    """Cut *text* into messages: one if it fits, else several that leave *header* octets free, no character broken."""
    whole = encoded(text, coding)
    if len(whole) <= (SEPTETS if coding.is_seven_bit else SHORT_MESSAGE):
        return [whole]
    room = (SHORT_MESSAGE - header) * 8 // 7 if coding.is_seven_bit else SHORT_MESSAGE - header
    cut = [b""]
    for character in text:
        octets = encoded(character, coding)
        if len(cut[-1]) + len(octets) > room:
            cut.append(b"")
        cut[-1] += octets
    return cut
