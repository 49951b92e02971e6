"""Keys for SRTP in session descriptions: ``a=crypto`` lines (SDES, RFC 4568; suites of its 6.2 and of RFC 7714 14.2).

A key in a description is as secret as the signalling that carries it: whoever calls this sees to TLS.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum

KEY_LENGTHS: Mapping[str, int] = {
    "AES_CM_128_HMAC_SHA1_80": 30,
    "AES_CM_128_HMAC_SHA1_32": 30,
    "AEAD_AES_128_GCM": 28,
    "AEAD_AES_256_GCM": 44,
}
"""The suites we know, and how many octets master key and salt have together in each."""
OFFERED = ("AES_CM_128_HMAC_SHA1_80", "AES_CM_128_HMAC_SHA1_32")

_crypto = re.compile(r"([0-9]{1,9}) ++(\S++) ++(\S++)((?: ++\S++)*+) *+", re.ASCII).fullmatch
_inline = re.compile(r"inline:([A-Za-z0-9+/=]++)(?:\|(?:2\^[0-9]{1,2}|[0-9]{1,15}))?", re.ASCII).fullmatch
_HINT = "WSH="
"""The one session parameter that asks for nothing (RFC 4568 6.3.7)."""


class Srtp(Enum):
    """Whether a leg's sound may be, or must be, sealed."""

    OFF = "off"
    OFFERED = "offered"
    REQUIRED = "required"


@dataclass(frozen=True, slots=True, kw_only=True)
class Crypto:
    """One ``a=crypto`` line: a suite and the key under which its writer sends."""

    tag: int
    suite: str
    key: bytes = field(repr=False)

    @classmethod
    def parse(cls, value: str) -> Crypto | None:
        """Read what follows ``a=crypto:``.

        None if we cannot use it: an unknown suite, several keys, a key identifier (MKI), a parameter that changes how
        packets are sealed, or nonsense.
        """
        line = _crypto(value)
        if line is None:
            return None
        tag, suite, keys, parameters = line.groups()
        inline = _inline(keys)
        if inline is None or any(not each.startswith(_HINT) for each in parameters.split()):
            return None
        try:
            key = base64.b64decode(inline[1], validate=True)
        except (binascii.Error, ValueError):
            return None
        return cls(tag=int(tag), suite=suite, key=key) if KEY_LENGTHS.get(suite) == len(key) else None

    def encode(self) -> str:
        """Return what follows ``a=crypto:``."""
        return f"{self.tag} {self.suite} inline:{base64.b64encode(self.key).decode('ascii')}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sealed:
    """What two ``a=crypto`` lines have agreed on: the suite, the key we send under, and the one the peer does."""

    suite: str
    local: bytes = field(repr=False)
    remote: bytes = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sealing:
    """What one leg of ours does about SRTP: *keys* are its own, one for each suite it can."""

    policy: Srtp = Srtp.OFF
    keys: Mapping[str, bytes] = field(default_factory=dict, repr=False)

    def lines(self) -> tuple[Crypto, ...]:
        """Return what an offer has."""
        if self.policy is Srtp.OFF:
            return ()
        suites = [suite for suite in OFFERED if suite in self.keys]
        return tuple(Crypto(tag=tag, suite=suite, key=self.keys[suite]) for tag, suite in enumerate(suites, 1))

    def answer(self, offered: Sequence[Crypto]) -> tuple[Crypto, Sealed] | None:
        """Return the line that answers the best of *offered*, and what is agreed then; None leaves it in clear."""
        if self.policy is Srtp.OFF:
            return None
        for theirs in offered:
            if (ours := self.keys.get(theirs.suite)) is not None:
                answer = Crypto(tag=theirs.tag, suite=theirs.suite, key=ours)
                return answer, Sealed(suite=theirs.suite, local=ours, remote=theirs.key)
        return None


CLEAR = Sealing()


def agreed(offered: Sequence[Crypto], answered: Sequence[Crypto]) -> Sealed | None:
    """Return what an answer makes of our offer; None if it takes none of our lines (RFC 4568 5.1.3)."""
    for theirs in answered:
        for ours in offered:
            if (ours.tag, ours.suite) == (theirs.tag, theirs.suite):
                return Sealed(suite=ours.suite, local=ours.key, remote=theirs.key)
    return None
