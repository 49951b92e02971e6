"""Packet loss concealment: the last pitch period said again, fading to silence (after ITU-T G.711 Appendix I).

A lost stretch sounds like a held vowel for `HOLD` samples and has faded out after `FADE`. Where what follows it is
there already, it glides into the first period of that, which is then heard untouched; otherwise what arrives next is
blended in over `BLEND`. So neither end of it clicks.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from channels.media.g711 import Pcm

HISTORY: Final = 320
"""Samples of past audio that `extend` looks at."""
HOLD: Final = 80
FADE: Final = 480
BLEND: Final = 40

_SHORTEST_PERIOD: Final = 40
_LONGEST_PERIOD: Final = 160
_LAGS: Final = np.arange(_SHORTEST_PERIOD, _LONGEST_PERIOD + 1)


def pitch_periods(history: Pcm) -> npt.NDArray[np.int64]:
    """Return the lag, 40-160 samples, at which each row of *history* (int16 [legs, HISTORY]) best repeats itself."""
    heard = history.astype(np.float32)
    template = heard[:, -_LONGEST_PERIOD::2]
    windows = np.lib.stride_tricks.sliding_window_view(heard, _LONGEST_PERIOD, axis=1)
    shifted = windows[:, HISTORY - _LONGEST_PERIOD - _LAGS, ::2]
    alike = np.einsum("lks,ls->lk", shifted, template)
    energy = np.einsum("lks,lks->lk", shifted, shifted)
    best = np.argmax(alike / np.sqrt(energy + 1.0), axis=1)
    periods: npt.NDArray[np.int64] = _LAGS[best]
    return periods


def extend(history: Pcm, periods: npt.NDArray[np.int64], length: int) -> Pcm:
    """Continue each row of *history* by *length* samples, repeating its last period: int16 [legs, length]."""
    source = HISTORY - periods[:, None] + np.arange(length) % periods[:, None]
    return np.take_along_axis(history, source, axis=1)


def lead_in(following: Pcm, periods: npt.NDArray[np.int64], length: int) -> Pcm:
    """Return the *length* samples before each row of *following*: its first period repeated, int16 [legs, length]."""
    source = (np.arange(length) - length) % periods[:, None]
    return np.take_along_axis(following, source, axis=1)


def glide(frames: Pcm, missing: npt.NDArray[np.bool_], lead_in: Pcm) -> Pcm:
    """Let the missing end of each row of *frames* go over into *lead_in*; all are [legs, samples]."""
    length = frames.shape[1]
    position = np.arange(length)
    start = np.where(missing.all(axis=1), 0, length - np.argmin(missing[:, ::-1], axis=1))[:, None]
    weight = np.clip((position - start + 1) / (length - start + 1).astype(np.float32), 0.0, 1.0)
    gliding: Pcm = np.rint((1 - weight) * frames + weight * lead_in).astype(np.int16)
    return gliding


def fade(age: npt.NDArray[np.int64]) -> npt.NDArray[np.float32]:
    """Return the gain of invented samples that are *age* samples away from the last real one."""
    gain: npt.NDArray[np.float32] = np.clip((FADE - age) / np.float32(FADE - HOLD), 0.0, 1.0).astype(np.float32)
    return gain


def conceal(
    frames: Pcm,
    missing: npt.NDArray[np.bool_],
    invented: Pcm,
    age: npt.NDArray[np.int64],
    blend: npt.NDArray[np.bool_],
) -> Pcm:
    """Fill the missing samples of *frames* with *invented* ones, and blend in what follows a leading gap.

    The first three are [legs, samples]. ``age[i]`` is how many samples were missing just before frame i; ``blend[i]``
    says that what came before does not join with a real first sample of frame i.
    """
    length = frames.shape[1]
    position = np.arange(length)
    first_real = np.where(missing.all(axis=1), length, np.argmin(missing, axis=1))
    first_missing = np.argmax(missing, axis=1)[:, None]
    age_here = np.where(first_missing > 0, np.maximum(position - first_missing, 0), age[:, None] + position)
    ghost = invented * fade(age_here)
    joined = np.where((first_real == 0) & ~blend, -BLEND, first_real)[:, None]
    weight = np.clip((position - joined + 1) / np.float32(BLEND), 0.0, 1.0)
    whole = np.where(missing, ghost, weight * frames + (1 - weight) * ghost)
    return np.rint(whole).astype(np.int16)
