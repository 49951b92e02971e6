"""Make the WAV files that this repository carries: ``config/prompts`` and ``gateway/demo_speech``.

    python -m scripts.synthesise            make what the catalogues list and is missing (--all: everything)
    python -m scripts.synthesise --check    let the demo model hear the demo speakers through both G.711 laws

Needs espeak-ng. What each file says stands in its catalogue; nothing here is heard by anybody but through them.
"""

from __future__ import annotations

import argparse
import re
import wave
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import numpy as np
from numpy.typing import NDArray

from gateway.speech import RATE, Voice, at_level, say, write_wav

HOME = Path(__file__).parents[1]
PROMPTS = HOME / "config" / "prompts" / "prompts.toml"
SPEAKERS = HOME / "gateway" / "demo_speech" / "speech.toml"
_PUNCTUATION = re.compile(r"[，。？！、：\s]")


class _VoiceEntry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    variant: str
    speed: int
    pitch: int

    def voice(self) -> Voice:
        return Voice(variant=self.variant, speed=self.speed, pitch=self.pitch)


class _Prompt(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    id: str
    file: str
    words: str = ""
    sound: str = ""


class _Prompts(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    voice: _VoiceEntry
    prompt: list[_Prompt]


class _Line(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    speaker: str
    file: str
    words: str


class _Speech(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    speaker: dict[str, _VoiceEntry]
    line: list[_Line]


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(description="make the WAV files of the project")
    parser.add_argument("--all", action="store_true", help="make files anew that exist")
    parser.add_argument("--check", action="store_true", help="let the demo model hear the demo speakers")
    chosen = parser.parse_args()
    if chosen.check:
        raise SystemExit(check())
    for path, make in recipes():
        if chosen.all or not path.exists():
            make(path)
            print(path.relative_to(HOME))


def recipes() -> Iterator[tuple[Path, Callable[[Path], None]]]:
    """Yield each file of both catalogues and what makes it."""
    prompts = msgspec.toml.decode(PROMPTS.read_bytes(), type=_Prompts)
    for prompt in prompts.prompt:
        yield (
            PROMPTS.parent / prompt.file,
            _SOUNDS[prompt.sound] if prompt.sound else _spoken(prompt.words, prompts.voice),
        )
    speech = msgspec.toml.decode(SPEAKERS.read_bytes(), type=_Speech)
    for line in speech.line:
        yield SPEAKERS.parent / line.file, _spoken(line.words, speech.speaker[line.speaker])


def _spoken(words: str, voice: _VoiceEntry) -> Callable[[Path], None]:
    return lambda path: say(words, voice.voice(), path)


def ringback(path: Path) -> None:
    """Make one turn of the Chinese ringing tone: 450 Hz, 1 s on, 4 s off (GB/T 3380)."""
    tone = np.sin(2 * np.pi * 450 * np.arange(RATE) / RATE) * 0.1
    edge = np.minimum(1, np.minimum(np.arange(RATE), np.arange(RATE)[::-1]) / 40)
    write_wav(path, np.asarray(np.concatenate([tone * edge, np.zeros(4 * RATE)]) * 32767, dtype=np.int16))


def hold_music(path: Path) -> None:
    """Make a soft pentatonic tune of 12.8 s on a plucked string, whose end leads back into its beginning."""
    beat = 0.4
    melody = (0, 4, 7, 9, 7, 4, 2, -1, 0, 2, 4, 7, 4, 2, -3, -1, 0, 4, 9, 12, 9, 7, 4, -1, 2, 4, 2, 0, -3, -5, 0, -1)
    bass = (-12, -15, -19, -12)
    length = int(len(melody) * beat * RATE)
    tune = np.zeros(length)
    for index, step in enumerate(melody):
        if step != -1:
            _pluck(tune, int(index * beat * RATE), step, 1.0, 1.2)
        if index % 8 == 0:
            _pluck(tune, int(index * beat * RATE), bass[index // 8], 0.7, 3.2)
    write_wav(path, at_level(tune.astype(np.float32), -26.0))


def _pluck(tune: NDArray[np.float64], start: int, step: int, loudness: float, lasts: float) -> None:
    """Add a note, *step* semitones from middle C, to *tune*, which is a ring."""
    at = np.arange(int(lasts * RATE)) / RATE
    frequency = 261.63 * 2 ** (step / 12)
    note = sum(np.sin(2 * np.pi * frequency * part * at) * np.exp(-at * (2 + part)) / part**1.7 for part in range(1, 6))
    soft_start = np.minimum(1, at / 0.012)
    np.add.at(tune, (start + np.arange(len(at))) % len(tune), note * soft_start * loudness)


_SOUNDS = {"ringback": ringback, "hold_music": hold_music}


def check() -> int:
    """Print what the demo model hears of each demo file; 1 when a word is wrong."""
    import vosk

    vosk.SetLogLevel(-1)
    model = vosk.Model(str(HOME / "asr" / "demo_model"))
    speech = msgspec.toml.decode(SPEAKERS.read_bytes(), type=_Speech)
    wrong = 0
    for line in speech.line:
        with wave.open(str(SPEAKERS.parent / line.file)) as file:
            samples = np.frombuffer(file.readframes(file.getnframes()), dtype="<i2")
        said = _PUNCTUATION.sub("", line.words)
        for law, heard in heard_through_g711(model, samples):
            if heard != said:
                wrong += 1
                print(f"{line.file} {law}: {said} was heard as {heard}")
    print(f"{len(speech.line)} files, {wrong} misheard")
    return int(wrong > 0)


def heard_through_g711(model: object, samples: NDArray[np.int16]) -> Iterator[tuple[str, str]]:
    """Yield (law, text) as the demo *model* hears *samples* (int16, 8 kHz) after each law's coding."""
    import vosk

    from asr.ear import Ear, Words
    from channels.media.g711 import Law, decode_bytes, encode_bytes

    for law in Law:
        text = ""

        def note(words: Words, is_final: bool) -> None:
            nonlocal text
            text += "".join(word.text for word in words) if is_final else ""

        engine = vosk.KaldiRecognizer(model, RATE)
        engine.SetWords(True)
        ear = Ear(engine, RATE, note)
        coded = decode_bytes(encode_bytes(samples, law), law).astype("<i2")
        for start in range(0, len(coded), RATE // 10):
            ear.hear(start, coded[start : start + RATE // 10].tobytes())
        ear.finish()
        yield law.name, text


if __name__ == "__main__":
    main()
