"""A console over casework on any store, and people of several roles to use it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from aiohttp import ClientSession

from gateway.services.ledger import Ledger
from gateway.services.reports import Reporter
from gateway.services.unit_orders import UnitOrders
from gateway.services.unit_records import records_of_units
from gateway.web.server import Console
from tests.fakes.caseroom import UNITS, CaseRoom
from tests.fakes.console import Office, office

SEASON = 90 * 86400.0
"""Seconds that people stay signed in: stories turn the calendar by weeks."""


@dataclass
class CaseOffice:
    """A console that serves *room*'s casework."""

    place: Office
    room: CaseRoom
    console: Console
    stack: AsyncExitStack
    ledger: Ledger

    async def person(self, name: str) -> Person:
        """Sign somebody in: agent, leader (a supervisor), water or roads (units)."""
        client = await self.stack.enter_async_context(self.place.visitor_at(self.console.url))
        await self.place.sign_in(client, name)
        return Person(client, {})

    async def partner(self, key: str) -> Person:
        """Return another system that proves itself with *key*."""
        client = await self.stack.enter_async_context(self.place.visitor_at(self.console.url))
        return Person(client, {"Authorization": f"Bearer {key}"})


@dataclass
class Person:
    """Somebody who asks over HTTP."""

    client: ClientSession
    headers: dict[str, str]

    async def get(self, path: str, **query: Any) -> tuple[int, Any]:
        async with self.client.get(path, params=query, headers=self.headers) as answer:
            return answer.status, await answer.json()

    async def post(self, path: str, body: dict[str, Any], **headers: str) -> tuple[int, Any]:
        sent = {**self.headers, **{name.replace("_", "-"): value for name, value in headers.items()}}
        async with self.client.post(path, json=body, headers=sent) as answer:
            return answer.status, await answer.json()

    async def do(self, ticket_id: str, do: str, revision: int, **said: Any) -> tuple[int, Any]:
        """Give a command as somebody who saw the case at *revision*."""
        return await self.post(f"/api/cases/{ticket_id}/{do}", {"revision": revision, **said})


@asynccontextmanager
async def case_office(room: CaseRoom, recordings: Path) -> AsyncIterator[CaseOffice]:
    """Open a console over *room*."""
    async with office(recordings) as place, Ledger(room.store, room.feed) as ledger, AsyncExitStack() as stack:
        clock = replace_now(place, room)
        parts = replace(
            place.fresh_parts(),
            store=room.store,
            ledger=ledger,
            feed=room.feed,
            casework=room.casework,
            cases=room.store.cases,
            case_files=room.files,
            registers=room.store.registers,
            reporter=Reporter(
                room.store.cases, room.books, room.clock, partial(records_of_units, place.parts.librarian, room.clock)
            ),
            unit_orders=UnitOrders(room.store, room.books, room.clock, UNITS),
            clock=clock,
        )
        async with Console(parts, "127.0.0.1", 0, session_lifetime=SEASON) as console:
            yield CaseOffice(place, room, console, stack, ledger)


def replace_now(place: Office, room: CaseRoom) -> Any:
    """Return the clock of sessions with the room's calendar."""

    class _Clock:
        now = staticmethod(lambda: room.clock.now())
        monotonic = staticmethod(place.parts.clock.monotonic)

    return _Clock()
