"""Casework in memory, part of `tests.fakes.store.MemoryStore`. It passes the store's contract suite."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

import msgspec

from gateway.domain.case import Case
from gateway.domain.casework import DIGEST, CaseHits, CaseQuery, CaseRecord, Channel, Delivery, Message, Place
from gateway.domain.errors import Conflict, OurMistake
from gateway.domain.rules import Stage
from gateway.domain.ticket import Elements, Ticket, TicketId
from gateway.storage.chain import canonical
from routing.case_words import terms_of, words_of


@dataclass
class CaseMemory:
    """What is remembered, and at once the writes of a unit of work."""

    records: dict[TicketId, CaseRecord] = field(default_factory=dict)
    outbox: dict[str, Message] = field(default_factory=dict)
    deliveries: dict[tuple[str, str], Delivery] = field(default_factory=dict)

    def copy(self) -> CaseMemory:
        return CaseMemory(dict(self.records), dict(self.outbox), dict(self.deliveries))

    def case(self, ticket_id: TicketId) -> CaseRecord | None:
        return self.records.get(ticket_id)

    def save_case(self, record: CaseRecord) -> None:
        canonical(msgspec.to_builtins(record))
        _zoned(record.changed_at, record.case.received_at)
        known = self.records.get(record.id)
        if record.revision != (1 if known is None else known.revision + 1):
            raise Conflict(f"case {record.id} is not at revision {record.revision - 1}")
        self.records[record.id] = record

    def due_cases(self, until: datetime, limit: int) -> Sequence[CaseRecord]:
        due = [(record.next_due, record.id, record) for record in self.records.values() if record.next_due]
        return [record for at, _, record in sorted(due, key=lambda each: each[:2]) if at <= until][:limit]

    def earlier_case(self, petitioner: str, matter: str, other_than: TicketId) -> Case | None:
        found = [case for case in self._others(other_than) if (case.petitioner, case.matter) == (petitioner, matter)]
        return max(found, key=lambda case: case.received_at, default=None)

    def restricted_until(self, petitioner: str, now: datetime) -> datetime | None:
        ends = [
            record.restricted_until
            for record in self.records.values()
            if record.case.petitioner == petitioner and record.restricted_until
        ]
        return max((end for end in ends if end > now), default=None)

    def restricting(self, petitioner: str, now: datetime) -> CaseRecord | None:
        found = [
            (record.restricted_until, record.id, record)
            for record in self.records.values()
            if record.case.petitioner == petitioner and record.restricted_until and record.restricted_until > now
        ]
        return max(found)[2] if found else None

    def alike(self, matter: str, since: datetime, other_than: TicketId) -> int:
        return sum(case.matter == matter and case.received_at >= since for case in self._others(other_than))

    def message(self, key: str) -> Message | None:
        return self.outbox.get(key)

    def open_digest(self, channel: Channel, to: str) -> Message | None:
        found = [
            message
            for message in self.outbox.values()
            if (message.channel, message.to, message.kind, message.attempts) == (channel, to, DIGEST, 0)
            and _waits(message)
        ]
        return max(found, key=lambda message: message.at, default=None)

    def save_message(self, message: Message) -> None:
        canonical(msgspec.to_builtins(message))
        _zoned(message.at, message.due)
        self.outbox[message.key] = message

    def due_messages(self, channels: Collection[Channel], now: datetime, limit: int) -> Sequence[Message]:
        due = [
            message
            for message in self.outbox.values()
            if message.channel in channels and _waits(message) and message.due <= now
        ]
        return sorted(due, key=lambda message: (message.due, message.key))[:limit]

    def delivery(self, partner: str, key: str) -> Delivery | None:
        return self.deliveries.get((partner, key))

    def save_delivery(self, delivery: Delivery) -> None:
        if self.deliveries.setdefault((delivery.partner, delivery.key), delivery) is not delivery:
            raise OurMistake(f"request {delivery.key} of {delivery.partner} is there already")

    def forget_deliveries(self, before: datetime) -> int:
        old = [key for key, delivery in self.deliveries.items() if delivery.at < before]
        for key in old:
            del self.deliveries[key]
        return len(old)

    def _others(self, ticket_id: TicketId) -> list[Case]:
        return [
            record.case
            for record in self.records.values()
            if record.id != ticket_id and record.case.stage is not Stage.REFUSED
        ]


class MemoryCases:
    """`gateway.ports.casework.Cases` over what `reach` gives."""

    def __init__(
        self,
        reach: Callable[[], Awaitable[CaseMemory]],
        tickets: Callable[[], Awaitable[Mapping[TicketId, Ticket]]],
    ) -> None:
        self._reach = reach
        self._tickets = tickets

    async def case(self, ticket_id: TicketId) -> CaseRecord | None:
        return (await self._reach()).records.get(ticket_id)

    async def page(self, query: CaseQuery) -> Sequence[CaseRecord]:
        memory = await self._reach()
        found = [(_order(record, query), record) for record in memory.records.values() if _is_asked(record, query)]
        found.sort(key=lambda each: each[0], reverse=query.due_before is None)
        if query.after is not None:
            end = (query.after.at, query.after.id)
            found = [each for each in found if (each[0] < end if query.due_before is None else each[0] > end)]
        return [record for _, record in found[: query.limit]]

    async def search(self, words: Sequence[str], query: CaseQuery, below: int | None = None) -> CaseHits:
        assert terms_of(words)
        memory, tickets = await self._reach(), await self._tickets()
        found = []
        for record in memory.records.values():
            ticket = tickets.get(record.id)
            summary, elements = (ticket.summary, ticket.elements) if ticket else ("", Elements())
            said = words_of(record.case, summary, elements, record.reply.get("result"))
            if terms_of(words) <= terms_of([said]) and all(word in said for word in words) and _is_asked(record, query):
                found.append((int(record.case.received_at.timestamp() * 1000), record))
        found = [each for each in sorted(found, key=lambda each: -each[0]) if below is None or each[0] < below]
        page = found[: query.limit]
        further = page[-1][0] if len(page) == query.limit else None
        return CaseHits(cases=tuple(record for _, record in page), further=further)

    async def count_waiting(self, channel: Channel, *, to: str = "", most: int = 100) -> int:
        return len(await self.messages(channel, to=to, waiting=True, limit=most))

    async def restricted_until(self, petitioner: str, now: datetime) -> datetime | None:
        return (await self._reach()).restricted_until(petitioner, now)

    async def next_due(self) -> datetime | None:
        memory = await self._reach()
        return min((record.next_due for record in memory.records.values() if record.next_due), default=None)

    async def next_message(self, channels: Collection[Channel]) -> datetime | None:
        memory = await self._reach()
        waiting = [message.due for message in memory.outbox.values() if message.channel in channels and _waits(message)]
        return min(waiting, default=None)

    async def messages(
        self,
        channel: Channel,
        *,
        to: str = "",
        case_id: str = "",
        waiting: bool = False,
        stuck: bool = False,
        after: Place | None = None,
        limit: int = 50,
    ) -> Sequence[Message]:
        memory = await self._reach()
        found = [
            message
            for message in memory.outbox.values()
            if message.channel is channel
            and to in ("", message.to)
            and case_id in ("", message.case_id)
            and (not waiting or _waits(message))
            and (not stuck or message.given_up)
            and (after is None or (message.at, message.key) < (after.at, after.id))
        ]
        return sorted(found, key=lambda message: (message.at, message.key), reverse=True)[:limit]


def _waits(message: Message) -> bool:
    return message.done_at is None and not message.given_up


def _is_asked(record: CaseRecord, query: CaseQuery) -> bool:
    return (
        query.stage in (None, record.case.stage)
        and query.category in ("", record.case.category)
        and (not query.unit or query.unit in record.units)
        and (query.due_before is None or (record.handle_due is not None and record.handle_due <= query.due_before))
    )


def _order(record: CaseRecord, query: CaseQuery) -> tuple[datetime, str]:
    if query.due_before is not None and record.handle_due is not None:
        return record.handle_due, record.id
    return record.case.received_at, record.id


def _zoned(*instants: datetime) -> None:
    for at in instants:
        if at.utcoffset() is None:
            raise OurMistake(f"{at.isoformat()} names no time zone")
