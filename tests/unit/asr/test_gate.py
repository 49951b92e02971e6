from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from asr.gate import FRAME, HANGOVER, RATE, Gate

Samples = NDArray[np.int16]


def seconds(duration: float) -> NDArray[np.float64]:
    return np.arange(int(duration * RATE)) / RATE


def tone(*frequencies: float, duration: float = 1.0, level: float = 0.2) -> Samples:
    wave = sum(np.sin(2 * np.pi * frequency * seconds(duration)) for frequency in frequencies)
    return np.asarray(wave * level / len(frequencies) * 32767, dtype=np.int16)


def noise(level_dbfs: float, duration: float = 1.0) -> Samples:
    rng = np.random.default_rng(1)
    return np.asarray(rng.normal(0, 10 ** (level_dbfs / 20) * 32768, int(duration * RATE)), dtype=np.int16)


def open_frames(gate: Gate, samples: Samples) -> int:
    frames = samples[: len(samples) // FRAME * FRAME].reshape(-1, FRAME)
    return sum(gate.hear(frame) for frame in frames)


def test_silence_never_opens_it() -> None:
    assert open_frames(Gate(), np.zeros(5 * RATE, np.int16)) == 0


def test_idle_noise_of_a_line_never_opens_it() -> None:
    assert open_frames(Gate(), noise(-68, 5)) == 0


@pytest.mark.parametrize(
    "frequencies",
    [(450.0,), (1400.0,), (697.0, 1209.0), (941.0, 1477.0)],
    ids=["ringback", "beep", "digit 1", "digit #"],
)
def test_tones_with_their_beginnings_and_ends_never_open_it(frequencies: tuple[float, ...]) -> None:
    cadence = np.concatenate([np.zeros(1234, np.int16), tone(*frequencies), np.zeros(4 * RATE, np.int16)])

    assert open_frames(Gate(), np.tile(cadence, 3)) == 0


def test_something_like_speech_opens_it_within_a_tenth_of_a_second() -> None:
    gate = Gate()
    open_frames(gate, np.zeros(RATE, np.int16))

    open_frames(gate, noise(-25, 0.1))

    assert gate.is_open


def test_it_stays_open_through_the_hangover_and_no_longer() -> None:
    gate = Gate()
    open_frames(gate, noise(-25, 0.5))

    assert open_frames(gate, np.zeros(5 * RATE, np.int16)) == HANGOVER - 1
    assert not gate.is_open


def test_steady_noise_is_learnt_and_closes_it_again() -> None:
    gate = Gate()

    open_frames(gate, noise(-50, 60))

    assert not gate.is_open
