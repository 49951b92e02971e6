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
        _, which, sizes = np.unique(bridges[members], return_inverse=True, return_counts=True)
        # Bridges by falling size: those that have a kth member are then the first of them, and one addition
        # of matrices adds the kth member of all.
        place = np.empty(len(sizes), np.int64)
        place[np.argsort(-sizes, kind="stable")] = np.arange(len(sizes))
        self._bridge_of = place[which]
        self._members = members
        order = np.argsort(self._bridge_of, kind="stable")
        falling = np.sort(sizes)[::-1]
        starts = np.cumsum(falling) - falling
        self._kth = [members[order[starts[falling > k] + k]] for k in range(int(falling[0]) if len(falling) else 0)]

    def mix(self, frames: Pcm) -> Pcm:
        """Return what each leg hears of its bridge: int16 [legs, samples], as *frames*; zeros if alone."""
        heard = np.zeros_like(frames)
        if not self._kth:
            return heard
        total = frames[self._kth[0]].astype(np.int32)
        for members in self._kth[1:]:
            total[: len(members)] += frames[members]
        heard[self._members] = saturate(total[self._bridge_of] - frames[self._members])
        return heard
