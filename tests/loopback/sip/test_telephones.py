"""Our own telephones: they register, are called, and call."""

from __future__ import annotations

import asyncio

from channels.sip.connections import Target
from channels.sip.digest import Credentials, authorization, challenge_of
from channels.sip.message import Request, Response
from channels.sip.session import Session
from channels.sip.session_events import Answered
from channels.sip.user_agent import Trunk, UserAgent
from tests.fakes.sip import HOTLINE, Listener, answer_call, offer, reply, udp, user_agent
from tests.fakes.sip_peer import RawPeer

CARRIER = Trunk(name="carrier", target=Target("udp", "192.0.2.1", 5060))
TELEPHONES = {"8001": "invented"}
OWNER = Credentials(user="8001", password="invented")


async def ask(phone: RawPeer, agent: UserAgent, request: Request) -> Response:
    """Send a request; on a challenge send it again with credentials; return the last answer."""
    us = udp(agent)
    phone.send(request, us)
    challenged = await phone.response(401)
    challenge = challenge_of(challenged)
    assert challenge is not None
    if request.method == "INVITE":
        phone.send(phone.ack_refusal(request, challenged, us), us)
    number = request.cseq[0] + 1
    again = phone.new_request(request.method, us, call_id=request.call_id, number=number)
    for name in ("To", "From", "Expires", "Content-Type"):
        if (value := request.headers.get(name)) is not None:
            again.headers.set(name, value)
    again.body = request.body
    again.headers.add(*authorization(challenge, OWNER, method=request.method, uri=request.uri))
    phone.send(again, us)
    return await phone.response(200, 401, 403)


async def register(phone: RawPeer, agent: UserAgent) -> Response:
    """Register as 8001."""
    request = phone.new_request("REGISTER", udp(agent), uri=f"sip:12345@127.0.0.1:{udp(agent).port}")
    for name in ("To", "From"):
        request.headers.set(name, "<sip:8001@hotline>" + (";tag=peer" if name == "From" else ""))
    return await ask(phone, agent, request)


async def test_a_registered_telephone_is_called_and_answers() -> None:
    registered: asyncio.Queue[str] = asyncio.Queue()
    agent = user_agent(trunks=[CARRIER], telephones=TELEPHONES, on_registered=registered.put_nowait)
    async with agent, RawPeer() as phone:
        nobody = agent.telephone("8001")
        answer = await register(phone, agent)
        way = agent.telephone(await registered.get())
        assert way is not None
        session = await agent.invite(way, offer=offer(), from_=HOTLINE)
        phone.reply(await phone.request("INVITE"), 200, udp(agent), description=reply(offer()))
        await Listener(session).next(Answered)
        await phone.request("ACK")
        session.release("")
        phone.reply(await phone.request("BYE"), 200, udp(agent))
        await session.hang_up()

        assert nobody is None
        assert answer.status == 200
        assert session.peer == "8001"


async def test_a_registered_telephone_may_call_once_it_proves_its_password() -> None:
    sessions: asyncio.Queue[Session] = asyncio.Queue()

    async def take(session: Session) -> None:
        sessions.put_nowait(session)
        await answer_call(session)

    async with user_agent(take, trunks=[CARRIER], telephones=TELEPHONES) as agent, RawPeer() as phone:
        await register(phone, agent)
        answer = await ask(phone, agent, phone.invite(udp(agent)))
        session = await sessions.get()
        agent.hang_up_limit = 0

        assert answer.status == 200
        assert session.peer == "8001"
        assert session.caller.uri.user == "8001"


async def test_a_telephone_that_is_not_registered_cannot_call() -> None:
    async with user_agent(trunks=[CARRIER], telephones=TELEPHONES) as agent, RawPeer() as phone:
        phone.send(phone.invite(udp(agent)), udp(agent))
        phone.send(phone.new_request("OPTIONS", udp(agent)), udp(agent))
        assert (await register(phone, agent)).status == 200
        phone.send(phone.new_request("OPTIONS", udp(agent)), udp(agent))

        assert (await phone.response(200, method="OPTIONS")).status == 200
        assert agent.sessions == ()


async def test_an_expired_telephone_is_told() -> None:
    gone: asyncio.Queue[str] = asyncio.Queue()
    agent = user_agent(trunks=[CARRIER], telephones=TELEPHONES, on_gone=gone.put_nowait)
    async with agent, RawPeer() as phone:
        await register(phone, agent)  # its transaction's timer makes the agent look at the clock
        clock = agent.endpoint.now
        agent.endpoint.now = lambda: clock() + 301

        assert await gone.get() == "8001"
        assert agent.telephone("8001") is None


async def test_whoever_is_challenged_at_registering_leaves_nothing_behind() -> None:
    async with user_agent(trunks=[CARRIER], telephones=TELEPHONES) as agent, RawPeer() as stranger:
        for number in range(1, 21):
            stranger.send(stranger.new_request("REGISTER", udp(agent), number=number), udp(agent))
            await stranger.response(401)

        assert agent.endpoint.transactions == 0
