"""PRACK (RFC 3262) on the wire, both ways, and UPDATE before the answer (RFC 3311)."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from channels.sip.message import Request, Response
from channels.sip.sdp import SessionDescription
from channels.sip.session import Session
from channels.sip.session_events import Answered, Ended, Progress, Renegotiated, SessionOver, SessionState
from tests.fakes.sip import Listener, offer, reply
from tests.fakes.sip_lines import CalledLine, CallingLine, called_line, calling_line

SUPPORTED = (("Supported", "100rel"), ("Allow", "INVITE, ACK, BYE, CANCEL, PRACK, UPDATE"))
REQUIRED = (("Require", "100rel"),)


@pytest.fixture
async def called() -> AsyncIterator[CalledLine]:
    async with called_line() as line:
        yield line


@pytest.fixture
async def calling() -> AsyncIterator[CallingLine]:
    async with calling_line() as line:
        yield line


async def receive(line: CalledLine, headers: tuple[tuple[str, str], ...], **more: object) -> tuple[Request, Session]:
    invite = line.peer.invite(line.us, headers=headers, **more)
    line.peer.send(invite, line.us)
    return invite, await line.sessions.get()


def prack(line: CalledLine, invite: Request, ringing: Response, number: int = 2, **more: object) -> Request:
    rack = ("RAck", f"{ringing.headers.get('RSeq')} {invite.cseq[0]} INVITE")
    return line.peer.within(invite, ringing, "PRACK", line.us, number, headers=(rack,), **more)


def rseq(response: Response) -> int:
    return int(response.headers.get("RSeq") or 0)


async def test_who_requires_it_gets_reliable_ringing_again_until_prack(called: CalledLine) -> None:
    invite, session = await receive(called, REQUIRED)
    await session.ring()
    first, second, third = [await called.peer.response(180) for _ in range(3)]
    done = await called.ask(prack(called, invite, first))
    again = await called.ask(prack(called, invite, first, number=3))

    assert first.headers.get("Require") == "100rel"
    assert rseq(first) == rseq(second) == rseq(third) > 0
    assert done.status == 200
    assert again.status == 481


async def test_who_only_supports_it_gets_plain_ringing(called: CalledLine) -> None:
    _, session = await receive(called, SUPPORTED)
    await session.ring()

    assert "RSeq" not in (await called.peer.response(180)).headers


async def test_the_next_reliable_answer_waits_for_the_prack_of_the_last(called: CalledLine) -> None:
    invite, session = await receive(called, REQUIRED)
    await session.ring(181)
    await session.ring(180)
    first = await called.peer.response(180, 181)
    resent = await called.peer.response(180, 181)
    await called.ask(prack(called, invite, first))
    second = await called.peer.response(180)

    assert (first.status, resent.status) == (181, 181)
    assert rseq(second) == rseq(first) + 1


async def test_a_reliable_answer_never_acknowledged_ends_the_call_with_504(called: CalledLine) -> None:
    _, session = await receive(called, REQUIRED)
    await session.ring()
    refused = await called.peer.response(504)

    assert refused.cseq == (1, "INVITE")
    assert (await Listener(session).next(Ended)).reason == "never acknowledged"


async def test_the_answer_waits_for_the_prack_of_early_media_and_repeats_no_description(called: CalledLine) -> None:
    invite, session = await receive(called, SUPPORTED)
    await session.ring(183, reply(offer()))
    early = await called.peer.response(183)
    called.agent.spawn(session.answer(reply(offer())))
    resent = await called.peer.response(183, 200)
    await called.ask(prack(called, invite, early))
    answer = await called.peer.response(200, method="INVITE")
    called.peer.send(called.peer.ack(invite, answer, called.us), called.us)

    assert SessionDescription.parse(early.body).audio is not None
    assert resent.status == 183
    assert answer.body == b""
    assert await Listener(session).next(Answered) == Answered(None)


async def test_an_offer_in_a_provisional_is_answered_in_its_prack(called: CalledLine) -> None:
    invite, session = await receive(called, REQUIRED, description=None)
    await session.ring()  # may not go out: the first reliable answer must offer
    await session.ring(183, offer(40010))
    early = await called.peer.response(180, 183)
    theirs = reply(SessionDescription.parse(early.body), 40020)
    await called.ask(prack(called, invite, early, description=theirs))
    await session.answer(offer(40010))
    answer = await called.peer.response(200, method="INVITE")
    called.peer.send(called.peer.ack(invite, answer, called.us), called.us)
    answered = await Listener(session).next(Answered)

    assert early.status == 183
    assert answer.body == b""
    assert answered.description == theirs


async def test_a_prack_without_the_answer_we_wait_for_ends_the_call(called: CalledLine) -> None:
    invite, session = await receive(called, REQUIRED, description=None)
    await session.ring(183, offer(40010))
    early = await called.peer.response(183)
    refused = await called.ask(prack(called, invite, early))
    ended = await called.peer.response(488)

    assert refused.status == 400
    assert ended.cseq[1] == "INVITE"


async def test_a_prack_may_offer_once_the_first_offer_is_settled(called: CalledLine) -> None:
    invite, session = await receive(called, SUPPORTED)
    session.renegotiate = lambda theirs: reply(theirs, 40044) if theirs else None
    await session.ring(183, reply(offer()))
    early = await called.peer.response(183)
    done = await called.ask(prack(called, invite, early, description=offer(40030)))
    changed = await Listener(session).next(Renegotiated)

    assert done.status == 200
    assert SessionDescription.parse(done.body).audio.port == 40044  # type: ignore[union-attr]
    assert changed.description.audio.port == 40030  # type: ignore[union-attr]


async def test_an_offer_in_a_prack_is_refused_where_nobody_answers_it_or_the_first_is_open(called: CalledLine) -> None:
    invite, session = await receive(called, REQUIRED)
    await session.ring()
    ringing = await called.peer.response(180)
    too_soon = await called.ask(prack(called, invite, ringing, description=offer(40030)))
    await session.ring(183, reply(offer()))
    early = await called.peer.response(183)
    declined = await called.ask(prack(called, invite, early, number=3, description=offer(40030)))

    assert (too_soon.status, declined.status) == (400, 488)
    assert session.state is SessionState.INVITED


async def test_a_prack_with_another_body_is_415_and_acknowledges_nothing(called: CalledLine) -> None:
    invite, session = await receive(called, REQUIRED)
    await session.ring()
    ringing = await called.peer.response(180)
    odd = prack(called, invite, ringing)
    odd.headers.set("Content-Type", "text/plain")
    odd.body = b"hello"
    refused = await called.ask(odd)
    good = await called.ask(prack(called, invite, ringing, number=3))

    assert (refused.status, good.status) == (415, 200)


@pytest.mark.parametrize("rack", ["", "1 1", "x 1 INVITE"])
async def test_a_prack_without_a_usable_rack_is_400(called: CalledLine, rack: str) -> None:
    invite, session = await receive(called, REQUIRED)
    await session.ring()
    ringing = await called.peer.response(180)
    request = called.peer.within(invite, ringing, "PRACK", called.us, 2, headers=(("RAck", rack),))

    assert (await called.ask(request)).status == 400


async def test_a_prack_for_nothing_is_481(called: CalledLine) -> None:
    invite, answer, *_ = await called.talk()
    request = called.peer.within(invite, answer, "PRACK", called.us, 2, headers=(("RAck", "1 1 INVITE"),))

    assert (await called.ask(request)).status == 481


async def test_cancel_stops_a_reliable_answer(called: CalledLine) -> None:
    invite, session = await receive(called, REQUIRED)
    await session.ring()
    await called.peer.response(180)
    called.peer.send(called.peer.cancel(invite, called.us), called.us)
    refused = await called.peer.response(487)
    called.peer.send(called.peer.ack_refusal(invite, refused, called.us), called.us)

    with pytest.raises(SessionOver):
        await session.answer(reply(offer()))
    assert session.is_over


async def test_update_before_any_answer_is_500_and_after_a_reliable_one_200(called: CalledLine) -> None:
    invite, session = await receive(called, SUPPORTED)
    session.renegotiate = lambda theirs: reply(theirs) if theirs else None
    await session.ring(183, reply(offer()))
    early = await called.peer.response(183)
    too_soon = await called.ask(called.peer.within(invite, early, "UPDATE", called.us, 2, description=offer()))
    await called.ask(prack(called, invite, early, number=3))
    done = await called.ask(called.peer.within(invite, early, "UPDATE", called.us, 4, description=offer(40050)))

    assert too_soon.status == 500
    assert too_soon.headers.get("Retry-After")
    assert done.status == 200
    assert SessionDescription.parse(done.body).audio is not None


async def test_we_update_before_the_answer_once_offer_and_answer_are_settled(called: CalledLine) -> None:
    invite, session = await receive(called, SUPPORTED)
    with pytest.raises(SessionOver):
        await session.reoffer(offer(40060))
    await session.ring(183, reply(offer()))
    early = await called.peer.response(183)
    await called.ask(prack(called, invite, early))
    called.agent.spawn(change(session))
    update = await called.peer.request("UPDATE")
    called.peer.reply(update, 200, called.us, description=reply(offer(), 40061))

    assert SessionDescription.parse(update.body).audio.port == 40060  # type: ignore[union-attr]
    assert session.state is SessionState.INVITED


async def change(session: Session) -> None:
    await session.reoffer(offer(40060))


async def test_we_acknowledge_reliable_answers_in_order_and_none_twice(calling: CallingLine) -> None:
    _, listener, invite = await calling.call()
    for status, number in ((181, "5"), (181, "5"), (180, "7"), (183, "6")):
        calling.peer.reply(invite, status, calling.us, headers=(("Require", "100rel"), ("RSeq", number)))
    first = await calling.peer.request("PRACK")
    second = await calling.peer.request("PRACK", after=(first,))
    for each in (first, second):
        calling.peer.reply(each, 200, calling.us)
    told = [(await listener.next(Progress)).status for _ in range(2)]
    calling.peer.reply(invite, 200, calling.us, description=reply(offer()))
    ack = await calling.peer.request("ACK")
    await listener.next(Answered)

    assert "100rel" in invite.headers.all("Supported")
    assert [first.headers.get("RAck"), second.headers.get("RAck")] == ["5 1 INVITE", "6 1 INVITE"]
    assert (first.to.tag, first.cseq[0], second.cseq[0], ack.cseq[0]) == ("peer", 2, 3, 1)
    assert told == [181, 183]


async def test_the_call_goes_on_counting_where_its_early_dialog_stopped(calling: CallingLine) -> None:
    session, listener, invite = await calling.call()
    calling.peer.reply(invite, 180, calling.us, headers=(("Require", "100rel"), ("RSeq", "1")))
    calling.peer.reply(await calling.peer.request("PRACK"), 200, calling.us)
    calling.peer.reply(invite, 200, calling.us, description=reply(offer()))
    await listener.next(Answered)
    session.release("")
    bye = await calling.peer.request("BYE")
    calling.peer.reply(bye, 200, calling.us)

    assert bye.cseq == (3, "BYE")


async def test_an_answer_without_description_after_early_media_keeps_that(calling: CallingLine) -> None:
    _, listener, invite = await calling.call()
    early = (("Require", "100rel"), ("RSeq", "1"))
    calling.peer.reply(invite, 183, calling.us, description=reply(offer(), 40070), headers=early)
    calling.peer.reply(await calling.peer.request("PRACK"), 200, calling.us)
    calling.peer.reply(invite, 200, calling.us)
    answered = await listener.next(Answered)

    assert answered.description is not None
    assert answered.description.audio.port == 40070  # type: ignore[union-attr]


async def test_the_callee_may_update_while_it_rings(calling: CallingLine) -> None:
    session, listener, invite = await calling.call()
    session.renegotiate = lambda theirs: reply(theirs) if theirs else None
    early = (("Require", "100rel"), ("RSeq", "1"))
    calling.peer.reply(invite, 180, calling.us)
    await listener.next(Progress)
    glare = calling.peer.backward(invite, "UPDATE", calling.us, 1)
    glare.headers.set("Content-Type", "application/sdp")
    glare.body = offer(40080).encode()
    calling.peer.send(glare, calling.us)
    crossing = await calling.peer.response(491)
    calling.peer.reply(invite, 183, calling.us, description=reply(offer(), 40070), headers=early)
    calling.peer.reply(await calling.peer.request("PRACK"), 200, calling.us)
    update = calling.peer.backward(invite, "UPDATE", calling.us, 2)
    update.headers.set("Content-Type", "application/sdp")
    update.body = offer(40080).encode()
    calling.peer.send(update, calling.us)
    done = await calling.peer.response(200, method="UPDATE")

    assert crossing.cseq == (1, "UPDATE")
    assert SessionDescription.parse(done.body).audio is not None
    assert (await listener.next(Renegotiated)).description.audio.port == 40080  # type: ignore[union-attr]


async def test_a_callee_may_not_hang_up_before_it_has_answered(calling: CallingLine) -> None:
    _, listener, invite = await calling.call()
    calling.peer.reply(invite, 180, calling.us)
    await listener.next(Progress)
    calling.peer.send(calling.peer.backward(invite, "BYE", calling.us, 1), calling.us)

    assert (await calling.peer.response(481)).cseq == (1, "BYE")
