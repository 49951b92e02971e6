"""AMR (RFC 4867 5, 3GPP TS 26.071), how WeChat and telephones keep speech, made a WAV file that everybody reads."""

from __future__ import annotations

import wave
from contextlib import suppress
from io import BytesIO

import av
from av.audio.resampler import AudioResampler
from av.error import FFmpegError

MAGIC = b"#!AMR"
"""What such a file begins with, narrow-band and wide-band."""
LONGEST = 300.0
"""Seconds that are decoded; what follows is not."""
RATE = 16_000


def is_amr(octets: bytes) -> bool:
    """Tell whether *octets* say that they are AMR."""
    return octets.startswith(MAGIC)


def to_wav(octets: bytes) -> bytes:
    """Return speech as WAV: mono, 16 bits, 16 kHz. What cannot be decoded is left out; of rubbish nothing remains.

    Takes some milliseconds for each second of speech: call it in a thread.
    """
    resampler = AudioResampler(format="s16", layout="mono", rate=RATE)
    written = BytesIO()
    with wave.open(written, "wb") as wav:
        wav.setnchannels(1)
        wav.setsampwidth(2)
        wav.setframerate(RATE)
        left = int(LONGEST * RATE)
        with suppress(FFmpegError, IndexError), av.open(BytesIO(octets), "r", format="amr") as file:
            for frame in file.decode(audio=0):
                for piece in resampler.resample(frame):
                    samples = piece.to_ndarray()[0, :left]
                    wav.writeframes(samples.astype("<i2").tobytes())
                    left -= len(samples)
                if left <= 0:
                    break
    return written.getvalue()
