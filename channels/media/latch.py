"""Symmetric RTP with care: which source a leg listens to, and where it sends (RFC 4961, RFC 7362 5).

The far end's real address may differ from the one it signalled (NAT), so the leg follows the packets; but not at the
word of one packet, which anybody can forge. Another source is followed only after `CONVINCING` packets of one stream
in a row while the present one has been silent for `PATIENCE` seconds. The signalled address itself is always believed.
"""

from __future__ import annotations

from typing import Final

from channels.media.address import Address

CONVINCING: Final = 5
PATIENCE: Final = 0.5


class Latch:
    """One leg's far end: the address it signalled, and the one it is followed to."""

    __slots__ = ("_candidate", "_candidate_count", "_candidate_sequence", "_signalled", "target")

    def __init__(self) -> None:
        """Start without a far end: nothing is believed, nothing is sent."""
        self.target: Address | None = None
        self._signalled: Address | None = None
        self._candidate: tuple[Address, int] | None = None
        self._candidate_count = 0
        self._candidate_sequence = 0

    def signal(self, address: Address) -> bool:
        """Take the address from an SDP; return False if it is the one signalled before, which keeps what was learnt."""
        if address == self._signalled:
            return False
        self._signalled = self.target = address
        self._candidate = None
        return True

    def admits(self, source: Address, ssrc: int, sequence: int, silence: float) -> bool:
        """Say whether a packet from *source*, other than `target`, is the far end's; it is `target` from then on.

        *silence* is how many seconds `target` has not been heard, infinite if never.
        """
        if self._signalled is None:
            return False
        if source == self._signalled:
            return self._follow(source)
        if silence < PATIENCE:
            self._candidate = None
            return False
        continues = self._candidate == (source, ssrc) and 0 < (sequence - self._candidate_sequence) & 0xFFFF < 8
        self._candidate_count = self._candidate_count + 1 if continues else 1
        self._candidate, self._candidate_sequence = (source, ssrc), sequence
        return self._candidate_count >= CONVINCING and self._follow(source)

    def _follow(self, source: Address) -> bool:
        self.target = source
        self._candidate = None
        return True
