"""Casework on the database (`gateway.ports.casework.CaseWrites`, `gateway.ports.casework.Cases`).

Every list is read from an index in its own order, from the place where the last page ended, so that a page costs the
same among ten thousand cases and among a million.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Sequence
from datetime import datetime
from typing import Any, Protocol, TypeVar

import msgspec
import sqlalchemy as sa
from sqlalchemy import exc

from gateway.domain.case import Case
from gateway.domain.casework import DIGEST, CaseHits, CaseQuery, CaseRecord, Channel, Delivery, Message, Place
from gateway.domain.errors import Conflict, OurMistake
from gateway.domain.rules import Stage
from gateway.domain.ticket import Elements, Ticket, TicketId
from gateway.storage.case_schema import case_units, cases, deliveries, outbox
from gateway.storage.case_search import CaseIndex, Found, search
from gateway.storage.chain import canonical
from gateway.storage.schema import Instant, tickets
from routing.case_words import words_of

T_co = TypeVar("T_co", covariant=True)
T = TypeVar("T")

_case = msgspec.json.Decoder(Case)

_CASE = sa.select(cases).where(cases.c.id == sa.bindparam("case_id"))
_ADD_CASE = sa.insert(cases)
_REVISE = sa.update(cases).where(cases.c.id == sa.bindparam("same_id"), cases.c.revision == sa.bindparam("replaced"))
_UNITS = sa.select(case_units.c.unit).where(case_units.c.case_id == sa.bindparam("case_id"))
_ADD_UNIT = sa.insert(case_units)
_MOVE_UNITS = sa.update(case_units).where(case_units.c.case_id == sa.bindparam("same_id"))
_DROP_UNIT = sa.delete(case_units).where(
    case_units.c.case_id == sa.bindparam("case_id"), case_units.c.unit == sa.bindparam("gone")
)
_DUE = (
    sa.select(cases)
    .where(cases.c.next_due.is_not(None), cases.c.next_due <= sa.bindparam("until", type_=Instant))
    .order_by(cases.c.next_due, cases.c.id)
    .limit(sa.bindparam("most"))
)
_NEXT_DUE = sa.select(cases.c.next_due).where(cases.c.next_due.is_not(None)).order_by(cases.c.next_due).limit(1)
_EARLIER = (
    sa.select(cases.c.state)
    .where(
        cases.c.petitioner == sa.bindparam("petitioner"),
        cases.c.matter == sa.bindparam("matter"),
        cases.c.id != sa.bindparam("other_than"),
        cases.c.stage != Stage.REFUSED.value,
    )
    .order_by(cases.c.received_at.desc())
    .limit(1)
)
_RESTRICTED = sa.select(sa.func.max(cases.c.restricted_until)).where(
    cases.c.petitioner == sa.bindparam("petitioner"), cases.c.restricted_until.is_not(None)
)
_RESTRICTING = (
    sa.select(cases)
    .where(
        cases.c.petitioner == sa.bindparam("petitioner"), cases.c.restricted_until > sa.bindparam("now", type_=Instant)
    )
    .order_by(cases.c.restricted_until.desc())
    .limit(1)
)
_ALIKE = sa.select(sa.func.count()).where(
    cases.c.matter == sa.bindparam("matter"),
    cases.c.received_at >= sa.bindparam("since", type_=Instant),
    cases.c.id != sa.bindparam("other_than"),
    cases.c.stage != Stage.REFUSED.value,
)
_SAID = sa.select(tickets.c.summary, tickets.c.elements).where(tickets.c.id == sa.bindparam("ticket_id"))
_MESSAGE = sa.select(outbox).where(outbox.c.key == sa.bindparam("message_key"))
_ADD_MESSAGE = sa.insert(outbox)
_SET_MESSAGE = sa.update(outbox).where(outbox.c.key == sa.bindparam("same_key"))
_DELIVERY = sa.select(deliveries).where(
    deliveries.c.partner == sa.bindparam("who"), deliveries.c.key == sa.bindparam("request_key")
)
_WAITING = outbox.c.done_at.is_(None) & ~outbox.c.given_up


class SqlCaseWrites:
    """What one unit of work does to cases and their messages."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection

    def case(self, ticket_id: TicketId) -> CaseRecord | None:
        """Return the case of a ticket as it stands."""
        return _find_case(self._connection, ticket_id)

    def save_case(self, record: CaseRecord) -> None:
        """Insert revision 1, or replace revision n-1 by n. Raises `Conflict` when another change came first."""
        row = case_row(record)
        if record.revision == 1:
            try:
                self._connection.execute(_ADD_CASE, row)
            except exc.IntegrityError as error:
                raise Conflict(f"case {record.id} is there already") from error
        else:
            key = {"same_id": record.id, "replaced": record.revision - 1}
            if self._connection.execute(_REVISE, row | key).rowcount != 1:
                raise Conflict(f"case {record.id} is not at revision {record.revision - 1}")
        joined, left = self._save_units(record)
        said = self._connection.execute(_SAID, {"ticket_id": record.id}).one_or_none()
        elements = Elements() if said is None else msgspec.convert(said.elements, Elements)
        words = words_of(record.case, said.summary if said else "", elements, record.reply.get("result"))
        index = CaseIndex(self._connection)
        if record.revision == 1:
            index.add(record.id, record.case.received_at, words, joined)
        else:
            index.change(record.id, words, joined, left)

    def ticket_changed(self, ticket: Ticket) -> None:
        """Let its case, if there is one, be found by what the ticket says now."""
        if (record := _find_case(self._connection, ticket.id)) is not None:
            words = words_of(record.case, ticket.summary, ticket.elements, record.reply.get("result"))
            CaseIndex(self._connection).change(record.id, words)

    def _save_units(self, record: CaseRecord) -> tuple[Collection[str], Collection[str]]:
        """Keep whose case it is; return the units that were not in it and those that are in it no more."""
        known = set(self._connection.scalars(_UNITS, {"case_id": record.id})) if record.revision > 1 else set()
        row = {
            "stage": record.case.stage.value,
            "received_at": record.case.received_at,
            "handle_due": record.handle_due,
        }
        if known:
            self._connection.execute(_MOVE_UNITS, row | {"same_id": record.id})
        left = known.difference(record.units)
        for unit in left:
            self._connection.execute(_DROP_UNIT, {"case_id": record.id, "gone": unit})
        if fresh := [unit for unit in record.units if unit not in known]:
            self._connection.execute(_ADD_UNIT, [row | {"unit": unit, "case_id": record.id} for unit in fresh])
        return fresh, left

    def due_cases(self, until: datetime, limit: int) -> Sequence[CaseRecord]:
        """Return the cases to which the clock brings something by *until*, in order of time."""
        return [_case_from(row) for row in self._connection.execute(_DUE, {"until": until, "most": limit})]

    def earlier_case(self, petitioner: str, matter: str, other_than: TicketId) -> Case | None:
        """Return the latest other case of the same petitioner and matter that was not refused."""
        found = {"petitioner": petitioner, "matter": matter, "other_than": other_than}
        state = self._connection.scalar(_EARLIER, found)
        return None if state is None else _case.decode(state)

    def restricted_until(self, petitioner: str, now: datetime) -> datetime | None:
        """Return until when a petitioner may not use the telephone, if that is later than *now*."""
        return _restricted(self._connection, petitioner, now)

    def restricting(self, petitioner: str, now: datetime) -> CaseRecord | None:
        """Return the case by which a petitioner is restricted the longest, later than *now*."""
        row = self._connection.execute(_RESTRICTING, {"petitioner": petitioner, "now": now}).one_or_none()
        return None if row is None else _case_from(row)

    def alike(self, matter: str, since: datetime, other_than: TicketId) -> int:
        """Return how many other cases of *matter* were received since then and not refused."""
        asked = {"matter": matter, "since": since, "other_than": other_than}
        return int(self._connection.scalar(_ALIKE, asked) or 0)

    def message(self, key: str) -> Message | None:
        """Return a message as it stands."""
        row = self._connection.execute(_MESSAGE, {"message_key": key}).one_or_none()
        return None if row is None else _message_from(row)

    def open_digest(self, channel: Channel, to: str) -> Message | None:
        """Return the digest that nobody has read or tried to send yet."""
        query = (
            sa.select(outbox)
            .where(
                outbox.c.channel == channel.value,
                outbox.c.to == to,
                outbox.c.kind == DIGEST,
                outbox.c.attempts == 0,
                _WAITING,
            )
            .order_by(outbox.c.at.desc())
            .limit(1)
        )
        row = self._connection.execute(query).one_or_none()
        return None if row is None else _message_from(row)

    def save_message(self, message: Message) -> None:
        """Insert or replace a message."""
        row = _message_row(message)
        if self._connection.execute(_SET_MESSAGE, row | {"same_key": message.key}).rowcount == 0:
            self._connection.execute(_ADD_MESSAGE, row)

    def due_messages(self, channels: Collection[Channel], now: datetime, limit: int) -> Sequence[Message]:
        """Return the messages to be tried by *now*, in order of time."""
        query = (
            sa.select(outbox)
            .where(_of(channels), _WAITING, outbox.c.due <= now)
            .order_by(outbox.c.due, outbox.c.key)
            .limit(limit)
        )
        return [_message_from(row) for row in self._connection.execute(query)]

    def delivery(self, partner: str, key: str) -> Delivery | None:
        """Return what *partner* asked under *key*."""
        row = self._connection.execute(_DELIVERY, {"who": partner, "request_key": key}).one_or_none()
        return None if row is None else Delivery(**row._mapping)

    def save_delivery(self, delivery: Delivery) -> None:
        """Keep what a partner asked. Raises `OurMistake` when its key is taken."""
        try:
            self._connection.execute(sa.insert(deliveries), _plain(delivery))
        except exc.IntegrityError as error:
            raise OurMistake(f"request {delivery.key} of {delivery.partner} is there already") from error

    def forget_deliveries(self, before: datetime) -> int:
        """Forget what partners asked before then, and return how many requests that were."""
        return self._connection.execute(sa.delete(deliveries).where(deliveries.c.at < before)).rowcount


class _Read(Protocol):
    """Runs a query on one moment of the database."""

    def __call__(self, query: Callable[[sa.Connection], T_co]) -> Awaitable[T_co]: ...


def _restricted(connection: sa.Connection, petitioner: str, now: datetime) -> datetime | None:
    until = connection.scalar(_RESTRICTED, {"petitioner": petitioner})
    return until if until is not None and until > now else None


class SqlCases:
    """What is read of casework."""

    def __init__(self, read: _Read) -> None:
        self._read = read

    async def case(self, ticket_id: TicketId) -> CaseRecord | None:
        """Return the case of a ticket."""
        return await self._read(lambda connection: _find_case(connection, ticket_id))

    async def page(self, query: CaseQuery) -> Sequence[CaseRecord]:
        """Return the cases that *query* asks for."""
        statement = _page(query)
        return await self._read(lambda connection: [_case_from(row) for row in connection.execute(statement)])

    async def search(self, words: Sequence[str], query: CaseQuery, below: int | None = None) -> CaseHits:
        """Return the newest cases that have all *words* and that *query* asks for, those below a `further`."""
        found: Found = await self._read(lambda connection: search(connection, words, query, below))
        return CaseHits(cases=tuple(_case_from(row) for row in found.rows), further=found.further)

    async def restricted_until(self, petitioner: str, now: datetime) -> datetime | None:
        """Return until when a petitioner may not use the telephone, if that is later than *now*."""
        return await self._read(lambda connection: _restricted(connection, petitioner, now))

    async def next_due(self) -> datetime | None:
        """Return when the clock alone next brings something to any case."""
        return await self._read(lambda connection: connection.scalar(_NEXT_DUE))

    async def next_message(self, channels: Collection[Channel]) -> datetime | None:
        """Return when the next message of those channels is to be tried."""
        query = sa.select(outbox.c.due).where(_of(channels), _WAITING).order_by(outbox.c.due).limit(1)
        return await self._read(lambda connection: connection.scalar(query))

    async def count_waiting(self, channel: Channel, *, to: str = "", most: int = 100) -> int:
        """Return how many messages of a channel wait, *most* when there are more."""
        query = sa.select(outbox.c.key).where(outbox.c.channel == channel.value, _WAITING)
        if to:
            query = query.where(outbox.c.to == to)
        some = query.limit(most).subquery("some")
        counted = sa.select(sa.func.count()).select_from(some)
        return await self._read(lambda connection: int(connection.scalar(counted) or 0))

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
        """Return messages of a channel, the newest first; each condition that is given narrows them."""
        query = sa.select(outbox).where(outbox.c.channel == channel.value)
        if to:
            query = query.where(outbox.c.to == to)
        if case_id:
            query = query.where(outbox.c.case_id == case_id)
        if waiting:
            query = query.where(_WAITING)
        if stuck:
            query = query.where(outbox.c.given_up)
        if after is not None:
            query = query.where(_behind(outbox.c.at, outbox.c.key, after, ascending=False))
        query = query.order_by(outbox.c.at.desc(), outbox.c.key.desc()).limit(limit)
        return await self._read(lambda connection: [_message_from(row) for row in connection.execute(query)])


def _page(query: CaseQuery) -> sa.Select[Any]:
    """Return the statement of a list: over a unit's own rows if it is a unit's."""
    at_unit = bool(query.unit)
    row = case_units.c if at_unit else cases.c
    key = case_units.c.case_id if at_unit else cases.c.id
    statement = sa.select(cases)
    if at_unit:
        statement = statement.select_from(case_units).join(cases, cases.c.id == case_units.c.case_id)
        statement = statement.where(case_units.c.unit == query.unit)
    if query.stage is not None:
        statement = statement.where(row.stage == query.stage.value)
    if query.category:
        statement = statement.where(cases.c.category == query.category)
    is_overdue = query.due_before is not None
    ordered = row.handle_due if is_overdue else row.received_at
    if is_overdue:
        statement = statement.where(row.handle_due.is_not(None), row.handle_due <= query.due_before)
    if query.after is not None:
        statement = statement.where(_behind(ordered, key, query.after, ascending=is_overdue))
    order = (ordered, key) if is_overdue else (ordered.desc(), key.desc())
    return statement.order_by(*order).limit(query.limit)


def _behind(at: sa.Column[Any], key: sa.Column[Any], place: Place, *, ascending: bool) -> sa.ColumnElement[bool]:
    row, end = sa.tuple_(at, key), sa.tuple_(sa.literal(place.at, Instant), sa.literal(place.id))
    return row > end if ascending else row < end


def _of(channels: Collection[Channel]) -> sa.ColumnElement[bool]:
    return outbox.c.channel.in_(sorted(channel.value for channel in channels))


def _find_case(connection: sa.Connection, ticket_id: TicketId) -> CaseRecord | None:
    row = connection.execute(_CASE, {"case_id": ticket_id}).one_or_none()
    return None if row is None else _case_from(row)


def case_row(record: CaseRecord) -> dict[str, Any]:
    """Write a case: its canonical JSON, and what it is found by."""
    case = record.case
    return {
        "id": record.id,
        "revision": record.revision,
        "touched": record.touched,
        "profile": record.profile,
        "rules_of": record.rules_of,
        "above": list(record.above),
        "reply": dict(record.reply),
        "stage": case.stage.value,
        "category": case.category,
        "unit": case.unit,
        "petitioner": case.petitioner,
        "matter": case.matter,
        "received_at": case.received_at,
        "changed_at": record.changed_at,
        "handle_due": record.handle_due,
        "next_due": record.next_due,
        "restricted_until": record.restricted_until,
        "state": canonical(msgspec.to_builtins(case)),
    }


def _case_from(row: sa.Row[Any]) -> CaseRecord:
    return CaseRecord(
        case=_case.decode(row.state),
        profile=row.profile,
        rules_of=row.rules_of,
        changed_at=row.changed_at,
        above=tuple(row.above),
        next_due=row.next_due,
        revision=row.revision,
        touched=row.touched,
        reply=row.reply,
    )


def _message_row(message: Message) -> dict[str, Any]:
    return {**_plain(message), "channel": message.channel.value, "values": dict(message.values)}


def _message_from(row: sa.Row[Any]) -> Message:
    kept = row._mapping
    return Message(**{**kept, "channel": Channel(kept["channel"])})


def _plain(value: Message | Delivery) -> dict[str, Any]:
    return {name: getattr(value, name) for name in value.__dataclass_fields__}
