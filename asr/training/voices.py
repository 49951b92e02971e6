"""espeak-ng with the instants of its phonemes, through its C library: the labels of the training come from there.

Some voice variants crash the library now and then (``rob`` often): run whatever uses this in a process of its own.
"""

from __future__ import annotations

import ctypes
import random
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from asr.training.language import Sentence
from asr.training.pronunciation import phones_of, syllables

_TRAINING = (
    "m1 m2 m4 m5 m7 f1 f3 f4 f5 klatt klatt3 klatt4 Andy Alex Alicia Andrea Annie Denis Diogo Gene Henrique Hugo Jacky "
    "Lee Marco Michel Miguel Nguyen Pablo Paul Pedro Quincy Robert aunty antonio belinda benjamin boris caleb david ed "
    "edward2 grandma grandpa iven iven3 john kaukovalta linda marcelo max michael norbert sandro shelby steph steph3 "
    "travis victor zac anika adam"
)
_HELD_OUT = "m3 m6 m8 f2 klatt2 mike Gene2 iven2 steph2 mario edward croak"
TRAINING = _TRAINING.split()
HELD_OUT = _HELD_OUT.split()
"""Voices that only measurements use."""

_SYNCHRONOUS = 2
_PHONEME_EVENTS = 1
_UTF8_WITH_END_PAUSE = 1 | 0x1000
_PHONEME = 7
_RATE, _VOLUME, _PITCH, _RANGE = 1, 2, 3, 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Spoken:
    """What was said: int16 samples, and each phone with its first and last sample."""

    samples: NDArray[np.int16]
    phones: list[tuple[int, int, str]]


class _Identity(ctypes.Union):
    _fields_ = (("number", ctypes.c_int), ("name", ctypes.c_char_p), ("string", ctypes.c_char * 8))


class _Event(ctypes.Structure):
    _fields_ = (
        ("type", ctypes.c_int),
        ("unique_identifier", ctypes.c_uint),
        ("text_position", ctypes.c_int),
        ("length", ctypes.c_int),
        ("audio_position", ctypes.c_int),
        ("sample", ctypes.c_int),
        ("user_data", ctypes.c_void_p),
        ("id", _Identity),
    )


_Callback = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.POINTER(_Event))


class Speaker:
    """The library, which there is once in a process. ``rate`` is its sample rate."""

    def __init__(self) -> None:
        self._library = ctypes.CDLL("libespeak-ng.so.1")
        self._library.espeak_Synth.argtypes = [
            *(ctypes.c_void_p, ctypes.c_size_t, ctypes.c_uint, ctypes.c_int, ctypes.c_uint, ctypes.c_uint),
            *(ctypes.c_void_p, ctypes.c_void_p),
        ]
        self.rate: int = self._library.espeak_Initialize(_SYNCHRONOUS, 0, None, _PHONEME_EVENTS)
        self._callback = _Callback(self._take)
        self._library.espeak_SetSynthCallback(self._callback)
        self._audio: list[NDArray[np.int16]] = []
        self._events: list[tuple[str, int]] = []

    def say(self, rng: random.Random, sentence: Sentence, variant: str) -> Spoken | None:
        """Speak *sentence* at a random speed and pitch; None where phonemes and pinyin do not match."""
        spelled, text = [], []
        for index, word in enumerate(sentence):
            spelled += syllables(word)
            pause = "," if index < len(sentence) - 1 and rng.random() < 0.12 else ""
            text.append(" ".join(syllables(word)) + pause)
        voice = f"cmn-latn-pinyin+{variant}" if variant else "cmn-latn-pinyin"
        samples = self._synthesise(" ".join(text), voice, rng)
        phones = _phones(self._events, spelled)
        return Spoken(samples=samples, phones=phones) if phones is not None else None

    def _synthesise(self, text: str, voice: str, rng: random.Random) -> NDArray[np.int16]:
        self._audio.clear()
        self._events.clear()
        if self._library.espeak_SetVoiceByName(voice.encode()) != 0:
            raise ValueError(f"espeak-ng has no voice {voice!r}")
        settings = {
            _RATE: rng.uniform(125, 235),
            _VOLUME: 100,
            _PITCH: rng.uniform(20, 85),
            _RANGE: rng.uniform(30, 80),
        }
        for parameter, value in settings.items():
            self._library.espeak_SetParameter(parameter, int(value), 0)
        encoded = text.encode() + b"\0"
        self._library.espeak_Synth(encoded, len(encoded), 0, 0, 0, _UTF8_WITH_END_PAUSE, None, None)
        self._library.espeak_Synchronize()
        return np.concatenate(self._audio) if self._audio else np.zeros(0, np.int16)

    def _take(self, samples: Any, count: int, events: Any) -> int:
        if count > 0 and samples:
            self._audio.append(np.ctypeslib.as_array(samples, shape=(count,)).copy())
        index = 0
        while events[index].type != 0:
            event = events[index]
            if event.type == _PHONEME:  # an 8-byte name is not terminated
                name = ctypes.string_at(ctypes.addressof(event.id), 8).split(b"\0")[0].decode("utf-8", "replace")
                self._events.append((name, event.sample))
            index += 1
        return 0


def _phones(events: list[tuple[str, int]], spelled: list[str]) -> list[tuple[int, int, str]] | None:
    """Give the phoneme events of each syllable (``_|`` ends one, other ``_`` are pauses) to its phones."""
    groups: list[tuple[list[int], int]] = []
    starts: list[int] = []
    for name, sample in events:
        if not name.startswith("_"):
            starts.append(sample)
        elif name == "_|" and starts:
            groups.append((starts, sample))
            starts = []
    if starts or len(groups) != len(spelled):
        return None
    phones: list[tuple[int, int, str]] = []
    for (starts, end), syllable in zip(groups, spelled, strict=True):
        *initial, final = phones_of(syllable)
        if initial and len(starts) < 2:
            return None
        phones += [(starts[0], starts[1], initial[0])] if initial else []
        phones.append((starts[len(initial)], end, final))
    return phones
