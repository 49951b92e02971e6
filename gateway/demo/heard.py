"""Whose words a recording contains, decided from its sound alone.

Every sentence that may have been said is cut into pieces of a second, passed through the G.711 law that carried it,
and searched for in the recording by normalised cross-correlation (1.0: the very same samples). A piece that was
carried without loss scores nearly 1; other people's speech scores what similar vowels give. A sentence scores as its
middle piece does, so that a packet lost on the way does not make it unheard, and half a sentence does not count.
"""

from __future__ import annotations

import wave
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from channels.media.g711 import Law, decode_bytes, encode_bytes

RATE: Final = 8000
PIECE: Final = RATE
"""Samples searched for at once."""
THRESHOLD: Final = 0.7
"""Between what carried sentences score (nearly 1) and what others do (half of that at most); see `Hearing.margin`."""
_BLOCK: Final = 1 << 16
_QUIET: Final = 0.02
"""Stretches of a recording with less than this part of a piece's energy are too quiet to contain it."""

Sound = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sentence:
    """Something that was said: by which party, in which file."""

    party: str
    path: Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Hearing:
    """What one recording contains: each sentence with its score, 0.0 to 1.0."""

    scores: Mapping[Sentence, float]

    @property
    def parties(self) -> list[str]:
        """Whose words were heard, in the order of the sentences."""
        return list(dict.fromkeys(each.party for each, score in self.scores.items() if score >= THRESHOLD))

    @property
    def margin(self) -> tuple[float, float]:
        """The lowest score of a sentence that was heard, and the highest of one that was not (1.0, 0.0 without any)."""
        heard = [score for score in self.scores.values() if score >= THRESHOLD]
        unheard = [score for score in self.scores.values() if score < THRESHOLD]
        return min(heard, default=1.0), max(unheard, default=0.0)


def listen(recording: Path, sentences: Iterable[Sentence], law: Law = Law.PCMA) -> Hearing:
    """Search *recording* for *sentences*, all WAVs of 8 kHz, mono, 16 bits."""
    searched = _Searched(_samples(recording))
    scores = {}
    for sentence in sentences:
        carried = decode_bytes(encode_bytes(_samples(sentence.path), law), law).astype(np.float32)
        scores[sentence] = float(np.median([searched.best(piece) for piece in _pieces(carried)]))
    return Hearing(scores=scores)


class _Searched:
    """A recording, transformed once: overlapping blocks of it in the frequency domain, and its running energy."""

    def __init__(self, samples: npt.NDArray[np.int16]) -> None:
        sound = samples.astype(np.float32)
        step = _BLOCK - PIECE + 1
        count = max(1, -(-max(1, len(sound) - PIECE + 1) // step))
        padded = np.zeros(step * (count - 1) + _BLOCK, np.float32)
        padded[: min(len(sound), len(padded))] = sound[: len(padded)]
        self._step = step
        self._blocks = np.fft.rfft(np.lib.stride_tricks.sliding_window_view(padded, _BLOCK)[::step])
        running = np.concatenate([[0.0], np.cumsum(padded.astype(np.float64) ** 2)])
        self._energy = running[PIECE:] - running[:-PIECE]

    def best(self, piece: Sound) -> float:
        """Return the highest normalised cross-correlation of *piece* (float [PIECE]) with any stretch."""
        own = float((piece.astype(np.float64) ** 2).sum())
        products = np.fft.irfft(self._blocks * np.conj(np.fft.rfft(piece, _BLOCK)), _BLOCK)[:, : self._step].ravel()
        energy = self._energy[: len(products)]
        scores = np.where(energy > own * _QUIET, products / np.sqrt(np.maximum(energy, 1.0) * own), 0.0)
        return float(scores.max(initial=0.0))


def _pieces(sound: Sound) -> list[Sound]:
    """Cut a sentence into its pieces; a rest shorter than a piece is left out, nearly silent pieces are no evidence."""
    pieces = [sound[at : at + PIECE] for at in range(0, len(sound) - PIECE + 1, PIECE)]
    loudest = max(float((piece**2).sum()) for piece in pieces)
    return [piece for piece in pieces if float((piece**2).sum()) > loudest * _QUIET]


def _samples(path: Path) -> npt.NDArray[np.int16]:
    with wave.open(str(path), "rb") as file:
        return np.frombuffer(file.readframes(file.getnframes()), "<i2")
