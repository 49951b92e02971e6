"""A voice gate: which 20 ms frames of a leg are worth a recogniser's time.

Pure. It goes by energy over a tracked noise floor, and by spectrum: a pure tone (ringback, a dialled digit, a beep)
is loud but is not speech, and a recogniser makes words of it. It opens on a few speech-like frames close together
and stays open through a hangover, so that the soft start and end of a word are inside; whoever feeds a recogniser
adds the frames just before the opening (`PRE_ROLL`) himself.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

RATE = 8000
FRAME = 160
"""Samples in a frame: 20 ms."""
PRE_ROLL = 25
"""Frames before an opening that belong to the speech: 0.5 s."""
HANGOVER = 60
"""Frames the gate stays open after the last speech-like one: 1.2 s, so a recogniser ends most utterances itself."""

_QUIETEST = -60.0
"""dBFS below which nothing counts as speech; G.711 idle noise lies near -72."""
_OVER_FLOOR = 6.0
_HIGHEST_FLOOR = -42.0
_FLOOR_RISE = 0.03
"""dB per frame: steady noise is learnt in seconds, a sentence does not lift the floor."""
_OPENING = 4
_OPENING_WINDOW = 10
_TONAL_SHARE = 0.97
_SIZE = 256
_WINDOW = np.hanning(FRAME)
_REACH = 3
"""Bins either side of a peak that hold a windowed tone's energy."""


class Gate:
    """Tells frame by frame whether somebody speaks; starts closed."""

    def __init__(self) -> None:
        self.is_open = False
        self._floor = -70.0
        self._recent = 0
        self._quiet_for = 0

    def hear(self, frame: NDArray[np.int16]) -> bool:
        """Take the next frame (int16 [160]) and return whether the gate is open now."""
        spoken = self._is_speech(frame)
        self._recent = (self._recent << 1 | spoken) & ((1 << _OPENING_WINDOW) - 1)
        self._quiet_for = 0 if spoken else self._quiet_for + 1
        if self.is_open:
            self.is_open = self._quiet_for < HANGOVER
        else:
            self.is_open = self._recent.bit_count() >= _OPENING
        return self.is_open

    def shut(self) -> None:
        """Close at once: what comes next does not follow what came before."""
        self.is_open = False
        self._recent = 0

    def _is_speech(self, frame: NDArray[np.int16]) -> bool:
        level = level_of(frame)
        floor = self._floor
        rise = 0.3 * (level - floor) if level < floor else _FLOOR_RISE
        self._floor = min(floor + rise, _HIGHEST_FLOOR)
        return level > max(_QUIETEST, floor + _OVER_FLOOR) and not is_tone(frame)


def level_of(frame: NDArray[np.int16]) -> float:
    """Return the RMS level in dBFS, -96 for digital silence."""
    power = float(np.mean(frame.astype(np.float64) ** 2)) / 32768**2
    return 10 * float(np.log10(max(power, 10**-9.6)))


def is_tone(frame: NDArray[np.int16]) -> bool:
    """Tell whether nearly all energy lies at one or two frequencies, as in call-progress tones and DTMF."""
    power = np.abs(np.fft.rfft(frame * _WINDOW, _SIZE)) ** 2
    total = power.sum()
    tonal = 0.0
    for _ in range(2):
        peak = int(power.argmax())
        around = slice(max(0, peak - _REACH), peak + _REACH + 1)
        tonal += power[around].sum()
        power[around] = 0.0
    return bool(total > 0 and tonal / total > _TONAL_SHARE)
