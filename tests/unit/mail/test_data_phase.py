"""The data phase: the same message in whatever pieces it comes, and not an octet of what follows."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from channels.mail.data_phase import DataPhase


def fed(octets: bytes, cuts: list[int], largest: int = 10_000) -> DataPhase:
    phase = DataPhase(largest)
    places = sorted({cut % (len(octets) + 1) for cut in cuts} | {0, len(octets)})
    for start, end in pairwise(places):
        if phase.is_complete:
            phase.rest += octets[start:end]
        else:
            phase.feed(octets[start:end])
    return phase


def stuffed(message: bytes) -> bytes:
    lines = message.split(b"\r\n")
    return b"\r\n".join(b"." + line if line.startswith(b".") else line for line in lines) + b".\r\n"


_MESSAGES = st.lists(st.sampled_from([b"", b".", b"..", b"x", b".x", b"x.", b"\n.\n", b"\r", b"long" * 20])).map(
    lambda lines: b"".join(line + b"\r\n" for line in lines)
)


@given(_MESSAGES, st.sampled_from([b"", b"QUIT\r\n", b".\r\n", b"MAIL FROM:<a@b>\r\n"]), st.lists(st.integers(0, 500)))
def test_a_message_comes_out_as_it_went_in(message: bytes, following: bytes, cuts: list[int]) -> None:
    phase = fed(stuffed(message) + following, cuts)

    assert phase.is_complete
    assert phase.message == message
    assert phase.rest == following
    assert not phase.is_too_large


@pytest.mark.parametrize("end", [b"\n.\n", b"\r\n.\n", b"\n.\r\n", b"\r.\r", b"\r\n.\r"])
def test_no_other_dot_ends_a_message(end: bytes) -> None:
    phase = DataPhase(1000)
    phase.feed(b"lamp" + end + b"MAIL FROM:<smuggled@example.com>\r\n")

    assert not phase.is_complete


@given(st.integers(1, 300), st.lists(st.integers(0, 700)))
def test_one_that_is_too_large_is_forgotten_but_for_its_end(size: int, cuts: list[int]) -> None:
    message = b"x" * size + b"\r\n"
    phase = fed(stuffed(message) + b"QUIT\r\n", cuts, largest=100)

    assert phase.is_complete
    assert phase.is_too_large == (len(message) > 100)
    assert phase.rest == b"QUIT\r\n"
