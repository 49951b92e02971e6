"""Which ticket a message belongs to (并单): the open one that it follows, or none.

A message follows a ticket that it names, one whose messages it answers, or, on channels that are conversations, the
one that its sender wrote to last. In each case only if it is the sender's own: his address there, or one that is
proven to be his, has written to that ticket before, or he knows its query code. Whatever follows a ticket that is
over is a new matter.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta

from gateway.domain.addresses import telephone_of
from gateway.domain.contact import ChannelKind
from gateway.domain.rules import OVER
from gateway.domain.ticket import Ticket, TicketId, TicketState
from gateway.ports.correspondence import Letter
from gateway.ports.intake import IncomingMessage
from gateway.ports.memory import Transaction

CONVERSATIONS = frozenset({ChannelKind.SMS, ChannelKind.WECHAT, ChannelKind.TELEGRAM, ChannelKind.WEB})
"""Channels on which people go on talking without saying to what."""

OF_NUMBERS = frozenset({ChannelKind.SMS, ChannelKind.TELEPHONE})
"""Channels whose addresses are telephone numbers that the carrier vouches for."""

NEW_MATTER = ("新诉求", "新问题", "另一件事", "另外一件事")
"""What a message begins with whose writer wants another ticket."""

QUERY_CODE = "query_code"
"""Under this name a channel passes on the code that the sender gave for the ticket he names."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Thread:
    """Where a message belongs: ``ticket`` is open and his; otherwise ``follows`` is the ticket it spoke of, if any."""

    ticket: Ticket | None = None
    follows: TicketId | None = None


class Threads:
    """Finds threads. *silence* is how long a conversation may rest; *code_of* gives a ticket's query code."""

    def __init__(self, silence: timedelta, code_of: Callable[[TicketId], str]) -> None:
        self._silence = silence
        self._code_of = code_of

    def thread_of(self, tx: Transaction, message: IncomingMessage) -> Thread:
        """Return where *message* belongs."""
        follows: TicketId | None = None
        for ticket_id in self._candidates(tx, message):
            ticket = tx.ticket(ticket_id)
            if ticket is None or not self._speaks_for(tx, message, ticket):
                continue
            if is_open(tx, ticket):
                return Thread(ticket=ticket)
            follows = follows or ticket_id
        return Thread(follows=follows)

    def _candidates(self, tx: Transaction, message: IncomingMessage) -> Iterator[TicketId]:
        if message.ticket_id is not None:
            yield message.ticket_id
        for external_id in message.answers:
            if (sent := tx.correspondence.sent(message.channel, external_id)) is not None:
                yield sent.ticket_id
            elif (letter := tx.correspondence.repeated(message.channel, external_id)) is not None:
                yield letter.ticket_id
        if message.channel in CONVERSATIONS and not message.text.lstrip().startswith(NEW_MATTER):
            for letter in self._latest(tx, message):
                if message.received_at - letter.contact.received_at <= self._silence:
                    yield letter.ticket_id

    def _latest(self, tx: Transaction, message: IncomingMessage) -> Iterator[Letter]:
        """Yield what this person wrote, or said on the telephone, last."""
        if (letter := tx.correspondence.latest_from(message.channel, message.sender)) is not None:
            yield letter
        if message.channel is ChannelKind.SMS and message.is_proven:
            number = telephone_of(message.sender)
            if (call := tx.correspondence.latest_from(ChannelKind.TELEPHONE, number)) is not None:
                yield call

    def _speaks_for(self, tx: Transaction, message: IncomingMessage, ticket: Ticket) -> bool:
        code = message.values.get(QUERY_CODE)
        if isinstance(code, str) and code and hmac.compare_digest(code.encode(), self._code_of(ticket.id).encode()):
            return True
        return any(
            _is_same_person(message, letter) for letter in tx.correspondence.letters(ticket.id) if letter.contact.sender
        )


def is_open(tx: Transaction, ticket: Ticket) -> bool:
    """Say whether anything further still belongs to *ticket*."""
    record = tx.cases.case(ticket.id)
    if record is not None:
        return record.case.stage not in OVER
    return ticket.state in (TicketState.OPEN, TicketState.TAKEN)


def _is_same_person(message: IncomingMessage, letter: Letter) -> bool:
    contact = letter.contact
    if contact.channel is message.channel and contact.sender == message.sender:
        return True
    if contact.channel in OF_NUMBERS and message.channel in OF_NUMBERS and message.is_proven:
        return telephone_of(contact.sender) == telephone_of(message.sender)
    return False
