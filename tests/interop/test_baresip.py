"""baresip as the citizen, as the 119 desk and as an agent: whole calls through the gateway, judged by what was heard."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.peers.baresip import Baresip
from tests.peers.ear import load, save, share_heard
from tests.peers.gateway import ROOT, jiesu, running
from tests.peers.rtp import RATE

pytestmark = pytest.mark.peer("baresip")

SPEECH = ROOT / "gateway" / "demo_speech"
PROMPTS = ROOT / "config" / "prompts"
FIRE = SPEECH / "citizen_fire_1.wav"
DESK = SPEECH / "desk_119_1.wav"
LONG = 300.0
"""Seconds of silence after what is said: baresip hangs up at the end of its file."""


def trunk(name: str, address: str) -> dict[str, object]:
    return {"name": name, "address": address}


async def test_a_fire_is_heard_and_handed_to_119_and_everything_is_on_the_ticket(tmp_path: Path) -> None:
    crying = save(tmp_path / "citizen.wav", 2.0, load(FIRE), 16.0, load(SPEECH / "citizen_fire_2.wav"), LONG)
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
    assert share_heard(desk_heard, load(SPEECH / "citizen_fire_2.wav")) > 0.9
    assert share_heard(desk_heard, load(PROMPTS / "desk_brief_119.wav")) > 0.9
    assert share_heard(citizen_heard, load(PROMPTS / "emergency_connecting_119.wav")) > 0.9
    assert share_heard(citizen_heard, load(DESK)) > 0.9
    assert share_heard(citizen_heard, load(PROMPTS / "desk_brief_119.wav")[2 * RATE :]) == 0.0
    assert verdict.status == 0, verdict.words
