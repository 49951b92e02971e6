"""RTCP packets (RFC 3550 6.4-6.6): sender and receiver reports, source description, goodbye; made and read.

A datagram is a compound of them. Reading takes what it knows and passes over the rest.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from typing import Final

SENDER_REPORT: Final = 200
RECEIVER_REPORT: Final = 201
SOURCE_DESCRIPTION: Final = 202
GOODBYE: Final = 203

_HEADER: Final = struct.Struct("!BBH")
_SENDER: Final = struct.Struct("!QIII")
_BLOCK: Final = struct.Struct("!IIIIII")
_WORD: Final = struct.Struct("!I")
_EPOCH: Final = 2208988800
"""Seconds from 1900, where NTP counts from, to 1970."""


class MalformedReport(ValueError):
    """A datagram that is no compound RTCP packet; to be counted and dropped."""


@dataclass(frozen=True, slots=True)
class Block:
    """How the stream of one source arrives, as its receiver reports: ``jitter`` in timestamp units, delays in 2**-16 s.

    ``fraction_lost`` is in 1/256 since the last report; ``last_report`` is the middle of an NTP timestamp, 0 if none.
    """

    ssrc: int
    fraction_lost: int
    lost: int
    highest: int
    jitter: int
    last_report: int = 0
    delay: int = 0


@dataclass(frozen=True, slots=True)
class Sender:
    """What a sender says of its stream: ``ntp`` in 2**-32 s since 1900 is the instant of ``timestamp``."""

    ntp: int
    timestamp: int
    packets: int
    octets: int


@dataclass(frozen=True, slots=True)
class Report:
    """One compound packet; without ``sender`` a receiver report."""

    ssrc: int
    sender: Sender | None = None
    blocks: list[Block] = field(default_factory=list)
    name: str = ""
    goodbye: bool = False

    def encode(self) -> bytes:
        """Return the compound packet as it goes on the wire."""
        kind = RECEIVER_REPORT if self.sender is None else SENDER_REPORT
        body = _WORD.pack(self.ssrc)
        if self.sender is not None:
            own = self.sender
            body += _SENDER.pack(own.ntp, own.timestamp, own.packets & 0xFFFFFFFF, own.octets & 0xFFFFFFFF)
        for block in self.blocks:
            losses = block.fraction_lost << 24 | max(-0x800000, min(block.lost, 0x7FFFFF)) & 0xFFFFFF
            numbers = block.highest, block.jitter, block.last_report, block.delay
            body += _BLOCK.pack(block.ssrc, losses, *numbers)
        name = self.name.encode()[:255]
        item = bytes((1, len(name))) + name
        description = _WORD.pack(self.ssrc) + item + bytes(4 - len(item) % 4)
        whole = _packet(kind, len(self.blocks), body) + _packet(SOURCE_DESCRIPTION, 1, description)
        return whole + _packet(GOODBYE, 1, _WORD.pack(self.ssrc)) if self.goodbye else whole


def ntp(wall: float) -> int:
    """Return *wall*, seconds since 1970, as an NTP timestamp."""
    return int((wall + _EPOCH) * 4294967296) & 0xFFFFFFFFFFFFFFFF


def middle(ntp_timestamp: int) -> int:
    """Return the middle 32 bits of an NTP timestamp, which count in 2**-16 s."""
    return ntp_timestamp >> 16 & 0xFFFFFFFF


def parse(datagram: bytes) -> list[Report]:
    """Read the reports of a compound packet, and a goodbye; raises `MalformedReport`."""
    reports: list[Report] = []
    position = 0
    while position < len(datagram):
        if position + 8 > len(datagram):
            raise MalformedReport(f"{len(datagram) - position} octets are no RTCP packet")
        first, kind, words = _HEADER.unpack_from(datagram, position)
        end = position + 4 + 4 * words
        if first >> 6 != 2 or end > len(datagram) or not words:
            raise MalformedReport(f"version {first >> 6}, {words} words, {len(datagram) - position} octets")
        if kind in (SENDER_REPORT, RECEIVER_REPORT):
            reports.append(_read_report(kind, first & 31, datagram[position + 4 : end]))
        elif kind == GOODBYE:
            reports.append(Report(_WORD.unpack_from(datagram, position + 4)[0], goodbye=True))
        position = end
    return reports


def _packet(kind: int, count: int, body: bytes) -> bytes:
    return _HEADER.pack(0x80 | count, kind, len(body) // 4) + body


def _read_report(kind: int, count: int, body: bytes) -> Report:
    start = 4 + (_SENDER.size if kind == SENDER_REPORT else 0)
    if len(body) < start + count * _BLOCK.size:
        raise MalformedReport(f"{count} blocks in {len(body)} octets")
    blocks = []
    for place in range(start, start + count * _BLOCK.size, _BLOCK.size):
        ssrc, losses, *numbers = _BLOCK.unpack_from(body, place)
        lost = (losses & 0xFFFFFF ^ 0x800000) - 0x800000
        blocks.append(Block(ssrc, losses >> 24, lost, *numbers))
    sender = Sender(*_SENDER.unpack_from(body, 4)) if kind == SENDER_REPORT else None
    return Report(_WORD.unpack_from(body)[0], sender, blocks)
