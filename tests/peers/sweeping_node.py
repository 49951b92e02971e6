"""A node in a process of its own whose clock of cases has been away: it catches up on a shared PostgreSQL.

    python -m tests.peers.sweeping_node URL ANCHOR INSTANT

It says ``ready``, waits for a line, and then prints a line for every batch that it has brought and seen committed.
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from gateway.storage.postgresql import PostgresDatabase
from gateway.storage.store import SqlStore
from tests.fakes.caseroom import CaseRoom
from tests.fakes.store import SetClock


async def main(url: str, anchor: str, now: str) -> None:
    """Catch up once."""
    async with SqlStore(PostgresDatabase(url, anchored=Path(anchor)), clock=SetClock(), patience=60.0) as store:
        room = CaseRoom(store, now=now)
        publish = room.casework.publish

        def told(facts: list[object]) -> None:
            print(f"batch {len(facts)}", flush=True)
            publish(facts)  # type: ignore[arg-type]

        room.casework.publish = told  # type: ignore[method-assign, assignment]
        print("ready", flush=True)
        await asyncio.to_thread(sys.stdin.readline)
        await room.case_clock.catch_up()
        print("done", flush=True)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
