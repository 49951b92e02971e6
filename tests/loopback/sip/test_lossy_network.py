"""Calls over a network that loses every tenth datagram, both ways."""

from __future__ import annotations

import asyncio

from channels.sip.connections import Target
from channels.sip.session import Session
from channels.sip.session_events import Answered, Ended
from channels.sip.user_agent import Trunk
from tests.fakes.sip import HOTLINE, LIMIT, Listener, answer_call, callee, offer, udp, user_agent
from tests.peers.relay import Relay

CALLS = 30
TRUNK = Trunk(name="loopback", target=Target("udp", "127.0.0.1", 5060), keeps_way=True)


async def test_thirty_calls_are_all_set_up_and_torn_down() -> None:
    taken: list[tuple[Listener, Session]] = []

    async def take(session: Session) -> None:
        taken.append((Listener(session), session))
        await answer_call(session)

    async with (
        user_agent(take, trunks=[TRUNK]) as called,
        user_agent(trunks=[TRUNK]) as calling,
        Relay((udp(called).host, udp(called).port), loss=0.1, seed=12345) as relay,
    ):

        async def call(number: int) -> None:
            session = await calling.invite(callee(Target("udp", *relay.address)), offer=offer(), from_=HOTLINE)
            await Listener(session).next(Answered)
            if number % 2:
                await session.hang_up("done")

        async with asyncio.TaskGroup() as calls:
            for number in range(CALLS):
                calls.create_task(call(number))
        for listener, session in taken[: CALLS // 2]:
            await session.hang_up("done")
            await listener.next(Ended)
        async with asyncio.timeout(LIMIT):
            while called.sessions or calling.sessions:
                session = (*called.sessions, *calling.sessions)[0]
                await session.hang_up("done")

        assert len(taken) == CALLS
        assert relay.dropped > 10
        assert relay.carried > 200
