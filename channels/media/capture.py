"""What legs said, on its way to recordings and taps: cut into portions that know their place in the call.

The last frames of all legs are kept in one matrix; a leg costs nothing until a portion of it is due. Legs that started
together are still served at different steps, so that no step has all the work.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import Final

import numpy as np

from channels.media.g711 import Pcm
from channels.media.wav import RATE

LONGEST_PORTION: Final = 50
"""Frames that the log holds."""


@dataclass(slots=True, eq=False)
class Capture:
    """One recording or tap of one row, in portions of *frames* frames; ``zero`` is the instant of its sample 0."""

    row: int
    zero: float
    frames: int
    origin: int = 0
    """The sample of its time that step 0 would have begun with."""
    given: int = 0
    """The first step of which nothing has been given."""


@dataclass(frozen=True, slots=True)
class Portion:
    """Samples of *capture* from sample ``start`` of its time on, int16 little endian, its tracks interleaved."""

    capture: Capture
    start: int
    pcm: bytes


class CaptureLog:
    """The last frames of up to *capacity* rows, in some tracks, and who is to get them when."""

    def __init__(self, capacity: int, frame: int, *, tracks: int = 1) -> None:
        self._log = np.zeros((LONGEST_PORTION, capacity, frame, tracks), "<i2")
        self._frame = frame
        self._step = 0
        self._starting: list[Capture] = []
        self._due: defaultdict[int, list[Capture]] = defaultdict(list)
        self._running: dict[Capture, int] = {}

    def __bool__(self) -> bool:
        """Say whether anybody is to get anything."""
        return bool(self._running or self._starting)

    def start(self, capture: Capture) -> None:
        """Begin *capture* with the next frame; its portions are at most `LONGEST_PORTION` frames."""
        capture.frames = min(capture.frames, LONGEST_PORTION)
        self._starting.append(capture)

    def stop(self, capture: Capture) -> list[Portion]:
        """End *capture*; return what it has not yet given."""
        if capture in self._starting:
            self._starting.remove(capture)
            return []
        due = self._running.pop(capture, None)
        if due is None:
            return []
        self._due[due].remove(capture)
        return self._cut(capture)

    def add(self, at: float, *tracks: Pcm) -> list[Portion]:
        """Take a frame of each track of the first rows (int16 [rows, samples]), from the instant *at*.

        Return what is due.
        """
        step = self._step
        for capture in self._starting:
            capture.origin = round((at - capture.zero) * RATE) - step * self._frame
            capture.given = step
            self._schedule(capture, step + 1 + (capture.row + step) % capture.frames)
        self._starting.clear()
        self._step += 1
        if not self._running:
            return []
        for number, frames in enumerate(tracks):
            self._log[step % LONGEST_PORTION, : len(frames), :, number] = frames
        portions: list[Portion] = []
        for capture in self._due.pop(self._step, ()):
            portions += self._cut(capture)
            self._schedule(capture, self._step + capture.frames)
        return portions

    def skip(self) -> list[Portion]:
        """Let out all that is held: time has jumped, and every capture begins anew after the gap."""
        running = list(self._running)
        portions = [portion for capture in running for portion in self.stop(capture)]
        self._starting += running
        return portions

    def _schedule(self, capture: Capture, step: int) -> None:
        self._due[step].append(capture)
        self._running[capture] = step

    def _cut(self, capture: Capture) -> list[Portion]:
        """Return what *capture* has not given yet; what lies before its sample 0 is dropped."""
        steps = np.arange(capture.given, self._step)
        samples = self._log[steps % LONGEST_PORTION, capture.row].reshape(-1, self._log.shape[3])
        start = capture.origin + capture.given * self._frame
        capture.given = self._step
        early = min(max(0, -start), len(samples))
        return [Portion(capture, start + early, samples[early:].tobytes())] if early < len(samples) else []
