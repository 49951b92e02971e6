from __future__ import annotations

from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from routing.emergency_sounds import Ear, words_of
from routing.noise import misheard
from routing.sounds import Sounds
from tests.fakes.routing import shipped_detector, shipped_lexicons

SOUNDS = shipped_lexicons().emergency.sounds


@pytest.mark.parametrize(
    ("written", "line", "meant"),
    [("厨房折火了", "119", "着火"), ("有人触垫了倒在地上", "120", "触电"), ("前面出车获了", "122", "车祸")],
)
def test_a_phrase_with_a_wrong_character_is_found_and_says_what_it_sounds_like(
    written: str, line: str, meant: str
) -> None:
    hits = [hit for hit in shipped_detector().look(written) if hit.line == line]

    assert hits
    assert any(meant in hit.meant and hit.phrase in written and hit.weight < 1 for hit in hits)


@pytest.mark.parametrize("text", ["大家好我想拿到户口本", "他去美国留学了", "孩子上学迟到了", "物业没有人上班"])
def test_ordinary_words_that_sound_alike_are_left_alone(text: str) -> None:
    assert not shipped_detector().look(text)


def test_a_hit_by_sound_points_at_the_characters_that_were_written() -> None:
    ear = Ear(["煤气泄漏"], SOUNDS)

    reading = ear.heard("厨房煤气气谢漏了")

    assert reading is not None
    assert reading.text == "厨房煤气泄漏了"
    assert reading.written(2, 6) == (2, 7)
    assert 0 < reading.cost(2, 6) < 1


def test_a_text_that_is_written_right_has_no_other_reading() -> None:
    assert Ear(["着火"], SOUNDS).heard("这里着火了") is None


def test_words_leave_out_gaps_and_take_groups_apart() -> None:
    assert words_of(["(煤气|液化气)~泄漏", "{fire}势大?"], {"fire": ["火", "大火"]}) >= {
        "煤气",
        "液化气",
        "泄漏",
        "大火势大",
    }


@settings(max_examples=60, deadline=None)
@given(st.text(alphabet="着火了找货的妈电梯困人捆任 a1，。\U00020000", max_size=40))
def test_any_text_is_heard_with_places_inside_of_it(text: str) -> None:
    for hit in shipped_detector().look(text):
        assert hit.phrase in "".join(text.split())
        assert 0 <= hit.weight <= 1


def test_recognition_errors_are_the_same_for_the_same_seed() -> None:
    text = "厨房着火了快来人" * 10

    assert misheard(text, 0.3, SOUNDS, Random(7)) == misheard(text, 0.3, SOUNDS, Random(7)) != text
    assert misheard(text, 0.0, SOUNDS, Random(7)) == text


@settings(max_examples=60, deadline=None)
@given(st.text(max_size=30), st.floats(0, 1), st.integers())
def test_any_text_can_be_misheard(text: str, rate: float, seed: int) -> None:
    assert len(misheard(text, rate, SOUNDS, Random(seed))) <= 2 * len(text)


def test_syllables_that_are_mixed_up_fold_to_the_same() -> None:
    sounds = Sounds(starts=(("zh", "z"), ("n", "l")), ends=(("ng", "n"),))

    assert sounds.folded("zhang") == sounds.folded("zan")
    assert sounds.folded("ning") == sounds.folded("lin")
