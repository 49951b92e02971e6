"""How well a leg is heard at both ends, exchanged by RTCP reports every 5 seconds or so (RFC 3550 6.2, 6.4, A.3)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

from channels.media import rtcp

INTERVAL: Final = 5.0
"""Seconds between reports, on average; each is drawn from half to one and a half of it (RFC 3550 6.3.1)."""

_RATE: Final = 8000


@dataclass(frozen=True, slots=True)
class Sending:
    """Our stream: its SSRC, the timestamp of now, and what was sent since its start."""

    ssrc: int
    timestamp: int
    packets: int
    octets: int


@dataclass(frozen=True, slots=True)
class Receiving:
    """The far end's stream: counters since the leg's start, jitter in timestamp units."""

    ssrc: int
    sequence: int
    expected: int
    received: int
    jitter: float


@dataclass(frozen=True, slots=True)
class Quality:
    """Losses are parts of one since the last report, the rest is in seconds; None is not known (yet).

    ``far`` figures are what the far end says of the stream that it gets.
    """

    lost: float = 0.0
    jitter: float = 0.0
    far_lost: float | None = None
    far_jitter: float | None = None
    round_trip: float | None = None


UNKNOWN: Final = Quality()
"""Before the first report."""


@dataclass(slots=True)
class Reporter:
    """One leg's reports; ``name`` is its CNAME. Instants are seconds since 1970."""

    name: str
    quality: Quality = UNKNOWN
    _base: Receiving | None = None
    _before: Receiving | None = None
    _sent_before: int = 0
    _heard: tuple[int, float] | None = None
    """The middle of the far end's last sender report's NTP timestamp, and when that report came."""

    def report(self, sending: Sending, receiving: Receiving | None, wall: float, *, goodbye: bool = False) -> bytes:
        """Return the compound packet to be sent now, and bring `quality` up to date."""
        blocks = [] if receiving is None else [self._block(receiving, wall)]
        sender = None
        if sending.packets > self._sent_before:
            sender = rtcp.Sender(rtcp.ntp(wall), sending.timestamp, sending.packets, sending.octets)
        self._sent_before = sending.packets
        return rtcp.Report(sending.ssrc, sender, blocks, self.name, goodbye).encode()

    def take(self, datagram: bytes, ssrc: int, wall: float) -> None:
        """Take the far end's reports; *ssrc* is our stream's. Raises `rtcp.MalformedReport`."""
        for report in rtcp.parse(datagram):
            if report.sender is not None:
                self._heard = rtcp.middle(report.sender.ntp), wall
            for block in report.blocks:
                if block.ssrc == ssrc:
                    self._take_block(block, wall)

    def _take_block(self, block: rtcp.Block, wall: float) -> None:
        far_lost, far_jitter = block.fraction_lost / 256, block.jitter / _RATE
        self.quality = replace(self.quality, far_lost=far_lost, far_jitter=far_jitter)
        if block.last_report:
            trip = rtcp.middle(rtcp.ntp(wall)) - block.last_report - block.delay & 0xFFFFFFFF
            if trip < 1 << 31:
                self.quality = replace(self.quality, round_trip=trip / 65536)

    def _block(self, now: Receiving, wall: float) -> rtcp.Block:
        if self._base is None or self._before is None or self._base.ssrc != now.ssrc:
            self._base = self._before = Receiving(now.ssrc, now.sequence, now.expected - 1, now.received - 1, 0.0)
        base, before = self._base, self._before
        expected, received = now.expected - before.expected, now.received - before.received
        fraction = max(0.0, 1 - received / expected) if expected > 0 else 0.0
        self._before = now
        self.quality = replace(self.quality, lost=fraction, jitter=now.jitter / _RATE)
        highest = base.sequence + now.expected - base.expected - 1
        last_report, delay = 0, 0
        if self._heard is not None:
            last_report, delay = self._heard[0], int((wall - self._heard[1]) * 65536) & 0xFFFFFFFF
        return rtcp.Block(
            ssrc=now.ssrc,
            fraction_lost=min(255, int(fraction * 256)),
            lost=now.expected - base.expected - (now.received - base.received),
            highest=highest & 0xFFFF0000 | now.sequence,
            jitter=int(now.jitter) & 0xFFFFFFFF,
            last_report=last_report,
            delay=delay,
        )
