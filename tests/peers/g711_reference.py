"""G.711 written out a second time, sample by sample from the segments of ITU-T G.711 tables 1 and 2.

Deliberately unlike ``channels.media.g711``: plain integers, decision values, no shared code.
"""

from __future__ import annotations

from bisect import bisect_right
from functools import cache

_FIRST_POSITIVE = {"PCMU": 0xFF, "PCMA": 0xD5}


@cache
def steps(law: str) -> tuple[list[int], list[int]]:
    """Return the 128 decision values and the 128 output values of the positive half, as 16-bit samples."""
    decisions: list[int] = []
    outputs: list[int] = []
    if law == "PCMU":
        start, width = -33, 2  # 14-bit magnitudes, biased by 33; segment 0 begins at 33
        for segment in range(8):
            width = 2 << segment
            start = (32 << segment) - 33 + (1 << segment)
            for level in range(16):
                decisions.append(max(0, start - (1 << segment) + level * width) * 4)
                outputs.append((start + level * width) * 4)
    else:
        for segment in range(8):
            width = 1 << max(segment - 1, 0)  # 12-bit magnitudes
            start = 0 if segment == 0 else 16 << (segment - 1)
            for level in range(16):
                decisions.append((start + level * width) * 16)
                outputs.append((start + level * width) * 16 + width * 8)
    return decisions, outputs


def decode(code: int, law: str) -> int:
    """Expand one code word."""
    _, outputs = steps(law)
    if law == "PCMU":
        magnitude = outputs[(~code) & 0x7F]
        return magnitude if code & 0x80 else -magnitude
    plain = code ^ 0x55
    magnitude = outputs[plain & 0x7F]
    return magnitude if plain & 0x80 else -magnitude


def encode(sample: int, law: str) -> int:
    """Compress one sample; a negative one by its one's complement, as ITU-T G.191 does."""
    decisions, _ = steps(law)
    magnitude = ~sample if sample < 0 else sample
    level = bisect_right(decisions, magnitude) - 1
    if law == "PCMU":
        return (~level & 0x7F) | (0 if sample < 0 else 0x80)
    return (level | (0 if sample < 0 else 0x80)) ^ 0x55
