"""SIP over TLS, as server, client and mutually, and over IPv6."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

from channels.sip.connections import ListenAddress, Target
from channels.sip.message import Response, parse
from channels.sip.offer_answer import make_offer
from channels.sip.session import Session
from channels.sip.session_events import Answered, Ended, Rejected
from channels.sip.tls import Tls
from channels.sip.uri import NameAddr, Uri
from channels.sip.user_agent import Trunk, UserAgent
from gateway.domain.errors import OurMistake
from tests.fakes.sip import HOTLINE, LIMIT, Listener, answer_call, callee, ignore, offer, reply, udp, user_agent
from tests.fakes.sip_peer import RawPeer

FILES = Path("tests/data/tls")
LISTEN = [ListenAddress("tls", "127.0.0.1", 0), ListenAddress("udp", "127.0.0.1", 0)]


def certificate(owner: str, *, asks_clients: bool = False) -> Tls:
    return Tls(
        certificate=FILES / f"{owner}.pem",
        key=FILES / f"{owner}.key",
        authorities=FILES / "ca.pem",
        asks_clients=asks_clients,
    )


def tls(agent: UserAgent) -> Target:
    return next(address for address in agent.addresses if address.transport == "tls")


@pytest.mark.parametrize("asks_clients", [False, True])
async def test_a_call_over_tls_with_and_without_a_clients_certificate(asks_clients: bool) -> None:
    server = certificate("gateway", asks_clients=asks_clients)
    async with (
        user_agent(answer_call, listen=LISTEN, tls=server) as called,
        user_agent(listen=LISTEN, tls=certificate("elsewhere")) as calling,
    ):
        session = await calling.invite(callee(tls(called)), offer=offer(), from_=HOTLINE)
        await Listener(session).next(Answered)
        (theirs,) = called.sessions
        await session.hang_up()

    assert theirs.fallback.transport == "tls"
    assert theirs.request.via.transport == "TLS"
    assert "transport=tls" in (theirs.request.headers.get("Contact") or "")
    assert await Listener(theirs).next(Ended) == Ended(by_peer=True, reason="")


@pytest.mark.parametrize("owner", ["stranger", "elsewhere"])
async def test_a_server_that_cannot_prove_its_name_is_not_called(owner: str) -> None:
    async with (
        user_agent(answer_call, listen=LISTEN, tls=certificate(owner)) as called,
        user_agent(listen=LISTEN, tls=certificate("gateway")) as calling,
    ):
        session = await calling.invite(callee(tls(called)), offer=offer(), from_=HOTLINE)
        rejected = await Listener(session).next(Rejected)

        assert (rejected.status, rejected.is_local) == (503, True)
        assert not called.sessions


async def test_a_server_is_believed_by_the_name_it_is_configured_with() -> None:
    async with (
        user_agent(answer_call, listen=LISTEN, tls=certificate("elsewhere")) as called,
        user_agent(listen=LISTEN, tls=certificate("gateway")) as calling,
    ):
        named = replace(tls(called), name="elsewhere.invalid")
        session = await calling.invite(callee(named), offer=offer(), from_=HOTLINE)
        await Listener(session).next(Answered)
        await session.hang_up()

        assert session.is_over


async def test_a_client_without_a_certificate_of_ours_is_not_heard() -> None:
    server = certificate("gateway", asks_clients=True)
    async with (
        user_agent(answer_call, listen=LISTEN, tls=server) as called,
        user_agent(listen=LISTEN, tls=certificate("stranger")) as calling,
    ):
        session = await calling.invite(callee(tls(called)), offer=offer(), from_=HOTLINE)
        rejected = await Listener(session).next(Rejected)

        assert rejected.is_local
        assert not called.sessions


async def test_a_sips_call_is_answered_with_a_sips_contact_and_refused_in_clear() -> None:
    async with (
        user_agent(answer_call, listen=LISTEN, tls=certificate("gateway")) as called,
        user_agent(listen=LISTEN, tls=certificate("gateway")) as calling,
        RawPeer() as peer,
    ):
        secure = replace(callee(tls(called)), uri=f"sips:119@127.0.0.1:{tls(called).port}")
        session = await calling.invite(secure, offer=offer(), from_=HOTLINE)
        await Listener(session).next(Answered)
        clear = peer.invite(udp(called), uri="sips:12345@hotline.invalid")
        peer.send(clear, udp(called))
        refused = await peer.response(480)
        assert session.dialog is not None
        target = session.dialog.remote_target
        await session.hang_up()

    assert target.scheme == "sips"
    assert "transport" not in target.params
    assert (refused.headers.get("Warning") or "").startswith("380 ")


async def test_a_tls_listener_needs_a_certificate() -> None:
    agent = user_agent(ignore, listen=LISTEN)
    with pytest.raises(Exception, match="certificate"):
        await agent.__aenter__()


def test_certificates_that_cannot_be_read_are_our_mistake(tmp_path: Path) -> None:
    (tmp_path / "a.pem").write_text("no certificate")

    for name in ("a.pem", "absent.pem"):
        with pytest.raises(OurMistake, match=name):
            Tls(certificate=tmp_path / name, key=tmp_path / name).server()


async def test_noise_on_the_tls_port_disturbs_nobody() -> None:
    async with user_agent(answer_call, listen=LISTEN, tls=certificate("gateway")) as called:
        reader, writer = await asyncio.open_connection(tls(called).host, tls(called).port)
        writer.write(b"OPTIONS sip:x SIP/2.0\r\n\r\n")
        async with asyncio.timeout(LIMIT):
            await reader.read()
        writer.close()
        async with user_agent(listen=LISTEN, tls=certificate("gateway")) as calling:
            session = await calling.invite(callee(tls(called)), offer=offer(), from_=HOTLINE)
            await Listener(session).next(Answered)
            await session.hang_up()

            assert session.is_over


async def test_a_call_over_ipv6_has_brackets_wherever_an_address_stands() -> None:
    sessions: asyncio.Queue[Session] = asyncio.Queue()

    async def keep(session: Session) -> None:
        sessions.put_nowait(session)

    listen = [ListenAddress("udp", "::1", 0), ListenAddress("tcp", "::1", 0)]
    async with RawPeer("::1") as peer:
        trunks = [Trunk(name="loopback", target=peer.target, sources=("2001:db8::/32",))]
        async with user_agent(keep, listen=listen, trunks=trunks) as agent:
            us = udp(agent)
            peer.send(peer.invite(us), us)
            incoming = await sessions.get()
            description = make_offer(address="::1", port=40000, session_id=1)
            await incoming.answer(description)
            answer = await peer.response(200)
            calling = agent.trunk("loopback", "119")
            outgoing = await agent.invite(
                calling, offer=description, from_=NameAddr(uri=Uri(user="12345", host="::1", port=us.port))
            )
            invite = await peer.request("INVITE")
            peer.reply(invite, 200, us, description=reply(offer()))
            await Listener(outgoing).next(Answered)
            ack = await peer.request("ACK")
            agent.hang_up_limit = 0

    assert answer.headers.get("Contact") == f"<sip:12345@[::1]:{us.port}>"
    assert b"c=IN IP6 ::1" in answer.body
    assert invite.uri == f"sip:119@[::1]:{peer.target.port}"
    assert invite.via.sent_by == f"[::1]:{us.port}"
    assert invite.from_.uri.host == "::1"
    assert ack.uri == f"sip:peer@[::1]:{peer.target.port}"
    assert "received=[::1]" not in str(answer.via)


async def test_an_ipv6_stranger_hears_nothing_and_a_network_of_a_trunk_is_known() -> None:
    trunk = Trunk(name="carrier", target=Target("udp", "2001:db8::5", 5060), sources=("2001:db8:1::/48",))

    assert trunk.sends_from(Target("udp", "2001:db8:1::77", 5062))
    assert not trunk.sends_from(Target("udp", "2001:db8:2::77", 5062))
    async with RawPeer("::1") as stranger:
        async with user_agent(ignore, listen=[ListenAddress("udp", "::1", 0)], trunks=[trunk]) as agent:
            stranger.send(stranger.new_request("OPTIONS", udp(agent)), udp(agent))
            assert await agent.options(udp(agent), limit=0.05) is None

        assert stranger.heard() == []


def test_a_response_received_over_ipv6_is_matched_by_its_via() -> None:
    raw = (
        b"SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP [2001:db8::9:1];received=2001:db8::9:255;branch=z9hG4bKas3-111\r\n"
        b"From: <sip:a@x.invalid>;tag=1\r\nTo: <sip:b@x.invalid>;tag=2\r\nCall-ID: x\r\nCSeq: 1 BYE\r\n\r\n"
    )
    response = parse(raw)

    assert isinstance(response, Response)
    assert response.via.params["received"] == "2001:db8::9:255"


async def test_the_callee_hangs_up_on_the_connection_the_call_came_by() -> None:
    async with (
        user_agent(answer_call, listen=LISTEN, tls=certificate("gateway")) as called,
        user_agent(listen=LISTEN, tls=certificate("elsewhere")) as calling,  # nobody could prove it at its address
    ):
        session = await calling.invite(callee(tls(called)), offer=offer(), from_=HOTLINE)
        listener = Listener(session)
        await listener.next(Answered)
        (theirs,) = called.sessions
        await Listener(theirs).next(Answered)
        await theirs.hang_up()

        assert await listener.next(Ended) == Ended(by_peer=True, reason="")
        assert called.endpoint.connections == 1


async def test_a_contact_does_not_lead_a_call_out_of_tls() -> None:
    async with (
        user_agent(answer_call, listen=LISTEN, tls=certificate("gateway")) as called,
        user_agent(listen=LISTEN, tls=certificate("gateway")) as calling,
        RawPeer() as eavesdropper,
    ):
        session = await calling.invite(callee(tls(called)), offer=offer(), from_=HOTLINE)
        await Listener(session).next(Answered)
        (theirs,) = called.sessions
        await Listener(theirs).next(Answered)
        assert theirs.dialog is not None
        theirs.dialog.remote_target = Uri.parse(f"sip:x@{eavesdropper.place};transport=udp")
        await theirs.hang_up()

        assert eavesdropper.heard() == []
        assert session.is_over
