"""Written contacts in memory, for `tests.fakes.store`."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, field, fields, replace
from datetime import UTC, datetime
from typing import Self

from gateway.domain.contact import ChannelKind, Contact
from gateway.domain.ticket import TicketId
from gateway.ports.correspondence import Letter, Proof, Sent, Wish
from gateway.ports.intake import ChatLine


@dataclass
class LetterMemory:
    """What is remembered, and at once the part of a unit of work that adds to it."""

    kept: dict[tuple[ChannelKind, str], Letter] = field(default_factory=dict)
    messages: dict[tuple[ChannelKind, str], Sent] = field(default_factory=dict)
    wishes: dict[str, Wish] = field(default_factory=dict)
    shared: dict[str, tuple[str, datetime]] = field(default_factory=dict)
    proven: dict[tuple[str, str], Proof] = field(default_factory=dict)
    chats: dict[str, tuple[ChatLine, ...]] = field(default_factory=dict)
    confirmed: dict[str, int] = field(default_factory=dict)

    def copy(self) -> Self:
        return replace(self, **{each.name: dict(getattr(self, each.name)) for each in fields(self)})

    def repeated(self, channel: ChannelKind, key: str) -> Letter | None:
        return _newest(
            letter
            for (kind, external_id), letter in self.kept.items()
            if kind is channel and (external_id == key or external_id.startswith(f"{key}@"))
        )

    def latest_from(self, channel: ChannelKind, sender: str) -> Letter | None:
        return _newest(
            letter
            for letter in self.kept.values()
            if letter.contact.channel is channel and letter.contact.sender == sender
        )

    def letters_from(self, channel: ChannelKind, sender: str, limit: int) -> Sequence[Letter]:
        found = [
            each for each in self.kept.values() if (each.contact.channel, each.contact.sender) == (channel, sender)
        ]
        return sorted(found, key=_order, reverse=True)[:limit]

    def letters(self, ticket_id: TicketId) -> Sequence[Letter]:
        return sorted((letter for letter in self.kept.values() if letter.ticket_id == ticket_id), key=_order)

    def save_contact(self, contact: Contact) -> None:
        key = (contact.channel, contact.external_id)
        self.kept[key] = Letter(contact=contact, ticket_id=self.kept[key].ticket_id)

    def sent(self, channel: ChannelKind, sent_id: str) -> Sent | None:
        return self.messages.get((channel, sent_id))

    def save_sent(self, sent: Sent) -> None:
        self.messages[sent.channel, sent.sent_id] = sent

    def wish(self, address: str) -> Wish | None:
        return self.wishes.get(address)

    def save_wish(self, wish: Wish) -> None:
        self.wishes[wish.address] = wish

    def proofs(self, key: str) -> Sequence[Proof]:
        found = [proof for proof in self.proven.values() if key in (proof.key, proof.proven)]
        return sorted(found, key=lambda proof: proof.at)

    def save_proof(self, proof: Proof) -> None:
        self.proven[proof.key, proof.proven] = proof

    def keep_once(self, key: str, value: str) -> str:
        return self.shared.setdefault(key, (value, datetime.max.replace(tzinfo=UTC)))[0]

    def add_line(self, conversation: str, line: ChatLine) -> ChatLine:
        lines = self.chats.get(conversation, ())
        known = next((other for other in lines if other.id == line.id), None)
        if known is None:
            known = replace(line, number=len(lines) + 1)
            self.chats[conversation] = (*lines, known)
        return known

    def confirm(self, conversation: str, number: int) -> None:
        self.confirmed[conversation] = max(number, self.confirmed.get(conversation, 0))

    def keep(self, key: str, value: str, until: datetime) -> None:
        self.shared[key] = (value, until)

    def value(self, key: str, now: datetime) -> str | None:
        value, until = self.shared.get(key, ("", now))
        return value if until > now else None

    def forget_lapsed(self, now: datetime) -> None:
        self.shared = {key: kept for key, kept in self.shared.items() if kept[1] > now}


class MemoryCorrespondence:
    """`gateway.ports.correspondence.Correspondence` over what `reach` gives."""

    def __init__(self, reach: Callable[[], Awaitable[LetterMemory]]) -> None:
        self._reach = reach

    async def letters(self, ticket_id: TicketId) -> Sequence[Letter]:
        return (await self._reach()).letters(ticket_id)

    async def letters_on(self, channel: ChannelKind, since: datetime, until: datetime, limit: int) -> Sequence[Letter]:
        kept = (await self._reach()).kept.values()
        found = [
            letter
            for letter in kept
            if letter.contact.channel is channel and since <= letter.contact.received_at <= until
        ]
        return sorted(found, key=_order, reverse=True)[:limit]

    async def unread(self) -> Sequence[TicketId]:
        letters = sorted((await self._reach()).kept.values(), key=_order)
        return list(dict.fromkeys(letter.ticket_id for letter in letters if not letter.contact.is_read))

    async def sent(self, ticket_id: TicketId) -> Sequence[Sent]:
        memory = await self._reach()
        return sorted((sent for sent in memory.messages.values() if sent.ticket_id == ticket_id), key=lambda s: s.at)

    async def wish(self, address: str) -> Wish | None:
        return (await self._reach()).wish(address)

    async def lines(self, conversation: str, after: int = 0) -> Sequence[ChatLine]:
        return (await self._reach()).chats.get(conversation, ())[max(after, 0) :]

    async def confirmed(self, conversation: str) -> int:
        return (await self._reach()).confirmed.get(conversation, 0)

    async def value(self, key: str, now: datetime) -> str | None:
        return (await self._reach()).value(key, now)


def _newest(letters: Iterable[Letter]) -> Letter | None:
    return max(letters, key=_order, default=None)


def _order(letter: Letter) -> tuple[datetime, str]:
    return letter.contact.received_at, letter.contact.id
