"""SRTP (RFC 3711) with keys from the signalling (SDES, RFC 4568): packets sealed and opened for one leg, by libsrtp."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from pylibsrtp import Error, Policy, Session

MOST_ADDED: Final = 16
"""Octets by which sealing lengthens an RTP packet at most."""

_SUITES: Final = {
    "AES_CM_128_HMAC_SHA1_80": (Policy.SRTP_PROFILE_AES128_CM_SHA1_80, 30),
    "AES_CM_128_HMAC_SHA1_32": (Policy.SRTP_PROFILE_AES128_CM_SHA1_32, 30),
    "AEAD_AES_128_GCM": (Policy.SRTP_PROFILE_AEAD_AES_128_GCM, 28),
    "AEAD_AES_256_GCM": (Policy.SRTP_PROFILE_AEAD_AES_256_GCM, 44),
}
SUITES: Final = tuple(_SUITES)
"""The crypto suites of RFC 4568 6.2 and RFC 7714 12, best first for a trunk that knows them all."""


class NotAuthentic(Exception):
    """A packet that is not sealed with the far end's key, or was seen before."""


@dataclass(frozen=True, slots=True)
class SrtpKeys:
    """What the two ``a=crypto`` lines of a leg agreed on; keys are master key and salt, as ``inline:`` has them.

    *local* seals what we send, *remote* what the far end does. Raises ValueError on an unknown suite or a wrong length.
    """

    suite: str
    local: bytes = field(repr=False)
    remote: bytes = field(repr=False)

    def __post_init__(self) -> None:
        if self.suite not in _SUITES:
            raise ValueError(f"crypto suite {self.suite!r}; known are {', '.join(SUITES)}")
        length = _SUITES[self.suite][1]
        if not len(self.local) == len(self.remote) == length:
            raise ValueError(
                f"{self.suite} wants keys of {length} octets, not {len(self.local)} and {len(self.remote)}"
            )


def key_length(suite: str) -> int:
    """Return how many octets a master key and its salt have together in *suite*; raises KeyError."""
    return _SUITES[suite][1]


class SecureStream:
    """Both directions of one leg, with their rollover counters and replay windows (RFC 3711 3.3)."""

    def __init__(self, keys: SrtpKeys) -> None:
        self._keys = keys
        self._outward, self._inward = _outward(keys), _inward(keys)

    def change_keys(self, keys: SrtpKeys) -> None:
        """Take *keys* from here on; a direction whose key stays keeps its counter and window (RFC 3711 3.2.1)."""
        before, self._keys = self._keys, keys
        if (keys.suite, keys.local) != (before.suite, before.local):
            self._outward = _outward(keys)
        if (keys.suite, keys.remote) != (before.suite, before.remote):
            self._inward = _inward(keys)

    def seal(self, packet: bytes) -> bytes:
        """Return an RTP packet as it goes on the wire."""
        return self._outward.protect(packet)

    def seal_report(self, packet: bytes) -> bytes:
        """Return an RTCP packet as it goes on the wire."""
        return self._outward.protect_rtcp(packet)

    def open(self, datagram: bytes) -> bytes:
        """Return the RTP packet in *datagram*; raises `NotAuthentic`."""
        try:
            return self._inward.unprotect(datagram)
        except (Error, TypeError) as error:
            raise NotAuthentic(str(error)) from error

    def open_report(self, datagram: bytes) -> bytes:
        """Return the RTCP packet in *datagram*; raises `NotAuthentic`."""
        try:
            return self._inward.unprotect_rtcp(datagram)
        except (Error, TypeError) as error:
            raise NotAuthentic(str(error)) from error


def _outward(keys: SrtpKeys) -> Session:
    return Session(Policy(keys.local, Policy.SSRC_ANY_OUTBOUND, srtp_profile=_SUITES[keys.suite][0]))


def _inward(keys: SrtpKeys) -> Session:
    return Session(Policy(keys.remote, Policy.SSRC_ANY_INBOUND, srtp_profile=_SUITES[keys.suite][0]))
