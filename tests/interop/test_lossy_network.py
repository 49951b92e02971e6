"""An emergency over a network that loses every tenth datagram of signalling and of sound."""

from __future__ import annotations

from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from tests.peers.baresip import Baresip
from tests.peers.ear import load, save, share_heard
from tests.peers.gateway import ROOT, GatewayProcess, configuration, jiesu, until
from tests.peers.relay import LossyLine
from tests.peers.rtp import Pcm

pytestmark = pytest.mark.peer("baresip")

SPEECH = ROOT / "gateway" / "demo_speech"
FIRE = load(SPEECH / "citizen_fire_1.wav")
LOSS = 0.1


async def test_a_fire_cried_over_a_lossy_network_ends_in_a_three_way_call_with_119(tmp_path: Path) -> None:
    cries: list[Pcm | float] = [FIRE, 2.0]
    crying = save(tmp_path / "citizen.wav", 1.0, *cries * 6, 300.0)
    async with AsyncExitStack() as stack:
        citizen = await stack.enter_async_context(Baresip(tmp_path, "13800000004", crying))
        desk = await stack.enter_async_context(Baresip(tmp_path, "119", save(tmp_path / "desk.wav", 300.0)))
        lines = [
            await stack.enter_async_context(LossyLine(("127.0.0.1", phone.port), loss=LOSS, seed=seed))
            for seed, phone in enumerate((citizen, desk))
        ]
        config = configuration(
            tmp_path,
            sip={"listen": ["udp:127.0.0.1:0", "tcp:127.0.0.1:0"], "trunk_check_interval": "1h"},
            trunk=[
                {"name": name, "address": f"127.0.0.1:{line.far[1]}"}
                for name, line in zip(("carrier", "fire"), lines, strict=True)
            ],
            emergency_line=[{"line": "119", "name": "消防", "chain": [{"number": "119", "trunk": "fire"}] * 2}],
        )
        gateway = await stack.enter_async_context(GatewayProcess(config))
        for line in lines:
            line.gateway = (gateway.host, gateway.udp_port)

        await citizen.dial(f"sip:12345@127.0.0.1:{lines[0].near[1]}")
        call_id = (await gateway.call())["call"]["id"]
        joined = await gateway.fact(call_id, "handoff.desk_joined", line="119", limit=90)
        together = (await gateway.calls())[0]["call"]
        await desk.press("1")
        await gateway.fact(call_id, "handoff.desk_accepted", line="119")
        await gateway.words(call_id, "着火")
        await until("a cry after the three were joined", lambda: _cried_since(gateway, call_id, joined.offset))
        await citizen.hang_up()
        detail = await gateway.ended_ticket()
        await desk.event("CALL_CLOSED")
        verdict = await jiesu("journal", "verify", "--config", gateway.config)

    assert {leg["role"] for leg in together["legs"] if leg["joined"]} == {"citizen", "emergency_desk"}
    assert detail["ticket"]["state"] == "handed_to_emergency"
    assert detail["ticket"]["emergency_line"] == "119"
    assert verdict.status == 0, verdict.words
    assert share_heard(desk.heard, FIRE) > 0.5
    for line in lines:
        assert 0.05 < line.dropped / (line.dropped + line.carried) < 0.15


async def _cried_since(gateway: GatewayProcess, call_id: str, joined: float | None) -> bool:
    cries = [fact for fact in gateway.facts(call_id) if fact.kind == "utterance.heard"]
    return any((cry.offset or 0.0) > (joined or 0.0) and cry.values["role"] == "citizen" for cry in cries)
