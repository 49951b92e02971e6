"""What is remembered of written contacts: who wrote what to which ticket, and what we sent back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Protocol

from gateway.domain.contact import ChannelKind, Contact
from gateway.domain.ticket import TicketId
from gateway.ports.intake import ChatLine, DeliveryReport, DeliveryState


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """A contact and the ticket it belongs to."""

    contact: Contact
    ticket_id: TicketId


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """A message of ours that a peer took: ``sent_id`` is the peer's id of it, ``message_key`` our own.

    ``state`` is the last that the peer said of it, at ``at``; ``reason`` why it failed.
    """

    channel: ChannelKind
    sent_id: str
    message_key: str
    ticket_id: TicketId
    state: DeliveryState
    at: datetime
    reason: str = ""

    def after(self, report: DeliveryReport) -> Sent:
        """Return it as *report* leaves it: what was read stays read, whatever is reported late."""
        ranks = (DeliveryState.ACCEPTED, DeliveryState.FAILED, DeliveryState.DELIVERED, DeliveryState.READ)
        if ranks.index(report.state) <= ranks.index(self.state):
            return self
        return replace(self, state=report.state, at=report.at, reason=report.reason)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What somebody at an address asked of us: never to be called (无障碍或不便接听)."""

    address: str
    is_text_only: bool
    at: datetime
    by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """That whoever writes under ``key`` gave back the code that was sent to ``proven`` (`services.persons.key_of`)."""

    key: str
    proven: str
    at: datetime


class CorrespondenceWrites(Protocol):
    """The written contacts' part of a unit of work."""

    def repeated(self, channel: ChannelKind, key: str) -> Letter | None:
        """Return the newest contact whose external id is *key*, or *key* and an ``@`` and more."""
        ...

    def latest_from(self, channel: ChannelKind, sender: str) -> Letter | None:
        """Return what that sender wrote last on that channel."""
        ...

    def letters_from(self, channel: ChannelKind, sender: str, limit: int) -> Sequence[Letter]:
        """Return what that sender wrote on that channel, the newest first."""
        ...

    def letters(self, ticket_id: TicketId) -> Sequence[Letter]:
        """Return the contacts of a ticket, the oldest first."""
        ...

    def save_contact(self, contact: Contact) -> None:
        """Replace what is kept of a contact."""
        ...

    def sent(self, channel: ChannelKind, sent_id: str) -> Sent | None:
        """Return a message of ours by its peer's id."""
        ...

    def save_sent(self, sent: Sent) -> None:
        """Insert or replace a message of ours."""
        ...

    def wish(self, address: str) -> Wish | None:
        """Return what somebody at that address asked of us."""
        ...

    def save_wish(self, wish: Wish) -> None:
        """Insert or replace a wish."""
        ...

    def proofs(self, key: str) -> Sequence[Proof]:
        """Return the proofs in which *key* is either side, the oldest first."""
        ...

    def save_proof(self, proof: Proof) -> None:
        """Insert or replace a proof."""
        ...

    def keep_once(self, key: str, value: str) -> str:
        """Keep *value* for good unless something is kept under *key* already, and return what is there."""
        ...

    def add_line(self, conversation: str, line: ChatLine) -> ChatLine:
        """Append a line and return it with its number; one of a known id, as it stands there."""
        ...

    def confirm(self, conversation: str, number: int) -> None:
        """Keep that the citizen's side has all lines up to *number*; a lower one than before changes nothing."""
        ...

    def keep(self, key: str, value: str, until: datetime) -> None:
        """Keep a value that all nodes share until then."""
        ...

    def value(self, key: str, now: datetime) -> str | None:
        """Return the shared value that has not lapsed by *now*."""
        ...

    def forget_lapsed(self, now: datetime) -> None:
        """Forget the shared values that have lapsed by *now*."""
        ...


class Correspondence(Protocol):
    """What is read of written contacts. Every method raises `Unavailable` while the store cannot."""

    async def letters(self, ticket_id: TicketId) -> Sequence[Letter]:
        """Return the contacts of a ticket, the oldest first."""
        ...

    async def letters_on(self, channel: ChannelKind, since: datetime, until: datetime, limit: int) -> Sequence[Letter]:
        """Return the contacts of a channel received from *since* until *until*, the newest first."""
        ...

    async def unread(self) -> Sequence[TicketId]:
        """Return the tickets with contacts that they are not filled from yet, the oldest contact first."""
        ...

    async def sent(self, ticket_id: TicketId) -> Sequence[Sent]:
        """Return what peers took of ours for a ticket, the oldest first."""
        ...

    async def wish(self, address: str) -> Wish | None:
        """Return what somebody at that address asked of us."""
        ...

    async def lines(self, conversation: str, after: int = 0) -> Sequence[ChatLine]:
        """Return the lines of a conversation numbered above *after*, in order."""
        ...

    async def confirmed(self, conversation: str) -> int:
        """Return the number up to which the citizen's side has a conversation's lines, 0 at first."""
        ...

    async def value(self, key: str, now: datetime) -> str | None:
        """Return the shared value that has not lapsed by *now*."""
        ...
