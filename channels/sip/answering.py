"""Our answers to INVITEs, the first and later ones, each sent again until its ACK comes (RFC 3261 13.3.1.4)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from channels.sip.exchange import IncomingRequest, RepeatedAnswer
from channels.sip.message import Request, Response


@dataclass(frozen=True, slots=True)
class _Waiting:
    repeated: RepeatedAnswer
    holds_offer: bool
    on_ack: Callable[[Request], None]


class UnacknowledgedAnswers:
    """The 2xx of one dialog that still wait for their ACK, by CSeq."""

    def __init__(self) -> None:
        self._waiting: dict[int, _Waiting] = {}
        self._none = asyncio.Event()
        self._none.set()

    @property
    def holds_offer(self) -> bool:
        """Whether an offer of ours is under way in one of them (late offer): then no other may be made."""
        return any(waiting.holds_offer for waiting in self._waiting.values())

    async def wait_none(self) -> None:
        """Wait until every answer is acknowledged or given up."""
        await self._none.wait()

    def send(
        self,
        invite: IncomingRequest,
        response: Response,
        *,
        holds_offer: bool,
        on_ack: Callable[[Request], None],
        on_silence: Callable[[], None],
    ) -> None:
        """Send a 2xx; then either *on_ack* is called, or *on_silence* after 64*T1."""
        number = invite.request.cseq[0]

        def give_up() -> None:
            self._take(number)
            on_silence()

        repeated = invite.answer_until_acknowledged(response, give_up)
        self._waiting[number] = _Waiting(repeated, holds_offer, on_ack)
        self._none.clear()

    def acknowledge(self, ack: Request) -> None:
        """Take in an ACK; one sent again, or for nothing we wait for, is ignored."""
        waiting = self._take(ack.cseq[0])
        if waiting is not None:
            waiting.repeated.stop()
            waiting.on_ack(ack)

    def stop(self) -> None:
        """Send none of them again: the dialog is over."""
        for number in list(self._waiting):
            waiting = self._take(number)
            if waiting is not None:
                waiting.repeated.stop()

    def _take(self, number: int) -> _Waiting | None:
        waiting = self._waiting.pop(number, None)
        if not self._waiting:
            self._none.set()
        return waiting
