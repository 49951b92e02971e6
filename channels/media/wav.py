"""WAV headers (RIFF, PCM): 16 bits at 8 kHz; mono, as prompts are, or with the two tracks of a call's recording."""

from __future__ import annotations

import struct
from typing import Final

import numpy as np

from channels.media.g711 import Pcm

RATE: Final = 8000
HEADER_SIZE: Final = 44

_LONGEST: Final = (0xFFFFFFFF - 36) // 2
_PCM: Final = 1
_EXTENSIBLE: Final = 0xFFFE


class UnusableWav(ValueError):
    """A file that is no 16-bit mono WAV at 8 kHz; the message says what it is instead."""


def header(samples: int, tracks: int = 1) -> bytes:
    """Return the 44 octets before *samples* samples of each track; more than RIFF can state is cut at 4 GiB."""
    width = 2 * tracks
    size = width * min(samples, _LONGEST // tracks)
    shape = 16, _PCM, tracks, RATE, width * RATE, width, 16
    return struct.pack("<4sI4s4sIHHIIHH4sI", b"RIFF", 36 + size, b"WAVE", b"fmt ", *shape, b"data", size)


def parse(content: bytes) -> Pcm:
    """Return the samples of a whole WAV file, int16 [samples]; raises `UnusableWav`."""
    if len(content) < 12 or content[:4] != b"RIFF" or content[8:12] != b"WAVE":
        raise UnusableWav("not a RIFF WAVE file")
    shape_seen = False
    position = 12
    while position + 8 <= len(content):
        name, size = struct.unpack_from("<4sI", content, position)
        body = content[position + 8 : position + 8 + size]
        if name == b"fmt ":
            _check_shape(body)
            shape_seen = True
        elif name == b"data":
            if not shape_seen:
                raise UnusableWav("data before its format")
            return np.frombuffer(body[: len(body) & ~1], "<i2").astype(np.int16)
        position += 8 + size + (size & 1)
    raise UnusableWav("no data chunk")


def _check_shape(body: bytes) -> None:
    if len(body) < 16:
        raise UnusableWav("format chunk cut off")
    kind, channels, rate, _, _, bits = struct.unpack_from("<HHIIHH", body)
    if kind not in (_PCM, _EXTENSIBLE) or (channels, rate, bits) != (1, RATE, 16):
        raise UnusableWav(f"format {kind}, {channels} channels, {rate} Hz, {bits} bits; wanted PCM, 1, {RATE} Hz, 16")
