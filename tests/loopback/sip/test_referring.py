"""REFER and NOTIFY on the wire, both roles (RFC 3515), and calls that replace others (RFC 3891)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable

import pytest

from channels.sip.message import Request, Response
from channels.sip.numbers import Number
from channels.sip.referral import ReferTo
from channels.sip.referring import Referral
from channels.sip.session import Session
from channels.sip.session_events import Ended, Progress, ReferProgress, ReferRefused, SessionOver, SessionState
from channels.sip.session_in import IncomingSession
from channels.sip.uri import Uri
from channels.sip.user_agent import Trunk
from tests.fakes.sip import HOTLINE, Listener, callee, offer, reply, udp, user_agent
from tests.fakes.sip_lines import CalledLine, CallingLine, called_line, calling_line
from tests.fakes.sip_peer import RawPeer

FRAGMENT = ("Content-Type", "message/sipfrag;version=2.0")


def directory(trunk: str, number: Number) -> str | None:
    return "119" if number.national == "119" else None


def taking(referrals: list[Referral]) -> Callable[[Referral], bool]:
    """Accept every referral and keep it."""

    def take(referral: Referral) -> bool:
        referrals.append(referral)
        return True

    return take


@pytest.fixture
async def called() -> AsyncIterator[CalledLine]:
    async with called_line(find_number=directory) as line:
        yield line


@pytest.fixture
async def calling() -> AsyncIterator[CallingLine]:
    async with calling_line() as line:
        yield line


def refer(line: CalledLine, invite: Request, answer: Response, *headers: tuple[str, str], number: int = 2) -> Request:
    return line.peer.within(invite, answer, "REFER", line.us, number, headers=headers)


async def test_a_referral_to_the_directory_is_accepted_and_told_by_notify(called: CalledLine) -> None:
    invite, answer, session, _ = await called.talk()
    referrals: list[Referral] = []
    session.on_refer = taking(referrals)
    accepted = await called.ask(refer(called, invite, answer, ("Refer-To", "<sip:119@127.0.0.1>")))
    trying = await called.peer.request("NOTIFY")
    called.peer.reply(trying, 200, called.us)
    referrals[0].report(180)
    ringing = await called.peer.request("NOTIFY", after=(trying,))
    called.peer.reply(ringing, 200, called.us)
    referrals[0].report(200)
    done = await called.peer.request("NOTIFY", after=(trying, ringing))
    called.peer.reply(done, 200, called.us)
    referrals[0].report(500)  # after the last word nothing goes out

    assert accepted.status == 202
    assert [each.body for each in (trying, ringing, done)] == [
        b"SIP/2.0 100 Trying\r\n",
        b"SIP/2.0 180 Ringing\r\n",
        b"SIP/2.0 200 OK\r\n",
    ]
    states = [(each.headers.get("Subscription-State") or "").partition(";")[0] for each in (trying, ringing, done)]
    assert states == ["active", "active", "terminated"]
    assert trying.headers.get("Event") == "refer"
    assert referrals[0].callee is not None
    assert referrals[0].callee.uri == "sip:119@127.0.0.1"


@pytest.mark.parametrize(
    ("refer_to", "status"),
    [
        ("<sip:00852999@127.0.0.1>", 403),
        ("<sip:119@premium.invalid>", 403),
        ("<sip:119@127.0.0.1?Replaces=x%3Bto-tag%3Da%3Bfrom-tag%3Db>", 403),
        ("nonsense", 400),
        ("<sip:119@127.0.0.1;method=BYE>", 501),
    ],
)
async def test_a_referral_elsewhere_is_refused_and_nobody_is_asked(
    called: CalledLine, refer_to: str, status: int
) -> None:
    invite, answer, session, _ = await called.talk()
    asked: list[Referral] = []
    session.on_refer = taking(asked)

    assert (await called.ask(refer(called, invite, answer, ("Refer-To", refer_to)))).status == status
    assert asked == []
    assert session.state is SessionState.TALKING


async def test_a_referral_nobody_takes_is_declined(called: CalledLine) -> None:
    invite, answer, session, _ = await called.talk()
    to = ("Refer-To", "<sip:119@127.0.0.1>")
    unheard = await called.ask(refer(called, invite, answer, to))
    session.on_refer = lambda referral: False
    declined = await called.ask(refer(called, invite, answer, to, number=3))

    assert (unheard.status, declined.status) == (603, 603)


async def test_refer_sub_false_is_honoured_with_silence(called: CalledLine) -> None:
    invite, answer, session, _ = await called.talk()
    referrals: list[Referral] = []
    session.on_refer = taking(referrals)
    quiet = refer(called, invite, answer, ("Refer-To", "<sip:119@127.0.0.1>"), ("Refer-Sub", "false"))
    accepted = await called.ask(quiet)
    referrals[0].report(200)
    await called.ask(called.peer.within(invite, answer, "OPTIONS", called.us, 3))

    assert (accepted.status, accepted.headers.get("Refer-Sub")) == (202, "false")
    assert not [each for each in called.peer.heard() if isinstance(each, Request)]


async def test_refer_outside_a_call_is_forbidden(called: CalledLine) -> None:
    request = called.peer.new_request("REFER", called.us, headers=(("Refer-To", "<sip:119@127.0.0.1>"),))

    assert (await called.ask(request)).status == 403


async def ask(calling: CallingLine) -> tuple[Session, Listener, Request, Request, asyncio.Task[None]]:
    """Talk, and ask the peer to call 8002; return its REFER and who waits for the answer."""
    session, listener, invite = await calling.talk()
    asking = asyncio.create_task(session.refer(ReferTo(uri=Uri(user="8002", host="192.0.2.1"))))
    return session, listener, invite, await calling.peer.request("REFER"), asking


def notify(calling: CallingLine, invite: Request, number: int, body: bytes, state: str = "active") -> Request:
    request = calling.peer.backward(invite, "NOTIFY", calling.us, number)
    for name, value in (("Event", "refer"), ("Subscription-State", state), FRAGMENT):
        request.headers.add(name, value)
    request.body = body
    return request


async def test_how_our_referral_goes_is_told_until_its_end(calling: CallingLine) -> None:
    _, listener, invite, asked, asking = await ask(calling)
    calling.peer.send(notify(calling, invite, 1, b"SIP/2.0 100 Trying\r\n"), calling.us)  # overtakes the 202
    await calling.peer.response(200, method="NOTIFY")
    calling.peer.reply(asked, 202, calling.us)
    await asking
    calling.peer.send(notify(calling, invite, 2, b"SIP/2.0 200 OK\r\n", "terminated"), calling.us)
    await calling.peer.response(200, method="NOTIFY")
    calling.peer.send(notify(calling, invite, 3, b"SIP/2.0 200 OK\r\n"), calling.us)
    late = await calling.peer.response(481, method="NOTIFY")
    told = [await listener.next(ReferProgress) for _ in range(2)]

    assert asked.headers.get("Refer-To") == "<sip:8002@192.0.2.1>"
    assert asked.headers.get("Referred-By")
    assert told == [ReferProgress(100, "Trying", is_last=False), ReferProgress(200, "OK", is_last=True)]
    assert late.cseq == (3, "NOTIFY")


async def test_a_refused_referral_raises_and_the_call_goes_on(calling: CallingLine) -> None:
    session, _, _, asked, asking = await ask(calling)
    calling.peer.reply(asked, 603, calling.us)

    with pytest.raises(ReferRefused) as caught:
        await asking
    assert caught.value.status == 603
    assert session.state is SessionState.TALKING


async def test_a_call_that_ends_lets_no_referrer_wait(calling: CallingLine) -> None:
    _, _, invite, _, asking = await ask(calling)
    calling.peer.send(calling.peer.backward(invite, "BYE", calling.us, 1), calling.us)

    with pytest.raises(SessionOver):
        await asking


@pytest.mark.parametrize(
    ("event", "kind", "body", "status"),
    [
        ("presence", "message/sipfrag", b"SIP/2.0 200 OK\r\n", 489),
        ("refer", "text/plain", b"SIP/2.0 200 OK\r\n", 415),
        ("refer", "message/sipfrag", b"hello", 400),
    ],
)
async def test_a_notify_that_makes_no_sense_is_refused(
    calling: CallingLine, event: str, kind: str, body: bytes, status: int
) -> None:
    _, _, invite, asked, asking = await ask(calling)
    calling.peer.reply(asked, 202, calling.us)
    await asking
    request = notify(calling, invite, 1, body)
    request.headers.set("Event", event)
    request.headers.set("Content-Type", kind)
    calling.peer.send(request, calling.us)

    assert (await calling.peer.response(status)).cseq == (1, "NOTIFY")


def replaces(call: Session, remote_tag: str, more: str = "") -> tuple[tuple[str, str], ...]:
    return (("Replaces", f"{call.id};to-tag={call.local_tag};from-tag={remote_tag}{more}"),)


async def test_a_call_that_replaces_another_ends_it_when_it_is_answered(called: CalledLine) -> None:
    invite, _, old, listener = await called.talk()
    new_invite = called.peer.invite(called.us, headers=replaces(old, invite.from_.tag or ""), from_tag="new")
    called.peer.send(new_invite, called.us)
    new = await called.sessions.get()
    assert isinstance(new, IncomingSession)
    assert new.replaces is old
    await new.answer(reply(offer()))
    bye = await called.peer.request("BYE")
    called.peer.reply(bye, 200, called.us)

    assert bye.call_id == old.id
    assert await listener.next(Ended) == Ended(by_peer=False, reason="replaced")


@pytest.mark.parametrize(
    ("value", "status"),
    [
        ("unknown;to-tag=a;from-tag=b", 481),
        ("{id};to-tag={ours};from-tag=other", 481),
        ("{id};to-tag={ours};from-tag={theirs};early-only", 486),
        ("malformed", 400),
    ],
)
async def test_what_cannot_be_replaced_is_refused(called: CalledLine, value: str, status: int) -> None:
    invite, _, old, _ = await called.talk()
    text = value.format(id=old.id, ours=old.local_tag, theirs=invite.from_.tag)

    assert (await called.ask(called.peer.invite(called.us, headers=(("Replaces", text),)))).status == status
    assert old.state is SessionState.TALKING


async def test_a_call_of_theirs_that_still_rings_is_not_replaced(called: CalledLine) -> None:
    invite = called.peer.invite(called.us)
    called.peer.send(invite, called.us)
    ringing = await called.sessions.get()
    refused = await called.ask(called.peer.invite(called.us, headers=replaces(ringing, invite.from_.tag or "")))

    assert refused.status == 481


async def test_a_call_that_is_over_is_declined(called: CalledLine) -> None:
    invite, _, old, _ = await called.talk()
    old.release("")
    bye = await called.peer.request("BYE")
    refused = await called.ask(called.peer.invite(called.us, headers=replaces(old, invite.from_.tag or "")))
    called.peer.reply(bye, 200, called.us)

    assert refused.status == 603


async def test_a_call_of_ours_that_rings_is_replaced_by_the_callee_and_cancelled() -> None:
    sessions: asyncio.Queue[Session] = asyncio.Queue()

    async def keep(session: Session) -> None:
        sessions.put_nowait(session)

    async with user_agent(keep) as agent, RawPeer() as peer:
        old = await agent.invite(callee(peer.target), offer=offer(), from_=HOTLINE)
        listener = Listener(old)
        ringing = await peer.request("INVITE")
        peer.reply(ringing, 180, udp(agent))
        await listener.next(Progress)
        peer.send(peer.invite(udp(agent), headers=replaces(old, "peer", ";early-only"), from_tag="new"), udp(agent))
        new = await sessions.get()
        await new.answer(reply(offer()))
        cancel = await peer.request("CANCEL")
        agent.hang_up_limit = 0

    assert cancel.call_id == ringing.call_id


async def test_nobody_takes_over_a_call_of_another_trunk() -> None:
    sessions: asyncio.Queue[Session] = asyncio.Queue()

    async def keep(session: Session) -> None:
        sessions.put_nowait(session)

    async with RawPeer() as peer, RawPeer() as thief:
        trunks = [
            Trunk(name="one", target=peer.target, same_port=True),
            Trunk(name="two", target=thief.target, same_port=True),
        ]
        async with user_agent(keep, trunks=trunks) as agent:
            line = CalledLine(peer, agent, sessions)
            invite, _, old, _ = await line.talk()
            stolen = CalledLine(thief, agent, sessions)
            refused = await stolen.ask(thief.invite(stolen.us, headers=replaces(old, invite.from_.tag or "")))
            agent.hang_up_limit = 0

    assert refused.status == 403
