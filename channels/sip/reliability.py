"""Reliable provisional answers (RFC 3262): their numbers, their acknowledgement, and when they are sent again.

Pure. RSeq numbers a provisional answer, RAck in a PRACK names the one it acknowledges.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from channels.sip.capabilities import RELIABLE, requires
from channels.sip.message import Response
from channels.sip.server_transaction import AnswerRepeat
from channels.sip.transaction import Timers

MOST_RSEQ = 2**32 - 1
FIRST_RSEQ = 1

_rack = re.compile(r"([0-9]{1,10})[ \t]++([0-9]{1,10})[ \t]++(\S++)", re.ASCII).fullmatch


@dataclass(frozen=True, slots=True)
class Acknowledged:
    """What RAck says: the answer's RSeq, and the CSeq of the request it answered."""

    rseq: int
    cseq: int
    method: str = "INVITE"

    @classmethod
    def parse(cls, text: str) -> Acknowledged:
        """Read a RAck value. Raises ValueError."""
        found = _rack(text)
        if not found:
            raise ValueError("malformed RAck")
        return cls(int(found[1]), int(found[2]), found[3])

    def __str__(self) -> str:
        return f"{self.rseq} {self.cseq} {self.method}"


def rseq_of(response: Response) -> int | None:
    """Return the RSeq of an answer that must be acknowledged, None for any other (RFC 3262 4)."""
    text = response.headers.get("RSeq") or ""
    if not 100 < response.status < 200 or not requires(response, RELIABLE):
        return None
    if not (text.isascii() and text.isdigit() and len(text) <= 10 and 0 < int(text) <= MOST_RSEQ):
        return None
    return int(text)


class InOrder:
    """The reliable answers of one early dialog, as the caller takes them: the first, and then each next one."""

    def __init__(self) -> None:
        self._last: int | None = None

    def accepts(self, rseq: int) -> bool:
        """Whether this answer is the next; one that came before, or skips one, is not acknowledged (RFC 3262 4)."""
        if self._last is not None and rseq != self._last + 1:
            return False
        self._last = rseq
        return True


class ProvisionalRepeat(AnswerRepeat):
    """A reliable provisional answer, sent again at doubling intervals from T1 until its PRACK (RFC 3262 3)."""

    def __init__(self, response: Response, *, timers: Timers) -> None:
        super().__init__(response, timers=timers)
        self._longest = timers.limit
