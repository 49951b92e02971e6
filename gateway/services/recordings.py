"""Listening to a call again (录音回放): its legs' recordings as one sound, read piece by piece.

All recordings of a call are 16-bit mono WAVs at 8 kHz whose sample 0 is the call's 0.0, so mixing is adding. One that
was cut off by a crash states a wrong length; what lies in the file counts.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from gateway.domain.errors import Refused

RATE: Final = 8000
HEADER_SIZE: Final = 44
_LONGEST: Final = (0xFFFFFFFF - 36) // 2
_READ_FOR_HEADER: Final = 4096

Pcm = npt.NDArray[np.int16]


@dataclass(frozen=True, slots=True, kw_only=True)
class Track:
    """One leg's recording on disk: where its samples begin in the file, and how many there are."""

    path: Path
    begins: int
    samples: int


def mixed(parts: Sequence[Pcm], samples: int) -> Pcm:
    """Return the sum of *parts*, int16 [samples]; shorter parts end in silence, sums that are too loud are clipped."""
    total = np.zeros(samples, np.int32)
    for part in parts:
        total[: len(part)] += part[:samples]
    return np.clip(total, -32768, 32767).astype(np.int16)


def header(samples: int) -> bytes:
    """Return the 44 octets that stand before *samples* samples in a WAV file."""
    size = 2 * min(samples, _LONGEST)
    return struct.pack(
        "<4sI4s4sIHHIIHH4sI", b"RIFF", 36 + size, b"WAVE", b"fmt ", 16, 1, 1, RATE, 2 * RATE, 2, 16, b"data", size
    )


def open_track(path: Path) -> Track:
    """Find the samples in a recording. Raises `Refused` when the file is missing or no such WAV."""
    try:
        size = path.stat().st_size
        with path.open("rb") as file:
            start = file.read(_READ_FOR_HEADER)
    except OSError as error:
        raise Refused(f"recording {path.name} cannot be read") from error
    begins = _samples_begin(start)
    if begins is None:
        raise Refused(f"recording {path.name} is no 16-bit mono WAV at {RATE} Hz")
    return Track(path=path, begins=begins, samples=max(0, size - begins) // 2)


def _samples_begin(start: bytes) -> int | None:
    if start[:4] != b"RIFF" or start[8:12] != b"WAVE":
        return None
    position, shape_fits = 12, False
    while position + 8 <= len(start):
        name, size = struct.unpack_from("<4sI", start, position)
        if name == b"data":
            return position + 8 if shape_fits else None
        if name == b"fmt " and position + 24 <= len(start):
            _, channels, rate, _, _, bits = struct.unpack_from("<HHIIHH", start, position + 8)
            shape_fits = (channels, rate, bits) == (1, RATE, 16)
        position += 8 + size + (size & 1)
    return None


@dataclass(frozen=True, slots=True)
class Sound:
    """Several tracks heard together, as the octets of one WAV file that exists nowhere."""

    tracks: tuple[Track, ...]

    @classmethod
    def of(cls, paths: Iterable[Path]) -> Sound:
        """Open the recordings among *paths* that can be read; blocks on the disk."""
        tracks = []
        for path in paths:
            with suppress(Refused):
                tracks.append(open_track(path))
        return cls(tuple(tracks))

    @property
    def seconds(self) -> float:
        """How long it lasts."""
        return self.samples / RATE

    @property
    def samples(self) -> int:
        """The length of the longest track."""
        return max((track.samples for track in self.tracks), default=0)

    @property
    def size(self) -> int:
        """Octets of the whole file."""
        return HEADER_SIZE + 2 * self.samples

    def read(self, start: int, stop: int) -> bytes:
        """Return octets [start, stop) of the file; blocks on the disk. Raises `Refused` when a track has gone."""
        front = header(self.samples)[start:stop]
        first = max(0, start - HEADER_SIZE) // 2
        last = (max(0, min(stop, self.size) - HEADER_SIZE) + 1) // 2
        if last <= first:
            return front
        sound = mixed([_samples(track, first, last) for track in self.tracks], last - first).astype("<i2").tobytes()
        skipped = max(0, start - HEADER_SIZE) - 2 * first
        return front + sound[skipped : skipped + stop - max(start, HEADER_SIZE)]


def _samples(track: Track, first: int, last: int) -> Pcm:
    """Return samples [first, last) of *track*, as far as it has them."""
    wanted = 2 * max(0, min(last, track.samples) - first)
    try:
        with track.path.open("rb") as file:
            file.seek(track.begins + 2 * first)
            content = file.read(wanted)
    except OSError as error:
        raise Refused(f"recording {track.path.name} cannot be read") from error
    return np.frombuffer(content[: len(content) & ~1], "<i2").astype(np.int16)
