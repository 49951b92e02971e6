"""The reliable provisional answers to one INVITE (RFC 3262 3): one at a time, each again until its PRACK comes.

Shell.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from channels.sip.capabilities import RELIABLE
from channels.sip.exchange import IncomingRequest, RepeatedAnswer
from channels.sip.message import Response
from channels.sip.reliability import FIRST_RSEQ, Acknowledged

MOST_WAITING = 8


@dataclass(frozen=True, slots=True)
class _Waiting:
    response: Response
    holds_description: bool


class ReliableProvisionals:
    """What has been sent and waits for its PRACK, and what waits to be sent after it; *on_silence* when none comes."""

    def __init__(self, invite: IncomingRequest, on_silence: Callable[[], None]) -> None:
        self._invite = invite
        self._on_silence = on_silence
        self._next_rseq = FIRST_RSEQ
        self._queue: deque[_Waiting] = deque(maxlen=MOST_WAITING)
        self._repeated: RepeatedAnswer | None = None
        self._no_description_waits = asyncio.Event()
        self._no_description_waits.set()

    def send(self, response: Response, *, holds_description: bool) -> None:
        """Send a provisional answer, or keep it until those before it are acknowledged."""
        self._queue.append(_Waiting(response, holds_description))
        if holds_description:
            self._no_description_waits.clear()
        if self._repeated is None:
            self._send_next()

    def acknowledge(self, acknowledged: Acknowledged) -> bool:
        """Take in a PRACK; False when nothing it names waits for one."""
        expected = Acknowledged(self._next_rseq - 1, self._invite.request.cseq[0])
        if self._repeated is None or acknowledged != expected:
            return False
        self._repeated.stop()
        self._repeated = None
        self._queue.popleft()
        if not any(waiting.holds_description for waiting in self._queue):
            self._no_description_waits.set()
        return True

    def go_on(self) -> None:
        """Send what waited for the last acknowledgement."""
        if self._queue and self._repeated is None:
            self._send_next()

    @property
    def holds_description(self) -> bool:
        """Whether a description of ours is not acknowledged yet."""
        return not self._no_description_waits.is_set()

    async def wait_no_description(self) -> None:
        """Wait until no description is unacknowledged: a 2xx must wait for that (RFC 3262 3)."""
        await self._no_description_waits.wait()

    def stop(self) -> None:
        """The INVITE is answered, or the session over: nothing is sent again."""
        self._queue.clear()
        if self._repeated is not None:
            self._repeated.stop()
            self._repeated = None
        self._no_description_waits.set()

    def _send_next(self) -> None:
        response = self._queue[0].response
        response.headers.add("Require", RELIABLE)
        response.headers.add("RSeq", str(self._next_rseq))
        self._next_rseq += 1
        self._repeated = self._invite.repeat_until_acknowledged(response, self._give_up)

    def _give_up(self) -> None:
        self.stop()
        self._on_silence()
