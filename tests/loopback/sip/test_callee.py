"""What a caller in the test's hands sees of us as callee."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from channels.sip.capabilities import ALLOW
from channels.sip.message import Response
from channels.sip.offer_answer import NotAcceptable
from channels.sip.sdp import Direction, SessionDescription
from channels.sip.session import Session
from channels.sip.session_events import Answered, Ended, InfoDigit, Renegotiated, SessionOver, SessionState
from gateway.domain.errors import OurMistake
from tests.fakes.sip import Listener, answer_call, offer, reply, udp, user_agent
from tests.fakes.sip_lines import CalledLine as Line
from tests.fakes.sip_lines import called_line
from tests.fakes.sip_peer import RawPeer


@pytest.fixture
async def line() -> AsyncIterator[Line]:
    async with called_line() as line:
        yield line


async def test_an_answer_is_sent_again_until_its_ack(line: Line) -> None:
    invite = line.peer.invite(line.us)
    line.peer.send(invite, line.us)
    session = await line.sessions.get()
    await session.answer(reply(offer()))
    answers = [await line.peer.response(200) for _ in range(3)]
    states = [session.state]
    line.peer.send(line.peer.ack(invite, answers[0], line.us), line.us)
    await Listener(session).next(Answered)
    states.append(session.state)

    assert states == [SessionState.ANSWERED, SessionState.TALKING]
    assert len({answer.to.tag for answer in answers}) == 1
    assert answers[0].headers.get("Allow")
    assert SessionDescription.parse(answers[0].body).audio is not None


async def test_an_answer_never_acknowledged_is_followed_by_bye(line: Line) -> None:
    line.peer.send(line.peer.invite(line.us), line.us)
    session = await line.sessions.get()
    await session.answer(reply(offer()))
    bye = await line.peer.request("BYE")
    line.peer.reply(bye, 200, line.us)

    assert await Listener(session).next(Ended) == Ended(by_peer=False, reason="never acknowledged")


async def test_a_duplicate_invite_is_one_call_ringing_or_answered(line: Line) -> None:
    invite = line.peer.invite(line.us)
    line.peer.send(invite, line.us)
    session = await line.sessions.get()
    await session.ring()
    await line.peer.response(180)
    line.peer.send(invite, line.us)
    again = await line.peer.response(180)
    await session.answer(reply(offer()))
    answer = await line.peer.response(200)
    line.peer.send(invite, line.us)
    line.peer.send(line.peer.ack(invite, answer, line.us), line.us)
    await Listener(session).next(Answered)

    assert again.to.tag == answer.to.tag
    assert line.sessions.empty()
    assert line.agent.sessions == (session,)


async def test_the_same_invite_by_another_way_is_merged(line: Line) -> None:
    invite = line.peer.invite(line.us)
    line.peer.send(invite, line.us)
    await line.sessions.get()
    other = line.peer.invite(line.us, call_id=invite.call_id)

    assert (await line.ask(other)).status == 482


async def test_cancel_before_the_answer_gives_200_and_487_and_no_call(line: Line) -> None:
    invite = line.peer.invite(line.us)
    line.peer.send(invite, line.us)
    session = await line.sessions.get()
    await session.ring()
    line.peer.send(line.peer.cancel(invite, line.us), line.us)
    cancelled = await line.peer.response(200, method="CANCEL")
    refused = await line.peer.response(487)
    line.peer.send(line.peer.ack_refusal(invite, refused, line.us), line.us)

    assert cancelled.to.tag == refused.to.tag
    assert await Listener(session).next(Ended) == Ended(by_peer=True, reason="cancelled")
    with pytest.raises(SessionOver):
        await session.answer(reply(offer()))
    with pytest.raises(SessionOver):
        await session.ring()
    assert not line.agent.sessions


async def test_a_cancel_that_crosses_the_answer_changes_nothing_and_the_callers_bye_ends_it(line: Line) -> None:
    invite, answer, _, listener = await line.talk()
    cancelled = await line.ask(line.peer.cancel(invite, line.us))
    ended = await line.ask(line.peer.within(invite, answer, "BYE", line.us, 2))

    assert cancelled.status == 200
    assert ended.status == 200
    assert (await listener.next(Ended)).by_peer


async def test_bye_before_our_answer_ends_the_invite_with_487(line: Line) -> None:
    invite = line.peer.invite(line.us)
    line.peer.send(invite, line.us)
    session = await line.sessions.get()
    await session.ring()
    ringing = await line.peer.response(180)
    line.peer.send(line.peer.within(invite, ringing, "BYE", line.us, 2), line.us)
    finals = {(await line.peer.response(200, 487)).cseq[1] for _ in range(2)}

    assert finals == {"BYE", "INVITE"}
    assert (await Listener(session).next(Ended)).by_peer


async def test_bye_before_the_ack_ends_the_call_and_the_answer_is_not_sent_again(line: Line) -> None:
    invite = line.peer.invite(line.us)
    line.peer.send(invite, line.us)
    session = await line.sessions.get()
    await session.answer(reply(offer()))
    answer = await line.peer.response(200)
    ended = await line.ask(line.peer.within(invite, answer, "BYE", line.us, 2, headers=(("Reason", "Q.850;cause=16"),)))

    assert ended.status == 200
    assert await Listener(session).next(Ended) == Ended(by_peer=True, reason="Q.850;cause=16")
    assert not line.agent.sessions


async def test_hanging_up_before_the_ack_waits_for_it_with_bye(line: Line) -> None:
    invite = line.peer.invite(line.us)
    line.peer.send(invite, line.us)
    session = await line.sessions.get()
    await session.answer(reply(offer()))
    answer = await line.peer.response(200)
    session.release("changed our mind")
    again = await line.peer.next()
    line.peer.send(line.peer.ack(invite, answer, line.us), line.us)
    bye = await line.peer.request("BYE")
    line.peer.reply(bye, 200, line.us)
    await session.hang_up()

    assert isinstance(again, Response)
    assert again.status == 200
    assert session.state is SessionState.ENDED
    assert await Listener(session).next(Ended) == Ended(by_peer=False, reason="changed our mind")


async def test_our_bye_is_sent_again_until_it_is_answered(line: Line) -> None:
    _, _, session, _ = await line.talk()
    session.release("")
    byes = [await line.peer.request("BYE") for _ in range(3)]
    line.peer.reply(byes[0], 200, line.us)
    await session.hang_up()

    assert len({bye.via.branch for bye in byes}) == 1
    assert session.state is SessionState.ENDED


async def test_two_byes_that_cross_are_both_answered(line: Line) -> None:
    invite, answer, session, _ = await line.talk()
    session.release("")
    ours = await line.peer.request("BYE")
    theirs = await line.ask(line.peer.within(invite, answer, "BYE", line.us, 2))
    line.peer.reply(ours, 200, line.us)
    await session.hang_up()

    assert theirs.status == 200
    assert session.state is SessionState.ENDED


async def test_rejecting_is_repeated_until_its_ack_and_ends_the_session(line: Line) -> None:
    invite = line.peer.invite(line.us)
    line.peer.send(invite, line.us)
    session = await line.sessions.get()
    await session.reject(486, "Busy Here")
    first, second = await line.peer.response(486), await line.peer.response(486)
    line.peer.send(line.peer.ack_refusal(invite, first, line.us), line.us)

    assert first.to.tag == second.to.tag
    assert session.is_over
    await session.reject(486)
    await session.hang_up()
    assert not line.agent.sessions


async def test_hanging_up_an_unanswered_call_is_480(line: Line) -> None:
    invite = line.peer.invite(line.us)
    line.peer.send(invite, line.us)
    await (await line.sessions.get()).hang_up()

    assert (await line.peer.response(480)).cseq == (1, "INVITE")


async def test_hold_and_resume_are_answered_as_call_control_says(line: Line) -> None:
    invite, answer, session, listener = await line.talk()
    session.renegotiate = lambda theirs: reply(theirs) if theirs else None
    held = await line.ask(
        line.peer.within(invite, answer, "INVITE", line.us, 2, description=offer(direction=Direction.SENDONLY))
    )
    line.peer.send(line.peer.within(invite, answer, "ACK", line.us, 2), line.us)
    resumed = await line.ask(line.peer.within(invite, answer, "INVITE", line.us, 3, description=offer()))
    line.peer.send(line.peer.within(invite, answer, "ACK", line.us, 3), line.us)
    directions = [SessionDescription.parse(each.body).audio for each in (held, resumed)]

    assert [audio.direction for audio in directions if audio] == [Direction.RECVONLY, Direction.SENDRECV]
    assert (await listener.next(Renegotiated)).description.audio.direction is Direction.SENDONLY  # type: ignore[union-attr]


async def test_a_reinvite_that_call_control_declines_is_488_and_the_call_goes_on(line: Line) -> None:
    invite, answer, session, _ = await line.talk()
    refused = await line.ask(line.peer.within(invite, answer, "INVITE", line.us, 2, description=offer()))

    assert refused.status == 488
    assert session.state is SessionState.TALKING


async def test_a_reinvite_whose_handling_breaks_is_500_and_ends_only_this_session(line: Line) -> None:
    invite, answer, session, listener = await line.talk()
    *_, other, _ = await line.talk()

    def broken(theirs: SessionDescription | None) -> SessionDescription | None:
        raise RuntimeError("broken on purpose")

    session.renegotiate = broken
    refused = await line.ask(line.peer.within(invite, answer, "INVITE", line.us, 2, description=offer()))

    assert refused.status == 500
    assert await listener.next(Ended) == Ended(by_peer=False, reason="failure")
    assert other.state is SessionState.TALKING


async def test_a_late_offer_is_answered_with_ours_and_the_ack_carries_theirs(line: Line) -> None:
    invite = line.peer.invite(line.us, description=None)
    line.peer.send(invite, line.us)
    session = await line.sessions.get()
    assert session.remote_offer is None
    await session.answer(offer(40010))
    answer = await line.peer.response(200)
    ours = SessionDescription.parse(answer.body)
    line.peer.send(line.peer.ack(invite, answer, line.us, description=reply(ours, 40020)), line.us)
    answered = await Listener(session).next(Answered)

    assert answered.description is not None
    assert answered.description.audio is not None
    assert answered.description.audio.port == 40020


async def test_a_late_offer_without_answer_in_the_ack_ends_the_call(line: Line) -> None:
    invite = line.peer.invite(line.us, description=None)
    line.peer.send(invite, line.us)
    session = await line.sessions.get()
    await session.answer(offer(40010))
    line.peer.send(line.peer.ack(invite, await line.peer.response(200), line.us), line.us)
    line.peer.reply(await line.peer.request("BYE"), 200, line.us)

    assert (await Listener(session).next(Ended)).reason == "no answer in the ACK"


async def test_a_late_offer_in_the_call_lets_no_other_offer_in_until_it_is_answered(line: Line) -> None:
    invite, answer, session, listener = await line.talk()
    session.renegotiate = lambda theirs: offer(40030)
    late = await line.ask(line.peer.within(invite, answer, "INVITE", line.us, 2))
    crossing = await line.ask(line.peer.within(invite, answer, "INVITE", line.us, 3, description=offer()))
    ack = line.peer.within(
        invite, answer, "ACK", line.us, 2, description=reply(SessionDescription.parse(late.body), 40031)
    )
    line.peer.send(ack, line.us)
    renegotiated = await listener.next(Renegotiated)

    assert late.status == 200
    assert crossing.status == 491
    assert renegotiated.description.audio is not None
    assert renegotiated.description.audio.port == 40031


async def test_info_digits_are_told(line: Line) -> None:
    invite, answer, _, listener = await line.talk()
    press = line.peer.within(invite, answer, "INFO", line.us, 2, headers=(("Content-Type", "application/dtmf-relay"),))
    press.body = b"Signal=1\r\nDuration=160\r\n"
    pressed = await line.ask(press)
    star = line.peer.within(invite, answer, "INFO", line.us, 3, headers=(("Content-Type", "application/dtmf"),))
    star.body = b"*"
    await line.ask(star)
    other = line.peer.within(invite, answer, "INFO", line.us, 4, headers=(("Content-Type", "text/plain"),))
    other.body = b"hello"

    assert pressed.status == 200
    assert [(await listener.next(InfoDigit)).digit for _ in range(2)] == ["1", "*"]
    assert (await line.ask(other)).status == 415
    assert (await line.ask(line.peer.within(invite, answer, "INFO", line.us, 5))).status == 200


async def test_early_media_carries_a_description(line: Line) -> None:
    line.peer.send(line.peer.invite(line.us), line.us)
    session = await line.sessions.get()
    await session.ring(183, reply(offer()))

    assert SessionDescription.parse((await line.peer.response(183)).body).audio is not None


async def test_ring_and_answer_refuse_what_they_cannot_mean(line: Line) -> None:
    *_, session, _ = await line.talk()

    with pytest.raises(OurMistake):
        await session.answer(reply(offer()))
    with pytest.raises(OurMistake):
        await session.reject(200)
    await session.reject(486)
    assert session.state is SessionState.TALKING


async def test_a_request_out_of_order_is_500(line: Line) -> None:
    invite, answer, session, _ = await line.talk()

    assert (await line.ask(line.peer.within(invite, answer, "OPTIONS", line.us, 9))).status == 200
    assert (await line.ask(line.peer.within(invite, answer, "INFO", line.us, 5))).status == 500
    assert session.state is SessionState.TALKING


@pytest.mark.parametrize("method", ["BYE", "INVITE", "INFO", "OPTIONS"])
async def test_an_unknown_dialog_is_481(line: Line, method: str) -> None:
    assert (await line.ask(line.peer.new_request(method, line.us, to_tag="nowhere"))).status == 481


async def test_a_cancel_of_nothing_is_481(line: Line) -> None:
    assert (await line.ask(line.peer.new_request("CANCEL", line.us))).status == 481


@pytest.mark.parametrize(
    ("method", "uri", "headers", "status"),
    [
        ("OPTIONS", None, (), 200),
        ("SUBSCRIBE", None, (), 405),
        ("BREW", None, (), 501),
        ("INVITE", "mailto:a@example.invalid", (), 416),
        ("INVITE", None, (("Require", "100rel, gruu, path"),), 420),
        ("OPTIONS", None, (("Require", "gruu"),), 420),
        ("INVITE", None, (("Content-Type", "text/html"),), 415),
        ("INVITE", None, (("Content-Type", "application/sdp"),), 400),
    ],
)
async def test_what_cannot_be_served_is_refused_in_the_standards_words(
    line: Line, method: str, uri: str | None, headers: tuple[tuple[str, str], ...], status: int
) -> None:
    request = line.peer.new_request(method, line.us, uri=uri, headers=headers)
    request.body = b"hello" if "Content-Type" in request.headers else b""
    answer = await line.ask(request)

    assert answer.status == status
    if status in (200, 405):
        assert answer.headers.get("Allow") == ALLOW
    if status == 200:
        assert answer.headers.get("Accept") == "application/sdp"
        assert "Supported" in answer.headers
    if status == 420:
        assert answer.headers.all("Unsupported") == [
            option for option in request.headers.all("Require") if option != "100rel"
        ]


async def test_a_telephone_number_may_be_called_as_tel(line: Line) -> None:
    line.peer.send(line.peer.invite(line.us, uri="tel:+86-10-12345"), line.us)
    session = await line.sessions.get()

    assert session.called.user == "+86-10-12345"


async def test_answers_go_where_via_says(line: Line) -> None:
    async with RawPeer() as other:
        request = line.peer.new_request("OPTIONS", line.us)
        request.headers.set("Via", f"SIP/2.0/UDP 192.0.2.1:{other.target.port};branch=z9hG4bKvia")
        line.peer.send(request, line.us)
        response = await other.response(200)

        assert response.via.params["received"] == "127.0.0.1"

        request.headers.set("Via", f"SIP/2.0/UDP 192.0.2.1:{other.target.port};branch=z9hG4bKvia2;rport")
        line.peer.send(request, line.us)
        response = await line.peer.response(200)

        assert response.via.params["rport"] == str(line.peer.target.port)


async def test_an_identity_that_the_trunk_asserts_is_the_caller(line: Line) -> None:
    asserted = (("P-Asserted-Identity", "<sip:+8613000000001@carrier.invalid>"),)
    line.peer.send(line.peer.invite(line.us, headers=asserted), line.us)

    assert (await line.sessions.get()).caller.uri.subscriber == "+8613000000001"


async def test_a_broken_call_handler_ends_its_own_call_with_500() -> None:
    async def broken(session: Session) -> None:
        if session.called.user == "12345":
            raise RuntimeError("broken on purpose")
        await answer_call(session)

    async with user_agent(broken) as agent, RawPeer() as peer:
        peer.send(peer.invite(udp(agent)), udp(agent))
        failed = await peer.response(500)
        peer.send(peer.invite(udp(agent), uri=f"sip:8001@127.0.0.1:{udp(agent).port}"), udp(agent))

        assert failed.cseq == (1, "INVITE")
        assert (await peer.response(200)).status == 200
        agent.hang_up_limit = 0


async def test_a_bye_while_ours_still_waits_for_the_ack_settles_the_call(line: Line) -> None:
    invite = line.peer.invite(line.us)
    line.peer.send(invite, line.us)
    session = await line.sessions.get()
    await session.answer(reply(offer()))
    answer = await line.peer.response(200)
    session.release("")
    ended = await line.ask(line.peer.within(invite, answer, "BYE", line.us, 2))

    assert ended.status == 200
    assert not line.agent.sessions


@pytest.mark.parametrize(
    ("kind", "body", "status"), [("text/plain", b"hello", 415), ("application/sdp", b"nonsense", 400)]
)
async def test_a_reinvite_with_an_unusable_body_is_refused_and_the_call_goes_on(
    line: Line, kind: str, body: bytes, status: int
) -> None:
    invite, answer, session, _ = await line.talk()
    again = line.peer.within(invite, answer, "INVITE", line.us, 2, headers=(("Content-Type", kind),))
    again.body = body

    assert (await line.ask(again)).status == status
    assert session.state is SessionState.TALKING


async def test_a_reinvite_without_common_codec_is_488(line: Line) -> None:
    invite, answer, session, _ = await line.talk()

    def decline(theirs: SessionDescription | None) -> SessionDescription | None:
        raise NotAcceptable("no common codec")

    session.renegotiate = decline
    again = line.peer.within(invite, answer, "INVITE", line.us, 2, description=offer())

    assert (await line.ask(again)).status == 488


async def test_a_reinvite_before_the_first_is_answered_is_500_with_retry_after(line: Line) -> None:
    invite = line.peer.invite(line.us)
    line.peer.send(invite, line.us)
    session = await line.sessions.get()
    await session.ring()
    ringing = await line.peer.response(180)
    refused = await line.ask(line.peer.within(invite, ringing, "INVITE", line.us, 2, description=offer()))

    assert refused.status == 500
    assert refused.headers.get("Retry-After")
    assert session.state is SessionState.INVITED


async def test_a_reinvite_after_we_hung_up_is_481(line: Line) -> None:
    invite, answer, session, _ = await line.talk()
    session.release("")
    refused = await line.ask(line.peer.within(invite, answer, "INVITE", line.us, 2, description=offer()))

    assert refused.status == 481


@pytest.mark.parametrize("body", [b"", b"nonsense"])
async def test_a_late_offer_in_the_call_without_answer_ends_it(line: Line, body: bytes) -> None:
    invite, answer, session, listener = await line.talk()
    session.renegotiate = lambda theirs: offer(40030)
    await line.ask(line.peer.within(invite, answer, "INVITE", line.us, 2))
    ack = line.peer.within(invite, answer, "ACK", line.us, 2, headers=(("Content-Type", "application/sdp"),))
    ack.body = body
    line.peer.send(ack, line.us)

    assert await listener.next(Ended) == Ended(by_peer=False, reason="no answer in the ACK")
    await line.peer.request("BYE")


async def test_ringing_is_repeated_every_minute(line: Line) -> None:
    line.peer.send(line.peer.invite(line.us), line.us)
    session = await line.sessions.get()
    await session.ring()
    first = await line.peer.response(180)
    line.peer.send(line.peer.new_request("OPTIONS", line.us), line.us)  # its timer makes the agent look at the clock
    await line.peer.response(200)
    clock = line.agent.endpoint.now
    line.agent.endpoint.now = lambda: clock() + 61
    again = await line.peer.response(180)

    assert again.to.tag == first.to.tag
    await session.reject(486)
