"""RTCP packets survive the wire; noise is refused, and what is not known passed over."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from channels.media import rtcp
from channels.media.rtcp import Block, MalformedReport, Report, Sender

WORD = st.integers(0, 0xFFFFFFFF)
BLOCKS = st.builds(
    Block,
    ssrc=WORD,
    fraction_lost=st.integers(0, 255),
    lost=st.integers(-0x800000, 0x7FFFFF),
    highest=WORD,
    jitter=WORD,
    last_report=WORD,
    delay=WORD,
)
SENDERS = st.builds(Sender, ntp=st.integers(0, (1 << 64) - 1), timestamp=WORD, packets=WORD, octets=WORD)


@given(WORD, st.none() | SENDERS, st.lists(BLOCKS, max_size=31), st.text(max_size=70), st.booleans())
def test_a_report_survives_the_wire(
    ssrc: int, sender: Sender | None, blocks: list[Block], name: str, goodbye: bool
) -> None:
    octets = Report(ssrc, sender, blocks, name, goodbye).encode()
    read = rtcp.parse(octets)

    assert len(octets) % 4 == 0
    assert read[0] == Report(ssrc, sender, blocks)
    assert [each.goodbye for each in read[1:]] == [True] * goodbye
    assert name.encode()[:255] in octets


@given(st.binary(max_size=120))
def test_any_octets_are_read_or_refused(octets: bytes) -> None:
    try:
        rtcp.parse(octets)
    except MalformedReport:
        return


@pytest.mark.parametrize(
    "octets",
    [
        b"\x80",
        b"\x40\xc9\x00\x01" + bytes(4),
        b"\x80\xc9\x00\x02" + bytes(4),
        b"\x81\xc9\x00\x01" + bytes(4),
        b"\x80\xc8\x00\x01" + bytes(4),
        b"\x80\xc9\x00\x00" + bytes(4),
    ],
)
def test_what_is_no_report_is_refused(octets: bytes) -> None:
    with pytest.raises(MalformedReport):
        rtcp.parse(octets)


def test_packets_of_other_kinds_are_passed_over() -> None:
    application = struct.pack("!BBHI4s", 0x80, 204, 2, 5, b"test")

    assert rtcp.parse(application + Report(9).encode()) == [Report(9)]


def test_the_middle_of_an_ntp_timestamp_counts_in_2_to_the_minus_16_seconds() -> None:
    assert rtcp.middle(rtcp.ntp(1000.5)) - rtcp.middle(rtcp.ntp(1000.0)) == 32768
    assert rtcp.ntp(0.0) >> 32 == 2208988800
