"""RTCP of all legs (RFC 3550 6): when a leg's reports are due, where they go, and what the far ends' say.

They travel on a port of their own, or on the RTP port of the legs that agreed on it (RFC 5761).
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from channels.media import rtcp, wire
from channels.media.address import Address, usual
from channels.media.inbound import Inbound
from channels.media.jitter import Rows
from channels.media.outbound import Outbound
from channels.media.quality import INTERVAL
from channels.media.row import Row
from channels.media.secure import NotAuthentic

_FIRST: Final = 192
_LAST: Final = 223
"""Second octets that are RTCP's where both share a port (RFC 5761 4)."""
_LOOKS: Final = 0.1
"""Seconds between looks at what is due."""


@dataclass(frozen=True, slots=True)
class OutgoingReport:
    """An RTCP packet of a row, to be sent from its RTP port if ``mux``, else from its RTCP port."""

    row: int
    octets: bytes
    target: Address
    mux: bool


class Reports:
    """Sends and takes reports for *rows*, those of the switch, and tells in *events* how well they are heard."""

    def __init__(
        self, rows: Sequence[Row | None], inbound: Inbound, outbound: Outbound, events: list[wire.Event]
    ) -> None:
        self._rows = rows
        self._inbound = inbound
        self._outbound = outbound
        self._events = events
        self._due = np.full(len(rows), np.inf)
        self._looked_at = -np.inf
        self._muxes = np.zeros(len(rows), bool)
        self._any_mux = False

    def connect(self, index: int, *, mux: bool, is_new: bool, now: float) -> None:
        """Begin to report to a far end, or go on; *mux* if on its RTP port."""
        self._muxes[index] = mux
        self._any_mux = bool(self._muxes.any())
        if is_new:
            self._due[index] = now + INTERVAL * (0.25 + random.random() / 2)

    def clear(self, index: int) -> None:
        """Report no more: the leg has ended."""
        self._due[index] = np.inf
        self._muxes[index] = False

    def among(self, rows: Rows, datagrams: npt.NDArray[np.uint8]) -> npt.NDArray[np.bool_] | None:
        """Say which of the datagrams on RTP ports are reports; None if no leg shares its port."""
        if not self._any_mux:
            return None
        reports: npt.NDArray[np.bool_] = self._muxes[rows] & is_report(datagrams[:, 1])
        return reports

    def due(self, now: float, wall: float) -> list[OutgoingReport]:
        """Return the reports that are due at *now*, which is *wall* seconds since 1970."""
        if now < self._looked_at + _LOOKS:
            return []
        self._looked_at = now
        due = []
        for index in np.flatnonzero(self._due <= now).tolist():
            row = self._rows[index]
            if row is not None and row.latch.target is not None:
                self._due[index] = now + INTERVAL * (0.5 + random.random())
                due.append(self._report(row, row.latch.target, wall))
                self._events.append(wire.QualityKnown(row.leg, row.reporter.quality))
        return due

    def goodbye(self, row: Row, wall: float) -> OutgoingReport | None:
        """Return the last report of a leg, None if it has no far end."""
        return None if row.latch.target is None else self._report(row, row.latch.target, wall, goodbye=True)

    def take_apart(self, index: int, datagram: bytes, source: Address, wall: float) -> None:
        """Take what came to the RTCP port of row *index*, if from the far end's host, at *wall* seconds since 1970."""
        row = self._rows[index]
        if row is None:
            return
        if row.latch.target is None or usual(source)[0] != row.latch.target[0]:
            row.foreign += 1
            return
        if row.secure is not None:
            try:
                datagram = row.secure.open_report(datagram)
            except NotAuthentic:
                row.foreign += 1
                return
        self.take(row, datagram, wall)

    def take(self, row: Row, datagram: bytes, wall: float) -> None:
        """Take a far end's report in clear."""
        try:
            row.reporter.take(datagram, self._outbound.sending(row.index).ssrc, wall)
        except rtcp.MalformedReport:
            self._inbound.malformed[row.index] += 1

    def _report(self, row: Row, target: Address, wall: float, *, goodbye: bool = False) -> OutgoingReport:
        index, mux = row.index, bool(self._muxes[row.index])
        octets = row.reporter.report(
            self._outbound.sending(index), self._inbound.receiving(index), wall, goodbye=goodbye
        )
        if row.secure is not None:
            octets = row.secure.seal_report(octets)
        default = target if mux else (target[0], target[1] + 1)
        return OutgoingReport(index, octets, default if mux or row.rtcp is None else row.rtcp, mux)


def is_report(second: npt.NDArray[np.uint8]) -> npt.NDArray[np.bool_]:
    """Say of second octets whether their packets are RTCP's."""
    reports: npt.NDArray[np.bool_] = (second >= _FIRST) & (second <= _LAST)
    return reports
