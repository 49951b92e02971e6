"""A whole gateway at work beside what is measured: its recogniser hears citizens, its console is asked without rest.

    python -m benchmarks.busy [--citizens 4] [--pages 4]

It says ``busy`` in one line once everybody talks, and ends when its standard input does.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
from contextlib import AsyncExitStack
from pathlib import Path

import numpy as np

from channels.sip.connections import ListenAddress, Target
from channels.sip.offer_answer import accept_answer, make_offer
from channels.sip.session_events import Answered
from channels.sip.session_out import Callee
from channels.sip.uri import NameAddr, Uri
from channels.sip.user_agent import Trunk, UserAgent, UserAgentSettings
from tests.peers.ear import load
from tests.peers.gateway import ROOT, GatewayProcess, configuration
from tests.peers.rtp import RtpPhone

SPEECH = ROOT / "gateway" / "demo_speech"
REPEATS = 500
"""How often a citizen says her sentence: for longer than any benchmark lasts."""
ASKED = ("/api/tickets?limit=200", "/api/calls", "/api/catalogue")


async def talk(agent: UserAgent, gateway: GatewayProcess, number: int, stack: AsyncExitStack) -> None:
    """Let a citizen call, and say the same without end."""
    speeches = sorted(SPEECH.glob("citizen_*.wav"))
    phone = await stack.enter_async_context(RtpPhone("PCMA"))
    phone.say(np.tile(load(speeches[number % len(speeches)]), REPEATS))
    offer = make_offer(address=phone.host, port=phone.port, session_id=number)
    target = Target("udp", gateway.host, gateway.udp_port)
    callee = Callee(uri=str(Uri(user="12345", host=target.host, port=target.port)), target=target, peer="gateway")
    from_ = NameAddr(uri=Uri(user=f"1380000{number:04}", host="127.0.0.1"))
    session = await agent.invite(callee, offer=offer, from_=from_)
    async for event in session.events():
        if isinstance(event, Answered) and event.description is not None:
            agreed = accept_answer(offer, event.description)
            phone.remote = (agreed.address, agreed.port)
            return
    raise RuntimeError(f"citizen {number} was not answered")


async def read(gateway: GatewayProcess) -> None:
    """Ask the console one thing after the other."""
    while True:
        for path in ASKED:
            await gateway.get(path)


async def be_busy(citizens: int, pages: int, folder: Path) -> None:
    """Keep a gateway at work until standard input ends."""
    trunk = Trunk(name="gateway", target=Target("udp", "127.0.0.1", 9), sources=("127.0.0.1",))
    settings = UserAgentSettings(listen=[ListenAddress("udp", "127.0.0.1", 0)], trunks=[trunk])

    async def refuse(session: object) -> None:
        """Nobody calls the carrier."""

    async with AsyncExitStack() as stack:
        carrier = await stack.enter_async_context(UserAgent(settings, refuse))
        config = configuration(
            folder,
            trunk=[{"name": "carrier", "address": f"127.0.0.1:{carrier.addresses[0].port}"}],
            desk={"queue_limit": "24h", "call_limit": "24h"},
        )
        gateway = await stack.enter_async_context(GatewayProcess(config))
        for number in range(citizens):
            await talk(carrier, gateway, number, stack)
        asking = [asyncio.create_task(read(gateway), name=f"page {number}") for number in range(pages)]
        print("busy", flush=True)
        await asyncio.to_thread(sys.stdin.read)
        for task in asking:
            task.cancel()
        await asyncio.gather(*asking, return_exceptions=True)


def main() -> None:
    """Be busy."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--citizens", type=int, default=4)
    parser.add_argument("--pages", type=int, default=4)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(be_busy(chosen.citizens, chosen.pages, Path(folder)))


if __name__ == "__main__":
    main()
