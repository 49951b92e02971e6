"""Tells from audio alone whether a recording contains somebody's speech, by cross-correlation of its pieces."""

from __future__ import annotations

import wave
from pathlib import Path

import numpy as np
import numpy.typing as npt
import soundfile

from tests.peers.rtp import RATE, Pcm

PIECE = RATE
"""Samples compared at a time: a second, so that a packet that slipped in between spoils one piece only."""
LIKENESS = 0.65
"""Correlation coefficient from which a piece counts as found: G.711 twice over leaves 0.99, other words 0.4."""
AUDIBLE = 300.0
"""Root mean square below which a piece is a pause and says nothing."""


def load(path: Path) -> Pcm:
    """Return the samples of a 16-bit mono WAV at 8 kHz, also of one whose writer was killed."""
    with wave.open(str(path), "rb") as file:
        assert (file.getnchannels(), file.getsampwidth(), file.getframerate()) == (1, 2, RATE), path
        return np.frombuffer(file.readframes(file.getnframes()), "<i2").astype(np.int16)


def load_track(path: Path, track: int = 0) -> Pcm:
    """Return one track of a call's recording, packed or not: 0 is what its leg said, 1 what that heard."""
    samples, rate = soundfile.read(path, dtype="int16", always_2d=True)
    assert (rate, samples.shape[1]) == (RATE, 2), path
    return np.ascontiguousarray(samples[:, track])


def save(path: Path, *parts: Pcm | float) -> Path:
    """Write a WAV of *parts*: samples, or seconds of silence."""
    samples = [np.zeros(round(part * RATE), np.int16) if isinstance(part, float) else part for part in parts]
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, RATE, 0, "NONE", ""))
        file.writeframes(np.concatenate(samples).astype("<i2").tobytes())
    return path


def share_heard(heard: Pcm, said: Pcm) -> float:
    """Return which share of the audible pieces of *said* occurs somewhere in *heard*."""
    pieces = [said[start : start + PIECE] for start in range(0, len(said) - PIECE + 1, PIECE)]
    audible = [piece for piece in pieces if np.sqrt(np.mean(piece.astype(np.float64) ** 2)) > AUDIBLE]
    assert audible, "nothing audible was said"
    if len(heard) < PIECE:
        return 0.0
    return sum(likeness(heard, piece) > LIKENESS for piece in audible) / len(audible)


def likeness(heard: Pcm, piece: Pcm) -> float:
    """Return the greatest correlation coefficient of *piece* with any stretch of *heard*."""
    signal, pattern = heard.astype(np.float64), piece.astype(np.float64)
    size = 1 << (len(signal) + len(pattern)).bit_length()
    products = np.fft.irfft(np.fft.rfft(signal, size) * np.conj(np.fft.rfft(pattern, size)), size)
    products = products[: len(signal) - len(pattern) + 1]
    sums: npt.NDArray[np.float64] = np.concatenate([[0.0], np.cumsum(signal**2)])
    energy = np.maximum(sums[len(pattern) :] - sums[: -len(pattern)], 1.0)
    return float(np.max(np.abs(products) / np.sqrt(energy * np.sum(pattern**2))))
