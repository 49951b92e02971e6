"""What a sender is told at once (回执用语): his ticket's number, whom to call, that he was not heard, that he waits.

One occasion for each message, the most pressing first; its words are the operator's (``config/answers.toml``).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from gateway.domain.casework import Channel, Message
from gateway.domain.contact import ChannelKind
from gateway.domain.ticket import TicketId
from gateway.ports.intake import IncomingMessage
from gateway.ports.memory import Transaction

SPEECH = "speech"
"""Under this name a channel says whether a voice message was understood."""
UNCLEAR = "unclear"
WAITS_FOR_NOBODY = frozenset({"emergency", "emergency_text_only", "unheard", "person", "appealed"})
"""Occasions on which also the sender of a further message is told something."""


class Texts(Protocol):
    """What is said on an occasion."""

    def __call__(self, occasion: str, channel: ChannelKind, **values: str) -> str:
        """Return the text for that channel."""
        ...


def occasion_of(
    message: IncomingMessage, *, lines: Sequence[str], opened: bool, text_only: bool, person: bool, appeal: bool
) -> str:
    """Return the occasion of a message that was taken, as `config.answers` names it."""
    if lines:
        return "emergency_text_only" if text_only else "emergency"
    if appeal:
        return "appealed"
    if message.values.get(SPEECH) == UNCLEAR:
        return "unheard"
    if person:
        return "person"
    return "received" if opened else "appended"


def put_out(
    tx: Transaction, message: IncomingMessage, *, key: str, kind: str, text: str, ticket_id: TicketId, now: datetime
) -> None:
    """Send the writer of *message* something, the way it came."""
    tx.cases.save_message(
        Message(
            key=key,
            channel=Channel.PETITIONER,
            to=message.sender,
            kind=kind,
            case_id=ticket_id,
            text=text,
            at=now,
            due=now,
            values={"channel": message.channel.value, "answers": message.external_id, "from": message.addressee},
        )
    )
