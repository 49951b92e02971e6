"""SIPp holds our stack to the extensions of a carrier's trunk: PRACK, UPDATE, session timers."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from channels.sip.connections import Target
from channels.sip.session_events import Answered, Progress
from channels.sip.session_timer import TimerPolicy
from channels.sip.transaction import Timers
from tests.fakes.sip import HOTLINE, Listener, callee, offer, user_agent
from tests.peers.baresip import free_ports
from tests.peers.sipp import Sipp

pytestmark = pytest.mark.peer("sipp")

TIMER = TimerPolicy(interval=2, least=1)


async def test_early_media_is_acknowledged_and_the_call_refreshed(tmp_path: Path) -> None:
    (port,) = free_ports(1)
    async with (
        user_agent(session_timer=TIMER, timers=Timers()) as agent,
        Sipp(tmp_path, "desk_reliable", port=port, options=["-nr"]) as desk,
    ):
        session = await agent.invite(callee(Target("udp", "127.0.0.1", port)), offer=offer(), from_=HOTLINE)
        listener = Listener(session)
        early = await listener.next(Progress)
        while early.status != 183:
            early = await listener.next(Progress)
        answered = await listener.next(Answered)
        while not await desk.has_heard("UPDATE sip:"):  # noqa: ASYNC110 - told only by SIPp's log
            await asyncio.sleep(0.05)
        await session.hang_up()
        await desk.done()

    assert early.description is not None
    assert answered.description == early.description
