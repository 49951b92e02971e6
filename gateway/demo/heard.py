"""Whose words a recording contains, decided from its sound alone.

Every sentence that may have been said is passed through the G.711 law that carried it, cut into pieces of half a
second, and searched for in the recording by normalised cross-correlation (1.0: the very same samples). Its pieces must
lie there in their order and distance, so that the same words in another sentence do not count. A sentence scores as its
middle piece does: a packet lost on the way does not make it unheard, and less than half of a sentence is not heard.
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
PIECE: Final = RATE // 2
"""Samples searched for at once."""
DRIFT: Final = RATE // 4
"""How far, in samples, a piece may lie from where the rest of its sentence puts it: a jitter buffer stretches time."""
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
        scores[sentence] = searched.score(carried)
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

    def score(self, sentence: Sound) -> float:
        """Return how surely *sentence* is in here: its median piece, in the place that suits all pieces best."""
        starts, pieces = zip(*_pieces(sentence), strict=True)
        found = [self._correlate(piece) for piece in pieces]
        places = {int(each.argmax()) - start for start, each in zip(starts, found, strict=True)}
        return max(
            float(np.median([_near(each, place + start) for start, each in zip(starts, found, strict=True)]))
            for place in places
        )

    def _correlate(self, piece: Sound) -> Sound:
        """Return the normalised cross-correlation of *piece* (float [PIECE]) with every stretch."""
        own = float((piece.astype(np.float64) ** 2).sum())
        products = np.fft.irfft(self._blocks * np.conj(np.fft.rfft(piece, _BLOCK)), _BLOCK)[:, : self._step].ravel()
        energy = self._energy[: len(products)]
        scores = np.where(energy > own * _QUIET, products / np.sqrt(np.maximum(energy, 1.0) * own), 0.0)
        return scores.astype(np.float32)


def _near(scores: Sound, place: int) -> float:
    """Return the best of *scores* within `DRIFT` of *place*."""
    return float(scores[max(0, place - DRIFT) : max(0, place + DRIFT)].max(initial=0.0))


def _pieces(sound: Sound) -> list[tuple[int, Sound]]:
    """Cut a sentence into its pieces with their starts, the last one to its very end; quiet pieces are no evidence."""
    starts = [*range(0, len(sound) - PIECE, PIECE), len(sound) - PIECE]
    pieces = [(start, sound[start : start + PIECE]) for start in starts]
    loudest = max(float((piece**2).sum()) for _, piece in pieces)
    return [(start, piece) for start, piece in pieces if float((piece**2).sum()) > loudest * _QUIET]


def _samples(path: Path) -> npt.NDArray[np.int16]:
    with wave.open(str(path), "rb") as file:
        return np.frombuffer(file.readframes(file.getnframes()), "<i2")
