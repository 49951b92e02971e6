"""Trunks in and out of service, and trunks that want us registered."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from channels.sip.connections import Target
from channels.sip.digest import Credentials, DigestServer, Verdict
from channels.sip.message import Request, make_response
from channels.sip.trunk_watch import TrunkWatch, WatchTimes
from channels.sip.user_agent import Trunk, UserAgent
from tests.fakes.sip import HOTLINE, LIMIT, offer, udp, user_agent
from tests.fakes.sip_peer import RawPeer

QUICK = WatchTimes(interval=0.05, limit=0.05)
ROUTE = "<sip:127.0.0.1:5099;lr>"


class Watched:
    """A peer as trunk, our user agent that watches it, and what was told."""

    def __init__(self, peer: RawPeer, agent: UserAgent, watch: TrunkWatch, told: asyncio.Queue[str]) -> None:
        self.peer = peer
        self.agent = agent
        self.watch = watch
        self.told = told

    @property
    def us(self) -> Target:
        return udp(self.agent)

    async def next(self) -> str:
        async with asyncio.timeout(LIMIT):
            return await self.told.get()


@asynccontextmanager
async def watched(times: WatchTimes = QUICK, **more: object) -> AsyncIterator[Watched]:
    told: asyncio.Queue[str] = asyncio.Queue()
    async with RawPeer() as peer:
        trunk = Trunk(name="carrier", target=peer.target, **more)  # type: ignore[arg-type]
        async with user_agent(trunks=[trunk]) as agent:
            watch = TrunkWatch(agent, [trunk], times, on_change=lambda name, status: told.put_nowait(status))
            running = asyncio.create_task(watch.run())
            try:
                yield Watched(peer, agent, watch, told)
            finally:
                running.cancel()
                await asyncio.gather(running, return_exceptions=True)
                agent.hang_up_limit = 0


@pytest.mark.parametrize(("status", "word"), [(200, "in service"), (404, "in service"), (503, "out of service")])
async def test_any_answer_but_no_service_is_service(status: int, word: str) -> None:
    async with watched(WatchTimes(interval=60, limit=LIMIT)) as line:
        assert line.watch.is_in_service("carrier")
        options = await line.peer.request("OPTIONS")
        line.peer.reply(options, status, line.us)

        assert await line.next() == word
        state = line.watch.states["carrier"]
        assert (state.status, state.answer) == (word, status)
        assert state.answered_at is not None
        assert state.answered_at <= state.since
        assert line.watch.is_in_service("carrier") is (word == "in service")


async def test_a_silent_trunk_is_out_of_service_until_it_answers_again() -> None:
    async with watched() as line:
        assert await line.next() == "out of service"
        silent = line.watch.states["carrier"]
        assert (silent.answer, silent.answered_at) == (None, None)
        while line.told.empty():
            line.peer.reply(await line.peer.request("OPTIONS"), 200, line.us)

        assert await line.next() == "in service"
        assert line.watch.states["carrier"].answer == 200
        assert line.watch.states["carrier"].since >= silent.since


async def challenge(line: Watched) -> Request:
    """Let our REGISTER prove its password and be too brief once; return the one that is granted."""
    server = DigestServer("ims.invalid", b"key", algorithms=("MD5",))
    first = await line.peer.request("REGISTER")
    refusal = make_response(first, 401, to_tag="r")
    for name, value in server.challenge(0.0):
        refusal.headers.add(name, value)
    line.peer.send(refusal, line.us)
    second = await line.peer.request("REGISTER")
    while second.cseq[0] == first.cseq[0]:
        second = await line.peer.request("REGISTER")
    proof = second.headers.get("Authorization") or ""
    proved = server.verify(proof, method="REGISTER", uri=second.uri, password_of=lambda user: "secret", now=0.0)
    assert proved.verdict is Verdict.OK
    line.peer.reply(second, 423, line.us, headers=(("Min-Expires", "600"),))
    third = await line.peer.request("REGISTER")
    while third.cseq[0] == second.cseq[0]:
        third = await line.peer.request("REGISTER")
    return third


async def test_a_trunk_that_wants_it_is_registered_with_and_its_service_route_taken() -> None:
    credentials = Credentials(user="12345", password="secret")
    times = WatchTimes(interval=60, limit=0.01)
    async with watched(times, registers=True, credentials=credentials) as line:
        granted = await challenge(line)
        assert not line.watch.is_in_service("carrier")
        contact = granted.headers.get("Contact") or ""
        answer = make_response(granted, 200, to_tag="r", headers=[("Contact", contact), ("Service-Route", ROUTE)])
        line.peer.send(answer, line.us)
        while await line.next() != "in service":
            pass
        session = await line.agent.invite(line.agent.trunk("carrier", "119"), offer=offer(), from_=HOTLINE)
        invite = await line.peer.request("INVITE")
        session.release("")
        farewell = asyncio.create_task(line.peer.request("REGISTER"))
    unregistered = await farewell

    assert granted.headers.get("Expires") == "600"
    assert granted.to.uri.user == "12345"
    assert invite.headers.all("Route") == [ROUTE]
    assert unregistered.headers.get("Expires") == "0"
