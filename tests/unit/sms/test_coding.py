"""Text to octets and back, cut where it is long, with the header that joins it again."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from channels.sms.coding import SEPTETS, SHORT_MESSAGE, Coding, coding_for, decoded, encoded, pieces
from channels.sms.header import HEADER, Fragment, header_of, placed, split_header

TEXT = st.text(max_size=400)
BYTE = st.integers(0, 255)


@given(TEXT)
def test_ucs2_returns_every_text(text: str) -> None:
    assert decoded(encoded(text, Coding.UCS2), Coding.UCS2) == text


@given(st.binary(max_size=300), st.sampled_from(Coding))
def test_reading_never_fails(octets: bytes, coding: Coding) -> None:
    assert isinstance(decoded(octets, coding), str)


@given(TEXT, st.sampled_from([(), (Coding.ASCII,), (Coding.ASCII, Coding.GBK), (Coding.GSM,), (Coding.LATIN,)]))
def test_what_is_cut_is_whole_again_and_no_piece_is_too_long(text: str, preferred: tuple[Coding, ...]) -> None:
    coding = coding_for(text, preferred)
    cut = pieces(text, coding, HEADER)

    assert "".join(decoded(piece, coding) for piece in cut) == text
    assert b"".join(cut) == encoded(text, coding)
    longest = SEPTETS if coding.is_seven_bit else SHORT_MESSAGE
    room = (SHORT_MESSAGE - HEADER) * 8 // 7 if coding.is_seven_bit else SHORT_MESSAGE - HEADER
    assert all(len(piece) <= (longest if len(cut) == 1 else room) for piece in cut)


@pytest.mark.parametrize(
    ("text", "preferred", "coding"),
    [
        ("ok", (Coding.ASCII,), Coding.ASCII),
        ("好", (Coding.ASCII,), Coding.UCS2),
        ("好", (Coding.ASCII, Coding.GBK), Coding.GBK),
        ("好😀", (Coding.ASCII, Coding.GBK), Coding.UCS2),
        ("{€}", (Coding.GSM,), Coding.GSM),
    ],
)
def test_the_first_coding_that_has_every_character_is_taken(
    text: str, preferred: tuple[Coding, ...], coding: Coding
) -> None:
    assert coding_for(text, preferred) is coding


@given(st.integers(0, 255), st.integers(2, 255), st.data(), st.binary(max_size=134))
def test_a_header_says_what_was_written(reference: int, total: int, data: st.DataObject, content: bytes) -> None:
    fragment = Fragment(reference=reference, total=total, number=data.draw(st.integers(1, total)))

    assert split_header(header_of(fragment) + content) == (fragment, content)


@given(st.binary(max_size=200))
def test_reading_a_header_never_fails_and_loses_nothing_that_is_content(octets: bytes) -> None:
    fragment, content = split_header(octets)

    assert octets.endswith(content)
    assert fragment is None or 1 <= fragment.number <= fragment.total


@pytest.mark.parametrize(
    ("octets", "fragment", "content"),
    [
        (b"\x06\x08\x04\x12\x34\x03\x02ab", Fragment(reference=0x1234, total=3, number=2), b"ab"),
        (b"\x0a\x05\x04\x00\x01\x00\x02\x00\x02\x12\x34ab", None, b"ab"),
        (b"\x0b\x05\x04\x00\x01\x00\x02\x00\x03\x07\x02\x01ab", Fragment(reference=7, total=2, number=1), b"ab"),
        (b"\x05\x00\x03\x01\x02\x00ab", None, b"ab"),
        (b"\x05\x00\x03\x01\x02\x03ab", None, b"ab"),
        (b"\x05\x00\x03\x01\x01\x01ab", None, b"ab"),
        (b"\x20ab", None, b"\x20ab"),
        (b"", None, b""),
    ],
)
def test_headers_as_networks_send_them(octets: bytes, fragment: Fragment | None, content: bytes) -> None:
    assert split_header(octets) == (fragment, content)


@given(BYTE, BYTE, BYTE)
def test_a_place_outside_the_message_is_none(reference: int, total: int, number: int) -> None:
    assert (placed(reference, total, number) is not None) == (total > 1 and 1 <= number <= total)
