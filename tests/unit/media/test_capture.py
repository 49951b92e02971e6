"""What was said comes out once, whole, and in its place."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from channels.media.capture import LONGEST_PORTION, Capture, CaptureLog, Portion

FRAME = 160


def run(log: CaptureLog, steps: int, first: int = 0) -> list[Portion]:
    """Say in each frame which step it is."""
    return [
        portion
        for step in range(first, first + steps)
        for portion in log.add(step * 0.02, np.full((4, FRAME), step, np.int16))
    ]


def laid_out(portions: list[Portion]) -> dict[int, int]:
    """Return the value of each sample at its place, each place written once."""
    found: dict[int, int] = {}
    for portion in portions:
        for offset, value in enumerate(np.frombuffer(portion.pcm, "<i2").tolist()):
            assert portion.start + offset not in found
            found[portion.start + offset] = value
    return found


@given(
    row=st.integers(0, 3),
    before=st.integers(0, 70),
    steps=st.integers(1, 200),
    frames=st.integers(1, LONGEST_PORTION + 9),
    zero=st.integers(-3000, 20000),
)
def test_every_sample_from_zero_on_is_given_once_in_its_place(
    row: int, before: int, steps: int, frames: int, zero: int
) -> None:
    log = CaptureLog(4, FRAME)
    run(log, before)
    capture = Capture(row, zero / 8000, frames)
    log.start(capture)
    portions = run(log, steps, before) + log.stop(capture)

    expected = {
        place - zero: place // FRAME for place in range(before * FRAME, (before + steps) * FRAME) if place >= zero
    }
    assert laid_out(portions) == expected
    assert all(len(portion.pcm) <= 2 * FRAME * frames for portion in portions)


def test_after_a_jump_of_time_what_follows_is_in_its_place() -> None:
    log, capture = CaptureLog(4, FRAME), Capture(0, 0.0, 5)
    log.start(capture)
    portions = run(log, 7) + log.skip() + run(log, 9, 27) + log.stop(capture)

    assert sorted(set(laid_out(portions).values())) == [*range(7), *range(27, 36)]
    assert all(place // FRAME == value for place, value in laid_out(portions).items())


def test_one_capture_that_ends_leaves_the_others() -> None:
    log, first, second = CaptureLog(4, FRAME), Capture(0, 0.0, 5), Capture(0, 0.0, 5)
    log.start(first)
    log.start(second)
    early = log.stop(second)
    portions = run(log, 12)

    assert early == log.stop(second) == []
    assert {portion.capture for portion in portions} == {first}
    assert len(laid_out(portions + log.stop(first))) == 12 * FRAME


def test_legs_that_start_together_are_not_served_together() -> None:
    log = CaptureLog(4, FRAME)
    for row in range(4):
        log.start(Capture(row, 0.0, 4))
    run(log, 8)

    assert [len(log.add(step * 0.02, np.zeros((4, FRAME), np.int16))) for step in range(8, 16)] == [1] * 8


def test_tracks_are_interleaved_sample_by_sample() -> None:
    log, capture = CaptureLog(4, FRAME, tracks=2), Capture(1, 0.01, 2)
    assert not log
    log.start(capture)
    left, right = np.full((3, FRAME), 5, np.int16), np.full((3, FRAME), -9, np.int16)
    portions = [portion for step in range(4) for portion in log.add(step * 0.02, left, right)] + log.stop(capture)
    samples = np.concatenate([np.frombuffer(portion.pcm, "<i2") for portion in portions]).reshape(-1, 2)

    assert portions[0].start == 0
    assert len(samples) == 4 * FRAME - 80
    assert (samples == [5, -9]).all()
    assert not log
