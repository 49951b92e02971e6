"""The media plane of one node without its sockets and its clock: every leg a row, one `step` every 20 ms.

Packets that the latch admits go in by `receive`; `step` returns the packets that go out. What else happens comes out as
events and as portions of recordings. The instant of a step is an argument.
"""

from __future__ import annotations

import heapq
import random
from dataclasses import dataclass, field
from math import inf
from typing import Final

import numpy as np
import numpy.typing as npt

from channels.media import g711, rtp, wire
from channels.media.capture import Capture, CaptureLog, Portion
from channels.media.dtmf import DigitReceiver, DigitSender
from channels.media.g711 import Law, Pcm
from channels.media.jitter import FRAME, LARGEST_PAYLOAD, Arrivals, Playout
from channels.media.latch import Address, Latch
from channels.media.mixer import Mixer
from channels.media.wav import RATE

PERIOD: Final = FRAME / RATE
PACKET_SIZE: Final = rtp.HEADER_SIZE + FRAME

_ALONE: Final = -1
_RECORDING: Final = 0
_RECORDING_PORTION: Final = 25
_COMFORT_NOISE: Final = 13
_NOT_AUDIO: Final = 255
_UNKNOWN: Final = 254
_UNSPECIFIED: Final = "0.0.0.0"
"""The connection address that meant "on hold" before RFC 3264 8.4."""


class Full(Exception):
    """Every row has a leg."""


@dataclass(slots=True)
class Player:
    """A prompt on its way to one leg."""

    number: int
    samples: Pcm
    position: int
    loop: bool
    over_bridge: bool

    def next_frame(self) -> Pcm:
        """Return the next 160 samples, short at the end of a prompt that is not a loop."""
        start, stop = self.position, self.position + FRAME
        self.position = stop
        if not self.loop:
            return self.samples[start:stop]
        self.position = stop % len(self.samples)
        return self.samples.take(np.arange(start, stop), mode="wrap")


@dataclass(slots=True)
class Row:
    """What a leg has beside its columns in the matrices."""

    leg: str
    index: int
    latch: Latch = field(default_factory=Latch)
    telephone_event: int | None = None
    keys_in: DigitReceiver = field(default_factory=DigitReceiver)
    keys_out: DigitSender = field(default_factory=DigitSender)
    player: Player | None = None
    recording: Capture | None = None
    taps: dict[int, Capture] = field(default_factory=dict)
    foreign: int = 0
    malformed: int = 0


@dataclass(frozen=True, slots=True)
class Outgoing:
    """What one step sends: the `Switch.packets` of ``rows``, and packets of other lengths, as (row, packet)."""

    rows: list[int]
    others: list[tuple[int, bytes]]


class Switch:
    """All legs of a node. Methods that take a leg's name raise KeyError if it is not open."""

    def __init__(self, capacity: int, *, silent_after: float) -> None:
        self.events: list[wire.Event] = []
        self.recorded: list[tuple[str, int, bytes]] = []
        """Portions of recordings to be written, as (leg, first sample, pcm)."""
        self.targets: list[Address | None] = [None] * capacity
        """Where each row sends, which is also the source it is believed to hear."""
        self._rows: dict[str, Row] = {}
        self._attended: dict[str, Row] = {}
        self._log = CaptureLog(capacity, FRAME)
        self._captures: dict[Capture, tuple[str, int]] = {}
        self._row_at: list[Row | None] = [None] * capacity
        self._free = list(range(capacity))
        self._used = 0
        self._silent_after = silent_after
        self._playout = Playout(capacity)
        self.packets = np.zeros((capacity, PACKET_SIZE), np.uint8)
        """The audio packets of the last step, one a row."""
        self._law_out = np.zeros(capacity, np.uint8)
        self._type_out = np.zeros(capacity, np.uint8)
        self._law_in = np.full((capacity, 128), _UNKNOWN, np.uint8)
        self._sequence = np.zeros(capacity, np.uint16)
        self._timestamp = np.zeros(capacity, np.uint32)
        self._ssrc = np.zeros(capacity, np.uint32)
        self._marker = np.ones(capacity, bool)
        self._sends = np.zeros(capacity, bool)
        self._receives = np.zeros(capacity, bool)
        self._bridge = np.full(capacity, _ALONE, np.int64)
        self._bridge_numbers: dict[str, int] = {}
        self._mixer: Mixer | None = None
        self._sent = np.zeros(capacity, np.int64)
        self._heard_at = np.full(capacity, -inf)
        self._listening_since = np.zeros(capacity)
        self._silences_told = np.zeros(capacity, np.int64)
        self._ended_lost = self._ended_received = self._ended_sent = 0
        self._ended_foreign = self._ended_malformed = 0

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
        self._playout.clear(index)
        self._sequence[index] = random.getrandbits(16)
        self._timestamp[index] = random.getrandbits(32)
        self._ssrc[index] = random.getrandbits(32)
        self._sends[index] = self._receives[index] = False
        self._sent[index] = self._silences_told[index] = 0
        self._mixer = None
        return index

    def connect(self, order: wire.Connect, now: float) -> None:
        """Point a leg at its far end, for the first time or anew (RFC 3264 8.3.1)."""
        row = self._rows[order.leg]
        index = row.index
        if row.latch.signal((order.address, order.port)):
            self._heard_at[index] = -inf
            self._listening_since[index] = now
        self.targets[index] = row.latch.target
        row.telephone_event = order.telephone_event
        self._law_out[index] = order.law
        self._type_out[index] = order.payload_type
        laws = self._law_in[index]
        laws[:] = _UNKNOWN
        laws[0], laws[8], laws[_COMFORT_NOISE] = Law.PCMU, Law.PCMA, _NOT_AUDIO
        laws[order.payload_type] = order.law
        if order.telephone_event is not None:
            laws[order.telephone_event] = _NOT_AUDIO
        nowhere = order.port == 0 or order.address == _UNSPECIFIED
        self._sends[index] = order.sends and not nowhere
        if order.receives and not self._receives[index]:
            self._listening_since[index] = now
        self._receives[index] = order.receives

    def close(self, leg: str) -> wire.Closed:
        """End *leg* and return what it has done."""
        self.stop_playing(leg)
        self.stop_recording(leg)
        for number in list(self._rows[leg].taps):
            self.untap(leg, number)
        row = self._rows.pop(leg)
        self._attended.pop(leg, None)
        index = row.index
        self._row_at[index] = None
        self.targets[index] = None
        heapq.heappush(self._free, index)
        while self._used and self._row_at[self._used - 1] is None:
            self._used -= 1
        self._bridge[index] = _ALONE
        self._sends[index] = self._receives[index] = False
        self._mixer = None
        reception, sent = self._playout.reception(index), int(self._sent[index])
        self._playout.clear(index)
        self._ended_received += reception.received
        self._ended_lost += reception.lost
        self._ended_sent += sent
        self._ended_foreign += row.foreign
        self._ended_malformed += row.malformed
        return wire.Closed(
            leg=leg,
            received=reception.received,
            sent=sent,
            lost=reception.lost,
            late=reception.late,
            duplicates=reception.duplicates,
            restarts=reception.restarts,
            foreign=row.foreign,
            malformed=row.malformed,
            concealed_samples=reception.concealed_samples,
        )

    def bridge(self, leg: str, name: str | None) -> None:
        """Put *leg* on the bridge *name*, off any other."""
        number = _ALONE if name is None else self._bridge_numbers.setdefault(name, len(self._bridge_numbers))
        self._bridge[self._rows[leg].index] = number
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

    def record(self, leg: str, zero: float) -> None:
        """Let what *leg* says come out in `recorded`."""
        self.stop_recording(leg)
        row = self._rows[leg]
        row.recording = self._capture(row, _RECORDING, zero, _RECORDING_PORTION)

    def stop_recording(self, leg: str) -> None:
        """Let the rest of the recording out."""
        row = self._rows[leg]
        if row.recording is not None:
            self._release(row.recording)
            row.recording = None

    def tap(self, leg: str, number: int, zero: float, period: float) -> None:
        """Let what *leg* says come out as `Tapped` events of *period* seconds."""
        row = self._rows[leg]
        row.taps[number] = self._capture(row, number, zero, max(1, round(period / PERIOD)))

    def untap(self, leg: str, number: int) -> None:
        """End one tap."""
        tap = self._rows[leg].taps.pop(number, None)
        if tap is not None:
            self._release(tap)

    def admits(self, index: int, datagram: memoryview, source: Address, now: float) -> bool:
        """Say whether *datagram* from a *source* that is not the row's target belongs to the row all the same."""
        row = self._row_at[index]
        if row is None:
            return False
        try:
            packet = rtp.parse(datagram)
        except rtp.MalformedPacket:
            row.malformed += 1
            return False
        if not row.latch.admits(source, packet.ssrc, packet.sequence, now - float(self._heard_at[index])):
            row.foreign += 1
            return False
        self.targets[index] = source
        self.events.append(wire.Followed(row.leg, source[0], source[1]))
        return True

    def receive(self, indices: list[int], datagrams: npt.NDArray[np.uint8], sizes: list[int], now: float) -> None:
        """Take a round of datagrams, at most one a row: ``datagrams[i, :sizes[i]]`` is for row ``indices[i]``."""
        count = len(indices)
        rows = np.array(indices, np.int64)
        lengths = np.array(sizes, np.int64) - rtp.HEADER_SIZE
        packets = datagrams[:count]
        odd = (packets[:, 0] != rtp.PLAIN) | (lengths < 0)
        for place in np.flatnonzero(odd):
            lengths[place] = self._straighten(rows[place], packets[place], sizes[place])
        headers = rtp.read_headers(packets)
        kinds = self._law_in[rows, headers.payload_type]
        good = lengths >= 0
        self._note_heard(rows[good], now)
        kinds[~good] = _UNKNOWN

        for place in np.flatnonzero(kinds >= _UNKNOWN):
            if good[place]:
                payload = packets[place, rtp.HEADER_SIZE : rtp.HEADER_SIZE + lengths[place]].tobytes()
                self._take_other(rows, headers, int(place), payload, now)
        audio = (kinds < _UNKNOWN) & (lengths > 0) & (lengths <= LARGEST_PAYLOAD)
        while audio.any():
            length = int(lengths[np.argmax(audio)])
            chosen = audio & (lengths == length)
            audio &= ~chosen
            codes = packets[chosen, rtp.HEADER_SIZE : rtp.HEADER_SIZE + length]
            self._playout.arrive(_arrivals(rows, headers, chosen, g711.decode(codes, kinds[chosen])))

    def step(self, at: float) -> Outgoing:
        """Play, mix and packetise one frame of every leg; its first sample is heard at the instant *at*."""
        used = self._used
        said = self._playout.play(used)
        said[~self._receives[:used]] = 0
        self._pass_on(self._log.add(said, at))
        self._tell_silences(at)
        if self._mixer is None:
            self._mixer = Mixer(self._bridge[:used])
        hears = self._mixer.mix(said)
        others: list[tuple[int, bytes]] = []
        busy: list[int] = []
        for row in list(self._attended.values()):
            if row.player is not None:
                self._play_into(row, row.player, hears)
            if row.keys_out and self._sends[row.index]:
                self._press_into(row, hears, others, busy)
            self._attend(row)
        self._packetise(hears)
        rows = self._account(busy)
        return Outgoing(rows, others)

    def skip(self, steps: int) -> None:
        """Let *steps* steps pass in which nothing was played or sent."""
        self._pass_on(self._log.skip())
        self._playout.skip(steps)
        self._timestamp += np.uint32(steps * FRAME & 0xFFFFFFFF)
        self._marker[:] = True

    def totals(self) -> tuple[int, int, int, int, int]:
        """Return packets received, sent, lost, from strangers and malformed since the start."""
        received, lost = self._playout.totals(self._used)
        rows = self._rows.values()
        return (
            received + self._ended_received,
            int(self._sent[: self._used].sum()) + self._ended_sent,
            lost + self._ended_lost,
            sum(row.foreign for row in rows) + self._ended_foreign,
            sum(row.malformed for row in rows) + self._ended_malformed,
        )

    def _straighten(self, index: np.int64, datagram: npt.NDArray[np.uint8], size: int) -> int:
        """Move the payload of a packet with CSRCs, extension or padding next to its fixed header; return its length."""
        try:
            start, end = rtp.payload_span(datagram.data[:size])
        except rtp.MalformedPacket:
            row = self._row_at[index]
            if row is not None:
                row.malformed += 1
            return -1
        length = end - start
        datagram[rtp.HEADER_SIZE : rtp.HEADER_SIZE + length] = datagram[start:end].copy()
        return length

    def _take_other(
        self, rows: npt.NDArray[np.int64], headers: rtp.Headers, place: int, payload: bytes, now: float
    ) -> None:
        """Take a packet that is no audio: a telephone event is read, comfort noise passed over, the rest an error."""
        row, kind = self._row_at[rows[place]], headers.payload_type[place]
        if row is None:
            return
        if self._law_in[row.index, kind] == _UNKNOWN:
            row.malformed += 1
            return
        self._playout.count(_arrivals(rows, headers, np.array([place]), np.zeros((1, 0), np.int16)))
        if kind == row.telephone_event:
            digit = row.keys_in.receive(payload, int(headers.timestamp[place]))
            if digit is not None:
                self.events.append(wire.DigitHeard(row.leg, digit, now))

    def _note_heard(self, rows: npt.NDArray[np.int64], now: float) -> None:
        self._heard_at[rows] = now
        for index in rows[self._silences_told[rows] > 0]:
            self._silences_told[index] = 0
            row = self._row_at[index]
            if row is not None:
                self.events.append(wire.HeardAgain(row.leg))

    def _tell_silences(self, at: float) -> None:
        used = self._used
        silence = at - np.maximum(self._heard_at[:used], self._listening_since[:used])
        due = self._receives[:used] & (silence >= (self._silences_told[:used] + 1) * self._silent_after)
        for index in np.flatnonzero(due):
            self._silences_told[index] += 1
            row = self._row_at[index]
            if row is not None:
                self.events.append(wire.WentSilent(row.leg, float(silence[index])))

    def _attend(self, row: Row) -> None:
        """Look at *row* one by one in every step, but only as long as it needs it."""
        if row.player is not None or row.keys_out:
            self._attended[row.leg] = row
        else:
            self._attended.pop(row.leg, None)

    def _capture(self, row: Row, number: int, zero: float, frames: int) -> Capture:
        capture = Capture(row.index, zero, frames)
        self._captures[capture] = (row.leg, number)
        self._log.start(capture)
        return capture

    def _release(self, capture: Capture) -> None:
        self._pass_on(self._log.stop(capture))
        del self._captures[capture]

    def _pass_on(self, portions: list[Portion]) -> None:
        for portion in portions:
            leg, number = self._captures[portion.capture]
            if number == _RECORDING:
                self.recorded.append((leg, portion.start, portion.pcm))
            else:
                self.events.append(wire.Tapped(leg, number, portion.start / RATE, portion.pcm))

    def _play_into(self, row: Row, player: Player, hears: Pcm) -> None:
        frame = player.next_frame()
        ear = hears[row.index]
        if player.over_bridge:
            louder = ear[: len(frame)].astype(np.int32) + frame
            ear[: len(frame)] = np.clip(louder, -32768, 32767)
        else:
            ear[: len(frame)] = frame
            ear[len(frame) :] = 0
        if not player.loop and player.position >= len(player.samples):
            row.player = None
            self.events.append(wire.PlayEnded(row.leg, player.number, finished=True))

    def _press_into(self, row: Row, hears: Pcm, others: list[tuple[int, bytes]], busy: list[int]) -> None:
        index = row.index
        if row.telephone_event is None:
            tone = row.keys_out.tone()
            if tone is not None:
                hears[index] = tone
            return
        event = row.keys_out.packet(int(self._timestamp[index]))
        if event is not None:
            busy.append(index)
            packet = rtp.Packet(
                row.telephone_event,
                int(self._sequence[index]),
                event.timestamp,
                int(self._ssrc[index]),
                event.payload,
                event.marker,
            )
            others.append((index, packet.encode()))

    def _packetise(self, hears: Pcm) -> None:
        used = self._used
        packets = self.packets[:used]
        packets[:, rtp.HEADER_SIZE :] = g711.encode(hears, self._law_out[:used])
        rtp.write_headers(
            packets,
            rtp.Headers(
                self._type_out[:used],
                self._marker[:used],
                self._sequence[:used],
                self._timestamp[:used],
                self._ssrc[:used],
            ),
        )

    def _account(self, busy: list[int]) -> list[int]:
        """Move every leg's timestamp on; return the rows that send audio now, and count what goes out."""
        used = self._used
        sends = self._sends[:used]
        self._sequence[:used] += sends
        self._timestamp[:used] += np.uint32(FRAME)
        self._marker[:used] = ~sends
        self._sent[:used] += sends
        rows: list[int] = np.flatnonzero(sends).tolist()
        return [index for index in rows if index not in busy] if busy else rows


def _arrivals(
    rows: npt.NDArray[np.int64], headers: rtp.Headers, chosen: npt.NDArray[np.generic], samples: Pcm
) -> Arrivals:
    return Arrivals(
        rows[chosen],
        headers.sequence[chosen],
        headers.timestamp[chosen],
        headers.ssrc[chosen],
        headers.marker[chosen],
        samples,
    )
