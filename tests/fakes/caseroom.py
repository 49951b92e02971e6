"""Casework over a store, with a clock that stands where a story puts it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from config.reading import read
from gateway import casework_parts
from gateway.domain.call import CallId
from gateway.domain.case import COMMANDS, Command, Fact
from gateway.domain.casework import Actor, ActorKind, CaseRecord, Partner
from gateway.domain.contact import ChannelKind, ContactId
from gateway.domain.ticket import Ticket, TicketId, TicketState
from gateway.services.case_clock import CaseClock
from gateway.services.case_file import CaseFiles
from gateway.services.casework import Casework, Done
from gateway.services.feed import Feed
from tests.fakes.store import SetClock

AGENT = Actor(name="李静", kind=ActorKind.AGENT)
SUPERVISOR = Actor(name="张班长", kind=ActorKind.SUPERVISOR)
WATER = Actor(name="水务员", kind=ActorKind.UNIT, unit="water")
ROADS = Actor(name="市政员", kind=ActorKind.UNIT, unit="roads")
UNITS = ("water", "roads", "station", "township")
MATTER = "停水"
CALLER = "01000000001"
REPLY: dict[str, Any] = {
    "unit": "自来水公司",
    "handler": "赵工",
    "approver": "钱经理",
    "telephone": "01000000009",
    "result": "管道已修复，恢复供水",
    "basis": "《城市供水条例》",
    "handled_at": "2026-03-04T10:00:00+08:00",
    "told_petitioner": True,
}


def at(text: str) -> datetime:
    """Read an instant of Beijing, such as ``2026-03-02 09:00``."""
    return datetime.fromisoformat(f"{text}+08:00")


class CaseRoom:
    """A hotline's casework and the levers of a story."""

    def __init__(
        self,
        store: Any,
        profile: str = "zhuhai-2023",
        *,
        now: str = "2026-03-02 09:00",
        partners: Sequence[Partner] = (),
        digest_age: timedelta = timedelta(hours=2),
    ) -> None:
        self.store = store
        self.clock = SetClock(at(now))
        self.feed = Feed()
        self.books = casework_parts.books(profile)
        self.words = casework_parts.words()
        self.casework = Casework(
            store=store,
            books=self.books,
            feed=self.feed,
            clock=self.clock,
            units=UNITS,
            words=self.words,
            partners=partners,
            digest_age=digest_age,
        )
        self.files = CaseFiles(store, store.cases, self.books, self.words)
        self.case_clock = CaseClock(self.casework, store, store.cases, self.clock)

    def to(self, text: str) -> None:
        """Set the clock without letting casework's clock run."""
        self.clock.at = at(text)

    async def wait(self, text: str) -> list[Fact]:
        """Set the clock and let casework's clock catch up."""
        self.to(text)
        return await self.case_clock.catch_up()

    async def ticket(self, name: str = "20260302-000001", **fields: Any) -> TicketId:
        """Keep a ticket whose call has just ended."""
        made = Ticket(
            id=TicketId(name),
            contact_id=ContactId(f"contact of {name}"),
            channel=ChannelKind.TELEPHONE,
            call_id=CallId(f"call of {name}"),
            **{
                "caller": CALLER,
                "received_at": self.clock.now(),
                "ended_at": self.clock.now(),
                "state": TicketState.TAKEN,
                "category": "help",
                "matter": MATTER,
                "summary": "家里停水两天了",
                **fields,
            },
        )
        await self.store.commit(lambda tx: tx.save_ticket(made))
        return made.id

    async def do(
        self, ticket_id: TicketId, do: str, by: Actor = SUPERVISOR, *, revision: int | None = None, **said: Any
    ) -> Done:
        """Give a command now."""
        command: Command = read(COMMANDS[do], said)
        done: Done = await self.casework.carry_out(ticket_id, command, by=by, revision=revision)
        return done

    async def record(self, ticket_id: TicketId) -> CaseRecord:
        record: CaseRecord | None = await self.store.cases.case(ticket_id)
        assert record is not None
        return record

    async def kinds(self, ticket_id: TicketId) -> list[str]:
        """Return the kinds of casework's journal entries of a ticket, in order."""
        return [e.fact.kind for e in await self.store.entries(ticket_id=ticket_id) if e.fact.kind.startswith("case.")]


def names(facts: Sequence[Fact], name: str) -> list[dict[str, Any]]:
    """Return the details of the facts of one name."""
    return [dict(fact.details) for fact in facts if fact.name == name]
