"""The media plane of one node without its sockets and its clock: every leg a row, one `step` every 20 ms.

Packets that the latch admits go in by `receive`; `step` returns the packets that go out. What else happens comes out as
events and as portions of recordings. The instant of a step is an argument.
"""

from __future__ import annotations

import heapq
from typing import Final

import numpy as np
import numpy.typing as npt

from channels.media import rtp, wire
from channels.media.address import NOWHERE, Address, from_numbers, to_numbers, usual
from channels.media.captures import Captures
from channels.media.g711 import Pcm
from channels.media.inbound import Inbound
from channels.media.jitter import Rows
from channels.media.mixer import Mixer, saturate
from channels.media.outbound import FRAME, Outbound
from channels.media.reports import OutgoingReport, Reports, is_report
from channels.media.row import Player, Row
from channels.media.secure import NotAuthentic, SecureStream
from channels.media.wav import RATE

PERIOD: Final = FRAME / RATE

_UNSPECIFIED: Final = frozenset(("0.0.0.0", "::"))
"""The connection addresses that meant "on hold" before RFC 3264 8.4."""


class Full(Exception):
    """Every row has a leg."""


class Switch:
    """All legs of a node. Methods that take a leg's name raise KeyError if it is not open."""

    def __init__(self, capacity: int, *, silent_after: float) -> None:
        self.events: list[wire.Event] = []
        self.captures = Captures(capacity, FRAME, self.events)
        self.targets = np.tile(np.array(NOWHERE, np.uint64), (capacity, 1))
        """Where each row sends, which is also the source it is believed to hear, as `to_numbers`."""
        self._secure = np.zeros(capacity, bool)
        self._any_secure = False
        self._inbound = Inbound(capacity, silent_after=silent_after)
        self._outbound = Outbound(capacity)
        self.packets, self.sizes = self._outbound.packets, self._outbound.sizes
        """The packets of the last step, one a row, and their lengths in octets."""
        self._rows: dict[str, Row] = {}
        self._row_at: list[Row | None] = [None] * capacity
        self.reports = Reports(self._row_at, self._inbound, self._outbound, self.events)
        self._free = list(range(capacity))
        self._used = 0
        self._mixer: Mixer | None = None
        self._attended: dict[str, Row] = {}
        self._of_ended_legs = np.zeros(5, np.int64)

    def __len__(self) -> int:
        return len(self._rows)

    def open(self, leg: str) -> int:
        """Give *leg* a row and return it; raises `Full`, and ValueError if it has one."""
        if leg in self._rows:
            raise ValueError(f"leg {leg} is open already")
        if not self._free:
            raise Full(f"all {len(self._row_at)} rows are taken")
        index = heapq.heappop(self._free)
        self._rows[leg] = self._row_at[index] = Row(leg, index)
        self._used = max(self._used, index + 1)
        self._inbound.clear(index)
        self._outbound.clear(index)
        self._mixer = None
        return index

    def connect(self, order: wire.Connect, now: float) -> None:
        """Point a leg at its far end, for the first time or anew (RFC 3264 8.3.1)."""
        row = self._rows[order.leg]
        index = row.index
        is_new = row.latch.signal(usual((order.address, order.port)))
        self.targets[index] = to_numbers(row.latch.target) if row.latch.target else NOWHERE
        row.telephone_event = order.telephone_event
        row.rtcp = order.rtcp
        if order.srtp is None:
            row.secure = None
        elif row.secure is None:
            row.secure = SecureStream(order.srtp)
        else:
            row.secure.change_keys(order.srtp)
        self._secure[index] = order.srtp is not None
        self._any_secure = bool(self._secure.any())
        self.reports.connect(index, mux=order.rtcp_mux, is_new=is_new, now=now)
        self._inbound.expect(index, order.law, order.payload_type, order.telephone_event)
        self._inbound.listen(index, receives=order.receives, is_new=is_new, now=now)
        nowhere = order.port == 0 or order.address in _UNSPECIFIED
        sends, quiet = order.sends and not nowhere, order.comfort_noise
        self._outbound.speak(index, order.law, order.payload_type, sends=sends, comfort_noise=quiet)

    def close(self, leg: str) -> wire.Closed:
        """End *leg* and return what it has done."""
        self.stop_playing(leg)
        self.captures.end(leg)
        row = self._rows.pop(leg)
        self._attended.pop(leg, None)
        index = row.index
        reception, malformed = self._inbound.reception(index), int(self._inbound.malformed[index])
        sent = int(self._outbound.sent[index])
        self._of_ended_legs += (reception.received, sent, reception.lost, row.foreign, malformed)
        self._inbound.clear(index)
        self._outbound.clear(index)
        self.reports.clear(index)
        self._secure[index] = False
        self._row_at[index] = None
        self.targets[index] = NOWHERE
        heapq.heappush(self._free, index)
        while self._used and self._row_at[self._used - 1] is None:
            self._used -= 1
        self._mixer = None
        return wire.Closed(
            leg=leg,
            received=reception.received,
            sent=sent,
            lost=reception.lost,
            late=reception.late,
            duplicates=reception.duplicates,
            restarts=reception.restarts,
            foreign=row.foreign,
            malformed=malformed,
            concealed_samples=reception.concealed_samples,
            quality=row.reporter.quality,
        )

    def bridge(self, order: wire.Bridge) -> None:
        """Put a leg on a bridge, off any other."""
        row = self._rows[order.leg]
        row.bridge, row.heard, row.whispers_to = order.name, order.heard, order.whispers_to
        self._mixer = None

    def play(self, leg: str, player: Player) -> None:
        """Play to *leg*, instead of what it is being played."""
        self.stop_playing(leg)
        row = self._rows[leg]
        if len(player.samples) > player.position:
            row.player = player
            self._attend(row)
        else:
            self.events.append(wire.PlayEnded(leg, player.number, finished=True))

    def stop_playing(self, leg: str) -> None:
        """End what *leg* is being played."""
        row = self._rows[leg]
        if row.player is not None:
            self.events.append(wire.PlayEnded(leg, row.player.number, finished=False))
            row.player = None

    def press(self, leg: str, keys: str) -> None:
        """Press *keys* towards the far end of *leg*; raises ValueError for one that does not exist."""
        row = self._rows[leg]
        row.keys_out.press(keys)
        self._attend(row)

    def record(self, leg: str, zero: float, tracks: int = 1) -> None:
        """Let what *leg* says come out in `captures`, with what it hears if *tracks* is 2."""
        self.captures.record(leg, self._rows[leg].index, zero, tracks)

    def tap(self, leg: str, number: int, zero: float, period: float) -> None:
        """Let what *leg* says come out as `Tapped` events of *period* seconds."""
        self.captures.tap(leg, self._rows[leg].index, number, zero, period)

    def _admits(self, index: int, datagram: memoryview, source: Address, now: float) -> bool:
        """Say whether *datagram* from a *source* that is not the row's target belongs to the row all the same."""
        row = self._row_at[index]
        if row is None:
            return False
        try:
            packet = rtp.parse(datagram)
        except rtp.MalformedPacket:
            self._inbound.malformed[index] += 1
            return False
        if not row.latch.admits(source, packet.ssrc, packet.sequence, self._inbound.silence(index, now)):
            row.foreign += 1
            return False
        self.targets[index] = to_numbers(source)
        self.events.append(wire.Followed(row.leg, source[0], source[1]))
        return True

    def receive(
        self,
        rows: Rows,
        datagrams: npt.NDArray[np.uint8],
        sizes: npt.NDArray[np.int64],
        sources: npt.NDArray[np.uint64],
        stamps: npt.NDArray[np.float64],
        now: float,
    ) -> None:
        """Take a round of datagrams, at most one a row: ``datagrams[i, :sizes[i]]`` is for ``rows[i]``.

        What came from another source than the row's target must convince its latch; ``sources[i]`` is as `to_numbers`
        gives it.
        """
        if self._any_secure:
            opened = self._open(rows, datagrams, sizes)
            if not opened.all():
                rows, datagrams, sizes = rows[opened], datagrams[opened], sizes[opened]
                sources, stamps = sources[opened], stamps[opened]
        differ = sources != self.targets.take(rows, axis=0)
        strange = differ[:, 0] | differ[:, 1] | differ[:, 2]  # a third of what any(axis=1) takes
        if strange.any():
            for place in np.flatnonzero(strange).tolist():
                datagram, source = datagrams[place].data[: sizes[place]], _address_of(sources[place])
                strange[place] = not self._admits(int(rows[place]), datagram, source, now)
            known = ~strange
            rows, datagrams, sizes, stamps = rows[known], datagrams[known], sizes[known], stamps[known]
        reports = self.reports.among(rows, datagrams)
        if reports is not None:
            for place in np.flatnonzero(reports).tolist():
                row = self._row_at[int(rows[place])]
                if row is not None:
                    self.reports.take(row, datagrams[place, : sizes[place]].tobytes(), float(stamps[place]))
            audio = ~reports
            rows, datagrams, sizes, stamps = rows[audio], datagrams[audio], sizes[audio], stamps[audio]
        if not len(rows):
            return
        came = self._inbound.receive(rows, datagrams, sizes, stamps, now)
        for index in came.heard_again:
            if (row := self._row_at[index]) is not None:
                self.events.append(wire.HeardAgain(row.leg))
        for other in came.others:
            row = self._row_at[other.row]
            if row is not None and other.payload_type == row.telephone_event:
                digit = row.keys_in.receive(other.payload, other.timestamp)
                if digit is not None:
                    self.events.append(wire.DigitHeard(row.leg, digit, now))

    def _open(self, rows: Rows, datagrams: npt.NDArray[np.uint8], sizes: Rows) -> npt.NDArray[np.bool_]:
        """Put what is sealed in *datagrams* in clear in its place; return which were no forgeries."""
        genuine, reports = np.ones(len(rows), bool), is_report(datagrams[:, 1]) & (sizes > 1)
        for place in np.flatnonzero(self._secure[rows]).tolist():
            row = self._row_at[int(rows[place])]
            if row is None or row.secure is None:
                continue
            sealed = datagrams[place, : sizes[place]].tobytes()
            try:
                packet = row.secure.open_report(sealed) if reports[place] else row.secure.open(sealed)
            except NotAuthentic:
                row.foreign += 1
                genuine[place] = False
                continue
            datagrams[place, : len(packet)] = np.frombuffer(packet, np.uint8)
            sizes[place] = len(packet)
        return genuine

    def _seal(self, rows: Rows) -> None:
        for index in rows[self._secure[rows]].tolist():
            row = self._row_at[index]
            if row is not None and row.secure is not None:
                packet = self._outbound.packets[index, : self._outbound.sizes[index]].tobytes()
                self._outbound.put(index, row.secure.seal(packet))

    def goodbye(self, leg: str, wall: float) -> OutgoingReport | None:
        """Return the last report of *leg*, None if it has no far end."""
        return self.reports.goodbye(self._rows[leg], wall)

    def step(self, at: float) -> Rows:
        """Play, mix and packetise one frame of every leg; its first sample is heard at the instant *at*.

        Return the rows whose `packets` are to be sent.
        """
        said = self._inbound.frames(self._used)
        self.captures.add_said(at, said)
        for index, seconds, announced in self._inbound.silences(self._used, at):
            if (quiet := self._row_at[index]) is not None:
                self.events.append(wire.WentSilent(quiet.leg, seconds, announced))
        if self._mixer is None:
            self._mixer = self._plan()
        hears = self._mixer.mix(said)
        events: dict[int, bytes] = {}
        for row in list(self._attended.values()):
            if row.player is not None:
                self._play_into(row, row.player, hears[row.index])
            if row.keys_out and self._outbound.sends[row.index]:
                self._press_into(row, hears[row.index], events)
            self._attend(row)
        self.captures.add_both(at, said, hears)
        rows = self._outbound.step(hears)
        for index, packet in events.items():
            self._outbound.put(index, packet)
        if self._any_secure:
            self._seal(rows)
        return rows

    def skip(self, steps: int) -> None:
        """Let *steps* steps pass in which nothing was played or sent."""
        self.captures.skip()
        self._inbound.playout.skip(steps)
        self._outbound.skip(steps)

    def totals(self) -> tuple[int, int, int, int, int]:
        """Return packets received, sent, lost, from strangers and malformed since the start."""
        received, lost = self._inbound.playout.totals(self._used)
        foreign = sum(row.foreign for row in self._rows.values())
        sent, malformed = self._outbound.sent[: self._used].sum(), self._inbound.malformed[: self._used].sum()
        now = np.array([received, sent, lost, foreign, malformed]) + self._of_ended_legs
        return int(now[0]), int(now[1]), int(now[2]), int(now[3]), int(now[4])

    def _plan(self) -> Mixer:
        """Number the bridges afresh: who joins or leaves one is rare, steps are not."""
        names: dict[str, int] = {}
        numbers, speaks = np.full(self._used, -1, np.int64), np.ones(self._used, bool)
        whispers = []
        for row in self._rows.values():
            if row.bridge is None:
                continue
            numbers[row.index] = names.setdefault(row.bridge, len(names))
            speaks[row.index] = row.heard
            listener = self._rows.get(row.whispers_to) if row.whispers_to is not None else None
            if listener is not None and listener.bridge == row.bridge:
                whispers.append((row.index, listener.index))
        return Mixer(numbers, speaks, whispers)

    def _attend(self, row: Row) -> None:
        """Look at *row* one by one in every step, but only as long as it needs it."""
        if row.player is not None or row.keys_out:
            self._attended[row.leg] = row
        else:
            self._attended.pop(row.leg, None)

    def _play_into(self, row: Row, player: Player, hears: Pcm) -> None:
        frame = player.next_frame()
        length = len(frame)
        if player.over_bridge:
            hears[:length] = saturate(hears[:length].astype(np.int32) + frame)
        else:
            hears[:length] = frame
            hears[length:] = 0
        if not player.loop and player.position >= len(player.samples):
            row.player = None
            self.events.append(wire.PlayEnded(row.leg, player.number, finished=True))

    def _press_into(self, row: Row, hears: Pcm, events: dict[int, bytes]) -> None:
        if row.telephone_event is None:
            tone = row.keys_out.tone()
            if tone is not None:
                hears[:] = tone
            return
        event = row.keys_out.packet(self._outbound.timestamp(row.index))
        if event is not None:
            events[row.index] = self._outbound.event_packet(row.index, row.telephone_event, event)


def _address_of(numbers: npt.NDArray[np.uint64]) -> Address:
    high, low, port = numbers.tolist()
    return from_numbers((high, low, port))
