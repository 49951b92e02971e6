from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.web.views import masked


@pytest.mark.parametrize(
    ("number", "shown"),
    [
        ("13812341234", "138****1234"),
        ("+8613812341234", "+86138****1234"),
        ("04768881234", "047****1234"),
        ("8881234", "8*****4"),
        ("110", "***"),
        ("", ""),
    ],
)
def test_the_middle_of_a_number_is_hidden(number: str, shown: str) -> None:
    assert masked(number) == shown


@given(st.text("0123456789+", min_size=1, max_size=20))
def test_masking_keeps_the_length_and_hides_at_least_four_digits_or_half(number: str) -> None:
    assert len(masked(number)) == len(number)
    assert masked(number).count("*") >= min(4, len(number) / 2)
