"""What an action of `jiesu ticket` works on: the store and casework of a configuration."""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime

from config.reading import FieldError, read
from gateway.casework_parts import CaseworkParts, open_casework
from gateway.city_parts import SystemClock
from gateway.commands.common import database_of, settings_of
from gateway.domain.casework import Place
from gateway.domain.errors import OurMistake
from gateway.services.feed import Feed
from gateway.storage.store import SqlStore


@dataclass(frozen=True, slots=True, kw_only=True)
class TicketPlace:
    """What an action works on; ``units`` are names by id."""

    store: SqlStore
    parts: CaseworkParts
    clock: SystemClock
    units: dict[str, str]


def with_casework(arguments: argparse.Namespace, work: Callable[[TicketPlace], Awaitable[int]]) -> int:
    """Open what the arguments name, do *work* on it, and return its exit code."""
    settings = settings_of(arguments)

    async def run() -> int:
        clock = SystemClock()
        async with SqlStore(database_of(settings), clock=clock) as store:
            parts = open_casework(settings, store, clock, Feed())
            units = {unit.id: unit.name for unit in settings.unit}
            return await work(TicketPlace(store=store, parts=parts, clock=clock, units=units))

    return asyncio.run(run())


def place_after(text: str) -> Place | None:
    """Return the place that ``--after`` names. Raises `OurMistake`."""
    if not text:
        return None
    at, _, key = text.partition("~")
    try:
        return Place(at=read(datetime, at), id=key)
    except FieldError as error:
        raise OurMistake(
            f"--after {text}: expected INSTANT~ID, such as 2026-03-02T09:00:00+08:00~20260302-000001"
        ) from error
