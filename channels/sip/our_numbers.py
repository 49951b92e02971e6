"""Which numbers are the hotline's own (RFC 3966): its own, by trunk, and those of lines that were merged into it.

Pure. Numbers are compared as telephones, not as text, in whatever form they were dialled.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from channels.sip.numbers import Number, number_of, read_number
from channels.sip.uri import Uri


class OurNumbers:
    """``by_trunk`` gives for a trunk the numbers that are ours there; all others, and telephones, have *hotline*."""

    def __init__(
        self, hotline: str, *, by_trunk: Mapping[str, Sequence[str]], merged: Sequence[str] = (), home_area: str = ""
    ) -> None:
        self._home_area = home_area
        self._hotline = (self._read(hotline),)
        self._by_trunk = {trunk: tuple(map(self._read, numbers)) for trunk, numbers in by_trunk.items() if numbers}
        self._merged = [(number, self._read(number)) for number in merged]

    def is_ours(self, peer: str, uri: Uri) -> bool:
        """Whether a call or referral of *peer* (a trunk's name, or a telephone's) to *uri* means the hotline."""
        called = number_of(uri, home_area=self._home_area)
        own = any(called.is_same_as(number) for number in self._by_trunk.get(peer, self._hotline))
        return own or self.merged((uri,)) != ""

    def merged(self, called: Iterable[Uri]) -> str:
        """Return the merged number, as configured, that is the first among *called*; "" for none."""
        for uri in called:
            number = number_of(uri, home_area=self._home_area)
            for configured, known in self._merged:
                if number.is_same_as(known):
                    return configured
        return ""

    def _read(self, text: str) -> Number:
        return read_number(text, home_area=self._home_area)
