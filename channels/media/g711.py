"""G.711 (ITU-T G.711, RFC 3551 4.5.14): both laws at full 16 bits, as table look-ups over whole matrices.

Linear samples are int16 with the codec's 13 or 14 significant bits left-justified, as in the ITU-T G.191 reference.
"""

from __future__ import annotations

from enum import IntEnum
from typing import Final

import numpy as np
import numpy.typing as npt

Pcm = npt.NDArray[np.int16]
Codes = npt.NDArray[np.uint8]

_ULAW_BIAS: Final = 33
_ULAW_LARGEST: Final = 0x1FFF


class Law(IntEnum):
    """A companding law. The value is the row of its table here; ``payload_type`` is RFC 3551's static number."""

    PCMU = 0
    PCMA = 1

    @property
    def payload_type(self) -> int:
        """Return the static RTP payload type, RFC 3551 table 4."""
        return 8 if self is Law.PCMA else 0

    @property
    def silence(self) -> int:
        """Return the code word of linear zero."""
        return 0xD5 if self is Law.PCMA else 0xFF


def _ulaw_expansion() -> Pcm:
    inverted = ~np.arange(256, dtype=np.uint8)
    exponent = ((inverted >> 4) & 7).astype(np.int32)
    mantissa = (inverted & 15).astype(np.int32)
    magnitude = ((((mantissa << 1) + _ULAW_BIAS) << exponent) - _ULAW_BIAS) << 2
    return np.where(inverted & 0x80, -magnitude, magnitude).astype(np.int16)


def _alaw_expansion() -> Pcm:
    code = np.arange(256, dtype=np.uint8) ^ 0x55
    exponent = ((code >> 4) & 7).astype(np.int32)
    mantissa = (code & 15).astype(np.int32)
    linear = (mantissa << 4) + 8
    raised = (linear + 256) << np.maximum(exponent - 1, 0)
    magnitude = np.where(exponent > 0, raised, linear)
    return np.where(code & 0x80, magnitude, -magnitude).astype(np.int16)


def _magnitudes() -> tuple[npt.NDArray[np.int32], npt.NDArray[np.bool_]]:
    """Return one's-complement magnitude and sign of every int16, in the order of its uint16 bit pattern."""
    linear = np.arange(65536, dtype=np.uint16).view(np.int16).astype(np.int32)
    negative = linear < 0
    return np.where(negative, ~linear, linear), negative


def _ulaw_compression() -> Codes:
    magnitude, negative = _magnitudes()
    biased = np.minimum((magnitude >> 2) + _ULAW_BIAS, _ULAW_LARGEST)
    exponent = np.zeros_like(biased)
    for segment in range(1, 8):
        exponent += biased >= (32 << segment)
    mantissa = (biased >> (exponent + 1)) & 15
    code = ~((exponent << 4) | mantissa) & 0x7F
    codes: Codes = np.where(negative, code, code | 0x80).astype(np.uint8)
    return codes


def _alaw_compression() -> Codes:
    magnitude, negative = _magnitudes()
    linear = magnitude >> 4
    exponent = np.zeros_like(linear)
    for segment in range(1, 8):
        exponent += linear >= (8 << segment)
    mantissa = (linear >> np.maximum(exponent - 1, 0)) & 15
    code = (exponent << 4) | mantissa
    codes: Codes = (np.where(negative, code, code | 0x80) ^ 0x55).astype(np.uint8)
    return codes


_EXPANSION: Final[Pcm] = np.concatenate([_ulaw_expansion(), _alaw_expansion()])
_COMPRESSION: Final[Codes] = np.concatenate([_ulaw_compression(), _alaw_compression()])


def decode(codes: Codes, laws: npt.NDArray[np.uint8]) -> Pcm:
    """Expand *codes* (uint8 [legs, samples]), row i by ``laws[i]``, to int16 of the same shape."""
    samples: Pcm = _EXPANSION.take(codes + (laws.astype(np.uint16) << 8)[:, None])
    return samples


def encode(frames: Pcm, laws: npt.NDArray[np.uint8]) -> Codes:
    """Compress *frames* (int16 [legs, samples]), row i by ``laws[i]``, to uint8 of the same shape."""
    return _COMPRESSION.take(frames.view(np.uint16) + (laws.astype(np.uint32) << 16)[:, None])


def decode_bytes(payload: bytes, law: Law) -> Pcm:
    """Expand one payload to int16 [len(payload)]."""
    codes = np.frombuffer(payload, np.uint8)
    samples: Pcm = _EXPANSION.take(codes.astype(np.uint16) + (int(law) << 8))
    return samples


def encode_bytes(samples: Pcm, law: Law) -> bytes:
    """Compress int16 samples to one payload, a byte a sample."""
    patterns = np.ascontiguousarray(samples, np.int16).view(np.uint16)
    return _COMPRESSION.take(patterns.astype(np.uint32) + (int(law) << 16)).tobytes()
