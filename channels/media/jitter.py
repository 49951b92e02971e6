"""The playout buffers of all legs: packets in as they come, 20 ms of every leg out at each tick.

Placement follows RTP timestamps (RFC 3550 5.1). A packet that is not there when its turn comes is concealed and the
clock goes on, so one loss never delays what follows. Per leg:

- the first packet of a stream is played `TARGET` samples after it came; so is one that starts a new stream (SSRC),
  jumps out of reach, opens a talkspurt after a silence, or belongs to a run that has been late for `PATIENCE` ticks;
- late packets at three ticks of a `WINDOW` delay the leg by one more frame (a burst after a stall is one);
- a `WINDOW` in which none was late, but the latest only just came, delays the leg by a frame before one is;
- a `WINDOW` in which even the latest packet had a frame more than `TARGET` to spare takes whole frames of delay back;
  one in which the latest had `TARGET` and the average half a frame more takes one, since `TARGET` was for that jitter.

``lead`` is how many samples before its turn a packet came. Time is counted in ticks: one `play` is one tick. Heads move
by whole frames only, so a frame is one row of the ring, and so is a 20 ms packet of a stream that has not slipped.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from channels.media import concealment
from channels.media.g711 import Pcm
from channels.media.quality import Receiving

FRAME: Final = 160
TARGET: Final = 320
LARGEST_PAYLOAD: Final = 1600
FURTHEST_LEAD: Final = 2400
FURTHEST_LAG: Final = 4000
MOST_MEAN_LEAD: Final = 800
PATIENCE: Final = 5
WINDOW: Final = 100
LATE_ENOUGH: Final = 3

_SLOTS: Final = 32
_RING: Final = _SLOTS * FRAME
_MISSING: Final = -32768
"""No G.711 code expands to this, so it marks samples that never came."""
_LONG_GONE: Final = 1 << 40
_NEVER: Final = -1

Rows = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Arrivals:
    """Packets of one payload length, at most one a row: every field [n], ``samples`` int16 [n, length]."""

    rows: Rows
    sequence: npt.NDArray[np.uint16]
    timestamp: npt.NDArray[np.uint32]
    ssrc: npt.NDArray[np.uint32]
    marker: npt.NDArray[np.bool_]
    samples: Pcm


@dataclass(frozen=True, slots=True)
class Reception:
    """What one leg has received: packets, and samples of concealment."""

    received: int
    lost: int
    late: int
    duplicates: int
    restarts: int
    concealed_samples: int
    delay: float
    """Seconds from a packet's arrival to its turn, as of the last packet."""


class Playout:
    """The playout buffers of up to *capacity* legs, one a row."""

    def __init__(self, capacity: int) -> None:
        """Reserve the matrices; every row starts empty."""
        self._tick = 0
        self._ring = np.full((capacity, _RING), _MISSING, np.int16)
        self._flat = self._ring.reshape(-1)
        self._slots = self._ring.reshape(-1, FRAME)
        self._first_slot = np.arange(capacity, dtype=np.int64) * _SLOTS
        self._last_frames = np.zeros((2, capacity, FRAME), np.int16)

        def column(value: int = 0) -> npt.NDArray[np.int64]:
            return np.full(capacity, value, np.int64)

        self._head = column()
        self._position = column()
        self._timestamp = column()
        self._ssrc = column(_NEVER)
        self._sequence = column()
        self._gap = column(_LONG_GONE)
        self._period = column(concealment.HOLD)
        self._late_since = column(_NEVER)
        self._late_tick = column(_NEVER)
        self._window_lates = column()
        self._window_least = column(_LONG_GONE)
        self._mean_lead = column()
        self._lead = column()
        self._grown = np.zeros(capacity, bool)
        self._hold = np.zeros(capacity, bool)
        self._blend = np.zeros(capacity, bool)
        self._expected = column()
        self._received = column()
        self._late = column()
        self._duplicates = column()
        self._restarts = column()
        self._concealed = column()
        self._counters = (
            *(self._head, self._position, self._timestamp, self._sequence, self._window_lates),
            *(self._mean_lead, self._lead, self._expected, self._received, self._late),
            *(self._duplicates, self._restarts, self._concealed),
        )

    def clear(self, row: int) -> None:
        """Empty *row* for a new leg."""
        self._ring[row] = _MISSING
        self._last_frames[:, row] = 0
        for counter in self._counters:
            counter[row] = 0
        self._ssrc[row] = self._late_since[row] = self._late_tick[row] = _NEVER
        self._gap[row] = self._window_least[row] = _LONG_GONE
        self._grown[row] = self._hold[row] = self._blend[row] = False

    def arrive(self, packets: Arrivals) -> None:
        """Put packets in their places. Their payloads are 1 to `LARGEST_PAYLOAD` samples long; no row occurs twice."""
        if self._arrive_in_step(packets):
            return
        rows, length = packets.rows, packets.samples.shape[1]
        ahead = self._count(packets)
        position, lead, placed_anew = self._place(packets, ahead, length)

        head = self._head[rows]
        late = ~placed_anew & (lead < 0)
        too_late = ~placed_anew & (lead + length <= 0)
        self._late[rows] += too_late
        self._window_lates[rows] += late & (self._late_tick[rows] != self._tick)
        self._late_tick[rows] = np.where(late, self._tick, self._late_tick[rows])
        self._late_since[rows] = np.where(
            too_late, np.where(self._late_since[rows] == _NEVER, self._tick, self._late_since[rows]), _NEVER
        )
        self._note_lead(rows, np.maximum(lead, -FURTHEST_LEAD))

        first = np.maximum(position, head)
        there = ~too_late & (self._flat[rows * _RING + first % _RING] != _MISSING)
        self._duplicates[rows] += there
        self._received[rows] += ~there
        for index in np.flatnonzero(late & ~too_late & ~there):
            tail = np.arange(head[index], position[index] + length)
            self._ring[rows[index], tail % _RING] = packets.samples[index, -len(tail) :]
        whole = np.flatnonzero(~late & ~there)
        if len(whole) == len(rows):
            self._store(rows, position, packets.samples)
        elif len(whole):
            self._store(rows[whole], position[whole], packets.samples[whole])

    def count(self, packets: Arrivals) -> None:
        """Count packets that carry no audio for the buffer (telephone events, comfort noise) as received."""
        self._count(packets)
        self._received[packets.rows] += 1

    def play(self, legs: int) -> Pcm:
        """Return the next frame of the first *legs* rows, int16 [legs, 160], gaps concealed; one tick passes."""
        self._tick += 1
        head = self._head[:legs]
        slots = self._first_slot[:legs] + head // FRAME % _SLOTS
        frames = self._slots.take(slots, axis=0)
        hold = self._hold[:legs]
        if hold.any():
            frames[hold] = _MISSING
            slots = slots[~hold]
            head += np.where(hold, 0, FRAME)
            hold[:] = False
        else:
            head += FRAME
        self._slots[slots] = _MISSING

        missing = frames == _MISSING
        incomplete = missing.any(axis=1)
        audible = (self._gap[:legs] < concealment.FADE) | ~missing.all(axis=1)
        patch = np.flatnonzero((incomplete & audible) | (self._blend[:legs] & ~missing[:, 0]))
        unfaded = None
        if len(patch):
            unfaded = self._conceal(patch, frames, missing)
        if incomplete.any():
            frames[frames == _MISSING] = 0
        self._note_gaps(legs, missing, incomplete)
        if len(patch):
            self._glide(patch, frames, missing)
        latest = self._last_frames[self._tick & 1]
        latest[:legs] = frames
        if unfaded is not None:
            latest[patch] = unfaded
        self._adapt(legs)
        return frames

    def is_missing(self, legs: int) -> npt.NDArray[np.bool_]:
        """Say of which of the first *legs* rows nothing was there for the whole of the last frame."""
        missing: npt.NDArray[np.bool_] = self._gap[:legs] >= FRAME
        return missing

    def skip(self, ticks: int) -> None:
        """Let *ticks* pass unplayed, as after a stall of the whole process; what was to be heard in them is gone."""
        self._tick += ticks
        gone = self._head[:, None] // FRAME + np.arange(min(ticks, _SLOTS))
        self._slots[self._first_slot[:, None] + gone % _SLOTS] = _MISSING
        self._head += ticks * FRAME

    def reception(self, row: int) -> Reception:
        """Return the counters of *row*."""
        received = int(self._received[row])
        return Reception(
            received=received,
            lost=max(0, int(self._expected[row]) - received),
            late=int(self._late[row]),
            duplicates=int(self._duplicates[row]),
            restarts=int(self._restarts[row]),
            concealed_samples=int(self._concealed[row]),
            delay=int(self._lead[row]) / 8000,
        )

    def receiving(self, row: int, jitter: float) -> Receiving | None:
        """Return the counters that RTCP reports, None before the first packet."""
        if self._ssrc[row] == _NEVER:
            return None
        ssrc, sequence = int(self._ssrc[row]), int(self._sequence[row])
        return Receiving(ssrc, sequence, int(self._expected[row]), int(self._received[row]), jitter)

    def totals(self, legs: int) -> tuple[int, int]:
        """Return packets received and packets lost by the first *legs* rows together."""
        lost = np.maximum(self._expected[:legs] - self._received[:legs], 0)
        return int(self._received[:legs].sum()), int(lost.sum())

    def _arrive_in_step(self, packets: Arrivals) -> bool:
        """Put packets in their places if each is the next of its stream and in time: the usual case, made cheap."""
        rows = packets.rows
        if packets.marker.any() or (self._ssrc[rows] != packets.ssrc).any():
            return False
        if ((packets.sequence - self._sequence[rows]) & 0xFFFF != 1).any():
            return False
        step = (packets.timestamp - self._timestamp[rows]) & 0xFFFFFFFF
        position = self._position[rows] + step
        lead = position - self._head[rows]
        if lead.min() < 0 or lead.max() > FURTHEST_LEAD or not step.all():
            return False
        self._expected[rows] += 1
        self._received[rows] += 1
        self._sequence[rows] = packets.sequence
        self._timestamp[rows] = packets.timestamp
        self._position[rows] = position
        self._late_since[rows] = _NEVER
        self._note_lead(rows, lead)
        self._store(rows, position, packets.samples)
        return True

    def _note_lead(self, rows: Rows, lead: Rows) -> None:
        self._lead[rows] = lead
        mean = self._mean_lead[rows]
        self._mean_lead[rows] = mean + ((lead - mean) >> 4)
        self._window_least[rows] = np.minimum(self._window_least[rows], lead)

    def _count(self, packets: Arrivals) -> npt.NDArray[np.bool_]:
        """Count what the sequence numbers promise (RFC 3550 A.3); return which packets are ahead of all before them."""
        rows = packets.rows
        step = (packets.sequence - self._sequence[rows].astype(np.uint16)).view(np.int16).astype(np.int64)
        fresh = self._ssrc[rows] != packets.ssrc
        ahead: npt.NDArray[np.bool_] = fresh | (step > 0)
        self._expected[rows] += np.where(fresh | (step > 3000), 1, np.maximum(step, 0))
        self._sequence[rows] = np.where(ahead, packets.sequence, self._sequence[rows])
        return ahead

    def _place(
        self, packets: Arrivals, ahead: npt.NDArray[np.bool_], length: int
    ) -> tuple[Rows, Rows, npt.NDArray[np.bool_]]:
        """Return each packet's position, its lead, and whether the stream was placed anew for it."""
        rows = packets.rows
        head = self._head[rows]
        fresh = self._ssrc[rows] != packets.ssrc
        step = (packets.timestamp - self._timestamp[rows].astype(np.uint32)).view(np.int32)
        position = self._position[rows] + step
        lead = position - head
        dry = self._gap[rows] >= concealment.FADE
        too_late = lead + length <= 0
        stuck = too_late & (self._late_since[rows] != _NEVER) & (self._tick - self._late_since[rows] >= PATIENCE)
        jumped = (lead > FURTHEST_LEAD) | (ahead & (lead < -FURTHEST_LAG))
        spurt = packets.marker & dry & ((lead < 0) | (lead > TARGET + FRAME))
        anew = fresh | stuck | jumped | spurt
        if anew.any():
            position = np.where(anew, head + TARGET, position)
            lead = np.where(anew, TARGET, lead)
            self._restarts[rows] += anew
            self._mean_lead[rows[anew]] = TARGET
            self._late_since[rows[anew]] = _NEVER
            self._ssrc[rows] = packets.ssrc
            for row in rows[anew].tolist():
                self._wipe(row, TARGET, _RING)
        newest = anew | (ahead & (step > 0))
        self._position[rows] = np.where(newest, position, self._position[rows])
        self._timestamp[rows] = np.where(newest, packets.timestamp, self._timestamp[rows])
        return position, lead, anew

    def _wipe(self, row: int, start: int, stop: int) -> None:
        """Forget what *row* holds from *start* to *stop* samples after its head."""
        head = self._head[row]
        self._ring[row, np.arange(head + start, head + stop) % _RING] = _MISSING

    def _store(self, rows: Rows, position: Rows, samples: Pcm) -> None:
        aligned = position % FRAME == 0
        if samples.shape[1] == FRAME and aligned.all():
            self._slots[self._first_slot[rows] + position // FRAME % _SLOTS] = samples
        else:
            places = (position[:, None] + np.arange(samples.shape[1])) % _RING
            self._flat[rows[:, None] * _RING + places] = samples

    def _conceal(self, patch: Rows, frames: Pcm, missing: npt.NDArray[np.bool_]) -> Pcm:
        """Repair the rows *patch* of *frames* in place; return them as history wants them: unfaded."""
        history = np.concatenate(
            [self._last_frames[self._tick & 1, patch], self._last_frames[1 - (self._tick & 1), patch]], axis=1
        )
        starting = self._gap[patch] == 0
        if starting.any():
            self._period[patch[starting]] = concealment.pitch_periods(history[starting])
        invented = concealment.extend(history, self._period[patch], FRAME)
        gaps = missing[patch]
        self._concealed[patch] += gaps.sum(axis=1)
        broken = frames[patch]
        frames[patch] = concealment.conceal(broken, gaps, invented, self._gap[patch], self._blend[patch])
        self._blend[patch] = False
        return np.where(gaps, invented, frames[patch])

    def _glide(self, patch: Rows, frames: Pcm, missing: npt.NDArray[np.bool_]) -> None:
        """Let those of the rows *patch* that end in a gap go over into what follows, where that is there."""
        ending = patch[missing[patch, -1]]
        following = self._slots.take(self._first_slot[ending] + self._head[ending] // FRAME % _SLOTS, axis=0)
        there = (following != _MISSING).all(axis=1)
        if there.any():
            rows = ending[there]
            lead_in = concealment.lead_in(following[there], self._period[rows], FRAME)
            frames[rows] = concealment.glide(frames[rows], missing[rows], lead_in)
            self._blend[rows] = False

    def _note_gaps(self, legs: int, missing: npt.NDArray[np.bool_], incomplete: npt.NDArray[np.bool_]) -> None:
        gap = self._gap[:legs]
        if not incomplete.any():
            gap[:] = 0
            return
        trailing = np.where(missing.all(axis=1), FRAME, np.argmin(missing[:, ::-1], axis=1))
        gap[:] = np.where(trailing == FRAME, gap + FRAME, trailing)
        self._blend[:legs] |= trailing > 0

    def _adapt(self, legs: int) -> None:
        """Delay a leg whose packets come late; hurry one that has been waiting for nothing."""
        lates, mean_lead = self._window_lates[:legs], self._mean_lead[:legs]
        grow = (lates >= LATE_ENOUGH) & ~self._grown[:legs] & (mean_lead < MOST_MEAN_LEAD)
        if grow.any():
            self._hold[:legs] |= grow
            self._grown[:legs] |= grow
        if self._tick % WINDOW:
            return
        least = self._window_least[:legs]
        thin = (least >= 0) & (least < FRAME // 2) & ~self._grown[:legs] & (mean_lead < MOST_MEAN_LEAD)
        self._hold[:legs] |= thin
        idle = (least >= TARGET + FRAME) | ((least >= TARGET) & (mean_lead >= TARGET + FRAME // 2))
        for row in np.flatnonzero(idle & (least < _LONG_GONE)).tolist():
            excess = max(FRAME, (int(least[row]) - TARGET) // FRAME * FRAME)
            self._wipe(row, 0, excess)
            self._head[row] += excess
            self._mean_lead[row] -= excess
            self._blend[row] = True
        least[:] = _LONG_GONE
        self._window_lates[:legs] = 0
        self._grown[:legs] = False
