"""What casework writes and reads, and its ways out."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Protocol

from gateway.domain.case import Case
from gateway.domain.casework import CaseHits, CaseQuery, CaseRecord, Channel, Delivery, Message, Place
from gateway.domain.ticket import TicketId


class CaseWrites(Protocol):
    """Casework's part of a unit of work: cases, what goes out of them, and what other systems asked."""

    def case(self, ticket_id: TicketId) -> CaseRecord | None:
        """Return the case of a ticket as it stands."""
        ...

    def save_case(self, record: CaseRecord) -> None:
        """Insert revision 1, or replace revision n-1 by n. Raises `Conflict` when another change came first."""
        ...

    def due_cases(self, until: datetime, limit: int) -> Sequence[CaseRecord]:
        """Return the cases to which the clock brings something by *until*, in order of time."""
        ...

    def earlier_case(self, petitioner: str, matter: str, other_than: TicketId) -> Case | None:
        """Return the latest other case of the same petitioner and matter that was not refused."""
        ...

    def restricted_until(self, petitioner: str, now: datetime) -> datetime | None:
        """Return until when a petitioner may not use the telephone, if that is later than *now*."""
        ...

    def restricting(self, petitioner: str, now: datetime) -> CaseRecord | None:
        """Return the case by which a petitioner is restricted the longest, later than *now*."""
        ...

    def alike(self, matter: str, since: datetime, other_than: TicketId) -> int:
        """Return how many other cases of *matter* were received since then and not refused."""
        ...

    def message(self, key: str) -> Message | None:
        """Return a message as it stands."""
        ...

    def open_digest(self, channel: Channel, to: str) -> Message | None:
        """Return the digest that nobody has read or tried to send yet."""
        ...

    def save_message(self, message: Message) -> None:
        """Insert or replace a message."""
        ...

    def due_messages(self, channels: Collection[Channel], now: datetime, limit: int) -> Sequence[Message]:
        """Return the messages to be tried by *now*, in order of time."""
        ...

    def delivery(self, partner: str, key: str) -> Delivery | None:
        """Return what *partner* asked under *key*."""
        ...

    def save_delivery(self, delivery: Delivery) -> None:
        """Keep what a partner asked. Raises `OurMistake` when its key is taken."""
        ...

    def forget_deliveries(self, before: datetime) -> int:
        """Forget what partners asked before then, and return how many requests that were."""
        ...


class Cases(Protocol):
    """What is read of casework. Every method raises `Unavailable` while the store cannot."""

    async def case(self, ticket_id: TicketId) -> CaseRecord | None:
        """Return the case of a ticket."""
        ...

    async def page(self, query: CaseQuery) -> Sequence[CaseRecord]:
        """Return the cases that *query* asks for."""
        ...

    async def search(self, words: Sequence[str], query: CaseQuery, below: int | None = None) -> CaseHits:
        """Return the newest cases that have all *words* (`routing.case_words`), as *query* narrows them.

        *below* is the ``further`` of the page before; the order and the place of *query* do not count. At least one of
        the words must have a term.
        """
        ...

    async def restricted_until(self, petitioner: str, now: datetime) -> datetime | None:
        """Return until when a petitioner may not use the telephone, if that is later than *now*."""
        ...

    async def next_due(self) -> datetime | None:
        """Return when the clock alone next brings something to any case."""
        ...

    async def next_message(self, channels: Collection[Channel]) -> datetime | None:
        """Return when the next message of those channels is to be tried."""
        ...

    async def count_waiting(self, channel: Channel, *, to: str = "", most: int = 100) -> int:
        """Return how many messages of a channel wait, *most* when there are more."""
        ...

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
        """Return messages of a channel, the newest first; each condition narrows them (*stuck*: those given up)."""
        ...


class Sender(Protocol):
    """A way out for messages."""

    async def send(self, message: Message) -> None:
        """Deliver *message*; may be called again for one that has arrived, with the same key.

        Raises `Unavailable` when it may arrive later, `Refused` when it never will.
        """
        ...
