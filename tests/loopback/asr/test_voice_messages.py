"""Voice messages as Telegram and WeChat send them, heard by the real recogniser with the bundled demo model."""

from __future__ import annotations

import asyncio
import io
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import numpy.typing as npt
import pytest
import soundfile

from asr.models import DEMO_MODEL, ModelChoice, ModelKind
from asr.recogniser import VoskRecognizer
from asr.transcriber import FileTranscriber
from channels.hearing import words_of

SPEECH = Path(__file__).parents[3] / "gateway" / "demo_speech"
DEMO = ModelChoice(path=DEMO_MODEL, kind=ModelKind.DEMO)
PATIENCE = 60.0


def spoken() -> tuple[npt.NDArray[np.int16], int]:
    samples, rate = soundfile.read(SPEECH / "citizen_fire_1.wav", dtype="int16")
    return samples, rate


def ogg_opus() -> bytes:
    """A voice note of Telegram's."""
    samples, rate = spoken()
    written = io.BytesIO()
    soundfile.write(written, samples, rate, format="OGG", subtype="OPUS")
    return written.getvalue()


def amr() -> bytes:
    """A voice of WeChat's."""
    samples, rate = spoken()
    written = io.BytesIO()
    with av.open(written, "w", format="amr") as file:
        stream = file.add_stream("libopencore_amrnb", rate=8000, layout="mono")
        stream.bit_rate = 12200
        frame = av.AudioFrame.from_ndarray(samples[np.newaxis], format="s16", layout="mono")
        frame.sample_rate, frame.time_base, frame.pts = rate, Fraction(1, rate), 0
        for packet in (*stream.encode(frame), *stream.encode(None)):
            file.mux(packet)
    return written.getvalue()


@pytest.mark.parametrize("voice", [ogg_opus, amr])
async def test_a_voice_message_is_heard(voice: Callable[[], bytes]) -> None:
    async with asyncio.timeout(PATIENCE), VoskRecognizer(DEMO) as recognizer:
        words = await words_of(voice(), FileTranscriber(recognizer), PATIENCE)

    assert "阳光小区" in words
    assert "着火" in words
