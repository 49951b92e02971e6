"""Who calls and who is called, as trunks are configured to say it."""

from __future__ import annotations

import pytest

from channels.sip.connections import Target
from channels.sip.message import Request
from channels.sip.session_in import IncomingSession
from channels.sip.user_agent import Trunk
from tests.fakes.sip import HOTLINE, offer, user_agent
from tests.fakes.sip_lines import called_line
from tests.fakes.sip_peer import RawPeer


@pytest.mark.parametrize(("believes", "number"), [(True, "13800138000"), (False, "13000000000")])
async def test_a_trunk_asserts_the_caller_where_it_is_believed(believes: bool, number: str) -> None:
    trunks = [Trunk(name="loopback", target=Target("udp", "127.0.0.1", 5060), believes=believes)]
    async with called_line(trunks=trunks) as line:
        headers = (
            ("P-Asserted-Identity", "<tel:13800138000>"),
            ("Privacy", "id"),
            ("Diversion", "<sip:12315@x.invalid>;reason=unconditional"),
        )
        line.peer.send(line.peer.invite(line.us, headers=headers), line.us)
        session = await line.sessions.get()

    assert isinstance(session, IncomingSession)
    assert session.caller.uri.user == number
    assert session.is_private
    assert session.originally_called.user == "12315"
    assert session.called.user == "12345"


async def test_we_call_as_the_trunk_knows_us_and_unshown_where_it_is_asked_for() -> None:
    async with RawPeer() as peer:
        trunks = [
            Trunk(name="plain", target=peer.target),
            Trunk(name="asserting", target=peer.target, asserts="047612345"),
            Trunk(name="private", target=peer.target, asserts="047612345", is_private=True),
        ]
        async with user_agent(trunks=trunks) as agent:
            seen: list[Request] = []
            for name in ("plain", "asserting", "private"):
                session = await agent.invite(agent.trunk(name, "119"), offer=offer(), from_=HOTLINE)
                invite = await peer.request("INVITE")
                while any(invite.call_id == each.call_id for each in seen):
                    invite = await peer.request("INVITE")
                seen.append(invite)
                session.release("")

    plain, asserting, private = seen
    assert "P-Asserted-Identity" not in plain.headers
    assert asserting.headers.get("P-Asserted-Identity") == "<sip:047612345@127.0.0.1>"
    assert asserting.from_.uri.user == "12345"
    assert private.headers.get("Privacy") == "id"
    assert private.from_.uri.host == "anonymous.invalid"
