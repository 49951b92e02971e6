"""The sieve never holds back a phrase that matches."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from routing.pattern import compile_pattern
from routing.sieve import Sieve, needs
from tests.fakes.routing import shipped_lexicons

ENTRIES = shipped_lexicons().emergency.entries
SETS = shipped_lexicons().emergency.sets
GAP_STOPS = shipped_lexicons().emergency.gap_stops
PHRASES = [phrase for entry in ENTRIES for phrase in entry.phrases]
SIEVE = Sieve(PHRASES, SETS)
CHARACTERS = sorted(
    {char for entry in ENTRIES for phrase in entry.phrases for char in phrase if char not in "(){}|?~$"}
)


@pytest.mark.parametrize(
    ("phrase", "wanted"),
    [
        ("着火", ["着", "火"]),
        ("着火了?", ["着", "火"]),
        ("(着|起)火", ["着起", "火"]),
        ("{person}~打人$", ["们他", "打", "人"]),
        ("(煤气)?味", ["味"]),
        ("(很|太)?大(的)?火", ["大", "火"]),
        ("(打(死|伤)|砍)人", ["打砍", "人"]),
        ("(甲|乙?)", []),
        ("{person}?了", ["了"]),
    ],
)
def test_a_phrase_needs_what_it_cannot_do_without(phrase: str, wanted: list[str]) -> None:
    assert needs(phrase, {"person": ["我们", "他"]}) == {frozenset(each) for each in wanted}


@given(st.text(alphabet=CHARACTERS, max_size=40))
def test_what_matches_is_possible(text: str) -> None:
    possible = SIEVE.possible(text)
    for index, phrase in enumerate(PHRASES):
        if index not in possible:
            assert compile_pattern([phrase], SETS, GAP_STOPS).search(text) is None
