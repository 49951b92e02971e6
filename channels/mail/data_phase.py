"""What comes after 354: octets of one message up to the line that holds a dot alone (RFC 5321 4.1.1.4, 4.5.2).

Only CR LF counts as the end of a line here, so that nobody can smuggle a second message behind a bare LF.
"""

from __future__ import annotations

_END = b"\r\n.\r\n"


class DataPhase:
    """Collects one message of at most *largest* octets; of a larger one only its end is looked for."""

    def __init__(self, largest: int) -> None:
        self._largest = largest
        self._octets = bytearray(b"\r\n")  # as if a line had ended before: the first one may be the dot
        self.is_too_large = False
        self.is_complete = False
        self.rest = b""
        """What came behind the message: the peer's next commands."""

    def feed(self, octets: bytes) -> None:
        """Take the next *octets* from the peer, as they come."""
        searched = max(0, len(self._octets) - len(_END) + 1)
        self._octets += octets
        end = self._octets.find(_END, searched)
        if end >= 0:
            self.is_complete = True
            self.rest = bytes(self._octets[end + len(_END) :])
            del self._octets[end + 2 :]
        if len(self._octets) - 2 > self._largest:
            self.is_too_large = True
        if self.is_too_large:
            del self._octets[: -len(_END)]

    @property
    def message(self) -> bytes:
        """The message, its dots no longer doubled."""
        octets = bytes(self._octets)
        return (octets.replace(b"\r\n.", b"\r\n") if b"\r\n." in octets else octets)[2:]
