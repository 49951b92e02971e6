"""What an endpoint keeps, whom it answers, and what it survives."""

from __future__ import annotations

import asyncio
import random
from pathlib import Path

import pytest

from channels.sip.connections import ListenAddress, Target
from channels.sip.message import Request, Response
from channels.sip.session import Session
from channels.sip.session_events import Answered, Ended, Progress, Rejected
from channels.sip.transaction import Timers
from channels.sip.user_agent import Trunk, UserAgent, UserAgentSettings
from gateway.domain.errors import OurMistake, Unavailable
from tests.fakes.sip import HOTLINE, LIMIT, Listener, answer_call, callee, ignore, offer, tcp, udp, user_agent
from tests.fakes.sip_peer import RawPeer

TORTURE = [path.read_bytes() for path in sorted(Path("tests/data/sip").rglob("*.dat"))]
ELSEWHERE = Trunk(name="carrier", target=Target("udp", "192.0.2.1", 5060))


async def test_five_hundred_calls_leave_nothing_behind() -> None:
    patient = Timers(t1=0.05, t2=0.2, t4=0.2)  # a busy machine may stand still for longer than 64*T1 of quick ones
    async with user_agent(answer_call, timers=patient) as called, user_agent(timers=patient) as calling:

        async def call() -> None:
            session = await calling.invite(callee(udp(called)), offer=offer(), from_=HOTLINE)
            await Listener(session).next(Answered)
            await session.hang_up()

        for _ in range(25):
            async with asyncio.TaskGroup() as calls:
                for _ in range(20):
                    calls.create_task(call())
        async with asyncio.timeout(LIMIT):
            await called.endpoint.wait_idle()
            await calling.endpoint.wait_idle()

        assert called.sessions == calling.sessions == ()
        assert called.endpoint.transactions == calling.endpoint.transactions == 0
        assert called.endpoint.deadlines == calling.endpoint.deadlines == 0


async def test_strangers_hear_nothing() -> None:
    async with user_agent(answer_call, trunks=[ELSEWHERE]) as agent, RawPeer() as stranger, RawPeer() as peer:
        us = udp(agent)
        for method in ("INVITE", "OPTIONS", "BYE", "REGISTER", "SUBSCRIBE", "CANCEL", "ACK"):
            stranger.send(stranger.new_request(method, us), us)
        stranger.send(b"INVITE sip:x SIP/2.0\r\nVia: nonsense\r\n\r\n", us)
        assert await agent.options(us, limit=0) is None
        peer.send(peer.new_request("OPTIONS", us), us)
        async with user_agent() as ours:
            peer.send(peer.new_request("OPTIONS", udp(ours)), udp(ours))
            await peer.response(200)

        assert stranger.heard() == []
        assert agent.endpoint.transactions <= 1


async def test_a_trunk_is_told_apart_by_its_port_where_it_asks_for_that() -> None:
    async with RawPeer() as carrier, RawPeer() as stranger:
        trunk = Trunk(name="carrier", target=carrier.target, same_port=True)
        async with user_agent(trunks=[trunk]) as agent:
            us = udp(agent)
            stranger.send(stranger.new_request("OPTIONS", us), us)
            carrier.send(carrier.new_request("OPTIONS", us), us)
            await carrier.response(200)

            assert stranger.heard() == []


async def test_malformed_requests_of_a_trunk_are_answered_and_noise_is_dropped() -> None:
    async with user_agent() as agent, RawPeer() as peer:
        us = udp(agent)
        request = peer.new_request("OPTIONS", us)
        peer.send(request.encode().replace(b"SIP/2.0\r\n", b"SIP/7.0\r\n", 1), us)
        unsupported = await peer.response(505)
        peer.send(request.encode().replace(b"CSeq: 1 OPTIONS", b"CSeq: 1 INVITE"), us)
        malformed = await peer.response(400)

        assert unsupported.to.tag
        assert malformed.call_id == request.call_id


async def test_nothing_makes_it_deaf() -> None:
    noise = random.Random(7)
    async with user_agent(ignore) as agent, RawPeer() as peer:
        us = udp(agent)
        junk = [noise.randbytes(noise.randrange(1, 9000)) for _ in range(50)]
        for octets in [b"", b"\r\n\r\n", b"\0", b"\r\n", *junk, *TORTURE]:
            peer.send(octets, us)
        request = peer.new_request("OPTIONS", us)
        peer.send(request, us)
        while True:
            answer = await peer.next()
            if isinstance(answer, Response) and answer.call_id == request.call_id:
                break
        agent.hang_up_limit = 0

        assert answer.status == 200


async def test_a_large_invite_still_goes_out_as_a_datagram() -> None:
    async with user_agent() as agent, RawPeer() as peer:
        padding = [("X-Padding", "接" * 1000)]
        session = await agent.invite(callee(peer.target), offer=offer(), from_=HOTLINE, headers=padding)
        invite = await peer.request("INVITE")
        session.release("")

        assert invite.headers.get("X-Padding") == "接" * 1000


async def test_a_refused_connection_is_a_local_503() -> None:
    async with user_agent() as agent:
        async with user_agent() as gone:
            nobody = tcp(gone)
        session = await agent.invite(callee(nobody), offer=offer(), from_=HOTLINE)
        rejected = await Listener(session).next(Rejected)

        assert (rejected.status, rejected.is_local) == (503, True)
        assert not agent.sessions


async def test_a_lost_connection_is_a_local_503() -> None:
    connected: asyncio.Queue[asyncio.StreamWriter] = asyncio.Queue()

    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        connected.put_nowait(writer)

    server = await asyncio.start_server(accept, "127.0.0.1", 0)
    async with server, user_agent() as agent:
        target = Target("tcp", *server.sockets[0].getsockname())
        session = await agent.invite(callee(target), offer=offer(), from_=HOTLINE)
        writer = await connected.get()
        writer.close()
        await writer.wait_closed()

        assert (await Listener(session).next(Rejected)).status == 503


async def test_calls_over_tcp_share_one_connection_and_answers_come_back_on_it() -> None:
    async with user_agent(answer_call) as called, user_agent() as calling:
        for _ in range(3):
            session = await calling.invite(callee(tcp(called)), offer=offer(), from_=HOTLINE)
            await Listener(session).next(Answered)

        assert calling.endpoint.connections == 1
        assert {session.fallback.transport for session in called.sessions} == {"tcp"}


async def test_a_stream_that_lost_its_framing_is_closed() -> None:
    async with user_agent() as agent:
        reader, writer = await asyncio.open_connection(tcp(agent).host, tcp(agent).port)
        writer.write(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        async with asyncio.timeout(LIMIT):
            rest = await reader.read()
        writer.close()
        await writer.wait_closed()

        assert rest == b""


async def test_a_taken_port_is_an_error_and_leaves_nothing_open() -> None:
    async with user_agent() as first:
        taken = UserAgent(
            UserAgentSettings(listen=[ListenAddress("udp", "127.0.0.1", 0), udp(first)]), on_invite=ignore
        )

        with pytest.raises(OSError, match="in use"):
            await taken.__aenter__()


async def test_what_has_no_listener_cannot_be_called() -> None:
    async with user_agent() as agent:
        with pytest.raises(OurMistake):
            await agent.invite(callee(Target("udp", "::1", 5060)), offer=offer(), from_=HOTLINE)
        with pytest.raises(OurMistake):
            agent.trunk("unknown", "119")

        assert not agent.sessions
        assert agent.trunk("loopback", "119").uri == "sip:119@127.0.0.1"


async def test_closing_ends_every_call() -> None:
    ended: list[Ended] = []

    async def take(session: Session) -> None:
        await answer_call(session)
        async for event in session.events():
            if isinstance(event, Ended):
                ended.append(event)

    async with user_agent(take) as called:
        async with user_agent() as calling:
            talking = await calling.invite(callee(udp(called)), offer=offer(), from_=HOTLINE)
            await Listener(talking).next(Answered)
            async with RawPeer() as peer:
                ringing = await calling.invite(callee(peer.target), offer=offer(), from_=HOTLINE)
                peer.reply(await peer.request("INVITE"), 180, udp(calling))
                await Listener(ringing).next(Progress)
                calling.hang_up_limit = 0.5
        await called.endpoint.wait_idle()

        assert talking.is_over
        assert ringing.is_over
        assert [event.by_peer for event in ended] == [True]


async def test_retransmitted_requests_are_answered_from_memory() -> None:
    async with user_agent() as agent, RawPeer() as peer:
        request: Request = peer.new_request("OPTIONS", udp(agent))
        peer.send(request, udp(agent))
        first = await peer.response(200)
        peer.send(request, udp(agent))

        assert (await peer.response(200)).encode() == first.encode()
        assert agent.endpoint.transactions == 1


async def test_a_trunk_may_be_named_and_is_recognised_by_its_address() -> None:
    async with RawPeer() as carrier:
        trunk = Trunk(name="carrier", target=Target("udp", "localhost", carrier.target.port), same_port=True)
        async with user_agent(trunks=[trunk]) as agent:
            carrier.send(carrier.new_request("OPTIONS", udp(agent)), udp(agent))
            await carrier.response(200)
            session = await agent.invite(agent.trunk("carrier", "119"), offer=offer(), from_=HOTLINE)
            invite = await carrier.request("INVITE")
            session.release("")

            assert invite.uri == f"sip:119@localhost:{carrier.target.port}"


async def test_a_name_without_address_is_unavailable() -> None:
    async with user_agent() as agent:
        nowhere = Target("udp", "no-such-host.invalid", 5060)

        assert await agent.options(nowhere) is None
        with pytest.raises(Unavailable):
            await agent.invite(callee(nowhere), offer=offer(), from_=HOTLINE)


async def test_of_several_listeners_the_one_that_leads_there_is_used() -> None:
    listen = [ListenAddress("udp", "127.0.0.2", 0), ListenAddress("udp", "127.0.0.1", 0)]
    async with UserAgent(UserAgentSettings(listen=listen), ignore) as agent, RawPeer() as peer:
        await agent.options(peer.target, limit=0)
        request = await peer.request("OPTIONS")

        assert request.via.host == "127.0.0.1"
        assert request.via.port == udp_port(agent, "127.0.0.1")


async def test_an_agent_on_all_addresses_names_the_one_the_peer_can_reach() -> None:
    settings = UserAgentSettings(listen=[ListenAddress("udp", "0.0.0.0", 0)])
    async with UserAgent(settings, ignore) as agent, RawPeer() as peer:
        await agent.options(peer.target, limit=0)
        request = await peer.request("OPTIONS")

        assert request.via.host == "127.0.0.1"
        assert f"127.0.0.1:{udp(agent).port}" in (request.headers.get("Contact") or "")


async def test_the_advertised_host_stands_in_via_and_contact() -> None:
    settings = UserAgentSettings(listen=[ListenAddress("udp", "127.0.0.1", 0)], advertise="203.0.113.9")
    async with UserAgent(settings, ignore) as agent, RawPeer() as peer:
        await agent.options(peer.target, limit=0)
        request = await peer.request("OPTIONS")

        assert request.via.host == "203.0.113.9"
        assert "203.0.113.9" in (request.headers.get("Contact") or "")


def udp_port(agent: UserAgent, host: str) -> int:
    return next(address.port for address in agent.addresses if address.host == host)
