"""Where our requests go: redirected, by an outbound proxy, by strict routers."""

from __future__ import annotations

from dataclasses import replace

import pytest

from channels.sip.callee import Callee
from channels.sip.connections import Target
from channels.sip.numbers import Number
from channels.sip.session_events import Answered, Redirected, Rejected
from channels.sip.uri import Uri
from channels.sip.user_agent import Trunk
from tests.fakes.sip import HOTLINE, Listener, callee, offer, reply, udp, user_agent
from tests.fakes.sip_lines import CallingLine
from tests.fakes.sip_peer import RawPeer


def directory(trunk: str, number: Number) -> str | None:
    """Know one number of the second trunk."""
    return "119" if (trunk, number.national) == ("second", "119") else None


async def test_a_3xx_is_followed_to_a_number_of_the_directory_at_its_trunk() -> None:
    async with RawPeer() as first, RawPeer() as second:
        trunks = [
            Trunk(name="loopback", target=first.target, same_port=True),
            Trunk(name="second", target=second.target, sources=("second.invalid",), same_port=True),
        ]
        async with user_agent(trunks=trunks, find_number=directory) as agent:
            session = await agent.invite(agent.trunk("loopback", "110"), offer=offer(), from_=HOTLINE)
            listener = Listener(session)
            invite = await first.request("INVITE")
            first.reply(invite, 302, udp(agent), headers=(("Contact", "<sip:119;x=1@second.invalid:9>;q=0.5"),))
            ack = await first.request("ACK")
            again = await second.request("INVITE")
            second.reply(again, 200, udp(agent), description=reply(offer()))
            redirected = await listener.next(Redirected)
            await listener.next(Answered)
            agent.hang_up_limit = 0

    assert ack.cseq == (1, "ACK")
    assert again.uri == f"sip:119@127.0.0.1:{second.target.port}"
    assert (again.call_id, again.to.uri.user, again.cseq) == (invite.call_id, "110", (2, "INVITE"))
    assert redirected == Redirected(302, again.uri)
    assert session.peer == "second"


@pytest.mark.parametrize(
    "contact",
    [
        "<sip:0085299999999@second.invalid>",
        "<sip:119@premium.invalid>",
        "<tel:119>",
        "<sip:119%40premium.invalid@second.invalid>",
        "nonsense",
    ],
)
async def test_a_contact_never_makes_us_call_elsewhere(contact: str) -> None:
    async with RawPeer() as first, RawPeer() as second:
        trunks = [
            Trunk(name="loopback", target=first.target, same_port=True),
            Trunk(name="second", target=second.target, sources=("second.invalid",), same_port=True),
        ]
        async with user_agent(trunks=trunks, find_number=directory) as agent:
            session = await agent.invite(agent.trunk("loopback", "110"), offer=offer(), from_=HOTLINE)
            invite = await first.request("INVITE")
            answer = first.reply(invite, 180, udp(agent))
            answer.status = 302
            answer.headers.set("Contact", contact)
            first.send(answer, udp(agent))
            rejected = await Listener(session).next(Rejected)

            assert (rejected.status, second.heard()) == (302, [])


async def test_a_contact_that_refuses_leaves_the_next_one() -> None:
    def both(trunk: str, number: Number) -> str | None:
        return number.national if number.national in ("119", "120") else None

    async with (
        RawPeer() as peer,
        user_agent(trunks=[Trunk(name="loopback", target=peer.target)], find_number=both) as agent,
    ):
        session = await agent.invite(agent.trunk("loopback", "110"), offer=offer(), from_=HOTLINE)
        line = CallingLine(peer, agent)
        invite = await peer.request("INVITE")
        answer = peer.reply(invite, 180, line.us)
        answer.status = 300
        answer.headers.set("Contact", "<sip:119@127.0.0.1>, <sip:120@127.0.0.1>;q=0.9")
        peer.send(answer, line.us)
        second = await peer.request("INVITE", after=(invite,))
        peer.reply(second, 486, line.us)
        third = await peer.request("INVITE", after=(invite, second))
        peer.reply(third, 486, line.us)

        assert (await Listener(session).next(Rejected)).status == 486
        assert [second.uri.partition("@")[0], third.uri.partition("@")[0]] == ["sip:119", "sip:120"]


async def test_an_outbound_proxy_gets_our_calls_for_the_trunk_and_may_call_for_it() -> None:
    async with RawPeer() as proxy:
        trunk = Trunk(name="carrier", target=Target("udp", "192.0.2.9", 5060), proxy=proxy.target, same_port=True)
        async with user_agent(trunks=[trunk]) as agent:
            session = await agent.invite(agent.trunk("carrier", "110"), offer=offer(), from_=HOTLINE)
            invite = await proxy.request("INVITE")
            proxy.send(proxy.new_request("OPTIONS", udp(agent)), udp(agent))
            await proxy.response(200)
            session.release("")
            agent.hang_up_limit = 0

    assert invite.uri == "sip:110@192.0.2.9"
    assert invite.headers.all("Route") == [f"<sip:127.0.0.1:{proxy.target.port};lr>"]


async def test_a_first_route_without_lr_is_a_strict_router() -> None:
    async with RawPeer() as peer, user_agent() as agent:
        strict = replace(callee(peer.target), route=("<sip:old.invalid>", "<sip:new.invalid;lr>"))
        assert isinstance(strict, Callee)
        session = await agent.invite(strict, offer=offer(), from_=HOTLINE)
        invite = await peer.request("INVITE")
        session.release("")
        agent.hang_up_limit = 0

    assert invite.uri == "sip:old.invalid"
    assert invite.headers.all("Route") == ["<sip:new.invalid;lr>", f"<{strict.uri}>"]


async def test_a_telephone_of_ours_may_lead_to_any_number_of_the_directory() -> None:
    async with RawPeer() as second:
        trunks = [Trunk(name="second", target=second.target)]
        async with user_agent(trunks=trunks, find_number=directory) as agent:
            led = agent.ways.permitted("8001", Uri.parse("sip:119@hotline.invalid"))

            assert led is not None
            assert (led.peer, led.uri) == ("second", f"sip:119@127.0.0.1:{second.target.port}")
            assert agent.ways.permitted("8001", Uri.parse("sip:00852999@hotline.invalid")) is None
