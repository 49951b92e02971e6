"""What far ends do with their sound, on calls through call control: silence, announced or not, other streams, ports."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace

import numpy as np

from channels.media.client import MediaEngine, MediaSettings
from channels.media.leg import Heard, MediaLeg, Silent
from channels.sip.call_control import CallSettings, SipCallControl
from channels.sip.connections import ListenAddress, Target
from channels.sip.leg import SipLeg
from channels.sip.offer_answer import Abilities, accept_answer, answer, make_offer
from channels.sip.sdp import SessionDescription
from channels.sip.session import Session
from channels.sip.session_events import Answered
from channels.sip.user_agent import Trunk, UserAgent, UserAgentSettings
from gateway.domain.call import CallId, Destination, LegState, Role
from gateway.ports.telephony import IncomingCall, LegEnded, SoundQuality, Story, WentSilent
from tests.fakes.sip import HOTLINE, LIMIT, QUICK, Listener, callee, udp, user_agent
from tests.fakes.sip_peer import RawPeer
from tests.peers.rtp import RtpPhone, level

COMFORT_NOISE = 13
SILENCE_LIMIT = 0.5
STORY = Story(ticket_id=None, caller="", place="", summary="", reason="test")


@dataclass
class Line:
    """A gateway's call control, and a carrier that calls it."""

    calling: SipCallControl
    carrier: UserAgent
    calls: asyncio.Queue[IncomingCall] = field(default_factory=asyncio.Queue)

    async def call(self, phone: RtpPhone, *, comfort_noise: bool = False) -> tuple[Session, SipLeg]:
        """Let *phone* call, and answer."""
        abilities = Abilities(codecs=("PCMA",), comfort_noise=comfort_noise)
        offer = make_offer(address=phone.host, port=phone.port, session_id=1, abilities=abilities)
        session = await self.carrier.invite(callee(udp(self.calling.agent), "12345"), offer=offer, from_=HOTLINE)
        leg = (await self.calls.get()).leg
        assert isinstance(leg, SipLeg)
        await leg.answer()
        answered = await Listener(session).next(Answered)
        assert answered.description is not None
        agreed = accept_answer(offer, answered.description)
        phone.remote = (agreed.address, agreed.port)
        return session, leg


@asynccontextmanager
async def line(*, silent_after: float = 30.0, silence_limit: float = 60.0, **media: object) -> AsyncIterator[Line]:
    trunk = Trunk(name="carrier", target=Target("udp", "127.0.0.1", 9), sources=("127.0.0.1",))
    settings = CallSettings(
        hotline_numbers={},
        codecs=("PCMA",),
        comfort_noise=True,
        prompts={},
        silence_limit=silence_limit,
        check_interval=3600.0,
        check_limit=0.01,
    )
    sip = UserAgentSettings(
        listen=[ListenAddress("udp", "127.0.0.1", 0)], trunks=[trunk], timers=QUICK, hang_up_limit=0
    )
    async with (
        MediaEngine(MediaSettings(capacity=4, silent_after=silent_after, **media)) as engine,  # type: ignore[arg-type]
        user_agent() as carrier,
    ):
        calls: asyncio.Queue[IncomingCall] = asyncio.Queue()
        async with SipCallControl(
            settings,
            sip,
            engine,
            take=lambda incoming, call_id: calls.put_nowait(incoming),
            telephone_changed=lambda user, there: None,
        ) as calling:
            yield Line(calling, carrier, calls)


def sound_of(leg: SipLeg) -> MediaLeg:
    return leg._media


async def test_silence_is_announced_to_who_knows_comfort_noise_and_sent_to_who_does_not() -> None:
    async with line() as gateway, RtpPhone("PCMA") as knows, RtpPhone("PCMA") as does_not:
        await gateway.call(knows, comfort_noise=True)
        noise = await knows.until(lambda packet: packet.payload_type == COMFORT_NOISE)
        await gateway.call(does_not)
        start = len(does_not.heard)
        await does_not.hear(1.0)

    assert len(noise.payload) == 1
    assert {packet.payload_type for packet in does_not.heard[start:]} == {8}


async def test_a_far_end_that_announced_its_silence_may_be_silent_for_longer_than_a_dead_one() -> None:
    async with line(silent_after=0.2, silence_limit=SILENCE_LIMIT) as gateway, RtpPhone("PCMA") as phone:
        _, leg = await gateway.call(phone, comfort_noise=True)
        events = sound_of(leg).events()
        phone.speaking = False
        phone.send(b"\x40", payload_type=COMFORT_NOISE, timestamp=phone.timestamp)
        told = []
        async with asyncio.timeout(LIMIT):
            async for event in events:
                if isinstance(event, Silent):
                    told.append(event)
                    if len(told) == 2:
                        break
        state = leg.leg.state
        phone.speaking = True
        async with asyncio.timeout(LIMIT):
            heard = [event async for event in _until(events, Heard)]

    assert [event.announced for event in told] == [True, True]
    assert told[1].seconds > 2 * SILENCE_LIMIT
    assert state is LegState.TALKING
    assert heard


async def _until(events: AsyncIterator[object], kind: type[object]) -> AsyncIterator[object]:
    async for event in events:
        if isinstance(event, kind):
            yield event
            return


async def test_a_far_end_that_just_falls_silent_is_told_of_and_then_given_up() -> None:
    async with line(silent_after=0.2, silence_limit=SILENCE_LIMIT) as gateway, RtpPhone("PCMA") as phone:
        _, leg = await gateway.call(phone)
        await phone.talk(0.2)
        phone.speaking = False
        async with asyncio.timeout(LIMIT):
            news = [each async for each in leg.news() if not isinstance(each, SoundQuality)]

    assert news[-2:] == [WentSilent(silent=True), LegEnded(by_peer=False, reason="no media")]


async def test_a_far_end_that_begins_another_stream_is_heard_on() -> None:
    async with line() as gateway, RtpPhone("PCMA") as phone:
        _, leg = await gateway.call(phone)
        phone.hum(500)
        await phone.talk(0.5)
        phone.ssrc, phone.sequence, phone.timestamp = 77, 9, 1_000_000
        phone.hum(900)
        async with asyncio.timeout(LIMIT):
            async for frame in sound_of(leg).tap(0.0):
                if level(np.frombuffer(frame.pcm, "<i2"), 900) > 4000:
                    break
        await leg.hang_up()
        figures = await leg.figures()

    assert figures.received > 25


async def test_a_far_end_that_asks_for_an_offer_in_our_call_moves_its_sound_by_its_answer() -> None:
    async with RawPeer() as peer, RtpPhone("PCMA") as phone:
        trunk = Trunk(name="carrier", target=peer.target)
        async with _calling(trunk) as (calling, us), RtpPhone("PCMA") as elsewhere:
            destination = Destination(number="1", trunk="carrier")
            leg = await calling.originate(CallId("c"), Role.UNIT, destination, STORY)
            invite = await peer.request("INVITE")
            ours = SessionDescription.parse(invite.body)
            peer.reply(invite, 200, us, description=answer(ours, address=phone.host, port=phone.port, session_id=2)[0])
            await leg.answered(LIMIT)
            await phone.hear(0.1)
            again = peer.backward(invite, "INVITE", us, 2)
            peer.send(again, us)
            offering = await peer.response(200, method="INVITE")
            offered = SessionDescription.parse(offering.body)
            moved, _ = answer(offered, address=elsewhere.host, port=elsewhere.port, session_id=2, version=2)
            ack = peer.backward(invite, "ACK", us, 2)
            ack.headers.add("Content-Type", "application/sdp")
            peer.send(replace(ack, body=moved.encode()), us)
            heard = await elsewhere.hear(0.1)
            await leg.hang_up()

    assert len(heard) == 800
    assert ours.audio is not None
    assert offered.audio is not None
    assert offered.audio.port == ours.audio.port
    assert offered.origin.version == ours.origin.version + 1


async def test_a_far_end_may_move_its_sound_in_its_answer_to_a_refresh() -> None:
    async with RawPeer() as peer, RtpPhone("PCMA") as phone:
        trunk = Trunk(name="carrier", target=peer.target)
        async with _calling(trunk) as (calling, us), RtpPhone("PCMA") as elsewhere:
            destination = Destination(number="1", trunk="carrier")
            leg = await calling.originate(CallId("c"), Role.UNIT, destination, STORY)
            invite = await peer.request("INVITE")
            ours = SessionDescription.parse(invite.body)
            peer.reply(invite, 200, us, description=answer(ours, address=phone.host, port=phone.port, session_id=2)[0])
            await leg.answered(LIMIT)
            await phone.hear(0.1)
            (session,) = calling.agent.sessions
            refreshing = asyncio.create_task(session.refresh())
            refresh = await peer.request("INVITE", after=(invite,))
            moved, _ = answer(ours, address=elsewhere.host, port=elsewhere.port, session_id=2, version=2)
            peer.reply(refresh, 200, us, description=moved)
            await refreshing
            heard = await elsewhere.hear(0.1)
            await leg.hang_up()

    assert SessionDescription.parse(refresh.body) == ours
    assert len(heard) == 800


@asynccontextmanager
async def _calling(trunk: Trunk) -> AsyncIterator[tuple[SipCallControl, Target]]:
    settings = CallSettings(hotline_numbers={}, codecs=("PCMA",), prompts={}, check_interval=3600.0, check_limit=0.01)
    sip = UserAgentSettings(
        listen=[ListenAddress("udp", "127.0.0.1", 0)], trunks=[trunk], timers=QUICK, hang_up_limit=0
    )
    async with (
        MediaEngine(MediaSettings(capacity=2)) as engine,
        SipCallControl(
            settings, sip, engine, take=lambda *_: None, telephone_changed=lambda user, there: None
        ) as calling,
    ):
        yield calling, udp(calling.agent)


async def test_the_port_of_a_call_that_ended_rests_before_another_call_gets_it() -> None:
    async with line(ports=(38000, 38003), port_rest=600.0) as gateway, RtpPhone("PCMA") as phone:
        first, leg = await gateway.call(phone)
        one = phone.remote
        await first.hang_up()
        await leg.figures()
        await gateway.call(phone)

    assert one is not None
    assert phone.remote is not None
    assert {one[1], phone.remote[1]} == {38000, 38002}
