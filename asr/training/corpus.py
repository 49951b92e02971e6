"""Spoken training material with a label for every frame: ``python -m asr.training.corpus HOURS SEED FILE``.

One shard in one process, because espeak-ng may crash. A shard is an .npz with ``features`` (float16 [frames, 32], 100 a
second) and ``labels`` (int16 [frames], acoustic states, -1 around each utterance where the network has no context).
"""

from __future__ import annotations

import random
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import soxr
from numpy.typing import NDArray

from asr.training import features, language, voices
from asr.training.pronunciation import STATES

CONTEXT = 15
"""Frames that the network sees on either side of the one it judges."""

_WITHOUT_VARIANT = 0.07
_THROUGH_A_TELEPHONE = 0.85


def utterances(rng: random.Random, hours: float) -> Iterator[tuple[NDArray[np.float16], NDArray[np.int16]]]:
    """Yield features and labels of utterances that together last *hours*."""
    speaker = voices.Speaker()
    samplers = _samplers(rng)
    numbers = np.random.default_rng(rng.randrange(2**32))
    remaining = hours * 360_000
    while remaining > 0:
        sentence = next(samplers)
        variant = "" if rng.random() < _WITHOUT_VARIANT else rng.choice(voices.TRAINING)
        spoken = speaker.say(rng, sentence, variant)
        if spoken is None:
            continue
        before, after = (int(rng.uniform(0, limit) * speaker.rate) for limit in (0.5, 0.4))
        samples = np.pad(spoken.samples, (before, after))
        seen = features.mfcc(_heard(rng, numbers, samples, speaker.rate))
        phones = [
            ((start + before) / speaker.rate, (end + before) / speaker.rate, phone)
            for start, end, phone in spoken.phones
        ]
        yield seen.astype(np.float16), labels(phones, len(seen))
        remaining -= len(seen)


def labels(phones: list[tuple[float, float, str]], frames: int) -> NDArray[np.int16]:
    """Return the state of each 10 ms frame; a final's two states share its time in equal halves."""
    centres = np.arange(frames) * 0.01 + 0.0125
    result = np.zeros(frames, np.int16)
    for start, end, phone in phones:
        states = STATES[phone]
        for index, state in enumerate(states):
            step = (end - start) / len(states)
            result[(centres >= start + index * step) & (centres < start + (index + 1) * step)] = state
    return result


def _samplers(rng: random.Random) -> Iterator[language.Sentence]:
    """Yield sentences of the language, and words in no order: the network is to learn sounds, not the language."""
    own = sorted(language.own_words())
    common = [word for word, count in language.common_words(longest=4) if count >= 20]
    while True:
        kind = rng.random()
        if kind < 0.4:
            yield language.sentence(rng)
        else:
            words = own if kind < 0.5 else common[:3000] if kind < 0.7 else common[:60000]
            yield [rng.choice(words) for _ in range(rng.randint(2, 6))]


def _heard(rng: random.Random, numbers: np.random.Generator, samples: NDArray[np.int16], rate: int) -> features.Signal:
    if rng.random() < _THROUGH_A_TELEPHONE:
        return features.telephone(numbers, samples, rate)
    clean = soxr.resample(samples.astype(np.float32), rate, features.RATE) * 10 ** (rng.uniform(-25, 0) / 20)
    return np.asarray(np.clip(clean + numbers.standard_normal(len(clean)) * 10 ** rng.uniform(0, 2.3), -32768, 32767))


def main() -> None:
    """Make one shard."""
    hours, seed, file = float(sys.argv[1]), int(sys.argv[2]), Path(sys.argv[3])
    seen, judged = [], []
    for frames, states in utterances(random.Random(seed), hours):
        seen.append(np.pad(frames, ((CONTEXT, CONTEXT), (0, 0)), mode="edge"))
        judged.append(np.pad(states, CONTEXT, constant_values=-1))
    np.savez(file, features=np.concatenate(seen), labels=np.concatenate(judged))
    print(f"{file}: {len(seen)} utterances")


if __name__ == "__main__":
    main()
