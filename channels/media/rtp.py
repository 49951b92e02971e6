"""RTP headers (RFC 3550 5.1, 5.3.1): one packet at a time, and as the columns of a matrix of packets."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

HEADER_SIZE: Final = 12
PLAIN: Final = 0x80
"""The first octet of a packet of version 2 without padding, extension or contributing sources."""

_HEADER: Final = struct.Struct("!BBHII")


class MalformedPacket(ValueError):
    """A datagram that is not an RTP packet; to be counted and dropped."""


@dataclass(frozen=True, slots=True)
class Packet:
    """One RTP packet; ``payload`` excludes CSRCs, header extension and padding."""

    payload_type: int
    sequence: int
    timestamp: int
    ssrc: int
    payload: bytes
    marker: bool = False

    def encode(self) -> bytes:
        """Return the packet as it goes on the wire."""
        second = self.payload_type | (0x80 if self.marker else 0)
        return _HEADER.pack(PLAIN, second, self.sequence, self.timestamp, self.ssrc) + self.payload


def parse(datagram: bytes | memoryview) -> Packet:
    """Read one datagram; raises `MalformedPacket` if it is no RTP packet of version 2."""
    start, end = payload_span(datagram)
    _, second, sequence, timestamp, ssrc = _HEADER.unpack_from(datagram)
    return Packet(second & 0x7F, sequence, timestamp, ssrc, bytes(datagram[start:end]), bool(second & 0x80))


def payload_span(datagram: bytes | memoryview) -> tuple[int, int]:
    """Return where the payload starts and ends; raises `MalformedPacket`."""
    size = len(datagram)
    if size < HEADER_SIZE:
        raise MalformedPacket(f"{size} octets are no RTP packet")
    first = datagram[0]
    if first >> 6 != 2:
        raise MalformedPacket(f"RTP version {first >> 6}")
    start, end = HEADER_SIZE + 4 * (first & 15), size
    if first & 0x10:
        if start + 4 > size:
            raise MalformedPacket("header extension cut off")
        start += 4 + 4 * int.from_bytes(datagram[start + 2 : start + 4], "big")
    if first & 0x20:
        end -= datagram[-1] or size
    if start > end:
        raise MalformedPacket(f"payload from {start} to {end} of {size} octets")
    return start, end


@dataclass(frozen=True, slots=True)
class Headers:
    """The headers of n packets as columns, each [n]."""

    payload_type: npt.NDArray[np.uint8]
    marker: npt.NDArray[np.bool_]
    sequence: npt.NDArray[np.uint16]
    timestamp: npt.NDArray[np.uint32]
    ssrc: npt.NDArray[np.uint32]


def read_headers(packets: npt.NDArray[np.uint8]) -> Headers:
    """Read the fixed headers of *packets* (uint8 [n, >= 12]), whose version has been checked."""
    fixed = np.ascontiguousarray(packets[:, :HEADER_SIZE])
    words = fixed.view(">u4")
    return Headers(
        payload_type=(fixed[:, 1] & 0x7F).astype(np.uint8),
        marker=fixed[:, 1] >= 0x80,
        sequence=fixed.view(">u2")[:, 1].astype(np.uint16),
        timestamp=words[:, 1].astype(np.uint32),
        ssrc=words[:, 2].astype(np.uint32),
    )


def write_headers(packets: npt.NDArray[np.uint8], headers: Headers) -> None:
    """Write *headers* into the first 12 octets of *packets* (uint8 [n, >= 12])."""
    fixed = np.empty((len(packets), HEADER_SIZE), np.uint8)
    fixed[:, 0] = PLAIN
    fixed[:, 1] = headers.payload_type | (headers.marker.astype(np.uint8) << 7)
    fixed.view(">u2")[:, 1] = headers.sequence
    words = fixed.view(">u4")
    words[:, 1] = headers.timestamp
    words[:, 2] = headers.ssrc
    packets[:, :HEADER_SIZE] = fixed
