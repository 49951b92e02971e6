"""Frames on a byte stream between our own processes: a 4-byte big-endian length, then that many bytes.

Pure: bytes in, frames out. It knows nothing of what a frame carries.
"""

from __future__ import annotations

from gateway.domain.errors import PeerError

HEADER = 4
LONGEST = 16 * 1024 * 1024


def frame(payload: bytes) -> bytes:
    """Return *payload* as it goes on the wire."""
    return len(payload).to_bytes(HEADER, "big") + payload


class FrameReader:
    """Cuts a byte stream back into the frames that were written to it."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, received: bytes) -> list[bytes]:
        """Return the payloads completed by *received*, in order.

        Raises:
            PeerError: a frame longer than ``LONGEST`` was announced; the stream is beyond repair.
        """
        self._buffer += received
        payloads = []
        while len(self._buffer) >= HEADER:
            length = int.from_bytes(self._buffer[:HEADER], "big")
            if length > LONGEST:
                raise PeerError(f"a frame of {length} bytes was announced, the limit is {LONGEST}")
            if len(self._buffer) < HEADER + length:
                break
            payloads.append(bytes(self._buffer[HEADER : HEADER + length]))
            del self._buffer[: HEADER + length]
        return payloads
