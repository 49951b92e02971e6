"""Long texts in pieces: nothing is lost, nothing is too long, and sentences stay whole where they can."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from channels.pieces import pieces, utf8_octets, utf16_units

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=300)


def test_a_short_text_is_one_piece() -> None:
    assert list(pieces("已收到。", 4096, utf16_units)) == ["已收到。"]


def test_a_blank_text_is_none() -> None:
    assert list(pieces(" \n", 10, utf16_units)) == []


def test_a_cut_falls_behind_a_sentence() -> None:
    assert list(pieces("第一句话。第二句话。第三", 11, utf16_units)) == ["第一句话。第二句话。", "第三"]


def test_a_line_is_a_better_place_than_a_sentence() -> None:
    assert list(pieces("甲。乙\n丙。丁戊己", 7, utf16_units)) == ["甲。乙\n", "丙。丁戊己"]


def test_characters_beyond_the_basic_plane_count_twice_and_are_not_halved() -> None:
    assert list(pieces("😀" * 5, 4, utf16_units)) == ["😀😀", "😀😀", "😀"]


@pytest.mark.parametrize("length", [utf16_units, utf8_octets])
@given(text=TEXTS, limit=st.integers(4, 60))
def test_pieces_fit_and_are_the_whole(length: type, text: str, limit: int) -> None:
    found = list(pieces(text, limit, length))

    assert all(length(piece) <= limit for piece in found)
    assert "".join("".join(found).split()) == "".join(text.split())
