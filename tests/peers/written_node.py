"""A node's written channels in a process of its own, to be killed: the store, the intake and what the settings open.

    python -m tests.peers.written_node SETTINGS [POINT]

It prints one line of JSON once it serves. With POINT it dies by its own SIGKILL there, at the first message that gets
so far: ``arrived`` before anything is done, ``written`` within the transaction, ``committed`` once that is durable,
``taken`` just before the channel hears of it.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from collections.abc import Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any, TypeVar

from config import lexicons, profiles
from config.settings import Settings, load
from gateway.casework_parts import open_casework
from gateway.city_parts import SystemClock, open_library
from gateway.domain.call import LegId
from gateway.intake_parts import Ground, open_intake, serving
from gateway.ports.hearing import ModelDescription, Recognition
from gateway.ports.memory import Transaction
from gateway.services import entry, intake
from gateway.services.feed import Feed
from gateway.storage.location import database_of_node
from gateway.storage.store import SqlStore
from gateway.telemetry import configure_logging
from routing.decide import Understander
from routing.emergency import Detector
from tests.fakes.routing import CONFIG

T = TypeVar("T")
POINTS = ("arrived", "written", "committed", "taken")


class NobodyListens:
    """A recogniser that is not there: voice messages stay without words."""

    model = ModelDescription(name="", kind="demo", words_zh="")
    available = False

    def listen(self, leg_id: LegId) -> Recognition:
        raise AssertionError("nobody listens")


def die() -> None:
    """End as after a power cut."""
    os.kill(os.getpid(), signal.SIGKILL)


def doom(point: str) -> None:
    """Let the process die at *point*."""
    take, write, commit = intake.WrittenIntake.take, entry.Entry.write, SqlStore.commit

    async def doomed_take(self: intake.WrittenIntake, *arguments: Any, **named: Any) -> Any:
        if point == "arrived":
            die()
        taken = await take(self, *arguments, **named)
        if point == "taken":
            die()
        return taken

    def doomed_write(self: entry.Entry, tx: Transaction) -> Any:
        write(self, tx)
        die()

    async def doomed_commit(self: SqlStore, work: Callable[[Transaction], T]) -> T:
        result = await commit(self, work)
        if getattr(work, "__self__", None).__class__ is entry.Entry:
            die()
        return result

    intake.WrittenIntake.take = doomed_take  # type: ignore[method-assign]
    if point == "written":
        entry.Entry.write = doomed_write  # type: ignore[method-assign]
    if point == "committed":
        SqlStore.commit = doomed_commit  # type: ignore[method-assign]


async def live(settings: Settings) -> None:
    """Serve until told to stop."""
    clock, feed, data = SystemClock(), Feed(), Path(settings.node.data)
    profile = profiles.load(profiles.find(settings.node.profile), clock.now())
    words = lexicons.load(CONFIG / "lexicons")
    async with AsyncExitStack() as stack:
        where = database_of_node(data, settings.node.database)
        store = await stack.enter_async_context(SqlStore(where, clock=clock, node=settings.node.name))
        parts = await open_intake(
            Ground(
                settings=settings,
                data=data,
                store=store,
                clock=clock,
                feed=feed,
                profile=profile,
                casework=open_casework(settings, store, clock, feed),
                librarian=open_library(settings, store, clock),
                recognizer=NobodyListens(),
                lexicon_folder=CONFIG / "lexicons",
                detector=Detector(words.emergency),
                understand=Understander(words, (), profile),
            )
        )
        await stack.enter_async_context(serving(parts, settings))
        print(json.dumps({"url": parts.url, "status": parts.status}), flush=True)
        stop = asyncio.Event()
        for name in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(name, stop.set)
        await stop.wait()


if __name__ == "__main__":
    if len(sys.argv) > 2:
        doom(sys.argv[2])
    configure_logging("info", "json")
    given = load(Path(sys.argv[1]))
    Path(given.node.data).mkdir(parents=True, exist_ok=True)
    asyncio.run(live(given))
