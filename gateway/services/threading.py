"""Which ticket a message belongs to (并单): the open one that it follows, or none.

A message follows a ticket that it names, one whose messages it answers, or, on channels that are conversations, the
one that its sender wrote to last, from here or from another address that is proven to be his. In each case only if it
is the sender's own: one of his addresses has written to that ticket before, or he knows its query code. Whatever
follows a ticket that is over is a new matter, but for the grade that he was asked for and an objection to being
restricted.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta

from gateway.domain.contact import ChannelKind
from gateway.domain.rules import OVER
from gateway.domain.ticket import Ticket, TicketId, TicketState
from gateway.ports.correspondence import Letter
from gateway.ports.intake import IncomingMessage
from gateway.ports.memory import Transaction
from gateway.services import petitioner
from gateway.services.books import Books
from gateway.services.persons import LISTED, addresses_of, keys

CONVERSATIONS = frozenset({ChannelKind.SMS, ChannelKind.WECHAT, ChannelKind.TELEGRAM, ChannelKind.WEB})
"""Channels on which people go on talking without saying to what."""

NEW_MATTER = ("新诉求", "新问题", "另一件事", "另外一件事")
"""What a message begins with whose writer wants another ticket."""

LONGEST_GRADE = 20
"""Characters of a message that may be a grade."""

QUERY_CODE = "query_code"
"""Under this name a channel passes on the code that the sender gave for the ticket he names."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Thread:
    """Where a message belongs: ``ticket`` takes it; otherwise ``follows`` is the ticket it spoke of, if any."""

    ticket: Ticket | None = None
    follows: TicketId | None = None


class Threads:
    """Finds threads. *silence* is how long a conversation may rest; *code_of* gives a ticket's query code."""

    def __init__(self, silence: timedelta, code_of: Callable[[TicketId], str], books: Books) -> None:
        self._silence = silence
        self._code_of = code_of
        self._books = books

    def thread_of(self, tx: Transaction, message: IncomingMessage, *, is_flood: bool = False) -> Thread:
        """Return where *message* belongs; one of a flood opens no other ticket because it says so."""
        if (graded := self._graded(tx, message)) is not None:
            return Thread(ticket=graded)
        follows: TicketId | None = None
        for ticket_id in self._candidates(tx, message, is_flood):
            ticket = tx.ticket(ticket_id)
            if ticket is None or not self._speaks_for(tx, message, ticket):
                continue
            if is_open(tx, ticket):
                return Thread(ticket=ticket)
            follows = follows or ticket_id
        return Thread(follows=follows)

    def _candidates(self, tx: Transaction, message: IncomingMessage, is_flood: bool) -> Iterator[TicketId]:
        if message.ticket_id is not None:
            yield message.ticket_id
        for external_id in message.answers:
            if (sent := tx.correspondence.sent(message.channel, external_id)) is not None:
                yield sent.ticket_id
            elif (letter := tx.correspondence.repeated(message.channel, external_id)) is not None:
                yield letter.ticket_id
        is_new = message.text.lstrip().startswith(NEW_MATTER) and not is_flood
        if message.channel in CONVERSATIONS and not is_new:
            for letter in self._latest(tx, message):
                if message.received_at - letter.contact.received_at <= self._silence:
                    yield letter.ticket_id

    def _latest(self, tx: Transaction, message: IncomingMessage) -> Iterator[Letter]:
        """Yield what this person wrote last from here, then what he wrote or said elsewhere, the newest first."""
        if (letter := tx.correspondence.latest_from(message.channel, message.sender)) is not None:
            yield letter
        elsewhere = (
            tx.correspondence.latest_from(channel, address)
            for key in keys(tx, message)
            for channel, address in addresses_of(key)
            if (channel, address) != (message.channel, message.sender)
        )
        yield from sorted(filter(None, elsewhere), key=lambda each: each.contact.received_at, reverse=True)

    def _graded(self, tx: Transaction, message: IncomingMessage) -> Ticket | None:
        """Return the ticket that *message* grades: of those he was asked about and has not graded, the latest closed.

        Weeks may have passed since he wrote himself, so that no silence counts.
        """
        if len(message.text) > LONGEST_GRADE:
            return None
        tickets = {
            letter.ticket_id: None
            for key in keys(tx, message)
            for channel, address in addresses_of(key)
            for letter in tx.correspondence.letters_from(channel, address, LISTED)
        }
        records = [record for ticket_id in tickets if (record := tx.cases.case(ticket_id)) is not None]
        asked = [
            record
            for record in records
            if petitioner.is_grade_for(record.case, self._books.of(record).profile, message.text)
        ]
        asked.sort(key=lambda record: record.changed_at, reverse=True)
        for record in asked:
            ticket = tx.ticket(record.id)
            if ticket is not None and self._speaks_for(tx, message, ticket):
                return ticket
        return None

    def _speaks_for(self, tx: Transaction, message: IncomingMessage, ticket: Ticket) -> bool:
        code = message.values.get(QUERY_CODE)
        if isinstance(code, str) and code and hmac.compare_digest(code.encode(), self._code_of(ticket.id).encode()):
            return True
        letters = [letter.contact for letter in tx.correspondence.letters(ticket.id) if letter.contact.sender]
        if any((each.channel, each.sender) == (message.channel, message.sender) for each in letters):
            return True
        known = set(keys(tx, message))
        return any(not known.isdisjoint(keys(tx, each)) for each in letters) if known else False


def is_open(tx: Transaction, ticket: Ticket) -> bool:
    """Say whether anything further still belongs to *ticket*."""
    record = tx.cases.case(ticket.id)
    if record is not None:
        return record.case.stage not in OVER
    return ticket.state in (TicketState.OPEN, TicketState.TAKEN)
