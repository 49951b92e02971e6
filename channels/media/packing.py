"""What becomes of a recording after its call: packed to Opus (Ogg, RFC 7845), with its SHA-256.

Blocks on the disk and computes, 10-20 ms for each second of two tracks: for a thread or a process of its own.
"""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import soundfile

_BLOCK: Final = 16000
_SUFFIX: Final = ".opus"


class Unpackable(Exception):
    """A recording that cannot be read, or a packed one that cannot be written; the WAV is still there."""


@dataclass(frozen=True, slots=True)
class Packed:
    """A packed recording: its file, the SHA-256 of that in hexadecimal, its length in seconds and its tracks."""

    path: Path
    sha256: str
    seconds: float
    tracks: int


def pack(recording: Path) -> Packed | None:
    """Pack the WAV *recording* to an Opus file beside it and return that; the WAV stays, for the caller to delete.

    The file appears whole or not at all. Returns None for a recording without a single sample, such as a crash leaves
    in its first moment. Raises `Unpackable`.
    """
    packed, partial = recording.with_suffix(_SUFFIX), recording.with_suffix(".part")
    try:
        if not _has_sound(recording):
            return None
        with (
            soundfile.SoundFile(recording) as wav,
            soundfile.SoundFile(partial, "w", wav.samplerate, wav.channels, "OPUS", format="OGG") as opus,
        ):
            for block in wav.blocks(_BLOCK, dtype="int16"):
                opus.write(block)
            frames, rate, tracks = wav.frames, wav.samplerate, wav.channels
        written = soundfile.info(partial)
        if written.frames != frames:
            raise Unpackable(f"{recording.name}: {written.frames} of {frames} samples were packed")
        with partial.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
            os.fsync(file.fileno())
        partial.replace(packed)
    except (OSError, soundfile.SoundFileError) as error:
        raise Unpackable(f"{recording.name}: {error}") from error
    finally:
        partial.unlink(missing_ok=True)
    return Packed(packed, digest, frames / rate, tracks)


def _has_sound(recording: Path) -> bool:
    return recording.stat().st_size > 0 and soundfile.info(recording).frames > 0
