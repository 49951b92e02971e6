"""One unit of work on the database: what `gateway.ports.memory.Transaction` asks for, and the accounts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache, cached_property
from typing import Any

import sqlalchemy as sa
from sqlalchemy import exc

from gateway.domain.account import Account
from gateway.domain.call import CallId
from gateway.domain.contact import ChannelKind, Contact
from gateway.domain.errors import Conflict, OurMistake
from gateway.domain.events import Entry, Fact
from gateway.domain.ticket import Ticket, TicketId
from gateway.domain.transcript import Gap, Utterance
from gateway.ports.memory import CallLeg
from gateway.storage import schema
from gateway.storage.cases import SqlCaseWrites
from gateway.storage.chain import Anchor, entry_of, link
from gateway.storage.correspondence import SqlCorrespondenceWrites
from gateway.storage.knowledge import SqlKnowledgeWrites
from gateway.storage.records import (
    Values,
    account_row,
    contact_from,
    contact_row,
    gap_row,
    leg_row,
    ticket_from,
    ticket_row,
    utterance_row,
)
from gateway.storage.registers import SqlRegisterWrites

_CONTACT = sa.select(schema.contacts).where(
    schema.contacts.c.channel == sa.bindparam("channel"), schema.contacts.c.external_id == sa.bindparam("external_id")
)
_TICKET = sa.select(schema.tickets).where(schema.tickets.c.id == sa.bindparam("ticket_id"))
_REVISE = sa.update(schema.tickets).where(
    schema.tickets.c.id == sa.bindparam("same_id"), schema.tickets.c.revision == sa.bindparam("replaced")
)
_ADD_CONTACT = sa.insert(schema.contacts)
_ADD_TICKET = sa.insert(schema.tickets)
_APPEND = sa.insert(schema.journal)
_LAST = sa.select(schema.journal.c.seq, schema.journal.c.hash).order_by(schema.journal.c.seq.desc()).limit(1)


def find_ticket(connection: sa.Connection, ticket_id: TicketId) -> Ticket | None:
    """Return a ticket as *connection* sees it."""
    row = connection.execute(_TICKET, {"ticket_id": ticket_id}).one_or_none()
    return None if row is None else ticket_from(row)


def last_entry(connection: sa.Connection) -> Anchor:
    """Return where the journal ends, as *connection* sees it."""
    row = connection.execute(_LAST).one_or_none()
    return Anchor() if row is None else Anchor(seq=row.seq, hash=row.hash)


def entry_hash(connection: sa.Connection, seq: int) -> str | None:
    """Return the hash of one journal entry, None when it is not there."""
    return connection.scalar(sa.select(schema.journal.c.hash).where(schema.journal.c.seq == seq))


def write_facts(connection: sa.Connection, facts: Sequence[Values]) -> None:
    """Add entries that `SqlTransaction` has linked to the journal."""
    if facts:
        connection.execute(_APPEND, facts)


class SqlTransaction:
    """The writes and reads of one unit, inside a transaction that has the write to itself.

    *connect* is asked for the connection when the unit needs it first: most units only add facts. *node* is whose calls
    its tickets are. Facts are linked here
    and gathered in ``facts``, to be written with all others before the commit; ``last`` is where the journal ends with
    them. Database errors leave as SQLAlchemy raises them; the session around the unit names them.
    """

    def __init__(self, connect: Callable[[], sa.Connection], last: Anchor, node: str = "") -> None:
        self._connect = connect
        self._node = node
        self.last = last
        self.facts: list[Values] = []

    @cached_property
    def _connection(self) -> sa.Connection:
        return self._connect()

    @property
    def cases(self) -> SqlCaseWrites:
        """Casework's part of it."""
        return SqlCaseWrites(self._connection)

    @property
    def correspondence(self) -> SqlCorrespondenceWrites:
        """The written contacts' part of it."""
        return SqlCorrespondenceWrites(self._connection)

    @property
    def knowledge(self) -> SqlKnowledgeWrites:
        """The knowledge base's part of it."""
        return SqlKnowledgeWrites(self._connection)

    @property
    def registers(self) -> SqlRegisterWrites:
        """The registers' part of it."""
        return SqlRegisterWrites(self._connection)

    def contact_by(self, channel: ChannelKind, external_id: str) -> Contact | None:
        """Return the contact that this delivery already made."""
        found = {"channel": channel.value, "external_id": external_id}
        row = self._connection.execute(_CONTACT, found).one_or_none()
        return None if row is None else contact_from(row)

    def add_contact(self, contact: Contact, ticket_id: TicketId) -> None:
        """Keep a new contact of a ticket. Raises `OurMistake` when its id or (channel, external_id) is taken."""
        try:
            self._connection.execute(_ADD_CONTACT, contact_row(contact) | {"ticket_id": ticket_id})
        except exc.IntegrityError as error:
            raise OurMistake(f"contact {contact.id} is there already") from error

    def ticket(self, ticket_id: TicketId) -> Ticket | None:
        """Return a ticket as it stands."""
        return find_ticket(self._connection, ticket_id)

    def save_ticket(self, ticket: Ticket) -> None:
        """Insert revision 1, or replace revision n-1 by n. Raises `Conflict` when another change came first."""
        row = ticket_row(ticket)
        if ticket.revision == 1:
            try:
                self._connection.execute(_ADD_TICKET, row | {"node": self._node})
            except exc.IntegrityError as error:
                raise Conflict(f"ticket {ticket.id} is there already") from error
            return
        key = {"same_id": ticket.id, "replaced": ticket.revision - 1}
        if self._connection.execute(_REVISE, row | key).rowcount != 1:
            raise Conflict(f"ticket {ticket.id} is not at revision {ticket.revision - 1}")
        self.cases.ticket_changed(ticket)

    def save_leg(self, leg: CallLeg) -> None:
        """Insert or replace a leg."""
        self._put(schema.legs, leg_row(leg))

    def save_utterance(self, call_id: CallId, utterance: Utterance | Gap) -> None:
        """Keep a final utterance or a gap; the same one again replaces itself. Raises `OurMistake` for a partial."""
        if isinstance(utterance, Gap):
            self._put(schema.gaps, gap_row(call_id, utterance))
        else:
            self._put(schema.utterances, utterance_row(call_id, utterance))

    def append(self, fact: Fact) -> Entry:
        """Add a fact to the journal. Raises `OurMistake` for values JSON cannot carry or an instant without zone."""
        record = link(fact, self.last)
        entry = entry_of(record)
        if "\x00" in f"{record.kind}{record.call}{record.ticket}":
            raise OurMistake(f"a fact of kind {record.kind!r} has an id with a NUL in it")
        self.facts.append(
            {
                "seq": record.seq,
                "at": fact.at,
                "kind": record.kind,
                "call": record.call,
                "ticket": record.ticket,
                "offset": record.offset,
                "values": record.values,
                "previous": record.previous,
                "hash": record.hash,
            }
        )
        self.last = Anchor(seq=record.seq, hash=record.hash)
        return entry

    def save_account(self, account: Account) -> None:
        """Insert or replace an account."""
        self._put(schema.accounts, account_row(account))

    def run(self, statement: sa.Executable) -> None:
        """Run a statement of the storage's own."""
        self._connection.execute(statement)

    def _put(self, table: sa.Table, row: dict[str, Any]) -> None:
        """Replace the row of the same key, or insert it; the write lock is ours, so nothing comes between."""
        key = {f"same_{column.name}": row[column.name] for column in table.primary_key}
        if self._connection.execute(_replacement(table), row | key).rowcount == 0:
            self._connection.execute(sa.insert(table), row)


@cache
def _replacement(table: sa.Table) -> sa.Update:
    """Return what replaces the row of the key ``same_...``."""
    return sa.update(table).where(*(column == sa.bindparam(f"same_{column.name}") for column in table.primary_key))
