"""Who may talk to us."""

from __future__ import annotations

from channels.sip.admission import StrangerLimits
from channels.sip.digest import DigestServer
from channels.sip.gatekeeper import FAMILIAR_FOR, Gatekeeper
from channels.sip.message import Request, Response, parse
from channels.sip.registrar import Registrar
from channels.sip.target import Target
from channels.sip.trunk import Trunk, Trunks
from tests.fakes.sip_messages import invite

CARRIER = Target("udp", "192.0.2.1", 5060)
STRANGER = Target("udp", "198.51.100.7", 5060)


def request() -> Request:
    message = parse(invite())
    assert isinstance(message, Request)
    return message


def gatekeeper(hosts: set[str], *, burst: int = 2) -> Gatekeeper:
    registrar = Registrar({"8001": "x"}, DigestServer("jiesu", b"key"))
    trunks = Trunks([Trunk(name="carrier", target=CARRIER, sources=("203.0.113.0/24",))])
    return Gatekeeper(trunks, registrar, StrangerLimits(rate=0.001, burst=burst), lambda: hosts)


def test_trunks_are_always_heard_and_strangers_a_little() -> None:
    keeper = gatekeeper(set())

    assert all(keeper.hears("192.0.2.1", 0.0) for _ in range(50))
    assert all(keeper.hears("203.0.113.9", 0.0) for _ in range(50))
    assert [keeper.hears("198.51.100.7", 0.0) for _ in range(4)] == [True, True, False, False]


def test_a_host_with_a_call_is_heard_for_as_long_as_the_call() -> None:
    hosts = {"198.51.100.7"}
    keeper = gatekeeper(hosts, burst=1)
    during = [keeper.hears("198.51.100.7", 0.0) for _ in range(20)]
    hosts.clear()
    after = [keeper.hears("198.51.100.7", 2 * FAMILIAR_FOR) for _ in range(3)]

    assert all(during)
    assert after == [True, False, False]


def test_calls_of_a_trunk_are_its_own_and_others_are_challenged() -> None:
    keeper = gatekeeper(set())
    challenge = keeper.identify(request(), STRANGER, 0.0, to_tag="t")

    assert keeper.identify(request(), CARRIER, 0.0, to_tag="t") == "carrier"
    assert isinstance(challenge, Response)
    assert challenge.status == 401
    assert keeper.admits(request(), CARRIER)
    assert not keeper.admits(request(), STRANGER)
