"""Speech in AMR: the words survive the way to WAV, and rubbish is silence."""

from __future__ import annotations

import io
import wave
from fractions import Fraction

import av
import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from channels.amr import RATE, is_amr, to_wav

NARROW = 8000


def amr(samples: npt.NDArray[np.int16]) -> bytes:
    """Encode mono samples at 8 kHz with an encoder that is not ours."""
    written = io.BytesIO()
    with av.open(written, "w", format="amr") as file:
        stream = file.add_stream("libopencore_amrnb", rate=NARROW, layout="mono")
        frame = av.AudioFrame.from_ndarray(samples[np.newaxis], format="s16", layout="mono")
        frame.sample_rate, frame.time_base, frame.pts = NARROW, Fraction(1, NARROW), 0
        for packet in (*stream.encode(frame), *stream.encode(None)):
            file.mux(packet)
    return written.getvalue()


def samples_of(wav: bytes) -> npt.NDArray[np.int16]:
    with wave.open(io.BytesIO(wav)) as file:
        assert (file.getframerate(), file.getnchannels(), file.getsampwidth()) == (RATE, 1, 2)
        return np.frombuffer(file.readframes(file.getnframes()), "<i2")


def test_a_tone_is_the_same_tone_afterwards() -> None:
    time = np.arange(2 * NARROW) / NARROW
    coded = amr((np.sin(2 * np.pi * 440 * time) * 8000).astype(np.int16))
    assert is_amr(coded)
    heard = samples_of(to_wav(coded))
    middle = heard[RATE // 2 : RATE // 2 + RATE].astype(float)
    loudest = int(np.argmax(np.abs(np.fft.rfft(middle))))

    assert len(heard) / RATE == pytest.approx(2.0, abs=0.1)
    assert loudest == pytest.approx(440, abs=2)


def test_a_file_that_breaks_off_is_heard_as_far_as_it_goes() -> None:
    coded = amr((np.random.default_rng(1).normal(0, 2000, 2 * NARROW)).astype(np.int16))
    heard = samples_of(to_wav(coded[: len(coded) // 2]))

    assert 0.8 < len(heard) / RATE < 1.1


@given(st.binary(max_size=300))
def test_rubbish_is_silence(octets: bytes) -> None:
    samples_of(to_wav(octets))
    samples_of(to_wav(b"#!AMR\n" + octets))
