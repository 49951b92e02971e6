"""Everyone on a bridge hears the sum of the others, limited to 16 bits."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from channels.media.mixer import Mixer


@given(st.lists(st.integers(-1, 4), max_size=20), st.integers(0, 1000))
def test_each_leg_hears_the_others_of_its_bridge_and_nobody_else(bridges: list[int], seed: int) -> None:
    frames = np.random.default_rng(seed).integers(-32768, 32767, (len(bridges), 16)).astype(np.int16)
    heard = Mixer(np.array(bridges, np.int64)).mix(frames)

    for leg, bridge in enumerate(bridges):
        others = [each for each, its in enumerate(bridges) if its == bridge >= 0 and each != leg]
        expected = np.clip(frames[others].astype(int).sum(axis=0), -32768, 32767)
        assert (heard[leg] == expected).all()


@given(st.lists(st.tuples(st.integers(-1, 3), st.booleans()), max_size=20), st.integers(0, 1000), st.data())
def test_who_does_not_speak_hears_the_bridge_and_is_heard_by_whom_he_whispers_to(
    legs: list[tuple[int, bool]], seed: int, data: st.DataObject
) -> None:
    frames = np.random.default_rng(seed).integers(-3000, 3000, (len(legs), 16)).astype(np.int16)
    silent = [leg for leg, (bridge, speaks) in enumerate(legs) if bridge >= 0 and not speaks]
    whispers = [(leg, data.draw(st.integers(0, len(legs) - 1))) for leg in silent]
    bridges, speaks = np.array([leg[0] for leg in legs], np.int64), np.array([leg[1] for leg in legs], bool)
    whispers = [(leg, to) for leg, to in whispers if legs[to][0] == legs[leg][0] and to != leg]
    heard = Mixer(bridges, speaks, whispers).mix(frames)

    for leg, (bridge, _) in enumerate(legs):
        others = [each for each, (its, says) in enumerate(legs) if its == bridge >= 0 and each != leg and says]
        others += [each for each, to in whispers if to == leg]
        assert (heard[leg] == frames[others].astype(int).sum(axis=0)).all()


def test_a_mix_too_loud_is_limited_and_never_wraps() -> None:
    frames = np.full((3, 4), 30000, np.int16)

    assert (Mixer(np.zeros(3, np.int64)).mix(frames) == 32767).all()
    assert (Mixer(np.zeros(3, np.int64)).mix(-frames) == -32768).all()
