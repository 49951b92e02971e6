"""All messages of RFC 4475 and RFC 5118 against a live endpoint: what each is answered.

The texts in tests/data/sip were written from the RFCs, by their names there. ``None``: dropped. 486 is what the
application says to every call that reaches it, so here it means that the message was accepted.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from channels.sip.digest import Credentials, DigestServer, authorization, challenge_of
from channels.sip.message import Request, parse
from channels.sip.registrar import Registrar
from channels.sip.session import Session
from channels.sip.target import Target
from channels.sip.user_agent import UserAgent
from tests.fakes.sip import LIMIT, udp, user_agent
from tests.fakes.sip_peer import RawPeer

DATA = Path("tests/data/sip")
ACCEPTED = 486
SOURCE = Target("udp", "127.0.0.1", 5060)

EXPECTED: dict[str, int | None] = {
    # RFC 4475 3.1.1, valid messages
    "rfc4475/wsinv": 481,  # valid, but within a dialog that we do not have
    "rfc4475/intmeth": 501,
    "rfc4475/esc01": ACCEPTED,
    "rfc4475/escnull": 401,
    "rfc4475/esc02": 501,  # RE%47IST%45R is no REGISTER
    "rfc4475/lwsdisp": 200,
    "rfc4475/longreq": ACCEPTED,
    "rfc4475/dblreq": 401,  # the REGISTER; what follows in the datagram is none of it
    "rfc4475/semiuri": 200,
    "rfc4475/transports": 200,
    "rfc4475/mpart01": 405,
    "rfc4475/unreason": None,
    "rfc4475/noreason": None,
    # RFC 4475 3.1.2, invalid messages
    "rfc4475/badinv01": None,  # 400, but its Via does not say where to
    "rfc4475/clerr": 400,
    "rfc4475/ncl": 400,
    "rfc4475/scalar02": 400,
    "rfc4475/scalarlg": None,
    "rfc4475/quotbal": 400,
    "rfc4475/ltgtruri": 400,
    "rfc4475/lwsruri": 400,
    "rfc4475/lwsstart": 400,
    "rfc4475/trws": 400,
    "rfc4475/escruri": 400,
    "rfc4475/baddate": ACCEPTED,  # we have no use for Date
    "rfc4475/regbadct": 401,  # 400 once its password is proved, see below
    "rfc4475/badaspec": 400,
    "rfc4475/baddn": 400,
    "rfc4475/badvers": 505,
    "rfc4475/mismatch01": 400,
    "rfc4475/mismatch02": 400,
    "rfc4475/bigcode": None,
    # RFC 4475 3.2, transaction layer
    "rfc4475/badbranch": 200,
    # RFC 4475 3.3, application layer
    "rfc4475/insuf": 400,
    "rfc4475/unkscm": 416,
    "rfc4475/novelsc": 416,
    "rfc4475/unksm2": 401,
    "rfc4475/bext01": 420,
    "rfc4475/invut": 415,
    "rfc4475/regaut01": 401,
    "rfc4475/multi01": 400,
    "rfc4475/mcl01": 400,
    "rfc4475/bcast": None,
    "rfc4475/zeromf": 200,  # Max-Forwards stops proxies; we are where it was going
    "rfc4475/cparam01": 401,
    "rfc4475/cparam02": 401,
    "rfc4475/regescrt": 401,
    "rfc4475/sdp01": 406,
    # RFC 4475 3.4, backward compatibility
    "rfc4475/inv2543": ACCEPTED,
    # RFC 5118
    "rfc5118/ipv6-good": 401,
    "rfc5118/ipv6-bad": 400,
    "rfc5118/port-ambiguous": 401,
    "rfc5118/port-unambiguous": 401,
    "rfc5118/via-received-param-with-delim": 481,
    "rfc5118/via-received-param-no-delim": 200,
    "rfc5118/ipv6-in-sdp": ACCEPTED,
    "rfc5118/mult-ip-in-header": 481,
    "rfc5118/mult-ip-in-sdp": ACCEPTED,
    "rfc5118/ipv4-mapped-ipv6": ACCEPTED,
    "rfc5118/ipv6-bug-abnf-3-colons": 200,  # liberal in what is accepted, as 4.10 allows
}


class StatusReader(RawPeer):
    """Reads of every answer only the status and whether a text is in it: an answer to nonsense repeats the nonsense."""

    def __init__(self) -> None:
        super().__init__()
        self.answers: asyncio.Queue[tuple[int, bytes]] = asyncio.Queue()

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        assert data.startswith(b"SIP/2.0 ")
        self.answers.put_nowait((int(data[8:11]), data))


@pytest.fixture
async def agent() -> AsyncIterator[UserAgent]:
    async def refuse(session: Session) -> None:
        await session.reject(ACCEPTED)

    async with user_agent(refuse, telephones={"8001": "secret"}) as agent:
        yield agent
        agent.hang_up_limit = 0


def test_every_message_of_both_rfcs_is_here() -> None:
    assert {str(path.relative_to(DATA).with_suffix("")) for path in DATA.rglob("*.dat")} == set(EXPECTED)
    assert sum(name.startswith("rfc4475/") for name in EXPECTED) == 49
    assert sum(name.startswith("rfc5118/") for name in EXPECTED) == 11


def forwarded(raw: bytes, peer: RawPeer) -> bytes:
    """Send a message on as a proxy does, so that its answer comes back: the hosts in its Via are not ours."""
    start, _, rest = raw.partition(b"\r\n")
    via = f"Via: SIP/2.0/UDP {peer.place};branch=z9hG4bKproxy;rport\r\n".encode()
    return start + b"\r\n" + via + rest


@pytest.mark.parametrize("name", EXPECTED)
async def test_each_is_answered_as_it_should_be(agent: UserAgent, name: str) -> None:
    us = udp(agent)
    raw = (DATA / f"{name}.dat").read_bytes()
    statuses: list[int] = []
    async with StatusReader() as peer, asyncio.timeout(LIMIT):
        peer.send(raw if name == "rfc4475/badinv01" else forwarded(raw, peer), us)
        probe = peer.new_request("OPTIONS", us)
        peer.send(probe, us)
        is_heard = False
        while not is_heard or (EXPECTED[name] == ACCEPTED and not statuses):
            status, answer = await peer.answers.get()
            is_heard = is_heard or probe.call_id.encode() in answer
            if status >= 200 and probe.call_id.encode() not in answer:
                statuses.append(status)

    assert statuses == ([] if EXPECTED[name] is None else [EXPECTED[name]])


async def test_two_requests_with_the_bare_cookie_are_two(agent: UserAgent) -> None:
    us = udp(agent)
    async with RawPeer() as peer:
        first = peer.new_request("OPTIONS", us, branch="z9hG4bK")
        second = peer.new_request("OPTIONS", us, branch="z9hG4bK")
        peer.send(first, us)
        peer.send(second, us)
        async with asyncio.timeout(LIMIT):
            answered = {(await peer.response(200)).call_id for _ in range(2)}

    assert answered == {first.call_id, second.call_id}


@pytest.mark.parametrize(
    ("name", "status"), [("regbadct", 400), ("cparam01", 200), ("cparam02", 200), ("regescrt", 200)]
)
def test_a_register_is_judged_once_its_password_is_proved(name: str, status: int) -> None:
    registrar = Registrar({"user": "secret"}, DigestServer("jiesu", b"key"))
    request = parse((DATA / "rfc4475" / f"{name}.dat").read_bytes())
    assert isinstance(request, Request)
    challenge = challenge_of(registrar.register(request, SOURCE, 0.0, to_tag="t"))
    assert challenge is not None
    proof = authorization(
        challenge, Credentials(user="user", password="secret"), method="REGISTER", uri=request.uri, count=1
    )
    request.headers.set(*proof)

    assert registrar.register(request, SOURCE, 0.0, to_tag="t").status == status
