"""The receiving half of all legs: datagrams in, sorted by what they carry; a frame of every leg out at each step."""

from __future__ import annotations

from dataclasses import dataclass, field
from math import inf
from typing import Final

import numpy as np
import numpy.typing as npt

from channels.media import comfort_noise, g711, rtp, wideband
from channels.media.g711 import Law, Pcm
from channels.media.jitter import FRAME, LARGEST_PAYLOAD, Arrivals, Playout, Reception, Rows
from channels.media.quality import Receiving
from channels.media.wav import RATE

_NOT_AUDIO: Final = 255
_UNKNOWN: Final = 254
_NO_NOISE: Final = 255
_ANOTHER_CLOCK: Final = 8000
_QUIET_PATIENCE: Final = 6
"""How many times longer a far end may send nothing after it has said that it would."""


@dataclass(frozen=True, slots=True)
class Other:
    """A packet of a known kind that is no audio."""

    row: int
    payload_type: int
    timestamp: int
    payload: bytes


@dataclass(frozen=True, slots=True)
class Round:
    """What a round of datagrams held beside audio, and the rows that were heard again after a silence was told."""

    others: list[Other] = field(default_factory=list)
    heard_again: list[int] = field(default_factory=list)


class Inbound:
    """The columns of what legs receive."""

    def __init__(self, capacity: int, *, silent_after: float) -> None:
        self.playout = Playout(capacity)
        self.malformed = np.zeros(capacity, np.int64)
        self.jitter = np.zeros(capacity)
        """Interarrival jitter of each row's audio, in samples."""
        self._wideband: dict[int, wideband.WidebandCodec] = {}
        self._transit = np.zeros(capacity, np.int64)
        self._kinds = np.full((capacity, 128), _UNKNOWN, np.uint8)
        self._receives = np.zeros(capacity, bool)
        self._silent_after = silent_after
        self._heard_at = np.full(capacity, -inf)
        self._listening_since = np.zeros(capacity)
        self._silences_told = np.zeros(capacity, np.int64)
        self._noise = np.full(capacity, _NO_NOISE, np.uint8)
        """The level that the far end gives its silence, RFC 3389, until it speaks again."""
        self._noisy = False
        self._step = 0

    def clear(self, row: int) -> None:
        """Make *row* ready for a new leg, which does not listen yet."""
        self.playout.clear(row)
        self.malformed[row] = self._silences_told[row] = 0
        self.jitter[row] = 0.0
        self._wideband.pop(row, None)
        self._receives[row] = False
        self._heard_at[row] = -inf
        self._noise[row] = _NO_NOISE

    def expect(self, row: int, law: int, payload_type: int, telephone_event: int | None) -> None:
        """Set which payload types mean what; both laws are always understood under their static numbers."""
        kinds = self._kinds[row]
        kinds[:] = _UNKNOWN
        kinds[0], kinds[8], kinds[comfort_noise.PAYLOAD_TYPE] = Law.PCMU, Law.PCMA, _NOT_AUDIO
        kinds[payload_type] = law
        if law == wideband.KIND and row not in self._wideband:
            self._wideband[row] = wideband.WidebandCodec()
        if telephone_event is not None:
            kinds[telephone_event] = _NOT_AUDIO

    def listen(self, row: int, *, receives: bool, is_new: bool, now: float) -> None:
        """Let *row* be heard or not; silence counts from *now* if it is to be heard again, or from a new far end."""
        if is_new:
            self._heard_at[row] = -inf
        if is_new or (receives and not self._receives[row]):
            self._listening_since[row] = now
        self._receives[row] = receives

    def silence(self, row: int, now: float) -> float:
        """Return for how many seconds nothing has come for *row*, infinity if nothing ever has."""
        return now - float(self._heard_at[row])

    def reception(self, row: int) -> Reception:
        """Return what *row* has received."""
        return self.playout.reception(row)

    def receive(
        self, rows: Rows, packets: npt.NDArray[np.uint8], sizes: Rows, stamps: npt.NDArray[np.float64], now: float
    ) -> Round:
        """Take datagrams, at most one a row: ``packets[i, :sizes[i]]`` came for ``rows[i]`` at ``stamps[i]``."""
        lengths = sizes - rtp.HEADER_SIZE
        for place in np.flatnonzero((packets[:, 0] != rtp.PLAIN) | (lengths < 0)).tolist():
            lengths[place] = _straighten(packets[place], int(sizes[place]))
        headers = rtp.read_headers(packets)
        kinds = self._kinds[rows, headers.payload_type]
        length = int(lengths[0])
        if 0 < length <= LARGEST_PAYLOAD and (lengths == length).all() and (kinds < wideband.KIND).all():
            heard_again = self._note_heard(rows, now)
            self._noise[rows] = _NO_NOISE
            self._note_jitter(rows, headers.timestamp, stamps)
            codes = packets[:, rtp.HEADER_SIZE : rtp.HEADER_SIZE + length]
            self.playout.arrive(Arrivals(rows, *_columns(headers), g711.decode(codes, kinds)))
            return Round(heard_again=heard_again)
        audio = (kinds < _UNKNOWN) & (lengths >= 0) & (lengths <= LARGEST_PAYLOAD)
        other = (kinds == _NOT_AUDIO) & (lengths >= 0)
        self.malformed[rows] += ~(audio | other)

        heard_again = self._note_heard(rows[audio | other], now)
        others = [self._take_other(rows, headers, int(place), packets, lengths) for place in np.flatnonzero(other)]
        audio &= lengths > 0
        self._noise[rows[audio]] = _NO_NOISE
        self._note_jitter(rows[audio], headers.timestamp[audio], stamps[audio])
        for place in np.flatnonzero(audio & (kinds == wideband.KIND)).tolist():
            self._take_wideband(rows, headers, place, packets, lengths)
            audio[place] = False
        while audio.any():
            length = int(lengths[np.argmax(audio)])
            chosen = audio & (lengths == length)
            audio &= ~chosen
            codes = packets[chosen, rtp.HEADER_SIZE : rtp.HEADER_SIZE + length]
            self.playout.arrive(_arrivals(rows, headers, chosen, g711.decode(codes, kinds[chosen])))
        return Round(others, heard_again)

    def receiving(self, row: int) -> Receiving | None:
        """Return how the stream of *row* comes, None if none has."""
        return self.playout.receiving(row, float(self.jitter[row]))

    def frames(self, rows: int) -> Pcm:
        """Return what the first *rows* rows say in this step, int16 [rows, 160]; zeros for those not to be heard."""
        said = self.playout.play(rows)
        if self._noisy:
            self._add_noise(said)
        said[~self._receives[:rows]] = 0
        return said

    def silences(self, rows: int, at: float) -> list[tuple[int, float, bool]]:
        """Return the rows of which silence is to be told now, its seconds, and whether the far end announced it."""
        silence = at - np.maximum(self._heard_at[:rows], self._listening_since[:rows])
        announced = self._noise[:rows] != _NO_NOISE
        after = np.where(announced, _QUIET_PATIENCE * self._silent_after, self._silent_after)
        due = self._receives[:rows] & (silence >= (self._silences_told[:rows] + 1) * after)
        self._silences_told[:rows] += due
        return [(row, float(silence[row]), bool(announced[row])) for row in np.flatnonzero(due).tolist()]

    def _note_jitter(self, rows: Rows, timestamps: npt.NDArray[np.uint32], stamps: npt.NDArray[np.float64]) -> None:
        """Estimate the interarrival jitter (RFC 3550 A.8); a step of more than `_ANOTHER_CLOCK` is no jitter."""
        transit = (stamps * RATE).astype(np.int64) - timestamps
        change = np.abs((transit - self._transit[rows] + 0x80000000 & 0xFFFFFFFF) - 0x80000000)
        self._transit[rows] = transit
        jitter = self.jitter[rows]
        self.jitter[rows] = np.where(change < _ANOTHER_CLOCK, jitter + (change - jitter) / 16, jitter)

    def _note_heard(self, rows: Rows, now: float) -> list[int]:
        self._heard_at[rows] = now
        again = rows[self._silences_told[rows] > 0]
        self._silences_told[again] = 0
        heard: list[int] = again.tolist()
        return heard

    def _add_noise(self, said: Pcm) -> None:
        """Let those who have announced silence sound like it, as soon as they have nothing more to say."""
        self._step += 1
        noises = self._noise[: len(said)]
        quiet = np.flatnonzero((noises != _NO_NOISE) & self.playout.is_missing(len(said)))
        if len(quiet):
            heard = said[quiet] + comfort_noise.noise(noises[quiet], FRAME, self._step)
            said[quiet] = np.clip(heard, -32768, 32767).astype(np.int16)
        self._noisy = bool((noises != _NO_NOISE).any())

    def _take_wideband(
        self, rows: Rows, headers: rtp.Headers, place: int, packets: npt.NDArray[np.uint8], lengths: Rows
    ) -> None:
        payload = packets[place, rtp.HEADER_SIZE : rtp.HEADER_SIZE + lengths[place]].tobytes()
        samples = self._wideband[int(rows[place])].decode(payload)
        self.playout.arrive(_arrivals(rows, headers, np.array([place]), samples[None]))

    def _take_other(
        self, rows: Rows, headers: rtp.Headers, place: int, packets: npt.NDArray[np.uint8], lengths: Rows
    ) -> Other:
        self.playout.count(_arrivals(rows, headers, np.array([place]), np.zeros((1, 0), np.int16)))
        row, payload_type = int(rows[place]), int(headers.payload_type[place])
        payload = packets[place, rtp.HEADER_SIZE : rtp.HEADER_SIZE + lengths[place]].tobytes()
        if payload_type == comfort_noise.PAYLOAD_TYPE:
            self._noise[row] = comfort_noise.level(payload)
            self._noisy = True
        return Other(row, payload_type, int(headers.timestamp[place]), payload)


def _straighten(datagram: npt.NDArray[np.uint8], size: int) -> int:
    """Move the payload of a packet with CSRCs, extension or padding behind its fixed header; -1 if malformed."""
    try:
        start, end = rtp.payload_span(datagram.data[:size])
    except rtp.MalformedPacket:
        return -1
    datagram[rtp.HEADER_SIZE : rtp.HEADER_SIZE + end - start] = datagram[start:end].copy()
    return end - start


def _columns(
    headers: rtp.Headers,
) -> tuple[npt.NDArray[np.uint16], npt.NDArray[np.uint32], npt.NDArray[np.uint32], npt.NDArray[np.bool_]]:
    return headers.sequence, headers.timestamp, headers.ssrc, headers.marker


def _arrivals(rows: Rows, headers: rtp.Headers, chosen: npt.NDArray[np.generic], samples: Pcm) -> Arrivals:
    return Arrivals(
        rows[chosen],
        headers.sequence[chosen],
        headers.timestamp[chosen],
        headers.ssrc[chosen],
        headers.marker[chosen],
        samples,
    )
