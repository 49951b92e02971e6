"""What the network sees (MFCC, as Kaldi computes them) and what a telephone does to speech before that."""

from __future__ import annotations

from typing import Any

import numpy as np
import soxr
from numpy.typing import NDArray

from channels.media.g711 import Law, decode_bytes, encode_bytes

RATE = 16000
DIMENSION = 32
LOWEST, HIGHEST = 60, 3700
"""Hz; nothing above what a telephone carries, so that 8 kHz audio needs no other model."""

CONFIGURATION = f"""\
--sample-frequency={RATE}
--use-energy=false
--num-mel-bins={DIMENSION}
--num-ceps={DIMENSION}
--low-freq={LOWEST}
--high-freq={HIGHEST}
--dither=0
--allow-upsample=true
--allow-downsample=true
"""

Signal = NDArray[np.floating[Any]]


def mfcc(samples: Signal) -> NDArray[np.float32]:
    """Return float32 [frames, 32] of *samples* (16 kHz, in int16's range), a frame every 10 ms, edges snipped."""
    import kaldi_native_fbank  # type: ignore[import-not-found, import-untyped, unused-ignore]

    options = kaldi_native_fbank.MfccOptions()
    options.frame_opts.samp_freq, options.frame_opts.dither, options.frame_opts.snip_edges = RATE, 0.0, True
    options.mel_opts.num_bins, options.num_ceps, options.use_energy = DIMENSION, DIMENSION, False
    options.mel_opts.low_freq, options.mel_opts.high_freq = LOWEST, HIGHEST
    computer = kaldi_native_fbank.OnlineMfcc(options)
    computer.accept_waveform(RATE, samples.astype(np.float32))
    computer.input_finished()
    frames = [computer.get_frame(index) for index in range(computer.num_frames_ready)]
    return np.stack(frames) if frames else np.zeros((0, DIMENSION), np.float32)


def telephone(rng: np.random.Generator, samples: NDArray[np.int16], rate: int) -> Signal:
    """Return *samples* as they come out of some telephone line, at 16 kHz: room, filter, level, noise, codec, loss."""
    from scipy.signal import butter, fftconvolve, sosfilt  # type: ignore[import-not-found, import-untyped, unused-ignore]

    signal: Signal = soxr.resample(samples.astype(np.float32), rate, 8000)
    if rng.random() < 0.2:
        length = int(8000 * rng.uniform(0.03, 0.15))
        room = rng.standard_normal(length) * np.exp(-np.arange(length) / (length / 5))
        room *= rng.uniform(0.1, 0.4) / np.sqrt((room**2).sum())
        room[0] = 1
        signal = fftconvolve(signal, room)[: len(signal)]
    if rng.random() < 0.7:
        band = [rng.uniform(120, 350), rng.uniform(2900, 3800)]
        signal = sosfilt(butter(int(rng.integers(1, 5)), band, "band", fs=8000, output="sos"), signal)
    if rng.random() < 0.5:
        tilt = rng.uniform(-0.5, 0.6)
        signal = np.append(signal[0], signal[1:] - tilt * signal[:-1])
    signal = signal * 10 ** (rng.uniform(-52, -10) / 20) * 32768 / _rms(signal)
    if rng.random() < 0.75:
        signal = signal + noise(rng, len(signal)) * _rms(signal) * 10 ** (-rng.uniform(1, 32) / 20)
    coded = np.clip(signal, -32768, 32767).astype(np.int16)
    if rng.random() < 0.7:
        law = Law.PCMU if rng.random() < 4 / 7 else Law.PCMA
        coded = decode_bytes(encode_bytes(coded, law), law).copy()
    if rng.random() < 0.12:
        for start in range(0, len(coded), 160):
            if rng.random() < 0.04:
                coded[start : start + 160] = 0
    return np.asarray(np.clip(soxr.resample(coded.astype(np.float32), 8000, RATE), -32768, 32767))


def noise(rng: np.random.Generator, length: int, exponent: float | None = None) -> Signal:
    """Return noise of RMS 1 whose power falls with frequency by *exponent*: 0 white, 1 pink, 2 brown, None any."""
    spectrum = np.fft.rfft(rng.standard_normal(length))
    falling = np.arange(1, len(spectrum) + 1) ** ((rng.uniform(0, 2) if exponent is None else exponent) / 2)
    shaped = np.fft.irfft(spectrum / falling, length)
    return np.asarray(shaped / _rms(shaped))


def _rms(signal: Signal) -> float:
    return float(np.sqrt(np.mean(np.square(signal, dtype=np.float64)))) + 1e-9
