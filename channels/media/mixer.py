"""N-party mix-minus: everyone on a bridge hears the sum of the others, never himself.

A supervisor may hear a bridge unheard, or be heard by one of its legs alone. Bridges are disjoint, so one sorted sum
over all legs and one subtraction serve every bridge at once. Sums are int32 and saturate at 16 bits.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from channels.media.g711 import Pcm


def saturate(samples: npt.NDArray[np.int32]) -> Pcm:
    """Limit int32 samples to what int16 can hold, instead of wrapping."""
    return np.clip(samples, -32768, 32767).astype(np.int16)


class Mixer:
    """Who is on which bridge, as the indices that one vectorised mix needs."""

    def __init__(
        self,
        bridges: npt.NDArray[np.int64],
        speaks: npt.NDArray[np.bool_] | None = None,
        whispers: Sequence[tuple[int, int]] = (),
    ) -> None:
        """Plan for legs whose bridge is ``bridges[leg]``; a negative number means alone.

        Those for whom ``speaks[leg]`` is false hear their bridge and are not heard on it; each (leg, listener) of
        *whispers* lets a leg be heard by that listener all the same.
        """
        members = np.flatnonzero(bridges >= 0)
        heard = np.ones(len(members), bool) if speaks is None else speaks[members]
        _, which = np.unique(bridges[members], return_inverse=True)
        sizes = np.bincount(which[heard], minlength=int(which.max(initial=-1)) + 1)
        # Bridges by falling number of speakers: those that have a kth speaker are then the first of them, and one
        # addition of matrices adds the kth speaker of all.
        place = np.empty(len(sizes), np.int64)
        place[np.argsort(-sizes, kind="stable")] = np.arange(len(sizes))
        self._bridges = len(sizes)
        self._bridge_of = place[which]
        self._members = members
        self._silent = np.flatnonzero(~heard)
        self._whispers = tuple(whispers)
        speakers = members[heard]
        order = np.argsort(self._bridge_of[heard], kind="stable")
        falling = np.sort(sizes)[::-1]
        starts = np.cumsum(falling) - falling
        self._kth = [speakers[order[starts[falling > k] + k]] for k in range(int(falling[0]) if len(falling) else 0)]

    def mix(self, frames: Pcm) -> Pcm:
        """Return what each leg hears of its bridge: int16 [legs, samples], as *frames*; zeros if alone."""
        heard = np.zeros_like(frames)
        if not self._bridges:
            return heard
        total = np.zeros((self._bridges, frames.shape[1]), np.int32)
        for speakers in self._kth:
            total[: len(speakers)] += frames[speakers]
        own = frames[self._members]
        own[self._silent] = 0
        heard[self._members] = saturate(total[self._bridge_of] - own)
        for leg, listener in self._whispers:
            heard[listener] = saturate(heard[listener].astype(np.int32) + frames[leg])
        return heard
