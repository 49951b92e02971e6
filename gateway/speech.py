"""Spoken Chinese for prompts, demo callers and the command-line telephone, made by espeak-ng.

The result is what a telephone carries: 8 kHz mono, 16 bits, speech at about -20 dBFS. espeak-ng's own reading of
Chinese characters cannot be used (its ``cmn`` voice spells them out in English, ``cmn-latn-pinyin`` errs on
characters with two readings), so pypinyin decides how a word sounds and espeak-ng is given pinyin with tone digits.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import tempfile
import wave
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soxr
from numpy.typing import NDArray

from gateway.domain.errors import OurMistake, Unavailable

RATE = 8000
SPEECH_LEVEL = -20.0
"""dBFS, the RMS over the parts of a file in which somebody speaks."""
EDGE = 0.15
"""Seconds of silence left at either end of a file."""
SYNTHESIS_LIMIT = 30.0
"""Seconds espeak-ng may take for one file."""

_CRASHING_VARIANTS = frozenset({"rob"})
_SERVICE_NUMBER = re.compile(r"(?<!\d)1\d\d(?!\d)")
_DIGITS = dict(zip("0123456789", "零一二三四五六七八九", strict=True))
_PAUSES = str.maketrans({"，": ",", "、": ",", "。": ".", "？": ".", "！": ".", "；": ".", "：": ",", " ": ","})

_READINGS = {"着火": [["zháo"], ["huǒ"]], "着火了": [["zháo"], ["huǒ"], ["le"]]}
"""What pypinyin's own dictionary gets wrong."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Voice:
    """One espeak-ng speaker: a voice variant (``m3``, ``f2`` ...), syllables' speed in words/min, pitch 0-99."""

    variant: str = "f2"
    speed: int = 165
    pitch: int = 50


def say(text: str, voice: Voice, path: Path) -> None:
    """Speak *text* into the WAV file *path*: 8 kHz, mono, 16 bits.

    Raises:
        Unavailable: espeak-ng or pypinyin is not installed, or espeak-ng failed.
        OurMistake: the voice variant is one that is known to crash espeak-ng.
    """
    speech, rate = _synthesise(pinyin(text), voice)
    write_wav(path, trimmed(at_level(soxr.resample(speech, rate, RATE))))


def pinyin(text: str) -> str:
    """Return *text* as espeak-ng should read it: pinyin with tone digits, punctuation as pauses.

    A three-digit service number (119) is read the telephone way, with yāo for 1; other digits one by one.

    Raises:
        Unavailable: pypinyin is not installed.
    """
    try:
        from pypinyin import Style, lazy_pinyin, load_phrases_dict
    except ImportError as error:
        raise Unavailable("pypinyin is not installed, so nothing can be spoken (pip install pypinyin)") from error
    load_phrases_dict(_READINGS)
    text = _SERVICE_NUMBER.sub(lambda number: number[0].replace("1", "幺"), text)
    text = "".join(_DIGITS.get(character, character) for character in text).translate(_PAUSES)
    return " ".join(lazy_pinyin(text, style=Style.TONE3, v_to_u=False, neutral_tone_with_five=True))


def at_level(samples: NDArray[np.float32], level: float = SPEECH_LEVEL) -> NDArray[np.int16]:
    """Return *samples* (float, full scale 1.0) as int16 with their louder parts at *level* dBFS RMS."""
    blocks = samples[: len(samples) // 160 * 160].reshape(-1, 160)
    power = (blocks.astype(np.float64) ** 2).mean(axis=1)
    spoken = power[power > power.max(initial=0.0) * 1e-3]
    gain = 10 ** (level / 20) / np.sqrt(spoken.mean()) if spoken.size else 0.0
    return np.asarray(np.clip(samples * gain * 32767, -32767, 32767), dtype=np.int16)


def trimmed(samples: NDArray[np.int16]) -> NDArray[np.int16]:
    """Return *samples* with at most `EDGE` seconds of silence before and after what is spoken."""
    loud = np.flatnonzero(np.abs(samples.astype(np.int32)) > 300)
    edge = int(EDGE * RATE)
    return samples[max(0, loud[0] - edge) : loud[-1] + edge] if loud.size else samples


def write_wav(path: Path, samples: NDArray[np.int16]) -> None:
    """Write *samples* to *path* as 8 kHz mono 16-bit WAV."""
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes(samples.astype("<i2").tobytes())


def _synthesise(words: str, voice: Voice) -> tuple[NDArray[np.float32], int]:
    """Run espeak-ng in a process of its own: some voices crash it."""
    program = shutil.which("espeak-ng")
    if program is None:
        raise Unavailable("espeak-ng is not installed, so nothing can be spoken (apt-get install espeak-ng)")
    if voice.variant in _CRASHING_VARIANTS:
        raise OurMistake(f"voice variant {voice.variant!r} crashes espeak-ng")
    with tempfile.TemporaryDirectory() as folder:
        spoken = Path(folder, "spoken.wav")
        command = [program, "-b", "1", "-v", f"cmn-latn-pinyin+{voice.variant}"]
        command += ["-s", str(voice.speed), "-p", str(voice.pitch), "-w", str(spoken), "--", words]
        try:
            subprocess.run(command, check=True, capture_output=True, timeout=SYNTHESIS_LIMIT)
        except (subprocess.CalledProcessError, subprocess.TimeoutExpired) as error:
            raise Unavailable(f"espeak-ng could not speak with voice {voice.variant!r}: {error}") from error
        with wave.open(str(spoken), "rb") as file:
            samples = np.frombuffer(file.readframes(file.getnframes()), dtype="<i2")
            return samples.astype(np.float32) / np.float32(32768), file.getframerate()
