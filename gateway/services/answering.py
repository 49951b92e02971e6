"""The way back (答复回传): a petitioner is told on the way he came, or on another of his ways when that is closed.

The ways, in order: the channel and address that the message itself names; those he wrote from to this ticket, the
latest first; a text message to the number he called from or left. A channel that says a final no gives way to the
next; when none is left the message is given up, for a person to see.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta, tzinfo
from typing import Protocol

from gateway.domain.addresses import mobile_of
from gateway.domain.casework import Channel, Message
from gateway.domain.contact import ChannelKind
from gateway.domain.errors import Refused, Unavailable
from gateway.domain.events import Fact
from gateway.domain.ticket import Ticket, TicketId
from gateway.ports.clock import Clock
from gateway.ports.correspondence import Letter, Sent
from gateway.ports.intake import DeliveryState, OutgoingMessage, WayOut
from gateway.ports.memory import Store, Transaction
from gateway.services.delivery_reports import note_sent
from gateway.services.flood import SenderLimit, TokenBucket
from gateway.services.outbox import ForPeople
from gateway.services.receipts import Texts

NO_WAY = "no written way"
"""Why a message cannot be sent to somebody who has only called."""
ANSWER = "answer"
"""The kind of message in which a person answers."""
SURVEY = "survey"
"""The kind of message that asks for a grade."""
VERIFICATION = "verification"
"""The kind of message that brings a code, which is of use for `CODE_VALID` only."""
CODE_VALID = timedelta(minutes=10)
AT_ANY_HOUR = frozenset({"received", "emergency", "restricted", "assistant", VERIFICATION})
"""What answers somebody who has just written, and so does not wake him."""
WAKING = frozenset({ChannelKind.SMS, ChannelKind.WECHAT, ChannelKind.TELEGRAM})
"""Channels that make a telephone ring or buzz."""


@dataclass(frozen=True, slots=True, kw_only=True)
class QuietHours:
    """When nobody is woken: from *begin* to *end* by the clock of *zone*, over midnight if *end* is earlier."""

    begin: time
    end: time
    zone: tzinfo

    def wait(self, now: datetime) -> timedelta:
        """Return how long until they are over; nothing outside of them."""
        local = now.astimezone(self.zone)
        at = local.time()
        is_quiet = self.begin <= at < self.end if self.begin < self.end else at >= self.begin or at < self.end
        if not is_quiet:
            return timedelta(0)
        end = local.replace(hour=self.end.hour, minute=self.end.minute, second=0, microsecond=0)
        return (end if end > local else end + timedelta(days=1)) - local


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """One way to a petitioner; ``answers`` are the external ids that a message there follows."""

    channel: ChannelKind
    to: str
    sent_from: str = ""
    answers: tuple[str, ...] = ()
    subject: str = ""


class Keeps(Protocol):
    """The reads that a way back needs."""

    async def letters(self, ticket_id: TicketId) -> Sequence[Letter]:
        """Return the contacts of a ticket, the oldest first. Raises `Unavailable`."""
        ...


class WayBack:
    """The outbox's sender for petitioners (`gateway.ports.casework.Sender`). *rate* holds for each channel.

    ``outcomes`` says how many messages each channel ``sent``, ``refused`` or ``postponed``, and how many were
    ``given_up``.
    """

    def __init__(
        self,
        *,
        store: Store,
        correspondence: Keeps,
        ways: Mapping[ChannelKind, WayOut],
        texts: Texts,
        clock: Clock,
        quiet: QuietHours | None = None,
        rate: SenderLimit | None = None,
    ) -> None:
        self._store = store
        self._correspondence = correspondence
        self._ways = ways
        self._texts = texts
        self._clock = clock
        self._quiet = quiet
        self._rate = rate
        self.outcomes: Counter[tuple[str, str]] = Counter()
        self._buckets: dict[ChannelKind, TokenBucket] = {}

    async def send(self, message: Message) -> None:
        """Tell the petitioner.

        Raises `Unavailable` when it may work later, `Refused` when no way is left, `ForPeople` when there never was
        one.
        """
        if message.kind == VERIFICATION and message.at + CODE_VALID < self._clock.now():
            raise Refused("the code has lapsed")
        ticket_id = TicketId(message.case_id)
        ticket = await self._store.ticket(ticket_id)
        letters = await self._correspondence.letters(ticket_id)
        refusals: list[str] = []
        for route in dict.fromkeys(routes(message, ticket, letters)):
            way = self._ways.get(route.channel)
            if way is None:
                continue
            self._wait_turn(route.channel, message)
            try:
                sent_id = await way.send(self._written(message, route))
            except Unavailable:
                self.outcomes[route.channel.value, "postponed"] += 1
                raise
            except Refused as refusal:
                self.outcomes[route.channel.value, "refused"] += 1
                refusals.append(f"{route.channel.value}: {refusal}")
                continue
            self.outcomes[route.channel.value, "sent"] += 1
            return await self._note(message, route, sent_id or message.key)
        if refusals or message.kind in AT_ANY_HOUR:
            raise Refused("; ".join(refusals) or NO_WAY)
        raise ForPeople(NO_WAY)

    def gave_up(self, message: Message) -> None:
        """Count a message that no way took; under the channel that it was meant for, "" where it named none."""
        self.outcomes[str(message.values.get("channel", "")), "given_up"] += 1

    def _wait_turn(self, channel: ChannelKind, message: Message) -> None:
        """Raise `Unavailable` until it is this channel's turn."""
        if self._quiet is not None and channel in WAKING and message.kind not in AT_ANY_HOUR:
            wait = self._quiet.wait(self._clock.now())
            if wait:
                raise Unavailable("nobody is woken at this hour", retry_after=wait.total_seconds())
        if self._rate is not None:
            now = self._clock.monotonic()
            bucket = self._buckets.setdefault(channel, TokenBucket(self._rate, now))
            if wait_for := bucket.take(self._rate, now):
                raise Unavailable(f"{channel.value} has sent as much as it may", retry_after=wait_for)

    def _written(self, message: Message, route: Route) -> OutgoingMessage:
        text, ticket = message.text, message.case_id
        if message.kind == ANSWER:
            text = self._texts("answered", route.channel, ticket=ticket, text=text)
        elif message.kind == SURVEY and isinstance(scale := message.values.get("scale"), list | tuple):
            grades = "、".join(f"{number}{grade}" for number, grade in enumerate(scale, 1))
            text += self._texts("survey", route.channel, ticket=ticket, grades=grades)
        return OutgoingMessage(
            key=message.key,
            channel=route.channel,
            to=route.to,
            text=text.strip(),
            ticket_id=TicketId(ticket) if ticket else None,
            subject=self._texts("subject", route.channel, subject=route.subject or "12345工单", ticket=ticket)
            if ticket
            else "12345",
            sent_from=route.sent_from,
            answers=route.answers,
        )

    async def _note(self, message: Message, route: Route, sent_id: str) -> None:
        now = self._clock.now()
        sent = Sent(
            channel=route.channel,
            sent_id=sent_id,
            message_key=message.key,
            ticket_id=TicketId(message.case_id),
            state=DeliveryState.ACCEPTED,
            at=now,
        )
        fact = Fact(
            kind="message.sent",
            at=now,
            ticket_id=TicketId(message.case_id),
            values={"message": message.key, "kind": message.kind, "channel": route.channel.value},
        )

        def work(tx: Transaction) -> None:
            if tx.correspondence.sent(route.channel, sent_id) is None:
                tx.append(fact)
                note_sent(tx, sent, now)

        await self._store.commit(work)


def write_answer(tx: Transaction, ticket: Ticket, text: str, *, key: str, by: str, now: datetime) -> Message:
    """Put a person's answer to the petitioner of *ticket* into the outbox, once for each *key*, and return it."""
    known = tx.cases.message(key)
    if known is not None:
        return known
    message = Message(
        key=key,
        channel=Channel.PETITIONER,
        to="",
        kind=ANSWER,
        case_id=ticket.id,
        text=text,
        at=now,
        due=now,
        values={"by": by},
    )
    tx.cases.save_message(message)
    tx.append(Fact(kind="answer.written", at=now, ticket_id=ticket.id, values={"by": by, "message": key}))
    return message


def routes(message: Message, ticket: Ticket | None, letters: Sequence[Letter]) -> Iterator[Route]:
    """Yield the ways to the petitioner of *message*, the best first; some may be there twice."""
    channel = message.values.get("channel")
    if isinstance(channel, str) and message.to:
        kind = ChannelKind(channel)
        of_it = [each for each in letters if (each.contact.channel, each.contact.sender) == (kind, message.to)]
        yield _route_of(of_it, kind, message.to, str(message.values.get("from", "")))
    for letter in reversed(letters):
        if letter.contact.channel is not ChannelKind.TELEPHONE and letter.contact.sender:
            same = [
                each
                for each in letters
                if (each.contact.channel, each.contact.sender) == (letter.contact.channel, letter.contact.sender)
            ]
            yield _route_of(same, letter.contact.channel, letter.contact.sender, letter.contact.addressee)
    numbers = [letter.contact.telephone for letter in reversed(letters)]
    for number in (*numbers, ticket.caller if ticket else "", message.to):
        if mobile := mobile_of(number):
            yield Route(channel=ChannelKind.SMS, to=f"86{mobile}")


def _route_of(letters: Sequence[Letter], channel: ChannelKind, to: str, sent_from: str) -> Route:
    """Return the way to one address, following all that came from there."""
    return Route(
        channel=channel,
        to=to,
        sent_from=sent_from,
        answers=tuple(letter.contact.external_id for letter in reversed(letters)),
        subject=next((letter.contact.subject for letter in letters if letter.contact.subject), ""),
    )
