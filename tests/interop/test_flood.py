"""A flood of INVITEs from an unknown host: the trunk calls as if nothing were."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.peers.baresip import free_ports
from tests.peers.gateway import GatewayProcess, configuration, until
from tests.peers.sipp import Lamp, Sipp, play

pytestmark = pytest.mark.peer("sipp")

STRANGER = "127.0.0.2"
FLOOD, RATE = 20_000, 2000
"""INVITEs in all and in a second."""
CALLS = 10


async def test_a_flood_from_a_stranger_does_not_keep_the_trunk_from_calling(tmp_path: Path) -> None:
    (carrier,) = free_ports(1)
    config = configuration(
        tmp_path,
        sip={"listen": ["udp:127.0.0.1:0", "tcp:127.0.0.1:0"], "trunk_check_limit": "20s"},
        trunk=[{"name": "carrier", "address": f"127.0.0.1:{carrier}"}],
    )
    async with Lamp(carrier) as lamp, GatewayProcess(config) as gateway:
        await lamp.asked.wait()
        flood = Sipp(
            tmp_path, "flood", target=gateway.sip, local=STRANGER, caller="666", calls=FLOOD, rate=RATE, options=["-nr"]
        )
        async with flood:
            await play(tmp_path, "answered", target=gateway.sip, caller="13912345678", calls=CALLS, rate=2)
            assert not await flood.has_heard("SIP/2.0 ")
            await flood.done()

        async def all_ended() -> bool:
            tickets = (await gateway.get("/api/tickets?limit=200&search=13912345678"))["tickets"]
            return len(tickets) == CALLS and all(ticket["ended_at"] and ticket["answered_at"] for ticket in tickets)

        assert await until("the ended tickets of the trunk's calls", all_ended)
