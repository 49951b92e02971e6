"""What a leg said, on its way to a recording or a tap: frames cut into portions that know their place in the call."""

from __future__ import annotations

from dataclasses import dataclass, field

from channels.media.g711 import Pcm
from channels.media.wav import RATE

Portion = tuple[int, bytes]
"""First sample since zero, and int16 little-endian samples."""


@dataclass(slots=True)
class Capture:
    """Collects the frames of one leg into portions of *frames* frames; ``zero`` is the instant of sample 0."""

    zero: float
    frames: int
    _next: int | None = None
    _start: int = 0
    _held: list[bytes] = field(default_factory=list)

    def add(self, frame: Pcm, at: float) -> list[Portion]:
        """Take the frame whose first sample is at the instant *at*; return the portions now due.

        An instant within a frame of the running count is rounding; further off is a gap, which starts a new portion.
        What lies before zero is dropped.
        """
        due: list[Portion] = []
        place = round((at - self.zero) * RATE)
        if self._next is None or abs(place - self._next) >= len(frame):
            due = self.rest()
            self._next = place
        early = min(max(0, -self._next), len(frame))
        if not self._held:
            self._start = self._next + early
        if early < len(frame):
            self._held.append(frame[early:].astype("<i2").tobytes())
        self._next += len(frame)
        if len(self._held) >= self.frames:
            due += self.rest()
        return due

    def rest(self) -> list[Portion]:
        """Return what is held back for the next portion, if anything."""
        held, self._held = self._held, []
        return [(self._start, b"".join(held))] if held else []
