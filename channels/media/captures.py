"""The recordings and taps of all legs: who of them gets what of which leg, and how it leaves."""

from __future__ import annotations

from typing import Final

from channels.media import wire
from channels.media.capture import Capture, CaptureLog, Portion
from channels.media.g711 import Pcm
from channels.media.wav import RATE

_RECORDING_PORTION: Final = 25
_BOTH: Final = 2

RecordingKey = tuple[str, int]
"""A leg and how many tracks are recorded of it: 1, what it says, or 2, with what it hears."""


class Captures:
    """Keyed by leg and number: a tap's own, or less the tracks of a recording."""

    def __init__(self, capacity: int, frame: int, events: list[wire.Event]) -> None:
        """Serve *capacity* rows in frames of *frame* samples; taps come out in *events*, as `Tapped`."""
        self.recorded: list[tuple[RecordingKey, int, bytes]] = []
        """Portions of recordings to be written, as (key, first sample, pcm)."""
        self._frame = frame
        self._events = events
        self._said = CaptureLog(capacity, frame)
        self._both = CaptureLog(capacity, frame, tracks=_BOTH)
        self._running: dict[tuple[str, int], Capture] = {}
        self._key_of: dict[Capture, tuple[str, int]] = {}

    def record(self, leg: str, row: int, zero: float, tracks: int) -> None:
        """Let what *leg* says come out in `recorded`, with what it hears if *tracks* is 2."""
        self._start(leg, -tracks, Capture(row, zero, _RECORDING_PORTION))

    def stop_recording(self, leg: str, tracks: int) -> None:
        """Let the rest of the recording out."""
        self._stop((leg, -tracks))

    def stop_recordings(self) -> None:
        """Let the rest of every recording out."""
        for key in [key for key in self._running if key[1] < 0]:
            self._stop(key)

    def tap(self, leg: str, row: int, number: int, zero: float, period: float) -> None:
        """Let what *leg* says come out as events of *period* seconds."""
        self._start(leg, number, Capture(row, zero, max(1, round(period * RATE / self._frame))))

    def untap(self, leg: str, number: int) -> None:
        """End one tap."""
        self._stop((leg, number))

    def end(self, leg: str) -> None:
        """Let the rest of all recordings and taps of *leg* out."""
        for key in [key for key in self._running if key[0] == leg]:
            self._stop(key)

    def add_said(self, at: float, said: Pcm) -> None:
        """Take what the first rows say, int16 [rows, samples], from the instant *at*."""
        self._pass_on(self._said.add(at, said))

    def add_both(self, at: float, said: Pcm, hears: Pcm) -> None:
        """Take what they say and hear."""
        if self._both:
            self._pass_on(self._both.add(at, said, hears))

    def skip(self) -> None:
        """Let out all that is held: time has jumped, and everything begins anew after the gap."""
        self._pass_on(self._said.skip() + self._both.skip())

    def _start(self, leg: str, number: int, capture: Capture) -> None:
        key = (leg, number)
        self._stop(key)
        self._running[key], self._key_of[capture] = capture, key
        self._log_of(number).start(capture)

    def _stop(self, key: tuple[str, int]) -> None:
        capture = self._running.pop(key, None)
        if capture is not None:
            self._pass_on(self._log_of(key[1]).stop(capture))
            del self._key_of[capture]

    def _log_of(self, number: int) -> CaptureLog:
        return self._both if number == -_BOTH else self._said

    def _pass_on(self, portions: list[Portion]) -> None:
        for portion in portions:
            leg, number = self._key_of[portion.capture]
            if number < 0:
                self.recorded.append(((leg, -number), portion.start, portion.pcm))
            else:
                self._events.append(wire.Tapped(leg, number, portion.start / RATE, portion.pcm))
