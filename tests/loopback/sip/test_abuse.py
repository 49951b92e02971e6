"""Strangers, floods and overload: who is not heard, who is told to come back, and who is never kept from calling."""

from __future__ import annotations

import asyncio
from contextlib import suppress

from channels.media.client import MediaEngine, MediaSettings
from channels.sip.admission import LoadLimits, StrangerLimits
from channels.sip.call_control import CallSettings, SipCallControl
from channels.sip.connections import MOST_OF_A_STRANGER, ListenAddress, Target
from channels.sip.user_agent import Trunk, UserAgentSettings
from gateway.domain.call import CallId, Destination, Role
from gateway.ports.telephony import IncomingCall, Story
from tests.fakes.sip import LIMIT, QUICK, ignore, udp, user_agent
from tests.fakes.sip_peer import RawPeer

FEW = StrangerLimits(rate=0.001, burst=5, silence=3600.0)
ELSEWHERE = Trunk(name="carrier", target=Target("udp", "192.0.2.1", 5060))


async def test_a_stranger_is_challenged_a_few_times_and_then_hears_nothing() -> None:
    async with user_agent(ignore, trunks=[ELSEWHERE], telephones={"8001": "x"}, strangers=FEW) as agent:
        us = udp(agent)
        async with RawPeer() as stranger:
            for number in range(5):
                stranger.send(stranger.new_request("REGISTER", us, number=number + 1), us)
                await stranger.response(401)
            for number in range(50):
                stranger.send(stranger.new_request("REGISTER", us, number=number + 1), us)
            assert await agent.options(us, limit=0.05) is None

            assert stranger.heard() == []
            assert agent.endpoint.transactions <= 1


async def test_an_unknown_user_is_challenged_like_a_known_one() -> None:
    async with user_agent(ignore, trunks=[ELSEWHERE], telephones={"8001": "x"}) as agent, RawPeer() as stranger:
        us = udp(agent)
        answers = []
        for user in ("8001", "4242"):
            request = stranger.new_request("REGISTER", us)
            request.headers.set("To", f"<sip:{user}@hotline.invalid>")
            stranger.send(request, us)
            answers.append(await stranger.response(401))

    names = [[name for name, _ in answer.headers] for answer in answers]
    assert names[0] == names[1]


async def test_a_silenced_connection_is_cut() -> None:
    async with user_agent(ignore, trunks=[ELSEWHERE], strangers=StrangerLimits(burst=1, rate=0.001)) as agent:
        place = next(address for address in agent.addresses if address.transport == "tcp")
        reader, writer = await asyncio.open_connection(place.host, place.port)
        assert await agent.options(udp(agent), limit=0.05) is None  # a stranger's datagram, from the same host
        writer.write(b"OPTIONS sip:a SIP/2.0\r\nVia: x\r\n")
        async with asyncio.timeout(LIMIT):
            try:
                rest = await reader.read()
            except ConnectionResetError:
                rest = b""
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()

        assert rest == b""


async def test_a_stranger_holds_few_connections_and_leaves_room_for_others() -> None:
    async with user_agent(ignore, trunks=[ELSEWHERE]) as agent:
        place = next(address for address in agent.addresses if address.transport == "tcp")
        opened = [await asyncio.open_connection(place.host, place.port) for _ in range(2 * MOST_OF_A_STRANGER)]
        async with asyncio.timeout(LIMIT):
            for reader, _ in opened[MOST_OF_A_STRANGER:]:
                with suppress(ConnectionResetError):
                    assert await reader.read() == b""
        held = agent.endpoint.connections
        for _, writer in opened:
            writer.close()
            with suppress(ConnectionError):
                await writer.wait_closed()

    assert held == MOST_OF_A_STRANGER


def control(
    media: MediaEngine, trunks: list[Trunk], load: LoadLimits, calls: asyncio.Queue[IncomingCall]
) -> SipCallControl:
    def take(incoming: IncomingCall, call_id: CallId) -> None:
        calls.put_nowait(incoming)

    sip = UserAgentSettings(
        listen=[ListenAddress("udp", "127.0.0.1", 0)], trunks=trunks, timers=QUICK, hang_up_limit=0, strangers=FEW
    )
    settings = CallSettings(
        hotline_numbers={}, codecs=("PCMA",), prompts={}, load=load, check_interval=3600.0, check_limit=0.01
    )
    return SipCallControl(settings, sip, media, take=take, telephone_changed=lambda user, there: None)


async def test_in_overload_new_calls_are_told_when_to_come_back_and_the_hand_off_goes_out() -> None:
    calls: asyncio.Queue[IncomingCall] = asyncio.Queue()
    async with MediaEngine(MediaSettings(capacity=8)) as media, RawPeer() as peer:
        trunk = Trunk(name="carrier", target=peer.target)
        async with control(media, [trunk], LoadLimits(calls=1, retry_after=17), calls) as telephony:
            us = udp(telephony.agent)
            first = peer.invite(us)
            peer.send(first, us)
            kept = await calls.get()
            second = peer.invite(us)
            peer.send(second, us)
            refused = await peer.response(503)
            desk = await telephony.originate(
                CallId("c1"),
                Role.EMERGENCY_DESK,
                Destination(number="119", trunk="carrier"),
                Story(ticket_id=None, caller="", reason="火警", place="", summary=""),
            )
            going_out = await peer.request("INVITE")

    assert refused.call_id == second.call_id
    assert refused.headers.get("Retry-After") == "17"
    assert going_out.uri.startswith("sip:119@")
    assert kept.leg.leg.call_id != desk.leg.call_id


async def test_calls_of_one_caller_are_limited_and_counted_out_when_they_end() -> None:
    calls: asyncio.Queue[IncomingCall] = asyncio.Queue()
    async with MediaEngine(MediaSettings(capacity=8)) as media, RawPeer() as peer:
        trunk = Trunk(name="carrier", target=peer.target)
        async with control(media, [trunk], LoadLimits(calls_of_one_caller=1), calls) as telephony:
            us = udp(telephony.agent)
            first = peer.invite(us)
            peer.send(first, us)
            leg = (await calls.get()).leg
            peer.send(peer.invite(us), us)
            refused = await peer.response(486)
            await leg.hang_up()
            async for _ in leg.news():
                pass
            async with asyncio.timeout(LIMIT):
                while calls.empty():
                    peer.send(peer.invite(us), us)
                    await peer.response(180, 486, 100)

    assert "Retry-After" not in refused.headers


async def test_a_flood_of_a_stranger_does_not_keep_the_trunk_from_calling() -> None:
    calls: asyncio.Queue[IncomingCall] = asyncio.Queue()
    async with MediaEngine(MediaSettings(capacity=8)) as media, RawPeer() as trunk_peer, RawPeer("127.0.0.2") as flood:
        trunk = Trunk(name="carrier", target=trunk_peer.target, same_port=True)
        async with control(media, [trunk], LoadLimits(), calls) as telephony:
            us = udp(telephony.agent)
            invite = trunk_peer.invite(us)

            async def call() -> IncomingCall:
                """Send the INVITE again and again as a trunk does: the socket's buffer is everybody's."""
                while True:
                    trunk_peer.send(invite, us)
                    with suppress(TimeoutError):
                        async with asyncio.timeout(0.05):
                            return await calls.get()
                    for _ in range(500):
                        flood.send(flood.invite(us), us)

            for _ in range(5000):
                flood.send(flood.invite(us), us)
            async with asyncio.timeout(LIMIT):
                taken = await call()

    assert taken.external_id == invite.call_id
    assert flood.heard() == []
