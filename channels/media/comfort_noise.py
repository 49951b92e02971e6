"""Comfort noise (RFC 3389): what a silent line sounds like, said in one packet instead of fifty a second.

Only the noise level is used, both ways: white noise, model order 0. A level is in -dBov, 0 (loudest) to 127.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from channels.media.g711 import Pcm

PAYLOAD_TYPE: Final = 13
QUIETEST: Final = 127
HANGOVER: Final = 10
"""Frames of quiet after which a sender stops sending audio."""
UPDATE: Final = 25
"""Frames after which a quiet sender says the level again."""
QUIET: Final = 60.0
"""Root mean square up to which a frame is background noise: -55 dBov."""

_OVERLOAD: Final = 32768.0
_NOISE: Final = np.random.default_rng(3389).standard_normal(1 << 14).astype(np.float32)


def level(payload: bytes) -> int:
    """Return the noise level that *payload* describes; an empty one means the quietest."""
    return payload[0] & 0x7F if payload else QUIETEST


def levels(loudness: npt.NDArray[np.float32]) -> npt.NDArray[np.uint8]:
    """Return the level of each of *loudness*, roots of mean squares of int16 samples."""
    heard = -20 * np.log10(np.maximum(loudness, 1e-3) / _OVERLOAD)
    rounded: npt.NDArray[np.uint8] = np.clip(np.rint(heard), 0, QUIETEST).astype(np.uint8)
    return rounded


def noise(levels: npt.NDArray[np.uint8], length: int, step: int) -> npt.NDArray[np.float32]:
    """Return white noise, a row for each of *levels*: float32 [rows, length]; *step* says which stretch of it."""
    starts = (np.arange(len(levels)) * 977 + step * 1493) % (len(_NOISE) - length)
    gain = _OVERLOAD * 10.0 ** (-levels.astype(np.float32) / 20)
    stretch: npt.NDArray[np.float32] = _NOISE[starts[:, None] + np.arange(length)] * gain[:, None]
    return stretch


def loudness(frames: Pcm) -> npt.NDArray[np.float32]:
    """Return the root mean square of each row of *frames*."""
    heard = frames.astype(np.float32)
    roots: npt.NDArray[np.float32] = np.sqrt(np.einsum("ij,ij->i", heard, heard) / np.float32(frames.shape[1]))
    return roots
