"""Sound files to words (语音留言转写): a voice message through the same recogniser as a call's leg."""

from __future__ import annotations

import asyncio
import itertools
from io import BytesIO

import numpy as np
import soundfile
import soxr

from gateway.domain.call import LegId
from gateway.domain.errors import Refused
from gateway.domain.transcript import Utterance
from gateway.ports.hearing import Recognizer

RATE = 8000
"""Samples a second that the recogniser hears."""
PIECE = RATE // 5
"""Samples given to it at a time."""
LONGEST = 300.0
"""Seconds of a file that are heard; what follows is not."""


class FileTranscriber:
    """`gateway.ports.intake.Transcriber` over a recogniser. *limit* is how long one file may take, in seconds."""

    def __init__(self, recognizer: Recognizer, *, limit: float = 120.0) -> None:
        self._recognizer = recognizer
        self._limit = limit
        self._numbers = itertools.count(1)
        self._one_at_a_time = asyncio.Semaphore(1)

    async def transcribe(self, octets: bytes) -> str:
        """Return the words of a sound file, "" for none or when nobody listens. Raises `Refused`: not a sound file."""
        pcm = await asyncio.to_thread(_samples, octets)
        if not self._recognizer.available:
            return ""
        try:
            async with asyncio.timeout(self._limit), self._one_at_a_time:
                return await self._heard(pcm)
        except TimeoutError:
            return ""

    async def _heard(self, pcm: bytes) -> str:
        recognition = self._recognizer.listen(LegId(f"file-{next(self._numbers)}"))
        for start in range(0, len(pcm), PIECE * 2):
            recognition.hear(pcm[start : start + PIECE * 2], start / 2 / RATE)
            await asyncio.sleep(0)
        finishing = asyncio.create_task(recognition.finish())
        said = [heard.text async for heard in recognition if isinstance(heard, Utterance) and heard.is_final]
        await finishing
        return "，".join(filter(None, said))


def _samples(octets: bytes) -> bytes:
    """Return a file's sound as int16 little-endian mono at 8 kHz, its first five minutes."""
    try:
        with soundfile.SoundFile(BytesIO(octets)) as file:
            rate = file.samplerate
            frames = file.read(int(LONGEST * rate), dtype="float32", always_2d=True)
    except soundfile.LibsndfileError as error:
        raise Refused("this is no sound file that can be read") from error
    mono = frames.mean(axis=1)
    if rate != RATE:
        mono = soxr.resample(mono, rate, RATE)
    pcm: bytes = (np.clip(mono, -1.0, 1.0) * 32767).astype("<i2").tobytes()
    return pcm
