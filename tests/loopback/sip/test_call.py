"""Two user agents on the loopback call each other."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from channels.sip.connections import Target
from channels.sip.session import Session
from channels.sip.session_events import Answered, Ended, Progress, SessionState
from channels.sip.user_agent import UserAgent
from tests.fakes.sip import HOTLINE, Listener, answer_call, callee, offer, tcp, udp, user_agent


class Desk:
    """Answers every call and keeps the sessions."""

    def __init__(self) -> None:
        self.sessions: asyncio.Queue[Session] = asyncio.Queue()

    async def answer(self, session: Session) -> None:
        await answer_call(session)
        self.sessions.put_nowait(session)

    async def keep(self, session: Session) -> None:
        self.sessions.put_nowait(session)


@pytest.mark.parametrize("transport", [udp, tcp])
async def test_a_call_is_made_taken_and_ended_by_the_caller(transport: Callable[[UserAgent], Target]) -> None:
    desk = Desk()
    async with user_agent(desk.answer) as called, user_agent() as calling:
        session = await calling.invite(callee(transport(called)), offer=offer(), from_=HOTLINE)
        caller = Listener(session)
        progress = [await caller.next(Progress), await caller.next(Progress)]
        answered = await caller.next(Answered)
        theirs = await desk.sessions.get()
        desk_side = Listener(theirs)
        await desk_side.next(Answered)
        await session.hang_up("done")
        ended = await desk_side.next(Ended)

        assert [each.status for each in progress] == [100, 180]
        assert answered.description is not None
        assert theirs.called.user == "119"
        assert theirs.caller.display == "12345热线"
        assert ended == Ended(by_peer=True, reason="")
        assert session.state is SessionState.ENDED
        assert not called.sessions
        assert not calling.sessions
