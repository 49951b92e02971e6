"""Session timers (RFC 4028) on the wire, with intervals of one second."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from channels.sip.message import Request
from channels.sip.session_events import Answered, Ended, Rejected
from channels.sip.session_timer import TimerPolicy
from tests.fakes.sip import Listener, answer_call, offer, reply
from tests.fakes.sip_lines import CalledLine, CallingLine, called_line, calling_line

QUICK = TimerPolicy(interval=1, least=1)
UPDATE = ("Allow", "INVITE, ACK, BYE, CANCEL, UPDATE")


@pytest.fixture
async def called() -> AsyncIterator[CalledLine]:
    async with called_line(session_timer=QUICK) as line:
        yield line


@pytest.fixture
async def calling() -> AsyncIterator[CallingLine]:
    async with calling_line(session_timer=QUICK) as line:
        yield line


async def test_a_caller_that_stops_refreshing_is_left_with_bye(called: CalledLine) -> None:
    timer = (("Supported", "timer"), ("Session-Expires", "1"))
    invite = called.peer.invite(called.us, headers=timer)
    called.peer.send(invite, called.us)
    session = await called.sessions.get()
    await answer_call(session)
    answer = await called.peer.response(200)
    called.peer.send(called.peer.ack(invite, answer, called.us), called.us)
    bye = await called.peer.request("BYE")
    called.peer.reply(bye, 200, called.us)

    assert answer.headers.get("Session-Expires") == "1;refresher=uac"
    assert answer.headers.all("Require") == ["timer"]
    assert (await Listener(session).next(Ended)).reason == "session expired"


@pytest.mark.parametrize("method", ["UPDATE", "INVITE"])
async def test_a_caller_that_does_not_know_timers_is_refreshed_by_us(called: CalledLine, method: str) -> None:
    headers = (("Session-Expires", "1"), *((UPDATE,) if method == "UPDATE" else ()))
    invite = called.peer.invite(called.us, headers=headers)
    called.peer.send(invite, called.us)
    session = await called.sessions.get()
    await session.answer(reply(offer(), 40033))
    answer = await called.peer.response(200)
    called.peer.send(called.peer.ack(invite, answer, called.us), called.us)
    refresh = await called.peer.request(method)
    called.peer.reply(refresh, 200, called.us, description=None if method == "UPDATE" else offer())

    assert answer.headers.get("Session-Expires") == "1;refresher=uas"
    assert refresh.headers.get("Session-Expires") == "1;refresher=uac"
    assert (b"40033" in refresh.body) == (method == "INVITE")


async def test_an_interval_too_small_is_422_with_our_least() -> None:
    async with called_line(session_timer=TimerPolicy()) as line:
        timer = (("Supported", "timer"), ("Session-Expires", "60"))
        refused = await line.ask(line.peer.invite(line.us, headers=timer))
        invite, answer, *_ = await line.talk()
        update = await line.ask(line.peer.within(invite, answer, "UPDATE", line.us, 2, headers=timer))

    assert (refused.status, refused.headers.get("Min-SE")) == (422, "90")
    assert (update.status, update.headers.get("Min-SE")) == (422, "90")


async def test_a_refused_interval_is_asked_for_again_with_the_peers_least(calling: CallingLine) -> None:
    _, listener, invite = await calling.call()
    calling.peer.reply(invite, 422, calling.us, headers=(("Min-SE", "100"),))
    await calling.peer.request("ACK")
    again = await calling.peer.request("INVITE", after=(invite,))
    calling.peer.reply(again, 200, calling.us, description=reply(offer()))
    await listener.next(Answered)

    assert invite.headers.get("Session-Expires") == "1"
    assert (again.headers.get("Session-Expires"), again.headers.get("Min-SE")) == ("100", "100")
    assert again.cseq == (2, "INVITE")


async def test_a_422_that_asks_for_nothing_more_is_final(calling: CallingLine) -> None:
    _, listener, invite = await calling.call()
    calling.peer.reply(invite, 422, calling.us)

    assert (await listener.next(Rejected)).status == 422


async def answered(calling: CallingLine, *headers: tuple[str, str]) -> tuple[Listener, Request]:
    _, listener, invite = await calling.call()
    calling.peer.reply(invite, 200, calling.us, description=reply(offer()), headers=headers)
    await listener.next(Answered)
    return listener, invite


async def test_we_refresh_by_update_and_again_when_that_is_answered(calling: CallingLine) -> None:
    timer = ("Session-Expires", "1;refresher=uac")
    await answered(calling, UPDATE, timer)
    first = await calling.peer.request("UPDATE")
    calling.peer.reply(first, 200, calling.us, headers=(timer,))
    second = await calling.peer.request("UPDATE", after=(first,))
    calling.peer.reply(second, 200, calling.us, headers=(timer,))

    assert first.body == second.body == b""
    assert second.cseq[0] > first.cseq[0]


async def test_a_peer_whose_turn_it_is_and_who_is_silent_is_left_with_bye(calling: CallingLine) -> None:
    listener, _ = await answered(calling, UPDATE, ("Session-Expires", "1;refresher=uas"))
    bye = await calling.peer.request("BYE")
    calling.peer.reply(bye, 200, calling.us)

    assert (await listener.next(Ended)).reason == "session expired"


async def test_a_peer_that_refreshes_keeps_the_call(calling: CallingLine) -> None:
    listener, invite = await answered(calling, UPDATE, ("Session-Expires", "1;refresher=uas"))
    update = calling.peer.backward(invite, "UPDATE", calling.us, 1)
    update.headers.add("Supported", "timer")
    update.headers.add("Session-Expires", "1;refresher=uac")
    calling.peer.send(update, calling.us)
    refreshed = await calling.peer.response(200, method="UPDATE")
    calling.peer.reply(await calling.peer.request("BYE"), 200, calling.us)
    await listener.next(Ended)

    assert refreshed.headers.get("Session-Expires") == "1;refresher=uac"


async def test_a_peer_that_lost_the_call_ends_it_by_refusing_the_refresh(calling: CallingLine) -> None:
    listener, _ = await answered(calling, UPDATE, ("Session-Expires", "1;refresher=uac"))
    calling.peer.reply(await calling.peer.request("UPDATE"), 481, calling.us)
    calling.peer.reply(await calling.peer.request("BYE"), 200, calling.us)

    assert (await listener.next(Ended)).reason == "the peer lost the dialog"
