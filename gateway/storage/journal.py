"""Reading the journal: for the store, and for those who check it from outside while the gateway runs.

How entries are made and hashed is in `gateway.storage.chain`; nothing here writes.
"""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa

from gateway.domain.call import CallId
from gateway.domain.errors import OurMistake
from gateway.domain.events import Entry
from gateway.domain.ticket import TicketId
from gateway.storage.anchor import read_anchor
from gateway.storage.chain import Verdict, check, entry_of
from gateway.storage.location import Where, database_at
from gateway.storage.records import record_from
from gateway.storage.schema import journal

PATIENCE = 5.0
"""Seconds an auditor waits for a lock; a reader hardly ever meets one."""

_BY_NUMBER = sa.select(
    journal.c.seq,
    sa.type_coerce(journal.c.at, sa.Text),
    journal.c.kind,
    journal.c.call,
    journal.c.ticket,
    journal.c.offset,
    journal.c["values"],
    journal.c.previous,
    journal.c.hash,
).order_by(journal.c.seq)


def verify(where: Where) -> Verdict:
    """Follow the whole chain of the database at *where* and compare it with its anchor.

    Sees one moment of a running gateway. Raises `Unavailable` when the database cannot be read.
    """
    database = database_at(where)
    try:
        anchor = read_anchor(database.anchored)
    except OurMistake as error:
        return Verdict(entries=0, ok=False, reason=str(error))
    engine = database.engine(writes=False, patience=PATIENCE)
    try:
        with (
            database.losses(),
            engine.begin() as connection,
            connection.execution_options(yield_per=1000).execute(_BY_NUMBER) as rows,
        ):
            return check((record_from(row) for row in rows), anchor)
    finally:
        engine.dispose()


def show(where: Where, call_id: CallId) -> Sequence[Entry]:
    """Return all entries of one call, by number. Raises `Unavailable` when the database cannot be read."""
    database = database_at(where)
    engine = database.engine(writes=False, patience=PATIENCE)
    try:
        with database.losses(), engine.begin() as connection:
            rows = connection.execute(_BY_NUMBER.where(journal.c.call == call_id))
            return [entry_of(record_from(row)) for row in rows]
    finally:
        engine.dispose()


def read_entries(
    connection: sa.Connection,
    *,
    call_id: CallId | None,
    ticket_id: TicketId | None,
    after: int,
    before: int | None,
    limit: int,
) -> Sequence[Entry]:
    """Return at most *limit* entries of the call and the ticket asked for; see `gateway.ports.memory.Store.entries`."""
    query = _BY_NUMBER.where(journal.c.seq > after).limit(limit)
    if before is not None:
        query = query.where(journal.c.seq < before).order_by(None).order_by(journal.c.seq.desc())
    if call_id is not None:
        query = query.where(journal.c.call == call_id)
    if ticket_id is not None:
        query = query.where(journal.c.ticket == ticket_id)
    return [entry_of(record_from(row)) for row in connection.execute(query)]
