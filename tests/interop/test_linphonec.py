"""linphonec as citizen, 119 desk and agent: sound both ways, pressed keys, hold, a telephone that registers."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.peers.ear import load, save, share_heard
from tests.peers.gateway import ROOT, GatewayProcess, running, until
from tests.peers.linphonec import Linphonec

pytestmark = pytest.mark.peer("linphonec")

SPEECH = ROOT / "gateway" / "demo_speech"
PROMPTS = ROOT / "config" / "prompts"
FIRE = SPEECH / "citizen_fire_1.wav"
ENOUGH = 0.5
"""Share of a speech's pieces that must be found in a recording. A busy machine costs some."""
TELEPHONE = {"user": "8001", "password": "eight-zero-zero-one", "name": "一号坐席", "role": "agent", "agent": "8001"}


async def test_a_fire_is_heard_and_the_desk_accepts_by_a_key(tmp_path: Path) -> None:
    crying = save(tmp_path / "citizen.wav", 8.0, load(FIRE), 120.0)
    silence = save(tmp_path / "desk.wav", 120.0)
    async with (
        Linphonec(tmp_path, "13800000001", crying) as citizen,
        Linphonec(tmp_path, "119", silence, answers=True) as desk,
        running(
            tmp_path,
            trunk=[
                {"name": "carrier", "address": citizen.address},
                {"name": "fire", "address": desk.address, "sends_location": False},
            ],
            emergency_line=[{"line": "119", "name": "消防", "chain": [{"number": "119", "trunk": "fire"}]}],
        ) as gateway,
    ):
        await citizen.command(f"call sip:12345@{gateway.sip}")
        call_id = (await gateway.call())["call"]["id"]
        await gateway.fact(call_id, "handoff.desk_joined", line="119", limit=60)
        await desk.command("1")
        await gateway.fact(call_id, "handoff.desk_accepted", line="119")
        await citizen.command("terminate")
        ticket = (await gateway.ended_ticket())["ticket"]

    assert ticket["caller"] == "13800000001"
    assert ticket["state"] == "handed_to_emergency"
    assert share_heard(citizen.heard, load(PROMPTS / "emergency_connecting_119.wav")) > ENOUGH
    assert share_heard(desk.heard, load(PROMPTS / "desk_brief_119.wav")) > ENOUGH


async def test_a_registered_agent_takes_the_call_and_the_citizen_holds_and_resumes(tmp_path: Path) -> None:
    silence = save(tmp_path / "silence.wav", 120.0)
    async with (
        Linphonec(tmp_path, "13800000002", silence) as citizen,
        running(tmp_path, trunk=[{"name": "carrier", "address": citizen.address}], telephone=[TELEPHONE]) as gateway,
        Linphonec(tmp_path, "8001", silence, answers=True) as agent,
    ):
        await agent.register(gateway.sip, "eight-zero-zero-one")
        await until("the agent is registered", lambda: is_agent_ready(gateway))
        await citizen.command(f"call sip:12345@{gateway.sip}")
        call_id = (await gateway.call())["call"]["id"]
        await gateway.fact(call_id, "leg.answered", role="agent")
        await citizen.command("pause")
        await gateway.fact(call_id, "leg.held")
        await citizen.command("resume")
        await gateway.fact(call_id, "leg.resumed")
        await citizen.command("terminate")
        ticket = (await gateway.ended_ticket())["ticket"]

    assert ticket["ending"] == "citizen hung up"


async def is_agent_ready(gateway: GatewayProcess) -> bool:
    """Whether an agent's telephone is registered with us."""
    return any(agent["presence"] == "ready" for agent in (await gateway.get("/api/agents"))["agents"])
