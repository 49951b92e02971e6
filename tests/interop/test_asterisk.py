"""Asterisk as the city's PBX: registered with, called from, called to, and sending its citizens back by REFER."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from tests.peers.asterisk import AGENT, AGENT_PASSWORD, PASSWORD, USER, Asterisk
from tests.peers.ear import load, save
from tests.peers.gateway import ROOT, GatewayProcess, configuration, until

pytestmark = pytest.mark.peer("asterisk")

SPEECH = ROOT / "gateway" / "demo_speech"
CALLER = "13800000001"
TELEPHONE = {"user": AGENT, "password": AGENT_PASSWORD, "name": "一号坐席", "role": "agent", "agent": AGENT}


@asynccontextmanager
async def pbx(
    folder: Path, *, transport: str = "udp", with_agent: bool = False
) -> AsyncIterator[tuple[Asterisk, GatewayProcess]]:
    """Have a gateway whose one trunk is a PBX that it registers with."""
    async with Asterisk(transport=transport) as asterisk:
        config = configuration(
            folder,
            sip={"listen": ["udp:127.0.0.1:0", "tcp:127.0.0.1:0"], "trunk_check_interval": "1s"},
            trunk=[
                {
                    "name": "pbx",
                    "address": asterisk.address,
                    "transport": transport,
                    "username": USER,
                    "password": PASSWORD,
                    "register": True,
                }
            ],
            telephone=[TELEPHONE],
            emergency_line=[
                {
                    "line": "119",
                    "name": "消防",
                    "chain": [{"number": "122", "trunk": "pbx"}, {"number": "119", "trunk": "pbx"}],
                },
                {"line": "110", "name": "公安", "chain": [{"number": "110", "trunk": "pbx"}]},
            ],
            unit=[{"id": "water", "name": "供水公司", "number": "9001", "trunk": "pbx"}],
        )
        async with GatewayProcess(config) as gateway:
            port = gateway.tcp_port if transport == "tcp" else gateway.udp_port
            await asterisk.start(f"127.0.0.1:{port}", caller=CALLER, with_agent=with_agent)
            yield asterisk, gateway


@pytest.mark.parametrize("transport", ["udp", "tcp"])
async def test_a_fire_is_heard_through_the_pbx_and_joined_with_119_behind_it(tmp_path: Path, transport: str) -> None:
    crying = save(tmp_path / "fire.wav", 1.0, load(SPEECH / "citizen_fire_1.wav"), 60.0)
    async with pbx(tmp_path, transport=transport) as (asterisk, gateway):
        await until("the trunk is registered", lambda: is_registered(asterisk))
        await asterisk.call("12345", asterisk.speech(crying))
        call_id = (await gateway.call())["call"]["id"]
        await gateway.fact(call_id, "handoff.desk_joined", line="119", limit=60)
        failed = await gateway.fact(call_id, "handoff.desk_failed")
        await gateway.fact(call_id, "handoff.desk_accepted", line="119")
        await asterisk.command("channel request hangup all")
        ticket = (await gateway.ended_ticket())["ticket"]

    assert str(failed.values["detail"]).startswith("486")
    assert ticket["caller"] == CALLER
    assert ticket["state"] == "handed_to_emergency"


async def test_a_desk_behind_the_pbx_gives_the_citizen_back_by_refer(tmp_path: Path) -> None:
    silence = save(tmp_path / "silence.wav", 60.0)
    async with pbx(tmp_path) as (asterisk, gateway):
        await asterisk.call("12345", asterisk.speech(silence))
        call_id = (await gateway.call())["call"]["id"]
        await gateway.fact(call_id, "call.answered")
        for _ in ("suspect", "confirm"):
            await gateway.post(f"/api/calls/{call_id}/hand-offs", {"line": "110"})
        await gateway.fact(call_id, "handoff.desk_joined")
        await gateway.fact(call_id, "handoff.desk_returned")
        await gateway.post(f"/api/calls/{call_id}/finish")
        ticket = (await gateway.ended_ticket())["ticket"]

    assert "110" in [decision["outcome"] for decision in ticket["decisions"] if decision["kind"] == "origin"]


async def test_an_agent_behind_the_pbx_takes_the_call_and_transfers_it_to_a_unit(tmp_path: Path) -> None:
    silence = save(tmp_path / "silence.wav", 60.0)
    async with pbx(tmp_path, with_agent=True) as (asterisk, gateway):
        await until("the agent's telephone is registered with us", lambda: is_agent_ready(gateway))
        await asterisk.call("12345", asterisk.speech(silence))
        call_id = (await gateway.call())["call"]["id"]
        await until("the agent and the citizen talk", lambda: has_agent(gateway))
        await gateway.post(f"/api/calls/{call_id}/transfer", {"unit": "water"})
        await gateway.fact(call_id, "transfer.unit_answered")
        await gateway.post(f"/api/calls/{call_id}/transfer/join")
        await gateway.fact(call_id, "transfer.agent_joined")
        await gateway.post(f"/api/calls/{call_id}/finish")
        await gateway.ended_ticket()

        async def is_quiet() -> bool:
            return not await asterisk.has_channel("PJSIP/")

        await until("Asterisk has no call left", is_quiet)


async def is_registered(asterisk: Asterisk) -> bool:
    """Whether we are registered with the PBX."""
    return "sip:" in (await asterisk.command("pjsip show contacts"))


async def has_agent(gateway: GatewayProcess) -> bool:
    """Whether an agent is with the citizen."""
    legs = [leg for live in await gateway.calls() for leg in live["call"]["legs"]]
    return any(leg["role"] == "agent" and leg["joined"] for leg in legs)


async def is_agent_ready(gateway: GatewayProcess) -> bool:
    """Whether an agent's telephone is registered with us."""
    return any(agent["presence"] == "ready" for agent in (await gateway.get("/api/agents"))["agents"])
