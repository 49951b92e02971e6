"""What a callee in the test's hands sees of us as caller."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from channels.sip.digest import Credentials, DigestServer, Verdict
from channels.sip.message import Request
from channels.sip.sdp import Direction, SessionDescription
from channels.sip.session_events import (
    Answered,
    Ended,
    Progress,
    Rejected,
    Renegotiated,
    ReofferRefused,
    SessionOver,
    SessionState,
)
from gateway.domain.errors import OurMistake
from tests.fakes.sip import HOTLINE, LIMIT, Listener, callee, offer, reply
from tests.fakes.sip_lines import CallingLine as Line
from tests.fakes.sip_lines import calling_line
from tests.fakes.sip_peer import RawPeer

DESK = Credentials(user="hotline", password="invented")


@pytest.fixture
async def line() -> AsyncIterator[Line]:
    async with calling_line() as line:
        yield line


async def test_an_invite_is_sent_again_until_a_provisional_comes(line: Line) -> None:
    _, _, first = await line.call()
    second, third = await line.peer.request("INVITE"), await line.peer.request("INVITE")
    line.peer.reply(third, 100, line.us, tag=None)

    assert first.encode() == second.encode() == third.encode()
    assert first.headers.get("X-Ticket") == "7"
    assert first.headers.get("Max-Forwards") == "70"
    assert "rport" in first.via.params


async def test_a_silent_peer_is_a_local_408(line: Line) -> None:
    session, listener, _ = await line.call()
    rejected = await listener.next(Rejected)

    assert (rejected.status, rejected.is_local) == (408, True)
    assert session.state is SessionState.ENDED
    assert not line.agent.sessions


async def test_a_silent_peer_can_be_left_at_once_and_its_late_answer_is_ended(line: Line) -> None:
    session, listener, invite = await line.call()
    await session.hang_up("too slow")
    assert await listener.next(Ended) == Ended(by_peer=False, reason="too slow")
    line.peer.reply(invite, 200, line.us, description=reply(offer()))
    ack, bye = await line.peer.request("ACK"), await line.peer.request("BYE")
    line.peer.reply(bye, 200, line.us)

    assert ack.to.tag == bye.to.tag == "peer"
    assert "CANCEL" not in {each.method for each in line.peer.heard() if isinstance(each, Request)}


async def test_cancel_waits_for_the_first_provisional(line: Line) -> None:
    session, _, invite = await line.call()
    session.release("")
    again = await line.peer.next()
    line.peer.reply(invite, 180, line.us)
    cancel = await line.peer.request("CANCEL")
    line.peer.reply(cancel, 200, line.us)
    line.peer.reply(invite, 487, line.us)
    ack = await line.peer.request("ACK")
    await session.hang_up()

    assert isinstance(again, Request)
    assert again.method == "INVITE"
    assert cancel.via.branch == ack.via.branch == invite.via.branch
    assert cancel.uri == invite.uri
    assert session.state is SessionState.ENDED


async def test_cancel_while_ringing_ends_with_487(line: Line) -> None:
    session, listener, invite = await line.call()
    line.peer.reply(invite, 180, line.us)
    await listener.next(Progress)
    session.release("enough")
    cancel = await line.peer.request("CANCEL")
    line.peer.reply(cancel, 200, line.us)
    line.peer.reply(invite, 487, line.us)
    await line.peer.request("ACK")
    await session.hang_up()

    assert await listener.next(Ended) == Ended(by_peer=False, reason="enough")
    assert not line.agent.sessions


async def test_an_answer_that_crosses_our_cancel_is_acknowledged_and_ended(line: Line) -> None:
    session, listener, invite = await line.call()
    line.peer.reply(invite, 180, line.us)
    await listener.next(Progress)
    session.release("")
    cancel = await line.peer.request("CANCEL")
    line.peer.reply(invite, 200, line.us, description=reply(offer()))
    line.peer.reply(cancel, 200, line.us)
    await line.peer.request("ACK")
    line.peer.reply(await line.peer.request("BYE"), 200, line.us)
    await session.hang_up()

    assert session.state is SessionState.ENDED
    assert not line.agent.sessions


async def test_a_peer_that_ignores_our_cancel_is_forgotten_after_its_timer(line: Line) -> None:
    session, listener, invite = await line.call()
    line.peer.reply(invite, 180, line.us)
    await listener.next(Progress)
    await session.hang_up()

    assert session.state is SessionState.ENDED
    assert not line.agent.sessions


async def test_progress_and_early_media_are_told(line: Line) -> None:
    _, listener, invite = await line.call()
    line.peer.reply(invite, 100, line.us, tag=None)
    line.peer.reply(invite, 183, line.us, description=reply(offer()))
    trying, early = await listener.next(Progress), await listener.next(Progress)

    assert (trying.status, trying.description) == (100, None)
    assert early.status == 183
    assert early.description is not None


async def test_tag_target_and_route_are_those_of_the_answer_not_of_the_ringing(line: Line) -> None:
    async with RawPeer() as elsewhere:
        session, listener, invite = await line.call()
        line.peer.reply(invite, 180, line.us, tag="ringing", headers=(("Record-Route", "<sip:192.0.2.1;lr>"),))
        answer = line.peer.reply(invite, 180, line.us, tag="answering")
        answer.status = 200
        answer.headers.set("Contact", elsewhere.contact)
        answer.headers.set("Content-Type", "application/sdp")
        answer.body = reply(offer()).encode()
        line.peer.send(answer, line.us)
        await listener.next(Answered)
        ack = await elsewhere.request("ACK")
        session.release("")
        bye = await elsewhere.request("BYE")
        elsewhere.reply(bye, 200, line.us)
        await session.hang_up()

    assert ack.to.tag == bye.to.tag == "answering"
    assert "Route" not in ack.headers
    assert ack.uri == elsewhere.contact.strip("<>")
    assert bye.cseq == (2, "BYE")


async def test_an_answer_sent_again_is_acknowledged_again(line: Line) -> None:
    _, listener, invite = await line.call()
    answer = line.peer.reply(invite, 200, line.us, description=reply(offer()))
    first = await line.peer.request("ACK")
    line.peer.send(answer, line.us)
    second = await line.peer.request("ACK")
    await listener.next(Answered)

    assert first.encode() == second.encode()
    assert first.cseq == (1, "ACK")
    assert first.via.branch != invite.via.branch


async def test_of_forked_answers_one_is_kept_and_the_other_ended(line: Line) -> None:
    session, listener, invite = await line.call()
    line.peer.reply(invite, 200, line.us, tag="one", description=reply(offer()))
    await line.peer.request("ACK")
    line.peer.reply(invite, 200, line.us, tag="two", description=reply(offer()))
    ack, bye = await line.peer.request("ACK"), await line.peer.request("BYE")
    line.peer.reply(bye, 200, line.us)
    await listener.next(Answered)

    assert ack.to.tag == bye.to.tag == "two"
    assert session.state is SessionState.TALKING


async def test_an_answer_without_description_takes_that_of_the_early_media(line: Line) -> None:
    _, listener, invite = await line.call()
    line.peer.reply(invite, 183, line.us, description=reply(offer()))
    line.peer.reply(invite, 200, line.us)

    assert (await listener.next(Answered)).description is not None


async def test_an_answer_without_any_description_is_ended(line: Line) -> None:
    _, listener, invite = await line.call()
    line.peer.reply(invite, 200, line.us)
    await line.peer.request("ACK")
    line.peer.reply(await line.peer.request("BYE"), 200, line.us)

    assert (await listener.next(Rejected)).status == 488


@pytest.mark.parametrize("status", [302, 404, 486, 503, 603])
async def test_a_refusal_is_acknowledged_and_told_with_its_reasons(line: Line, status: int) -> None:
    _, listener, invite = await line.call()
    reasons = (("Reason", 'Q.850;cause=17;text="用户忙"'), ("Warning", '399 gw "busy"'), ("Retry-After", "5 (soon)"))
    line.peer.reply(invite, status, line.us, headers=reasons)
    ack = await line.peer.request("ACK")
    rejected = await listener.next(Rejected)

    assert ack.via.branch == invite.via.branch
    assert ack.to.tag == "peer"
    assert (rejected.status, rejected.is_local, rejected.retry_after) == (status, False, 5)
    assert rejected.causes == ('Q.850;cause=17;text="用户忙"', '399 gw "busy"')
    assert not line.agent.sessions


@pytest.mark.parametrize("status", [401, 407])
async def test_a_challenged_invite_is_tried_again_with_credentials(line: Line, status: int) -> None:
    digest = DigestServer("carrier", b"key")
    session, listener, invite = await line.call(DESK)
    challenge = tuple(digest.challenge(0.0, proxy=status == 407))
    line.peer.reply(invite, status, line.us, headers=challenge)
    await line.peer.request("ACK")
    again = await line.peer.request("INVITE")
    line.peer.reply(again, 200, line.us, description=reply(offer()))
    ack = await line.peer.request("ACK")
    await listener.next(Answered)
    session.release("")
    bye = await line.peer.request("BYE")
    line.peer.reply(bye, 200, line.us)
    await session.hang_up()
    header = "Proxy-Authorization" if status == 407 else "Authorization"
    verdicts = [
        digest.verify(
            each.headers.get(header) or "", method=each.method, uri=each.uri, password_of=lambda _: "invented", now=1.0
        ).verdict
        for each in (again, bye)
    ]

    assert verdicts == [Verdict.OK, Verdict.OK]
    assert again.cseq == (2, "INVITE")
    assert again.via.branch != invite.via.branch
    assert (again.call_id, again.from_.tag) == (invite.call_id, invite.from_.tag)
    assert again.to.tag is None
    assert ack.cseq == (2, "ACK")
    assert ack.headers.get(header) == again.headers.get(header)


async def test_credentials_refused_twice_are_given_up_unless_stale(line: Line) -> None:
    digest = DigestServer("carrier", b"key")
    _, listener, invite = await line.call(DESK)
    line.peer.reply(invite, 401, line.us, headers=tuple(digest.challenge(0.0)))
    await line.peer.request("ACK")
    again = await line.peer.request("INVITE")
    line.peer.reply(again, 401, line.us, headers=tuple(digest.challenge(1.0, stale=True)))
    await line.peer.request("ACK")
    stale = await line.peer.request("INVITE")
    line.peer.reply(stale, 401, line.us, headers=tuple(digest.challenge(2.0)))
    rejected = await listener.next(Rejected)

    assert rejected.status == 401


async def test_a_challenged_bye_is_sent_again_with_credentials(line: Line) -> None:
    session = await line.agent.invite(callee(line.peer.target, credentials=DESK), offer=offer(), from_=HOTLINE)
    line.peer.reply(await line.peer.request("INVITE"), 200, line.us, description=reply(offer()))
    await Listener(session).next(Answered)
    session.release("")
    bye = await line.peer.request("BYE")
    line.peer.reply(bye, 401, line.us, headers=tuple(DigestServer("carrier", b"key").challenge(0.0)))
    while "Authorization" not in (again := await line.peer.request("BYE")).headers:
        pass
    line.peer.reply(again, 200, line.us)
    await session.hang_up()

    assert again.cseq[0] == bye.cseq[0] + 1
    assert session.state is SessionState.ENDED


async def test_a_bye_nobody_answers_is_given_up(line: Line) -> None:
    session, _, _ = await line.talk()
    await session.hang_up()

    assert session.state is SessionState.ENDED
    assert not line.agent.sessions


async def test_the_peers_bye_ends_the_call(line: Line) -> None:
    session, listener, invite = await line.talk()
    line.peer.send(line.peer.backward(invite, "BYE", line.us, 1), line.us)
    await line.peer.response(200, method="BYE")

    assert (await listener.next(Ended)).by_peer
    assert session.state is SessionState.ENDED


async def test_the_peer_can_hold_a_call_of_ours(line: Line) -> None:
    session, listener, invite = await line.talk()
    session.renegotiate = lambda theirs: reply(theirs) if theirs else None
    hold = line.peer.backward(invite, "INVITE", line.us, 1)
    hold.headers.set("Content-Type", "application/sdp")
    hold.body = offer(direction=Direction.INACTIVE).encode()
    line.peer.send(hold, line.us)
    answer = await line.peer.response(200)
    line.peer.send(line.peer.backward(invite, "ACK", line.us, 1), line.us)
    audio = SessionDescription.parse(answer.body).audio

    assert audio is not None
    assert audio.direction is Direction.INACTIVE
    await listener.next(Renegotiated)


async def test_our_reinvite_is_answered_and_acknowledged(line: Line) -> None:
    session, _, _ = await line.talk()
    hold = asyncio.ensure_future(session.reoffer(offer(direction=Direction.SENDONLY)))
    again = await line.peer.request("INVITE")
    line.peer.reply(again, 200, line.us, description=reply(SessionDescription.parse(again.body)))
    ack = await line.peer.request("ACK")
    answer = await hold

    assert again.to.tag == "peer"
    assert again.cseq == (2, "INVITE")
    assert ack.cseq == (2, "ACK")
    assert answer.audio is not None
    assert answer.audio.direction is Direction.RECVONLY


async def test_glare_is_refused_with_491_on_both_sides_and_ours_tried_again(line: Line) -> None:
    session, _, invite = await line.talk()
    session.renegotiate = lambda theirs: reply(theirs) if theirs else None
    hold = asyncio.ensure_future(session.reoffer(offer(direction=Direction.SENDONLY)))
    ours = await line.peer.request("INVITE")
    theirs = line.peer.backward(invite, "INVITE", line.us, 1)
    theirs.headers.set("Content-Type", "application/sdp")
    theirs.body = offer().encode()
    line.peer.send(theirs, line.us)
    glare = await line.peer.response(491)
    line.peer.reply(ours, 491, line.us)
    await line.peer.request("ACK")
    while (again := await line.peer.request("INVITE")).cseq == ours.cseq:
        pass
    line.peer.reply(again, 200, line.us, description=reply(SessionDescription.parse(again.body)))

    assert glare.cseq == (1, "INVITE")
    assert again.cseq[0] == ours.cseq[0] + 1
    assert (await hold).audio is not None


async def test_a_refused_reinvite_leaves_the_call_as_it_was(line: Line) -> None:
    session, _, _ = await line.talk()
    hold = asyncio.ensure_future(session.reoffer(offer()))
    line.peer.reply(await line.peer.request("INVITE"), 488, line.us)

    with pytest.raises(ReofferRefused, match="488"):
        await hold
    assert session.state is SessionState.TALKING


async def test_a_reinvite_that_finds_no_dialog_ends_the_call(line: Line) -> None:
    session, listener, _ = await line.talk()
    hold = asyncio.ensure_future(session.reoffer(offer()))
    line.peer.reply(await line.peer.request("INVITE"), 481, line.us)

    with pytest.raises(SessionOver):
        await hold
    assert await listener.next(Ended) == Ended(by_peer=False, reason="the peer lost the dialog")
    line.peer.reply(await line.peer.request("BYE"), 481, line.us)
    await session.hang_up()
    assert session.state is SessionState.ENDED


async def test_a_bye_ends_the_wait_for_a_reinvite(line: Line) -> None:
    session, _, invite = await line.talk()
    hold = asyncio.ensure_future(session.reoffer(offer()))
    await line.peer.request("INVITE")
    line.peer.send(line.peer.backward(invite, "BYE", line.us, 1), line.us)

    with pytest.raises(SessionOver):
        await hold
    with pytest.raises(SessionOver):
        await session.reoffer(offer())


async def test_an_outgoing_call_cannot_be_answered(line: Line) -> None:
    session, _, _ = await line.call()

    for attempt in (session.ring(), session.answer(offer()), session.reject(486)):
        with pytest.raises(OurMistake):
            await attempt


async def test_stray_responses_are_ignored(line: Line) -> None:
    session, listener, invite = await line.call()
    stray = line.peer.reply(invite, 100, line.us, tag=None)
    stray.status = 486
    stray.headers.set("Via", "SIP/2.0/UDP 127.0.0.1:1;branch=z9hG4bKnobody")
    line.peer.send(stray, line.us)
    line.peer.reply(invite, 180, line.us)
    statuses = [(await listener.next(Progress)).status for _ in range(2)]

    assert statuses == [100, 180]
    assert session.state is SessionState.INVITED


async def test_options_tells_the_status_or_none_for_silence(line: Line) -> None:
    asking = asyncio.ensure_future(line.agent.options(line.peer.target, limit=LIMIT))
    request = await line.peer.request("OPTIONS")
    line.peer.reply(request, 404, line.us)

    assert await asking == 404
    assert await line.agent.options(line.peer.target, limit=0) is None
    assert await line.agent.options(line.peer.target, limit=LIMIT) is None


async def test_a_bug_in_one_session_ends_that_session_only(line: Line) -> None:
    broken, listener, invite = await line.call()
    other, _, _ = await line.talk()

    def fail(*_: object) -> None:
        raise RuntimeError("broken on purpose")

    broken._take_answer = fail  # type: ignore[attr-defined]
    line.peer.reply(invite, 200, line.us, description=reply(offer()))

    assert await listener.next(Ended) == Ended(by_peer=False, reason="failure")
    assert other.state is SessionState.TALKING
    assert broken not in line.agent.sessions


async def test_a_reinvite_whose_caller_gave_up_is_still_acknowledged_before_the_next(line: Line) -> None:
    session, _, _ = await line.talk()
    first = asyncio.ensure_future(session.reoffer(offer(direction=Direction.SENDONLY)))
    held = await line.peer.request("INVITE")
    first.cancel()
    second = asyncio.ensure_future(session.reoffer(offer()))
    line.peer.reply(held, 200, line.us, description=reply(SessionDescription.parse(held.body)))
    ack = await line.peer.request("ACK")
    resumed = await line.peer.request("INVITE")
    line.peer.reply(resumed, 200, line.us, description=reply(SessionDescription.parse(resumed.body)))

    assert ack.cseq[0] == held.cseq[0]
    assert resumed.cseq[0] == held.cseq[0] + 1
    assert (await second).audio is not None
    assert first.cancelled()


async def test_a_peer_that_keeps_offering_is_given_up_after_some_tries(line: Line) -> None:
    session, _, _ = await line.talk()
    hold = asyncio.ensure_future(session.reoffer(offer()))
    refused: set[int] = set()
    while not hold.done():
        asked = asyncio.ensure_future(line.peer.request("INVITE"))
        await asyncio.wait((hold, asked), return_when=asyncio.FIRST_COMPLETED)
        if asked.done() and asked.result().cseq[0] not in refused:
            refused.add(asked.result().cseq[0])
            line.peer.reply(asked.result(), 491, line.us)
        asked.cancel()

    with pytest.raises(ReofferRefused, match="491"):
        await hold
    assert session.state is SessionState.TALKING


async def test_hanging_up_ends_the_wait_after_a_glare(line: Line) -> None:
    session, _, _ = await line.talk()
    hold = asyncio.ensure_future(session.reoffer(offer()))
    line.peer.reply(await line.peer.request("INVITE"), 491, line.us)
    await line.peer.request("ACK")
    session.release("")

    with pytest.raises(SessionOver):
        await hold


@pytest.mark.parametrize(("body", "status"), [(b"", 488), (b"nonsense", 400)])
async def test_an_answer_to_our_reinvite_that_is_none_is_refused_but_acknowledged(
    line: Line, body: bytes, status: int
) -> None:
    session, _, _ = await line.talk()
    hold = asyncio.ensure_future(session.reoffer(offer()))
    request = await line.peer.request("INVITE")
    answer = line.peer.reply(request, 180, line.us)
    answer.status, answer.body = 200, body
    answer.headers.set("Content-Type", "application/sdp")
    line.peer.send(answer, line.us)
    await line.peer.request("ACK")

    with pytest.raises(ReofferRefused, match=str(status)):
        await hold
