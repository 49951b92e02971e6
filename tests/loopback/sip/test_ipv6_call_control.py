"""Call control behind an IPv6 trunk whose sound is IPv4: a node may have IPv6 for signalling alone."""

from __future__ import annotations

import asyncio

from channels.media.client import MediaEngine, MediaSettings
from channels.sip.call_control import CallSettings, SipCallControl
from channels.sip.connections import ListenAddress
from channels.sip.sdp import SessionDescription
from channels.sip.user_agent import Trunk, UserAgentSettings
from gateway.domain.call import CallId
from gateway.ports.telephony import IncomingCall
from tests.fakes.sip import QUICK, udp
from tests.fakes.sip_peer import RawPeer


async def test_a_call_over_ipv6_is_answered_with_an_ipv4_address_for_the_sound() -> None:
    calls: asyncio.Queue[IncomingCall] = asyncio.Queue()

    def take(incoming: IncomingCall, call_id: CallId) -> None:
        calls.put_nowait(incoming)

    async with MediaEngine(MediaSettings(capacity=2)) as media, RawPeer("::1") as peer:
        sip = UserAgentSettings(
            listen=[ListenAddress("udp", "::1", 0)],
            trunks=[Trunk(name="carrier", target=peer.target)],
            timers=QUICK,
            hang_up_limit=0,
        )
        settings = CallSettings(
            hotline_numbers={}, codecs=("PCMA",), prompts={}, check_interval=3600.0, check_limit=0.01
        )
        async with SipCallControl(
            settings, sip, media, take=take, telephone_changed=lambda user, there: None
        ) as calling:
            peer.send(peer.invite(udp(calling.agent)), udp(calling.agent))
            incoming = await calls.get()
            await incoming.leg.answer()
            answer = await peer.response(200)

    audio = SessionDescription.parse(answer.body).audio
    assert audio is not None
    assert ":" not in audio.address
    assert "[::1]" in (answer.headers.get("Contact") or "")
