"""baresip as citizen, 119 desk and agent: whole calls through the gateway, judged by what each has heard."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.peers.baresip import Baresip
from tests.peers.ear import load, save, share_heard
from tests.peers.gateway import ROOT, GatewayProcess, jiesu, running, until
from tests.peers.rtp import RATE

pytestmark = pytest.mark.peer("baresip")

SPEECH = ROOT / "gateway" / "demo_speech"
PROMPTS = ROOT / "config" / "prompts"
FIRE = SPEECH / "citizen_fire_1.wav"
WATER = SPEECH / "citizen_water_1.wav"
DESK = SPEECH / "desk_119_1.wav"
AGENT = SPEECH / "agent_water_1.wav"
ENOUGH = 0.5
"""Share of a speech's pieces that must be found in a recording; of other words none is. A busy machine costs some."""
LONG = 300.0
"""Seconds of silence after what is said: baresip hangs up at the end of its file."""


def trunk(name: str, address: str) -> dict[str, object]:
    return {"name": name, "address": address}


async def test_a_fire_is_heard_and_handed_to_119_and_everything_is_on_the_ticket(tmp_path: Path) -> None:
    crying = save(tmp_path / "citizen.wav", 2.0, load(FIRE), 28.0, load(SPEECH / "citizen_fire_2.wav"), LONG)
    asking = save(tmp_path / "desk.wav", LONG)
    async with (
        Baresip(tmp_path, "13800000001", crying) as citizen,
        Baresip(tmp_path, "119", asking) as desk,
        running(
            tmp_path,
            trunk=[trunk("carrier", citizen.address), trunk("fire", desk.address)],
            emergency_line=[{"line": "119", "name": "消防", "chain": [{"number": "119", "trunk": "fire"}]}],
        ) as gateway,
    ):
        await citizen.dial(f"sip:12345@{gateway.sip}")
        call_id = (await gateway.call())["call"]["id"]
        await gateway.fact(call_id, "handoff.desk_joined", line="119", limit=60)
        await desk.say(save(tmp_path / "desk_1.wav", 0.2, load(DESK), LONG))
        await gateway.words(call_id, "消防", role="emergency_desk", limit=30)
        await desk.press("1")
        await gateway.fact(call_id, "handoff.desk_accepted", line="119")
        await gateway.words(call_id, "人民路", limit=60)
        await citizen.hang_up()
        detail = await gateway.ended_ticket()
        await desk.event("CALL_CLOSED")
        verdict = await jiesu("journal", "verify", "--config", gateway.config)
        citizen_heard, desk_heard = citizen.heard, desk.heard

    ticket = detail["ticket"]
    said = "".join(part["text"] for part in detail["transcript"] if part["role"] == "citizen")
    assert "着火" in said
    assert ticket["emergency_line"] == "119"
    assert ticket["state"] == "handed_to_emergency"
    assert ticket["caller"] == "13800000001"
    assert share_heard(desk_heard, load(SPEECH / "citizen_fire_2.wav")) > ENOUGH
    assert share_heard(desk_heard, load(PROMPTS / "desk_brief_119.wav")) > ENOUGH
    assert share_heard(citizen_heard, load(PROMPTS / "emergency_connecting_119.wav")) > ENOUGH
    assert share_heard(citizen_heard, load(DESK)) > ENOUGH
    assert share_heard(citizen_heard, load(PROMPTS / "desk_brief_119.wav")[2 * RATE :]) == 0.0
    assert verdict.status == 0, verdict.words


TELEPHONE = {"user": "8001", "password": "eight-zero-zero-one", "name": "一号坐席", "role": "agent", "agent": "8001"}


@pytest.mark.parametrize(("citizens", "agents"), [("PCMA", "PCMU"), ("PCMU", "PCMA")])
async def test_citizen_and_agent_hear_each_other_and_a_held_citizen_is_retrieved(
    tmp_path: Path, citizens: str, agents: str
) -> None:
    complaint, welcome, later = load(WATER), load(AGENT), load(SPEECH / "agent_water_2.wav")
    silence = save(tmp_path / "silence.wav", LONG)
    async with (
        Baresip(tmp_path, "13800000002", silence, codecs=_first(citizens)) as citizen,
        running(tmp_path, trunk=[trunk("carrier", citizen.address)], telephone=[TELEPHONE]) as gateway,
        Baresip(
            tmp_path,
            "8001",
            silence,
            registrar=gateway.sip,
            password="eight-zero-zero-one",
            codecs=_first(agents),
        ) as agent,
    ):
        await until("the agent is signed in", lambda: _signed_in(gateway))
        await citizen.dial(f"sip:12345@{gateway.sip}")
        call_id = (await gateway.call())["call"]["id"]
        await gateway.fact(call_id, "leg.answered", role="agent")
        await until("the two are joined", lambda: _joined(gateway, 2))
        await agent.say(save(tmp_path / "welcome.wav", 0.2, welcome, LONG))
        await gateway.words(call_id, "请说", role="agent")
        await citizen.say(save(tmp_path / "complaint.wav", 0.2, complaint, LONG))
        await gateway.words(call_id, "停水")

        await agent.command("hold")
        await gateway.fact(call_id, "leg.held")
        await agent.command("resume")
        await gateway.fact(call_id, "leg.resumed")
        await agent.say(save(tmp_path / "later.wav", 0.2, later, LONG))
        await gateway.words(call_id, "小区", role="agent")

        await agent.hang_up()
        await citizen.event("CALL_CLOSED")
        detail = await gateway.ended_ticket()
        citizen_heard, agent_heard = citizen.heard, agent.heard

    assert share_heard(citizen_heard, np.concatenate([welcome, later])) > ENOUGH
    assert share_heard(agent_heard, complaint) > ENOUGH
    assert share_heard(citizen_heard, load(PROMPTS / "call_ending.wav")) > ENOUGH
    assert share_heard(agent_heard, load(PROMPTS / "call_ending.wav")) == 0.0
    assert detail["ticket"]["state"] == "taken"
    assert detail["ticket"]["agent"] == "8001"
    assert detail["ticket"]["ending"] == "finished"
    assert {leg["role"] for leg in detail["legs"]} == {"citizen", "agent"}
    assert all(leg["sha256"] for leg in detail["legs"] if leg["role"] == "citizen")


async def test_an_agents_telephone_transfers_the_citizen_to_a_unit_and_hangs_up_when_they_speak(tmp_path: Path) -> None:
    silence, welcome = save(tmp_path / "silence.wav", LONG), load(SPEECH / "unit_water_1.wav")
    unit_telephone = {"user": "9001", "password": "nine-zero-zero-one", "name": "水务", "role": "unit"}
    async with (
        Baresip(tmp_path, "13800000003", silence) as citizen,
        running(
            tmp_path,
            trunk=[trunk("carrier", citizen.address) | {"same_port": True}],
            telephone=[TELEPHONE, unit_telephone],
            unit=[{"id": "water", "name": "水务公司", "number": "9001", "duties": ["water_supply"]}],
        ) as gateway,
        Baresip(tmp_path, "8001", silence, registrar=gateway.sip, password="eight-zero-zero-one") as agent,
        Baresip(tmp_path, "9001", silence, registrar=gateway.sip, password="nine-zero-zero-one") as unit,
    ):
        await until("the unit is registered", lambda: _registered(unit))
        await until("the agent is signed in", lambda: _signed_in(gateway))
        await citizen.dial(f"sip:12345@{gateway.sip}")
        call_id = (await gateway.call())["call"]["id"]
        await until("the two are joined", lambda: _joined(gateway, 2))
        await agent.command("transfer", f"sip:9001@{gateway.sip}")
        await gateway.fact(call_id, "transfer.unit_answered", unit="water")
        await gateway.post(f"/api/calls/{call_id}/transfer/join")
        await gateway.fact(call_id, "transfer.agent_left", unit="water")
        await agent.event("CALL_CLOSED")
        await unit.say(save(tmp_path / "unit.wav", 0.2, welcome, LONG))
        await gateway.words(call_id, "请说", role="unit")
        await citizen.hang_up()
        await unit.event("CALL_CLOSED")
        citizen_heard = citizen.heard

    assert share_heard(citizen_heard, welcome) > ENOUGH


def _first(law: str) -> str:
    other = "PCMU" if law == "PCMA" else "PCMA"
    return f"{law}/8000/1,{other}/8000/1"


async def _signed_in(gateway: GatewayProcess) -> bool:
    return any(agent["presence"] == "ready" for agent in (await gateway.get("/api/agents"))["agents"])


async def _registered(telephone: Baresip) -> bool:
    return "200 OK" in telephone.log


async def _joined(gateway: GatewayProcess, count: int) -> bool:
    calls = await gateway.calls()
    return bool(calls) and sum(leg["joined"] for leg in calls[0]["call"]["legs"]) == count
