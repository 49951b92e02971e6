"""The servers that `benchmarks.intake` measures, each in a process of its own.

    python -m benchmarks.intake_node node SETTINGS     our written channels, with their store
    python -m benchmarks.intake_node webhook PORT      bare aiohttp: reads JSON, answers JSON
    python -m benchmarks.intake_node mail PORT         bare aiosmtpd: takes mail
    python -m benchmarks.intake_node smpp PORT         bare aiosmpplib: takes what the centre at PORT delivers
    python -m benchmarks.intake_node cmpp PORT         a bare loop that answers what the centre at PORT delivers

The bare ones keep nothing.
"""

from __future__ import annotations

import asyncio
import sys
from contextlib import AbstractAsyncContextManager
from pathlib import Path

from benchmarks.intake_mail import sink
from benchmarks.intake_sms import bare_cmpp, bare_smpp
from benchmarks.intake_webhook import echo
from config.settings import load
from gateway.telemetry import configure_logging
from tests.peers.written_node import live


async def _held(serving: AbstractAsyncContextManager[None]) -> None:
    async with serving:
        print("{}", flush=True)
        await asyncio.Event().wait()


async def main(kind: str, argument: str) -> None:
    """Serve until killed."""
    match kind:
        case "node":
            configure_logging("warning", "json")
            settings = load(Path(argument))
            await asyncio.to_thread(Path(settings.node.data).mkdir, parents=True, exist_ok=True)
            await live(settings)
        case "webhook":
            await echo(int(argument))
        case "mail":
            await sink(int(argument))
        case "smpp":
            await _held(bare_smpp(int(argument)))
        case _:
            await _held(bare_cmpp(int(argument)))


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
