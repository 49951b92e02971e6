"""RTP headers: what is legal is read, what is not is refused, never a crash."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from channels.media import rtp
from channels.media.rtp import Headers, MalformedPacket, Packet

PACKETS = st.builds(
    Packet,
    payload_type=st.integers(0, 127),
    sequence=st.integers(0, 0xFFFF),
    timestamp=st.integers(0, 0xFFFFFFFF),
    ssrc=st.integers(0, 0xFFFFFFFF),
    payload=st.binary(max_size=200),
    marker=st.booleans(),
)


@given(PACKETS)
def test_a_packet_survives_the_wire(packet: Packet) -> None:
    assert rtp.parse(packet.encode()) == packet


@given(st.binary(max_size=100))
def test_any_octets_are_a_packet_or_refused(octets: bytes) -> None:
    try:
        start, end = rtp.payload_span(octets)
    except MalformedPacket:
        return
    assert rtp.HEADER_SIZE <= start <= end <= len(octets)


@given(PACKETS, st.lists(st.binary(min_size=4, max_size=4), max_size=15), st.integers(0, 5), st.integers(1, 30))
def test_sources_extension_and_padding_are_taken_off(
    packet: Packet, sources: list[bytes], words: int, padding: int
) -> None:
    plain = packet.encode()
    first = 0x80 | 0x20 | 0x10 | len(sources)
    extension = b"\xbe\xde" + words.to_bytes(2, "big") + bytes(4 * words)
    decorated = bytes([first]) + plain[1:12] + b"".join(sources) + extension + packet.payload
    decorated += bytes(padding - 1) + bytes([padding])

    assert rtp.parse(decorated) == packet


@pytest.mark.parametrize(
    "octets",
    [
        b"",
        bytes(11),
        b"\x00" + bytes(20),
        b"\xc0" + bytes(20),
        b"\x8f" + bytes(20),
        b"\x90" + bytes(11) + b"\x00\x00\x00",
        b"\x90" + bytes(11) + b"\x00\x00\x00\x05",
        b"\xa0" + bytes(20) + b"\x00",
        b"\xa0" + bytes(20) + b"\xff",
    ],
)
def test_what_is_no_rtp_is_refused(octets: bytes) -> None:
    with pytest.raises(MalformedPacket):
        rtp.parse(octets)


@given(st.lists(PACKETS, min_size=1, max_size=5))
def test_columns_of_headers_say_the_same_as_single_ones(packets: list[Packet]) -> None:
    matrix = np.zeros((len(packets), 40), np.uint8)
    headers = Headers(
        np.array([packet.payload_type for packet in packets], np.uint8),
        np.array([packet.marker for packet in packets]),
        np.array([packet.sequence for packet in packets], np.uint16),
        np.array([packet.timestamp for packet in packets], np.uint32),
        np.array([packet.ssrc for packet in packets], np.uint32),
    )
    rtp.write_headers(matrix, headers)

    assert [row[:12].tobytes() for row in matrix] == [packet.encode()[:12] for packet in packets]
    read = rtp.read_headers(matrix)
    assert [int(each) for each in read.timestamp] == [packet.timestamp for packet in packets]
    assert [bool(each) for each in read.marker] == [packet.marker for packet in packets]
    assert [int(each) for each in read.sequence] == [packet.sequence for packet in packets]
