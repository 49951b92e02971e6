"""Calls of ours that leave the offer to the callee (RFC 3261 13.2.2.4, RFC 3262 5, RFC 6337 2), on the wire."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from channels.sip.bodies import description_of
from channels.sip.message import Request
from channels.sip.offer_answer import NotAcceptable
from channels.sip.sdp import SessionDescription
from channels.sip.session import Session
from channels.sip.session_events import Answered, Progress, Rejected, SessionState
from tests.fakes.sip import HOTLINE, Listener, callee, offer, reply
from tests.fakes.sip_lines import CallingLine, calling_line

THEIRS = offer(40010)
OURS = reply(THEIRS, 40020)


@pytest.fixture
async def calling() -> AsyncIterator[CallingLine]:
    async with calling_line() as line:
        yield line


def accept(theirs: SessionDescription | None) -> SessionDescription | None:
    return reply(theirs, 40020) if theirs is not None else None


def decline(theirs: SessionDescription | None) -> SessionDescription | None:
    raise NotAcceptable("no codec of ours")


async def call(line: CallingLine, *, accepts: bool = True) -> tuple[Session, Listener, Request]:
    """Call the peer without an offer; return the INVITE it got."""
    session = await line.agent.invite(callee(line.peer.target), offer=None, from_=HOTLINE)
    session.renegotiate = accept if accepts else decline
    return session, Listener(session), await line.peer.request("INVITE")


def reliably(number: int) -> tuple[tuple[str, str], ...]:
    return (("Require", "100rel"), ("RSeq", str(number)))


def is_refused(request: Request) -> bool:
    description = description_of(request)
    return description is not None and bool(description.media) and description.audio is None


async def test_the_offer_of_the_answer_is_answered_in_its_ack_each_time_it_comes(calling: CallingLine) -> None:
    session, listener, invite = await call(calling)
    calling.peer.reply(invite, 200, calling.us, description=THEIRS)
    first = await calling.peer.request("ACK")
    calling.peer.reply(invite, 200, calling.us, description=THEIRS)
    second = await calling.peer.request("ACK")

    assert (invite.body, "Content-Type" in invite.headers) == (b"", False)
    assert description_of(first) == description_of(second) == OURS
    assert await listener.next(Answered) == Answered(None)
    assert session.local_description == OURS
    assert session.state is SessionState.TALKING


async def test_the_offer_of_a_reliable_provisional_is_answered_in_its_prack(calling: CallingLine) -> None:
    _, listener, invite = await call(calling)
    calling.peer.reply(invite, 183, calling.us, description=THEIRS, headers=reliably(7))
    prack = await calling.peer.request("PRACK")
    calling.peer.reply(prack, 200, calling.us)
    calling.peer.reply(invite, 180, calling.us, headers=reliably(8))
    bare = await calling.peer.request("PRACK", after=(prack,))
    calling.peer.reply(bare, 200, calling.us)
    calling.peer.reply(invite, 200, calling.us)
    ack = await calling.peer.request("ACK")

    assert description_of(prack) == OURS
    assert (bare.body, ack.body) == (b"", b"")
    assert await listener.next(Progress) == Progress(183, "Session Progress", None)
    assert await listener.next(Answered) == Answered(None)


async def test_an_unreliable_provisional_offers_nothing(calling: CallingLine) -> None:
    session, listener, invite = await call(calling)
    calling.peer.reply(invite, 183, calling.us, description=offer(40030))
    assert (await listener.next(Progress)).description is None
    assert session.local_description is None
    calling.peer.reply(invite, 200, calling.us, description=THEIRS)

    assert description_of(await calling.peer.request("ACK")) == OURS


@pytest.mark.parametrize("description", [THEIRS, None], ids=["offer", "nothing"])
async def test_an_answer_that_offers_nothing_usable_is_acknowledged_and_the_call_ended(
    calling: CallingLine, description: SessionDescription | None
) -> None:
    _, listener, invite = await call(calling, accepts=False)
    calling.peer.reply(invite, 200, calling.us, description=description)
    ack = await calling.peer.request("ACK")
    await calling.peer.request("BYE")
    rejected = await listener.next(Rejected)

    assert is_refused(ack) == (description is not None)
    assert (rejected.status, rejected.is_local) == (488, True)


async def test_an_early_offer_that_is_not_usable_is_refused_in_its_prack_and_the_call_cancelled(
    calling: CallingLine,
) -> None:
    _, listener, invite = await call(calling, accepts=False)
    calling.peer.reply(invite, 183, calling.us, description=THEIRS, headers=reliably(1))
    prack = await calling.peer.request("PRACK")
    calling.peer.reply(prack, 200, calling.us)
    cancel = await calling.peer.request("CANCEL")
    calling.peer.reply(cancel, 200, calling.us)
    calling.peer.reply(invite, 487, calling.us)
    await calling.peer.request("ACK")

    assert is_refused(prack)
    assert (await listener.next(Rejected)).status == 488


async def test_a_second_branch_that_answers_is_refused_in_its_ack_and_ended(calling: CallingLine) -> None:
    _, listener, invite = await call(calling)
    calling.peer.reply(invite, 200, calling.us, description=THEIRS)
    await listener.next(Answered)
    await calling.peer.request("ACK")
    calling.peer.reply(invite, 200, calling.us, description=offer(40050), tag="other")
    ack = await calling.peer.request("ACK")
    bye = await calling.peer.request("BYE")

    assert is_refused(ack)
    assert (ack.to.tag, bye.to.tag) == ("other", "other")


async def test_an_answer_that_crosses_the_end_of_the_call_is_refused_in_its_ack(calling: CallingLine) -> None:
    session, _, invite = await call(calling)
    calling.peer.reply(invite, 180, calling.us)
    session.release("gave up")
    calling.peer.reply(invite, 200, calling.us, description=THEIRS)
    ack = await calling.peer.request("ACK")
    await calling.peer.request("BYE")

    assert is_refused(ack)


async def test_no_offer_of_the_callee_crosses_the_one_it_owes(calling: CallingLine) -> None:
    _, _, invite = await call(calling)
    calling.peer.reply(invite, 180, calling.us)
    update = calling.peer.backward(invite, "UPDATE", calling.us, 1)
    update.headers.add("Content-Type", "application/sdp")
    update.body = offer(40060).encode()
    calling.peer.send(update, calling.us)

    assert (await calling.peer.response(500, method="UPDATE")).headers.get("Retry-After") is not None
