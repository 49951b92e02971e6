"""Trunks by name: looked up at a real name server on the loopback, with failover."""

from __future__ import annotations

import pytest

from channels.sip.connections import ListenAddress, Target
from channels.sip.resolver import Resolver
from channels.sip.session_events import Answered, Ended, Rejected
from channels.sip.user_agent import Trunk
from gateway.domain.errors import Unavailable
from tests.fakes.dns_server import NameServer
from tests.fakes.sip import HOTLINE, Listener, offer, reply, udp, user_agent
from tests.fakes.sip_peer import RawPeer

LISTEN = [ListenAddress("udp", "127.0.0.1", 0), ListenAddress("tcp", "127.0.0.1", 0)]
DOMAIN = Target("udp", "carrier.invalid", 0)


def srv(*servers: tuple[int, int, str]) -> dict[tuple[str, str], list[str]]:
    """Make a zone of hosts on 127.0.0.1, each (priority, port, name)."""
    zone = {("carrier.invalid", "SOA"): ["carrier.invalid. x.invalid. 1 1 1 1 1"]}
    zone["_sip._udp.carrier.invalid", "SRV"] = [f"{prio} 1 {port} {name}.invalid." for prio, port, name in servers]
    for _, _, name in servers:
        zone[f"{name}.invalid", "A"] = ["127.0.0.1"]
    return zone


async def test_srv_gives_the_servers_in_order() -> None:
    async with NameServer(srv((20, 5072, "second"), (10, 5071, "first"))) as server:
        found = await Resolver([server.address]).locate(DOMAIN, LISTEN)

    assert found == [Target("udp", "127.0.0.1", 5071), Target("udp", "127.0.0.1", 5072)]
    assert found[0].name == "carrier.invalid"  # what a certificate must name is the domain (RFC 5922 7.1)


async def test_naptr_decides_the_transport() -> None:
    zone = {
        ("carrier.invalid", "NAPTR"): [
            '20 10 "s" "SIP+D2U" "" _sip._udp.carrier.invalid.',
            '10 10 "s" "SIP+D2T" "" _sip._tcp.carrier.invalid.',
            '5 10 "s" "SIPS+D2T" "" _sips._tcp.carrier.invalid.',
        ],
        ("_sip._tcp.carrier.invalid", "SRV"): ["10 1 5070 a.invalid."],
        ("_sip._udp.carrier.invalid", "SRV"): ["10 1 5060 a.invalid."],
        ("a.invalid", "A"): ["127.0.0.1", "127.0.0.2"],
    }
    async with NameServer(zone) as server:
        found = await Resolver([server.address]).locate(DOMAIN, LISTEN)

    assert [each.transport for each in found] == ["tcp", "tcp", "udp", "udp"]
    assert sorted(str(each) for each in found) == [
        "tcp:127.0.0.1:5070",
        "tcp:127.0.0.2:5070",
        "udp:127.0.0.1:5060",
        "udp:127.0.0.2:5060",
    ]


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        (Target("udp", "plain.invalid", 0), ["udp:127.0.0.7:5060"]),
        (Target("tcp", "plain.invalid", 5090), ["tcp:127.0.0.7:5090"]),
        (Target("udp", "six.invalid", 5060), []),
        (Target("udp", "192.0.2.1", 0), ["udp:192.0.2.1:5060"]),
    ],
)
async def test_a_host_without_servers_is_called_itself(target: Target, expected: list[str]) -> None:
    zone = {("plain.invalid", "A"): ["127.0.0.7"], ("six.invalid", "AAAA"): ["2001:db8::1"]}
    async with NameServer(zone) as server:
        resolver = Resolver([server.address])
        if expected:
            assert [str(each) for each in await resolver.locate(target, LISTEN)] == expected
        else:
            with pytest.raises(Unavailable):
                await resolver.locate(target, LISTEN)


async def test_what_was_found_is_used_again_and_outlives_the_name_server() -> None:
    async with NameServer(srv((10, 5071, "first"))) as server:
        resolver = Resolver([server.address])
        first = await resolver.locate(DOMAIN, LISTEN)
        asked = server.asked
        again = await resolver.locate(DOMAIN, LISTEN)
        assert server.asked == asked
        server.zone.clear()
        later = await resolver.locate(DOMAIN, LISTEN, fresh=True)

        assert server.asked > asked
    assert first == again == later


async def test_a_name_nobody_knows_is_unavailable() -> None:
    async with NameServer({}) as server:
        with pytest.raises(Unavailable):
            await Resolver([server.address]).locate(DOMAIN, LISTEN)


async def test_a_silent_server_is_left_for_the_next_and_its_late_answer_ended() -> None:
    async with RawPeer() as first, RawPeer() as second:
        zone = srv((10, first.target.port, "first"), (20, second.target.port, "second"))
        async with NameServer(zone) as server:
            trunks = [Trunk(name="carrier", target=DOMAIN, same_port=False)]
            async with user_agent(trunks=trunks, nameservers=[server.address], fail_over_after=0.05) as agent:
                session = await agent.invite(agent.trunk("carrier", "110"), offer=offer(), from_=HOTLINE)
                listener = Listener(session)
                lost = await first.request("INVITE")
                taken = await second.request("INVITE")
                second.reply(taken, 180, udp(agent), tag="second")
                first.reply(lost, 200, udp(agent), tag="first", description=reply(offer()))
                await first.request("ACK")
                first.reply(await first.request("BYE"), 200, udp(agent))
                second.reply(taken, 200, udp(agent), tag="second", description=reply(offer()))
                await listener.next(Answered)
                agent.hang_up_limit = 0

    assert taken.uri == lost.uri == "sip:110@carrier.invalid"
    assert (taken.call_id, taken.cseq) == (lost.call_id, lost.cseq)
    assert taken.via.branch != lost.via.branch


async def test_a_server_without_service_is_left_for_the_next_and_the_last_refusal_counts() -> None:
    async with RawPeer() as first, RawPeer() as second:
        zone = srv((10, first.target.port, "first"), (20, second.target.port, "second"))
        async with NameServer(zone) as server:
            trunks = [Trunk(name="carrier", target=DOMAIN)]
            async with user_agent(trunks=trunks, nameservers=[server.address]) as agent:
                session = await agent.invite(agent.trunk("carrier", "110"), offer=offer(), from_=HOTLINE)
                first.reply(await first.request("INVITE"), 503, udp(agent))
                second.reply(await second.request("INVITE"), 486, udp(agent))

                assert (await Listener(session).next(Rejected)).status == 486


async def test_giving_up_while_the_first_server_is_silent_asks_no_other() -> None:
    async with RawPeer() as first, RawPeer() as second:
        zone = srv((10, first.target.port, "first"), (20, second.target.port, "second"))
        async with NameServer(zone) as server:
            trunks = [Trunk(name="carrier", target=DOMAIN)]
            async with user_agent(trunks=trunks, nameservers=[server.address], fail_over_after=0.1) as agent:
                session = await agent.invite(agent.trunk("carrier", "110"), offer=offer(), from_=HOTLINE)
                await first.request("INVITE")
                session.release("enough")
                assert (await Listener(session).next(Ended)).reason == "enough"
                await first.request("INVITE")
                await first.request("INVITE")
                await first.request("INVITE")

                assert second.heard() == []


async def test_a_trunk_known_by_name_may_call_and_is_checked_by_options() -> None:
    async with RawPeer() as peer, NameServer(srv((10, peer.target.port, "first"))) as server:
        trunks = [Trunk(name="carrier", target=DOMAIN)]
        async with user_agent(trunks=trunks, nameservers=[server.address]) as agent:
            peer.send(peer.new_request("OPTIONS", udp(agent)), udp(agent))
            await peer.response(200)
            agent.spawn(answer_options(peer, udp(agent)))

            assert await agent.check("carrier") == 200


async def answer_options(peer: RawPeer, us: Target) -> None:
    peer.reply(await peer.request("OPTIONS"), 200, us)
