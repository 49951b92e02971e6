"""How well a model hears voices it was not trained on: ``python -m asr.training.evaluate MODEL_FOLDER``.

Prints, for sentences of the toy language and for others made of its words, how many characters of a hundred are wrong.
All voices are espeak-ng's: the figures say nothing about people.
"""

from __future__ import annotations

import json
import random
import sys
from collections.abc import Callable

import numpy as np
import soxr
import vosk
from numpy.typing import NDArray

from asr.training import language, voices
from asr.training.features import noise
from channels.media.g711 import Law, decode_bytes, encode_bytes

Samples = NDArray[np.int16]
TELEPHONE = 8000


def main() -> None:
    """Measure and print."""
    vosk.SetLogLevel(-1)
    model = vosk.Model(sys.argv[1])
    rng = random.Random(4242)
    sets = {
        "the toy language": [language.sentence(rng) for _ in range(150)],
        "other sentences": language.UNSEEN * 4,
    }
    speaker = voices.Speaker()
    for name, sentences in sets.items():
        spoken = [(sentence, speaker.say(rng, sentence, rng.choice(voices.HELD_OUT))) for sentence in sentences]
        for line, changed in LINES.items():
            wrong = length = 0
            for sentence, speech in spoken:
                if speech is not None:
                    said = "".join(sentence)
                    wrong += distance(said, understood(model, changed(_at_telephone(speech.samples, speaker.rate))))
                    length += len(said)
            print(f"{name}, {line}: {100 * wrong / length:.2f} % of characters wrong")


def understood(model: vosk.Model, samples: Samples) -> str:
    """Return what *model* makes of *samples* (8 kHz)."""
    engine = vosk.KaldiRecognizer(model, TELEPHONE)
    texts = []
    for start in range(0, len(samples), TELEPHONE // 10):
        if engine.AcceptWaveform(samples[start : start + TELEPHONE // 10].tobytes()):
            texts.append(engine.Result())
    texts.append(engine.FinalResult())
    return "".join(json.loads(text)["text"] for text in texts).replace(" ", "")


def distance(said: str, heard: str) -> int:
    """Return how many insertions, deletions and replacements lead from *said* to *heard*."""
    row = list(range(len(heard) + 1))
    for index, character in enumerate(said, start=1):
        corner, row[0] = row[0], index
        for at, other in enumerate(heard, start=1):
            corner, row[at] = row[at], min(row[at] + 1, row[at - 1] + 1, corner + (character != other))
    return row[-1]


def _at_telephone(samples: Samples, rate: int) -> Samples:
    quiet = np.pad(samples, int(0.3 * rate)).astype(np.float32) * 0.3
    return np.asarray(soxr.resample(quiet, rate, TELEPHONE), dtype=np.int16)


def _coded(law: Law) -> Callable[[Samples], Samples]:
    return lambda samples: decode_bytes(encode_bytes(samples, law), law)


def _in_noise(samples: Samples) -> Samples:
    level = np.sqrt(np.mean(samples.astype(np.float64) ** 2)) * 10 ** (-10 / 20)
    noisy = samples + noise(np.random.default_rng(0), len(samples), exponent=1.0) * level
    return _coded(Law.PCMU)(np.clip(noisy, -32768, 32767).astype(np.int16))


LINES = {"mu-law": _coded(Law.PCMU), "A-law": _coded(Law.PCMA), "pink noise 10 dB, mu-law": _in_noise}


if __name__ == "__main__":
    main()
