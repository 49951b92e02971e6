"""Written contacts on the database (`gateway.ports.correspondence`)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime
from typing import Any, Protocol, TypeVar

import sqlalchemy as sa

from gateway.domain.contact import ChannelKind, Contact
from gateway.domain.ticket import TicketId
from gateway.ports.correspondence import Letter, Proof, Sent, Wish
from gateway.ports.intake import ChatLine, DeliveryState
from gateway.storage import chats, schema
from gateway.storage.records import contact_from, contact_row

T = TypeVar("T")

FOR_GOOD = datetime(9999, 12, 31, tzinfo=UTC)

_contacts = schema.contacts.c
_NEWEST = sa.select(schema.contacts).order_by(_contacts.received_at.desc(), _contacts.id.desc()).limit(1)
_REPEATED = _NEWEST.where(
    _contacts.channel == sa.bindparam("channel"),
    (_contacts.external_id == sa.bindparam("key"))
    | ((_contacts.external_id > sa.bindparam("first")) & (_contacts.external_id < sa.bindparam("last"))),
)
_FROM = _NEWEST.where(_contacts.channel == sa.bindparam("channel"), _contacts.sender == sa.bindparam("sender"))
_ALL_FROM = (
    sa.select(schema.contacts)
    .where(_contacts.channel == sa.bindparam("channel"), _contacts.sender == sa.bindparam("sender"))
    .order_by(_contacts.received_at.desc(), _contacts.id.desc())
    .limit(sa.bindparam("most"))
)
_LETTERS = (
    sa.select(schema.contacts)
    .where(_contacts.ticket_id == sa.bindparam("ticket_id"))
    .order_by(_contacts.received_at, _contacts.id)
)
_UNREAD = sa.select(_contacts.ticket_id).where(~_contacts.is_read).order_by(_contacts.received_at)
_SENT = sa.select(schema.sent).where(
    schema.sent.c.channel == sa.bindparam("channel"), schema.sent.c.sent_id == sa.bindparam("sent_id")
)
_SENT_FOR = (
    sa.select(schema.sent).where(schema.sent.c.ticket_id == sa.bindparam("ticket_id")).order_by(schema.sent.c.at)
)
_proofs = schema.proven_addresses.c
_PROOFS = (
    sa.select(schema.proven_addresses)
    .where((_proofs.key == sa.bindparam("address")) | (_proofs.proven == sa.bindparam("address")))
    .order_by(_proofs.at)
)
_shared = schema.shared_values.c
_VALUE = sa.select(_shared.value).where(
    _shared.key == sa.bindparam("name"), _shared.until > sa.bindparam("now", type_=schema.Instant)
)
_WISH = sa.select(schema.wishes).where(schema.wishes.c.address == sa.bindparam("address"))


class SqlCorrespondenceWrites:
    """`CorrespondenceWrites` within one transaction."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection

    def repeated(self, channel: ChannelKind, key: str) -> Letter | None:
        """Return the newest contact whose external id is *key*, or *key* and an ``@`` and more."""
        found = {"channel": channel.value, "key": key, "first": f"{key}@", "last": f"{key}A"}
        return self._newest(_REPEATED, found)

    def latest_from(self, channel: ChannelKind, sender: str) -> Letter | None:
        """Return what that sender wrote last on that channel."""
        return self._newest(_FROM, {"channel": channel.value, "sender": sender})

    def letters_from(self, channel: ChannelKind, sender: str, limit: int) -> Sequence[Letter]:
        """Return what that sender wrote on that channel, the newest first."""
        found = {"channel": channel.value, "sender": sender, "most": limit}
        return [_letter_from(row) for row in self._connection.execute(_ALL_FROM, found)]

    def letters(self, ticket_id: TicketId) -> Sequence[Letter]:
        """Return the contacts of a ticket, the oldest first."""
        return _letters(self._connection, ticket_id)

    def save_contact(self, contact: Contact) -> None:
        """Replace what is kept of a contact."""
        row = contact_row(contact)
        self._connection.execute(sa.update(schema.contacts).where(_contacts.id == contact.id).values(row))

    def sent(self, channel: ChannelKind, sent_id: str) -> Sent | None:
        """Return a message of ours by its peer's id."""
        row = self._connection.execute(_SENT, {"channel": channel.value, "sent_id": sent_id}).one_or_none()
        return None if row is None else _sent_from(row)

    def save_sent(self, sent: Sent) -> None:
        """Insert or replace a message of ours."""
        row = {
            "channel": sent.channel.value,
            "sent_id": sent.sent_id,
            "message_key": sent.message_key,
            "ticket_id": sent.ticket_id,
            "state": sent.state.value,
            "at": sent.at,
            "reason": sent.reason,
        }
        self._put(schema.sent, row)

    def wish(self, address: str) -> Wish | None:
        """Return what somebody at that address asked of us."""
        return _wish(self._connection, address)

    def save_wish(self, wish: Wish) -> None:
        """Insert or replace a wish."""
        row = {"address": wish.address, "is_text_only": wish.is_text_only, "at": wish.at, "by": wish.by}
        self._put(schema.wishes, row)

    def proofs(self, key: str) -> Sequence[Proof]:
        """Return the proofs in which *key* is either side, the oldest first."""
        rows = self._connection.execute(_PROOFS, {"address": key})
        return [Proof(key=row.key, proven=row.proven, at=row.at) for row in rows]

    def save_proof(self, proof: Proof) -> None:
        """Insert or replace a proof."""
        self._put(schema.proven_addresses, {"key": proof.key, "proven": proof.proven, "at": proof.at})

    def keep_once(self, key: str, value: str) -> str:
        """Keep *value* for good unless something is kept under *key* already, and return what is there."""
        known = self._connection.scalar(sa.select(_shared.value).where(_shared.key == key))
        if known is None:
            self.keep(key, value, FOR_GOOD)
        return known or value

    def add_line(self, conversation: str, line: ChatLine) -> ChatLine:
        """Append a line and return it with its number; one of a known id, as it stands there."""
        return chats.add_line(self._connection, conversation, line)

    def confirm(self, conversation: str, number: int) -> None:
        """Keep that the citizen's side has all lines up to *number*; a lower one than before changes nothing."""
        chats.confirm(self._connection, conversation, number)

    def keep(self, key: str, value: str, until: datetime) -> None:
        """Keep a value that all nodes share until then."""
        self._put(schema.shared_values, {"key": key, "value": value, "until": until})

    def value(self, key: str, now: datetime) -> str | None:
        """Return the shared value that has not lapsed by *now*."""
        return _value(self._connection, key, now)

    def forget_lapsed(self, now: datetime) -> None:
        """Forget the shared values that have lapsed by *now*."""
        self._connection.execute(sa.delete(schema.shared_values).where(_shared.until <= now))

    def _newest(self, query: sa.Select[Any], values: dict[str, str]) -> Letter | None:
        row = self._connection.execute(query, values).one_or_none()
        return None if row is None else _letter_from(row)

    def _put(self, table: sa.Table, row: dict[str, Any]) -> None:
        key = [column == row[column.name] for column in table.primary_key]
        if self._connection.execute(sa.update(table).where(*key).values(row)).rowcount == 0:
            self._connection.execute(sa.insert(table), row)


class Read(Protocol):
    """Runs a query on one moment of the database."""

    def __call__(self, query: Callable[[sa.Connection], T]) -> Awaitable[T]:
        """Return what *query* returns. Raises `Unavailable`."""
        ...


class SqlCorrespondence:
    """`Correspondence` on whatever *read* reads."""

    def __init__(self, read: Read) -> None:
        self._read = read

    async def letters(self, ticket_id: TicketId) -> Sequence[Letter]:
        """Return the contacts of a ticket, the oldest first."""
        return await self._read(lambda connection: _letters(connection, ticket_id))

    async def letters_on(self, channel: ChannelKind, since: datetime, until: datetime, limit: int) -> Sequence[Letter]:
        """Return the contacts of a channel received from *since* until *until*, the newest first."""
        query = (
            sa.select(schema.contacts)
            .where(_contacts.channel == channel.value, _contacts.received_at >= since, _contacts.received_at <= until)
            .order_by(_contacts.received_at.desc(), _contacts.id.desc())
            .limit(limit)
        )
        return await self._read(lambda connection: [_letter_from(row) for row in connection.execute(query)])

    async def unread(self) -> Sequence[TicketId]:
        """Return the tickets with contacts that they are not filled from yet, the oldest contact first."""
        return await self._read(lambda connection: list(dict.fromkeys(connection.scalars(_UNREAD))))

    async def sent(self, ticket_id: TicketId) -> Sequence[Sent]:
        """Return what peers took of ours for a ticket, the oldest first."""
        return await self._read(
            lambda connection: [_sent_from(row) for row in connection.execute(_SENT_FOR, {"ticket_id": ticket_id})]
        )

    async def wish(self, address: str) -> Wish | None:
        """Return what somebody at that address asked of us."""
        return await self._read(lambda connection: _wish(connection, address))

    async def lines(self, conversation: str, after: int = 0) -> Sequence[ChatLine]:
        """Return the lines of a conversation numbered above *after*, in order."""
        return await self._read(lambda connection: chats.lines_after(connection, conversation, after))

    async def confirmed(self, conversation: str) -> int:
        """Return the number up to which the citizen's side has a conversation's lines, 0 at first."""
        return await self._read(lambda connection: chats.confirmed(connection, conversation))

    async def value(self, key: str, now: datetime) -> str | None:
        """Return the shared value that has not lapsed by *now*."""
        return await self._read(lambda connection: _value(connection, key, now))


def _letters(connection: sa.Connection, ticket_id: TicketId) -> list[Letter]:
    return [_letter_from(row) for row in connection.execute(_LETTERS, {"ticket_id": ticket_id})]


def _value(connection: sa.Connection, key: str, now: datetime) -> str | None:
    found: str | None = connection.scalar(_VALUE, {"name": key, "now": now})
    return found


def _letter_from(row: sa.Row[Any]) -> Letter:
    return Letter(contact=contact_from(row), ticket_id=TicketId(row.ticket_id))


def _sent_from(row: sa.Row[Any]) -> Sent:
    return Sent(
        channel=ChannelKind(row.channel),
        sent_id=row.sent_id,
        message_key=row.message_key,
        ticket_id=TicketId(row.ticket_id),
        state=DeliveryState(row.state),
        at=row.at,
        reason=row.reason,
    )


def _wish(connection: sa.Connection, address: str) -> Wish | None:
    row = connection.execute(_WISH, {"address": address}).one_or_none()
    return None if row is None else Wish(address=row.address, is_text_only=row.is_text_only, at=row.at, by=row.by)
