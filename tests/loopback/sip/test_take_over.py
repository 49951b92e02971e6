"""Call control: a leg outlives the telephone it was on."""

from __future__ import annotations

import asyncio

from channels.media.client import MediaEngine, MediaSettings
from channels.sip.call_control import CallSettings, SipCallControl
from channels.sip.connections import ListenAddress
from channels.sip.sdp import SessionDescription
from channels.sip.user_agent import Trunk, UserAgentSettings
from gateway.domain.call import CallId
from gateway.ports.telephony import IncomingCall, LegEnded
from tests.fakes.sip import LIMIT, QUICK, offer, udp
from tests.fakes.sip_peer import RawPeer


async def test_a_leg_goes_on_with_the_call_that_replaces_its_own() -> None:
    calls: asyncio.Queue[IncomingCall] = asyncio.Queue()

    def take(incoming: IncomingCall, call_id: CallId) -> None:
        calls.put_nowait(incoming)

    async with MediaEngine(MediaSettings(capacity=4)) as media, RawPeer() as peer:
        sip = UserAgentSettings(
            listen=[ListenAddress("udp", "127.0.0.1", 0)],
            trunks=[Trunk(name="carrier", target=peer.target)],
            timers=QUICK,
            hang_up_limit=0,
        )
        settings = CallSettings(hotline_numbers={}, codecs=("PCMA",), prompts={}, check_interval=60.0, check_limit=0.01)
        async with SipCallControl(
            settings, sip, media, take=take, telephone_changed=lambda user, there: None
        ) as calling:
            us = udp(calling.agent)
            invite = peer.invite(us)
            peer.send(invite, us)
            leg = (await calls.get()).leg
            await leg.answer()
            answer = await peer.response(200)
            peer.send(peer.ack(invite, answer, us), us)
            tags = f"{invite.call_id};to-tag={answer.to.tag};from-tag={invite.from_.tag}"
            second = peer.invite(us, from_tag="desk", headers=(("Replaces", tags),), description=offer(40090))
            peer.send(second, us)
            taken = await peer.response(200, method="INVITE")
            while taken.call_id != second.call_id:
                taken = await peer.response(200, method="INVITE")
            peer.send(peer.ack(second, taken, us), us)
            bye = await peer.request("BYE")
            peer.reply(bye, 200, us)
            peer.send(peer.within(second, taken, "BYE", us, 2), us)
            news = leg.news()
            async with asyncio.timeout(LIMIT):
                ended = [each async for each in news if isinstance(each, LegEnded)]

    before, after = SessionDescription.parse(answer.body).audio, SessionDescription.parse(taken.body).audio
    assert bye.call_id == invite.call_id
    assert before is not None
    assert after is not None
    assert before.port == after.port
    assert ended == [LegEnded(by_peer=True, reason="")]
