"""SIPp as carrier and as emergency desk: what the gateway says on the wire when things do not go smoothly."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from itertools import count
from pathlib import Path

import pytest
import pytest_asyncio

from tests.peers.baresip import free_ports
from tests.peers.ear import save
from tests.peers.gateway import ROOT, GatewayProcess, Json, configuration, until
from tests.peers.sipp import Lamp, Sipp, play

pytestmark = [pytest.mark.peer("sipp"), pytest.mark.asyncio(loop_scope="module")]

CARRIER, FIRST, SECOND = free_ports(3)
"""Where the carrier's and the two desks' SIPps listen."""
POLICE = "127.0.0.3"
"""Where an emergency line's own exchange calls from."""
RING_LIMIT = 2.0
_callers = count(13900000001)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def gateway(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[GatewayProcess]:
    """A gateway with quick timers and short announcements, whose desk telephones are two SIPps on two trunks."""
    folder = tmp_path_factory.mktemp("gateway")
    config = configuration(
        folder,
        sip={
            "listen": ["udp:127.0.0.1:0", "tcp:127.0.0.1:0"],
            "t1": "100ms",
            "t2": "400ms",
            "t4": "500ms",
            "trunk_check_interval": "1h",
            "trunk_check_limit": "20s",
        },
        media={"ports": [0, 0], "prompts": str(_short_prompts(folder))},
        trunk=[
            {"name": "carrier", "address": f"127.0.0.1:{CARRIER}"},
            {"name": "first", "address": f"127.0.0.1:{FIRST}", "username": "hotline", "password": "open-sesame"},
            {"name": "second", "address": f"127.0.0.1:{SECOND}"},
            {"name": "police", "address": f"{POLICE}:{CARRIER}", "emergency_line": "119"},
        ],
        merged_line=[{"number": "12369", "name": "环保热线", "merging": "double_number"}],
        emergency_line=[
            {
                "line": "119",
                "name": "消防",
                "chain": [
                    {"number": "119", "trunk": "first", "ring_limit": f"{RING_LIMIT:g}s"},
                    {"number": "8119119", "trunk": "second", "ring_limit": "8s"},
                ],
            }
        ],
    )
    async with AsyncExitStack() as stack:
        lamps = [await stack.enter_async_context(Lamp(port)) for port in (CARRIER, FIRST, SECOND)]
        lamps.append(await stack.enter_async_context(Lamp(CARRIER, POLICE)))
        node = await stack.enter_async_context(GatewayProcess(config))
        for lamp in lamps:
            await lamp.asked.wait()
            await lamp.__aexit__()
        yield node


def _short_prompts(folder: Path) -> Path:
    """Make announcements that are over at once."""
    prompts = folder / "prompts"
    prompts.mkdir()
    catalogue = (ROOT / "config" / "prompts" / "prompts.toml").read_text(encoding="utf-8")
    (prompts / "prompts.toml").write_text(catalogue, encoding="utf-8")
    for original in (ROOT / "config" / "prompts").glob("*.wav"):
        save(prompts / original.name, 0.1)
    return prompts


@pytest.fixture
def caller() -> str:
    """A number that nobody has called from yet."""
    return str(next(_callers))


async def tickets_of(gateway: GatewayProcess, caller: str) -> list[Json]:
    tickets: list[Json] = (await gateway.get(f"/api/tickets?limit=200&search={caller}"))["tickets"]
    return tickets


async def ended(gateway: GatewayProcess, caller: str) -> Json:
    """Wait until the caller's one ticket says that her call is over; return it."""

    async def found() -> Json | None:
        tickets = await tickets_of(gateway, caller)
        assert len(tickets) <= 1, tickets
        return tickets[0] if tickets and tickets[0]["ended_at"] else None

    return await until(f"the ended ticket of {caller}", found)


# -- the carrier's side -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("scenario", ["answered", "held_and_resumed", "late_offer"])
async def test_a_carriers_call_is_one_call_and_one_ticket(
    gateway: GatewayProcess, tmp_path: Path, caller: str, scenario: str
) -> None:
    await play(tmp_path, scenario, target=gateway.sip, caller=caller)

    ticket = await ended(gateway, caller)
    assert ticket["answered_at"]
    assert ticket["ending"] == "citizen hung up"


async def test_a_call_comes_over_tcp_too(gateway: GatewayProcess, tmp_path: Path, caller: str) -> None:
    await play(tmp_path, "answered", target=f"127.0.0.1:{gateway.tcp_port}", caller=caller, transport="t1")

    assert (await ended(gateway, caller))["answered_at"]


async def test_an_answer_never_acknowledged_is_repeated_and_the_call_ended(
    gateway: GatewayProcess, tmp_path: Path, caller: str
) -> None:
    await play(tmp_path, "never_acknowledged", target=gateway.sip, caller=caller, options=["-nr"])

    await ended(gateway, caller)


async def test_a_call_cancelled_before_its_answer_is_none(gateway: GatewayProcess, tmp_path: Path, caller: str) -> None:
    with slow_to_answer(gateway):
        await play(tmp_path, "cancelled", target=gateway.sip, caller=caller)

    await until("no live call", lambda: no_calls(gateway))
    assert not [ticket for ticket in await tickets_of(gateway, caller) if ticket["answered_at"]]


async def test_an_invite_that_comes_three_times_is_one_call_and_one_ticket(
    gateway: GatewayProcess, tmp_path: Path, caller: str
) -> None:
    async with AsyncExitStack() as stack:
        with slow_to_answer(gateway):
            carrier = await stack.enter_async_context(
                Sipp(tmp_path, "repeated_invite", target=gateway.sip, caller=caller, options=["-nr"])
            )
            await until("two of them have come", lambda: carrier.has_heard("SIP/2.0 100 Trying", times=2))
        await carrier.done()

    assert (await ended(gateway, caller))["answered_at"]


@contextmanager
def slow_to_answer(gateway: GatewayProcess) -> Iterator[None]:
    """Stop the media process for a moment: calls are offered meanwhile, and not answered."""
    media = gateway.child("channels.media.process")
    assert media is not None
    os.kill(media, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(media, signal.SIGCONT)


async def test_a_cancel_that_crosses_the_answer_is_confirmed_and_the_call_ends_with_bye(
    gateway: GatewayProcess, tmp_path: Path, caller: str
) -> None:
    await play(tmp_path, "cancel_crosses_answer", target=gateway.sip, caller=caller)

    assert (await ended(gateway, caller))["answered_at"]


@pytest.mark.parametrize(
    "scenario", ["no_common_codec", "unknown_dialog", "unknown_extension", "method_not_allowed", "options"]
)
async def test_what_cannot_be_served_is_refused_as_the_rfc_says(
    gateway: GatewayProcess, tmp_path: Path, caller: str, scenario: str
) -> None:
    await play(tmp_path, scenario, target=gateway.sip, caller=caller)


async def test_a_number_that_is_not_the_hotlines_is_refused(
    gateway: GatewayProcess, tmp_path: Path, caller: str
) -> None:
    await play(tmp_path, "wrong_number", target=gateway.sip, caller=caller, service="10086")

    assert not await tickets_of(gateway, caller)


async def test_a_stranger_gets_no_answer_at_all(gateway: GatewayProcess, tmp_path: Path, caller: str) -> None:
    await play(tmp_path, "no_answer_at_all", target=gateway.sip, caller=caller, local="127.0.0.2")

    assert not await tickets_of(gateway, caller)


async def test_a_burst_of_a_hundred_calls_is_answered_and_ended(
    gateway: GatewayProcess, tmp_path: Path, caller: str
) -> None:
    await play(tmp_path, "answered", target=gateway.sip, caller=caller, calls=100, rate=20, limit=30.0)

    async def all_ended() -> bool:
        tickets = await tickets_of(gateway, caller)
        return len(tickets) == 100 and all(ticket["ended_at"] for ticket in tickets)

    await until("a hundred ended tickets", all_ended)
    await until("no live call", lambda: no_calls(gateway))
    assert await gateway.health() == dict.fromkeys(await gateway.health(), "ok")


@pytest.mark.parametrize(("scenario", "options"), [("routed", []), ("both_hang_up", ["-nr"])])
async def test_the_gateways_bye_finds_its_way(
    gateway: GatewayProcess, tmp_path: Path, caller: str, scenario: str, options: list[str]
) -> None:
    await until("no live call", lambda: no_calls(gateway))
    async with Sipp(tmp_path, scenario, target=gateway.sip, caller=caller, options=options) as citizen:
        call_id = (await gateway.call())["call"]["id"]
        await gateway.fact(call_id, "call.answered")
        await gateway.post(f"/api/calls/{call_id}/finish")
        await citizen.done()

    assert (await ended(gateway, caller))["ending"] == "ended by admin"


async def no_calls(gateway: GatewayProcess) -> bool:
    return not await gateway.calls()


def origin(ticket: Json) -> dict[str, list[str]]:
    """Return the origin that a ticket tells, with the evidence of its reasons."""
    return {
        decision["outcome"]: [reason["evidence"] for reason in decision["reasons"]]
        for decision in ticket["decisions"]
        if decision["kind"] == "origin"
    }


async def test_what_an_emergency_line_passes_on_comes_with_its_story(
    gateway: GatewayProcess, tmp_path: Path, caller: str
) -> None:
    await play(tmp_path, "passed_on", target=gateway.sip, caller=caller, local=POLICE)

    ticket = await ended(gateway, caller)
    told = origin(ticket)["119"]
    assert told[0] == "1102；JQ-20261121-7；邻居半夜噪音扰民"
    assert ticket["matter"] == "noise"


async def test_a_merged_number_is_answered_and_stands_on_the_ticket(
    gateway: GatewayProcess, tmp_path: Path, caller: str
) -> None:
    await play(tmp_path, "answered", target=gateway.sip, caller=caller, service="12369")

    assert list(origin(await ended(gateway, caller))) == ["12369"]


# -- the desk's side ----------------------------------------------------------------------------------------------


@asynccontextmanager
async def emergency(gateway: GatewayProcess, folder: Path, caller: str) -> AsyncIterator[str]:
    """Have a citizen on the line and an emergency declared by hand; yields the call's id, ends the call."""
    await until("no live call", lambda: no_calls(gateway))
    async with Sipp(folder, "stays", target=gateway.sip, caller=caller, limit=60.0) as citizen:
        call_id: str = (await gateway.call())["call"]["id"]
        await gateway.fact(call_id, "call.answered")
        try:
            for _ in ("suspect", "confirm"):
                await gateway.post(f"/api/calls/{call_id}/hand-offs", {"line": "119"})
            yield call_id
        finally:
            await gateway.post(f"/api/calls/{call_id}/finish")
        await citizen.done()


@pytest.mark.parametrize("scenario", ["desk_accepts", "desk_early_media", "desk_challenges_401", "desk_challenges_407"])
async def test_the_first_desk_is_joined(gateway: GatewayProcess, tmp_path: Path, caller: str, scenario: str) -> None:
    async with Sipp(tmp_path, scenario, port=FIRST) as desk:
        async with emergency(gateway, tmp_path, caller) as call_id:
            await gateway.fact(call_id, "handoff.desk_joined")
        await desk.done()

    assert [fact.values["number"] for fact in gateway.facts(call_id) if fact.kind == "leg.invited"] == ["119@first"]


async def test_a_desk_that_knows_descriptions_alone_is_called_again_with_one(
    gateway: GatewayProcess, tmp_path: Path, caller: str
) -> None:
    async with Sipp(tmp_path, "desk_plain", port=FIRST) as desk:
        async with emergency(gateway, tmp_path, caller) as call_id:
            await gateway.fact(call_id, "handoff.desk_joined")
        await desk.done()


async def test_a_desk_gives_the_citizen_back_by_refer_and_may_send_her_nowhere_else(
    gateway: GatewayProcess, tmp_path: Path, caller: str
) -> None:
    async with Sipp(tmp_path, "desk_gives_back", port=FIRST) as desk:
        async with emergency(gateway, tmp_path, caller) as call_id:
            await gateway.fact(call_id, "handoff.desk_returned")
        await desk.done()

    assert "119" in origin(await ended(gateway, caller))
    assert [fact.values["number"] for fact in gateway.facts(call_id) if fact.kind == "leg.invited"] == ["119@first"]


async def test_a_desk_that_answers_twice_is_joined_once(gateway: GatewayProcess, tmp_path: Path, caller: str) -> None:
    async with Sipp(tmp_path, "desk_forks", port=FIRST) as desk:
        async with emergency(gateway, tmp_path, caller) as call_id:
            await gateway.fact(call_id, "handoff.desk_joined")
        await desk.done()


async def test_a_desk_accepts_by_sip_info(gateway: GatewayProcess, tmp_path: Path, caller: str) -> None:
    async with Sipp(tmp_path, "desk_accepts_by_info", port=FIRST) as desk:
        async with emergency(gateway, tmp_path, caller) as call_id:
            await gateway.fact(call_id, "handoff.desk_accepted")
        await desk.done()

    assert (await ended(gateway, caller))["state"] == "handed_to_emergency"


async def test_a_desk_that_rings_when_the_call_ends_is_cancelled(
    gateway: GatewayProcess, tmp_path: Path, caller: str
) -> None:
    async with Sipp(tmp_path, "desk_rings_on", port=FIRST) as desk:
        async with emergency(gateway, tmp_path, caller) as call_id:
            await gateway.fact(call_id, "handoff.invited")
        await desk.done()

    await gateway.fact(call_id, "handoff.citizen_left")


@pytest.mark.parametrize(
    ("scenario", "why"),
    [
        ("desk_unavailable", "503 Service Unavailable"),
        ("desk_leaves", "left "),
        ("desk_busy", "486 Busy Here"),
        ("desk_declines", "603 Decline"),
        ("desk_rings_on", "no answer within 2 s"),
        ("desk_late", "no answer within 2 s"),
    ],
)
async def test_a_desk_that_does_not_answer_is_followed_by_the_next_number(
    gateway: GatewayProcess, tmp_path: Path, caller: str, scenario: str, why: str
) -> None:
    async with Sipp(tmp_path, scenario, port=FIRST) as first, Sipp(tmp_path, "desk_accepts", port=SECOND) as second:
        async with emergency(gateway, tmp_path, caller) as call_id:
            failed = await gateway.fact(call_id, "handoff.desk_failed")
            await gateway.fact(call_id, "handoff.desk_joined")
            await first.done()
        await second.done()

    invited = [fact for fact in gateway.facts(call_id) if fact.kind == "leg.invited"]
    assert [fact.values["number"] for fact in invited] == ["119@first", "8119119@second"]
    assert str(failed.values["detail"]).startswith(why)
    first_at, second_at = (fact.offset or 0.0 for fact in invited)
    assert second_at - first_at < RING_LIMIT + 2.0


# -- rubbish ------------------------------------------------------------------------------------------------------


async def test_calls_are_taken_after_rubbish_of_every_kind(
    gateway: GatewayProcess, tmp_path: Path, caller: str
) -> None:
    chance = random.Random(5060)
    datagrams = [b"", b"\0" * 2000, b"\r\n\r\n", b"INVITE", b"SIP/2.0 200 OK\r\n\r\n", *_noise(chance)]
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        for datagram in datagrams:
            sender.sendto(datagram, (gateway.host, gateway.udp_port))
    async with AsyncExitStack() as connections:
        for beginning in (b"", b"INVITE sip:12345@127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/T", b"\0" * 70000, *_noise(chance)):
            _, writer = await asyncio.open_connection(gateway.host, gateway.tcp_port)
            connections.callback(writer.close)
            writer.write(beginning)
        over_udp, over_tcp = caller, str(next(_callers))
        await play(tmp_path, "answered", target=gateway.sip, caller=over_udp)
        await play(tmp_path, "answered", target=f"{gateway.host}:{gateway.tcp_port}", caller=over_tcp, transport="t1")

    assert (await ended(gateway, over_udp))["answered_at"]
    assert (await ended(gateway, over_tcp))["answered_at"]


def _noise(chance: random.Random) -> list[bytes]:
    """Return octets at random: as many as fit into a datagram, and many small pieces."""
    return [chance.randbytes(65507), *(chance.randbytes(chance.randrange(1, 1500)) for _ in range(100))]
