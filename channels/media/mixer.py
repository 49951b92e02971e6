"""N-party mix-minus: everyone on a bridge hears the sum of the others, never himself.

Bridges are disjoint, so one sorted sum over all legs and one subtraction serve every bridge at once. Sums are int32
and saturate at 16 bits.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from channels.media.g711 import Pcm


def saturate(samples: npt.NDArray[np.int32]) -> Pcm:
    """Limit int32 samples to what int16 can hold, instead of wrapping."""
    return np.clip(samples, -32768, 32767).astype(np.int16)


class Mixer:
    """Who is on which bridge, as the indices that one vectorised mix needs."""

    def __init__(self, bridges: npt.NDArray[np.int64]) -> None:
        """Plan for legs whose bridge is ``bridges[leg]``; a negative number means alone."""
        members = np.flatnonzero(bridges >= 0)
        self._members = members[np.argsort(bridges[members], kind="stable")]
        numbers = bridges[self._members]
        first = np.ones(len(numbers), bool)
        first[1:] = numbers[1:] != numbers[:-1]
        self._starts = np.flatnonzero(first)
        self._bridge_of = np.cumsum(first) - 1

    def mix(self, frames: Pcm) -> Pcm:
        """Return what each leg hears of its bridge: int16 [legs, samples], as *frames*; zeros if alone."""
        heard = np.zeros_like(frames)
        if len(self._members):
            said = frames[self._members].astype(np.int32)
            total = np.add.reduceat(said, self._starts, axis=0)
            heard[self._members] = saturate(total[self._bridge_of] - said)
        return heard
