"""A gap sounds like what came before it, fades, and joins what comes after."""

from __future__ import annotations

import numpy as np
import pytest

from channels.media import concealment
from channels.media.g711 import Pcm


def voice(pitch: float, length: int) -> Pcm:
    """Return a buzz of five harmonics."""
    turns = 2 * np.pi * pitch * np.arange(length) / 8000
    return np.rint(sum(3000 / n * np.sin(n * turns + n) for n in range(1, 6))).astype(np.int16)


@pytest.mark.parametrize("pitch", [60, 95, 130, 180])
def test_the_period_of_a_voice_is_found(pitch: float) -> None:
    (period,) = concealment.pitch_periods(voice(pitch, concealment.HISTORY)[None])

    multiple = period * pitch / 8000
    assert abs(multiple - round(multiple)) * 8000 / pitch <= 2


@pytest.mark.parametrize("pitch", [80, 100, 160, 200])
def test_a_lost_frame_of_a_steady_voice_is_guessed_well(pitch: float) -> None:
    whole = voice(pitch, concealment.HISTORY + 80)
    history = whole[None, : concealment.HISTORY]
    guessed = concealment.extend(history, concealment.pitch_periods(history), 80)[0].astype(float)

    error = guessed - whole[concealment.HISTORY :]
    assert error.std() < 0.4 * whole.std()


def test_what_is_invented_holds_then_fades_then_ends() -> None:
    gains = concealment.fade(np.arange(600))

    assert (gains[: concealment.HOLD + 1] == 1).all()
    assert (np.diff(gains) <= 0).all()
    assert (gains[concealment.FADE :] == 0).all()


def conceal(missing: slice, *, age: int = 0, blend: bool = False) -> Pcm:
    frames = np.full((1, 160), 1000, np.int16)
    holes = np.zeros((1, 160), bool)
    holes[0, missing] = True
    invented = np.full((1, 160), -1000, np.int16)
    patched: Pcm = concealment.conceal(frames, holes, invented, np.array([age]), np.array([blend]))[0]
    return patched


def test_a_whole_frame_is_left_alone_unless_it_follows_a_gap() -> None:
    assert (conceal(slice(0, 0)) == 1000).all()
    blended = conceal(slice(0, 0), blend=True)
    assert (np.diff(blended[:40]) > 0).all()
    assert (blended[40:] == 1000).all()


def test_a_gap_that_ends_in_the_frame_is_blended_into_what_follows() -> None:
    patched = conceal(slice(0, 80))

    assert (patched[:80] == -1000).all()
    assert (np.diff(patched[79:119]) > 0).all()
    assert (patched[120:] == 1000).all()


def test_a_gap_that_starts_in_the_frame_is_young_there() -> None:
    patched = conceal(slice(80, 160), age=10_000)

    assert (patched[:80] == 1000).all()
    assert (patched[80:] == -1000).all()


def test_an_old_gap_is_silent() -> None:
    assert (conceal(slice(0, 160), age=concealment.FADE) == 0).all()
