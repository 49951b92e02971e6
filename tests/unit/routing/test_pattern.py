from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from routing.pattern import PatternError, compile_pattern

SETS = {"person": ["老人", "孩子"]}


@pytest.mark.parametrize(
    ("phrase", "text"),
    [
        ("着火", "快来着火了"),
        ("(着|起)火了?", "起火"),
        ("(着|起)火了?$", "起火了"),
        ("{person}?晕倒", "晕倒"),
        ("{person}晕倒", "老人晕倒"),
        ("煤气~漏", "煤气管子在漏"),
        ("煤气~~漏", "煤气那个管子好像是又在漏"),
        ("%", "100%"),
    ],
)
def test_a_phrase_matches_what_it_says(phrase: str, text: str) -> None:
    assert compile_pattern([phrase], SETS).search(text)


@pytest.mark.parametrize(
    ("phrase", "text"),
    [("煤气~漏", "煤气那个管子又在漏"), ("煤气~漏", "煤气。漏"), ("煤气~~漏", "煤气，漏水"), ("火$", "火了")],
)
def test_a_gap_is_short_and_ends_at_punctuation(phrase: str, text: str) -> None:
    assert not compile_pattern([phrase], SETS).search(text)


@pytest.mark.parametrize(
    ("phrases", "complaint"),
    [
        ([], "no phrase"),
        ([""], "empty"),
        (["?了"], "nothing before"),
        (["~?了"], "nothing before"),
        (["(着|起"], "( without )"),
        (["着)火"], ") without ("),
        (["着|起"], "outside"),
        (["{nobody}晕倒"], "'nobody'"),
        (["{person晕倒"], "no set"),
        (["着.*火"], ". means nothing"),
        (["着}"], "} means nothing"),
    ],
)
def test_a_malformed_phrase_is_refused_with_its_reason(phrases: list[str], complaint: str) -> None:
    with pytest.raises(PatternError) as caught:
        compile_pattern(phrases, SETS)

    assert complaint in str(caught.value)


@given(st.text(alphabet="着火(|)?~{}$.*person", max_size=12), st.text(max_size=20))
def test_any_phrase_is_compiled_or_refused(phrase: str, text: str) -> None:
    with suppress(PatternError):
        compile_pattern([phrase], SETS).search(text)
