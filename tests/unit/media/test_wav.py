"""WAV headers are valid, and only the one shape is taken."""

from __future__ import annotations

import io
import struct
import wave
from contextlib import suppress

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from channels.media import wav
from channels.media.wav import UnusableWav


def made(channels: int = 1, rate: int = 8000, width: int = 2) -> bytes:
    out = io.BytesIO()
    with wave.open(out, "wb") as file:
        file.setnchannels(channels)
        file.setframerate(rate)
        file.setsampwidth(width)
        file.writeframes(bytes(240))
    return out.getvalue()


def test_the_standard_library_reads_our_header() -> None:
    with wave.open(io.BytesIO(wav.header(100) + bytes(200))) as file:
        assert file.getparams()[:4] == (1, 2, 8000, 100)


@given(st.lists(st.integers(-32768, 32767)))
def test_samples_survive(samples: list[int]) -> None:
    content = wav.header(len(samples)) + np.array(samples, "<i2").tobytes()

    assert wav.parse(content).tolist() == samples


def test_chunks_that_are_not_known_are_passed_over() -> None:
    content = wav.header(2)
    odd = b"LIST" + struct.pack("<I", 3) + b"abc\x00"

    assert wav.parse(content[:36] + odd + content[36:] + b"\x01\x00\x02\x00").tolist() == [1, 2]


def test_a_recording_cut_short_gives_what_is_there() -> None:
    assert len(wav.parse(wav.header(1000) + bytes(301))) == 150


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"RIFF",
        b"RIFFxxxxAVI " + bytes(40),
        wav.header(0)[:36],
        wav.header(1)[:12] + wav.header(1)[36:] + bytes(2),
        wav.header(1)[:12] + b"fmt \x02\x00\x00\x00" + bytes(2),
        made(2),
        made(rate=16000),
        made(width=1),
    ],
)
def test_any_other_file_is_refused(content: bytes) -> None:
    with pytest.raises(UnusableWav):
        wav.parse(content)


@given(st.binary(max_size=200))
def test_no_file_breaks_the_reader(content: bytes) -> None:
    with suppress(UnusableWav):
        wav.parse(b"RIFF\x00\x00\x00\x00WAVE" + content)
