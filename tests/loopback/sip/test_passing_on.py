"""Calls that emergency lines pass on, merged numbers, and what goes along with a call to a desk, on the wire."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import pytest

from channels.media.client import MediaEngine, MediaSettings
from channels.sip.admission import LoadLimits
from channels.sip.bodies import SDP, content_type, description_of, part_of
from channels.sip.call_control import CallSettings, SipCallControl
from channels.sip.connections import ListenAddress, Target
from channels.sip.leg import SipLeg
from channels.sip.location import PIDF, place_in
from channels.sip.message import Request
from channels.sip.numbers import Number
from channels.sip.user_agent import Trunk, UserAgentSettings
from gateway.domain.call import CallId, Destination, Role
from gateway.domain.emergency import EmergencyLine
from gateway.domain.ticket import TicketId
from gateway.ports.telephony import AskedToRefer, IncomingCall, PassedOn, Story, TakenOver
from tests.fakes.sip import LIMIT, QUICK, offer, reply, udp
from tests.fakes.sip_peer import RawPeer

POLICE = EmergencyLine("110")
STORY = Story(
    ticket_id=TicketId("20261121-100304-0042"),
    caller="13800000001",
    place="红山区阳光小区",
    summary="阳光小区着火了",
    reason="emergency 119",
)


def directory(trunk: str, number: Number) -> str | None:
    return "119" if (trunk, number.national) == ("carrier", "119") else None


@dataclass
class Node:
    """Call control with one trunk, which is the test's."""

    peer: RawPeer
    control: SipCallControl
    calls: asyncio.Queue[IncomingCall]

    @property
    def us(self) -> Target:
        return udp(self.control.agent)

    async def called(self, *headers: tuple[str, str], uri: str = "") -> IncomingCall:
        """Let the peer call; return what call control makes of it."""
        self.peer.send(self.peer.invite(self.us, headers=headers, uri=uri or None), self.us)
        async with asyncio.timeout(LIMIT):
            return await self.calls.get()

    async def desk(self) -> tuple[SipLeg, Request]:
        """Call the emergency desk at the peer; return our leg, and the INVITE it got."""
        destination = Destination(number="119", trunk="carrier")
        leg = await self.control.originate(CallId("c"), Role.EMERGENCY_DESK, destination, STORY)
        return leg, await self.peer.request("INVITE")

    async def talking_desk(self) -> tuple[SipLeg, Request]:
        leg, invite = await self.desk()
        self.peer.reply(invite, 200, self.us, description=reply(description_of(invite) or offer()))
        await self.peer.request("ACK")
        async with asyncio.timeout(LIMIT):
            await leg.answered(LIMIT)
        return leg, invite

    async def refer(self, invite: Request, to: str) -> int:
        """Let the desk ask by REFER; return what it is answered."""
        asking = self.peer.backward(invite, "REFER", self.us, 7)
        asking.headers.add("Refer-To", to)
        self.peer.send(asking, self.us)
        return (await self.peer.response(202, 403, 603, method="REFER")).status

    async def told(self, *, after: Sequence[Request] = ()) -> tuple[Request, bytes]:
        notify = await self.peer.request("NOTIFY", after=tuple(after))
        self.peer.reply(notify, 200, self.us)
        return notify, notify.body.rstrip()


@asynccontextmanager
async def node(**more: Any) -> AsyncIterator[Node]:
    calls: asyncio.Queue[IncomingCall] = asyncio.Queue()
    more.setdefault("sends_location", {"carrier"})
    async with MediaEngine(MediaSettings(capacity=4)) as media, RawPeer() as peer:
        sip = UserAgentSettings(
            listen=[ListenAddress("udp", "127.0.0.1", 0)],
            trunks=[Trunk(name="carrier", target=peer.target)],
            timers=QUICK,
            hang_up_limit=0,
            fail_over_after=0.2,
            find_number=directory,
        )
        settings = CallSettings(hotline_numbers={}, prompts={}, check_interval=60.0, check_limit=0.01, **more)
        async with SipCallControl(
            settings,
            sip,
            media,
            take=lambda incoming, call_id: calls.put_nowait(incoming),
            telephone_changed=lambda user, there: None,
        ) as control:
            yield Node(peer, control, calls)


async def asked(leg: SipLeg) -> AskedToRefer:
    async with asyncio.timeout(LIMIT):
        return await anext(each async for each in leg.news() if isinstance(each, AskedToRefer))


# -- REFER ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("done", "last"), [(True, b"SIP/2.0 200 OK"), (False, b"SIP/2.0 603 Decline")])
async def test_a_desk_that_refers_to_the_hotline_gives_the_citizen_back_and_is_told_how_it_went(
    done: bool, last: bytes
) -> None:
    async with node() as line:
        leg, invite = await line.talking_desk()
        assert await line.refer(invite, "<sip:12345@hotline.invalid>") == 202
        first, trying = await line.told()
        asking = await asked(leg)
        asking.ringing()
        second, ringing = await line.told(after=[first])
        asking.report(done)
        _, final = await line.told(after=[first, second])
        heard = line.peer.heard()

    assert asking.destination is None
    assert (trying, ringing, final) == (b"SIP/2.0 100 Trying", b"SIP/2.0 180 Ringing", last)
    assert not [message for message in heard if isinstance(message, Request) and message.method == "INVITE"]


async def test_a_referral_to_a_number_of_the_directory_names_it_as_the_directory_does() -> None:
    async with node() as line:
        leg, invite = await line.talking_desk()
        assert await line.refer(invite, f"<sip:119@{line.peer.place}>") == 202
        assert (await asked(leg)).destination == Destination(number="119", trunk="carrier")


@pytest.mark.parametrize("to", ["<sip:13800000009@evil.invalid>", "<tel:13800000009>", "<sip:alice@evil.invalid>"])
async def test_a_referral_elsewhere_is_refused_and_reaches_nobody(to: str) -> None:
    async with node() as line:
        leg, invite = await line.talking_desk()
        assert await line.refer(invite, to) == 403
        await leg.hang_up()
        async with asyncio.timeout(LIMIT):
            news = [each async for each in leg.news()]
        heard = line.peer.heard()

    assert not [each for each in news if isinstance(each, AskedToRefer)]
    assert not [message for message in heard if isinstance(message, Request) and message.method == "INVITE"]


async def test_a_citizens_referral_is_declined() -> None:
    async with node() as line:
        invite = line.peer.invite(line.us)
        line.peer.send(invite, line.us)
        await (await line.calls.get()).leg.answer()
        answer = await line.peer.response(200)
        line.peer.send(line.peer.ack(invite, answer, line.us), line.us)
        to_us = (("Refer-To", "<sip:12345@hotline.invalid>"),)
        line.peer.send(line.peer.within(invite, answer, "REFER", line.us, 2, headers=to_us), line.us)

        assert (await line.peer.response(202, 403, 603)).status == 603


async def test_who_takes_a_call_over_is_named_to_whoever_has_it() -> None:
    async with node() as line:
        invite = line.peer.invite(line.us)
        line.peer.send(invite, line.us)
        leg = (await line.calls.get()).leg
        await leg.answer()
        answer = await line.peer.response(200)
        line.peer.send(line.peer.ack(invite, answer, line.us), line.us)
        tags = f"{invite.call_id};to-tag={answer.to.tag};from-tag={invite.from_.tag}"
        second = line.peer.invite(line.us, from_tag="citizen", headers=(("Replaces", tags),))
        line.peer.send(second, line.us)
        async with asyncio.timeout(LIMIT):
            told = await anext(each async for each in leg.news() if isinstance(each, TakenOver))

    assert told == TakenOver(caller="13000000000")


# -- calls that are passed on, and merged numbers ---------------------------------------------------------------------


async def test_a_call_of_an_emergency_line_brings_what_came_with_it() -> None:
    async with node(line_of=lambda peer, caller: POLICE if peer == "carrier" else None) as line:
        call = await line.called(
            ("Referred-By", "<sip:1102@110.invalid>"),
            ("X-Jiesu-Ticket", "JQ-7"),
            ("X-Jiesu-Caller", "13900000009"),
            ("Subject", "噪音扰民"),
        )

    assert call.caller == "13900000009"
    assert call.passed_on == PassedOn(line=POLICE, referred_by="1102", reference="JQ-7", summary="噪音扰民")


async def test_a_carriers_call_may_say_what_it_likes_and_comes_from_no_line() -> None:
    async with node() as line:
        call = await line.called(("Referred-By", "<sip:110@110.invalid>"), ("X-Jiesu-Caller", "110"))

    assert (call.caller, call.passed_on) == ("13000000000", None)


@pytest.mark.parametrize(
    ("uri", "headers"),
    [
        ("sip:12369@127.0.0.1", ()),
        ("", (("Diversion", "<sip:047612369@carrier.invalid>;reason=unconditional"),)),
        (
            "",
            (
                ("History-Info", "<sip:12369@carrier.invalid>;index=1"),
                ("History-Info", "<sip:12345@carrier.invalid;cause=302>;index=1.1"),
            ),
        ),
    ],
    ids=["dialled", "diverted", "history"],
)
async def test_a_merged_number_is_known_however_the_call_came(uri: str, headers: tuple[tuple[str, str], ...]) -> None:
    async with node(merged_numbers=("12369", "12329"), home_area="0476") as line:
        assert (await line.called(*headers, uri=uri)).merged == "12369"
        assert (await line.called()).merged == ""


async def test_calls_in_excess_are_taken_to_be_told_and_further_ones_refused_but_never_an_emergency_lines() -> None:
    load = LoadLimits(calls=1, excess=1, retry_after=7)
    emergencies: set[str] = set()

    def line_of(peer: str, caller: str) -> EmergencyLine | None:
        return POLICE if peer in emergencies else None

    async with node(load=load, line_of=line_of) as line:
        assert [(await line.called()).is_excess for _ in range(2)] == [False, True]
        line.peer.send(line.peer.invite(line.us), line.us)
        refused = await line.peer.response(503)
        emergencies.add("carrier")
        passed = await line.called()

    assert refused.headers.get("Retry-After") == "7"
    assert (passed.is_excess, passed.passed_on) == (False, PassedOn(line=POLICE))


async def test_calls_too_fast_are_taken_to_be_told_and_further_ones_refused() -> None:
    async with node(load=LoadLimits(calls=10, calls_a_second=0.01, excess=1, retry_after=7)) as line:
        assert [(await line.called()).is_excess for _ in range(2)] == [False, True]
        line.peer.send(line.peer.invite(line.us), line.us)
        refused = await line.peer.response(503)

    assert refused.headers.get("Retry-After") == "7"


# -- what goes along --------------------------------------------------------------------------------------------------


async def test_a_desk_gets_the_place_and_the_story_beside_the_offer() -> None:
    async with node() as line:
        _, invite = await line.talking_desk()

    assert content_type(invite) == "multipart/mixed"
    assert place_in(part_of(invite, PIDF) or b"") == "红山区阳光小区"
    assert "阳光小区着火了".encode() in (part_of(invite, "application/EmergencyCallData.Comment+xml") or b"")


@pytest.mark.parametrize("status", [415, 488, 400, 500])
async def test_a_desk_that_knows_only_descriptions_is_called_again_with_one(status: int) -> None:
    async with node() as line:
        leg, first = await line.desk()
        line.peer.reply(first, status, line.us)
        await line.peer.request("ACK")
        second = await line.peer.request("INVITE", after=(first,))
        line.peer.reply(second, 200, line.us, description=reply(description_of(second) or offer()))
        async with asyncio.timeout(LIMIT):
            await leg.answered(LIMIT)

    assert content_type(second) == SDP
    assert "Geolocation" not in second.headers
    assert "Call-Info" not in second.headers
    assert second.call_id == first.call_id


async def test_an_invite_that_was_too_large_for_the_way_is_sent_again_without() -> None:
    async with node() as line:
        leg, first = await line.desk()
        second = await line.peer.request("INVITE", after=(first,))
        assert content_type(second) == SDP
        line.peer.reply(second, 200, line.us, description=reply(description_of(second) or offer()))
        async with asyncio.timeout(LIMIT):
            await leg.answered(LIMIT)


async def test_a_refusal_of_the_call_itself_ends_it() -> None:
    async with node() as line:
        leg, first = await line.desk()
        line.peer.reply(first, 486, line.us)
        with pytest.raises(Exception, match="486"):
            await leg.answered(LIMIT)


async def test_nobody_else_gets_the_story() -> None:
    async with node(sends_location=()) as line:
        _, invite = await line.desk()
        assert content_type(invite) == SDP
    async with node() as line:
        await line.control.originate(CallId("c"), Role.UNIT, Destination(number="9001", trunk="carrier"), STORY)
        assert content_type(await line.peer.request("INVITE")) == SDP
