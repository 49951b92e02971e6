"""The intake of what is written (来件受理): whatever way a message came, it becomes part of exactly one ticket.

A message is acknowledged when its files and its one unit of work are durable: contact, ticket, facts, the report to an
emergency line, the receipt that goes back. What the words mean is read afterwards, in the background and in order; only
emergencies are looked for first. A delivery that is repeated finds its contact and changes nothing.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import re
from collections.abc import Callable, Container, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta, tzinfo
from typing import Protocol
from uuid import uuid4

import structlog

from gateway.domain.casework import Channel, Message
from gateway.domain.contact import Attachment, ChannelKind, Contact, ContactId
from gateway.domain.decision import Decision, DecisionKind, Reason
from gateway.domain.emergency import EmergencyHit, EmergencyLine
from gateway.domain.errors import Refused
from gateway.domain.events import Fact
from gateway.domain.json import Json
from gateway.domain.profile import Profile
from gateway.domain.ticket import Ticket, TicketId
from gateway.ports.clock import Clock
from gateway.ports.correspondence import Letter, Wish
from gateway.ports.intake import DeliveryReport, FileRoom, IncomingMessage, Taken
from gateway.ports.memory import Store, Transaction
from gateway.services.emergency_reports import EmergencyStory, report_emergency
from gateway.services.feed import Feed, TicketChanged
from gateway.services.flood import Floodgate, SenderLimit
from gateway.services.reading import Reader
from gateway.services.threading import Threads
from gateway.services.tickets import new_ticket_id, with_decisions

log = structlog.get_logger(__name__)

AT_ONCE = 256
"""Messages taken at the same time; whoever comes then waits, and so does his peer."""
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")


class Texts(Protocol):
    """What is said on an occasion."""

    def __call__(self, occasion: str, channel: ChannelKind, **values: str) -> str:
        """Return the text for that channel."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class IntakeLimits:
    """How much one message may be, in characters, files and octets; ``silence`` is how long a conversation may rest."""

    text: int = 20_000
    files: int = 20
    file_size: int = 25 * 1024 * 1024
    all_files: int = 50 * 1024 * 1024
    silence: timedelta = timedelta(hours=72)
    sender: SenderLimit = field(default_factory=SenderLimit)


class WrittenIntake:
    """`gateway.ports.intake.Intake` over the store.

    *find* looks for emergencies in a text, *wants_text_only* for somebody who must not be called. *secret* makes query
    codes; it is the same on all nodes. *ways* are the channels on which something can go back.
    """

    def __init__(
        self,
        *,
        store: Store,
        files: FileRoom,
        feed: Feed,
        clock: Clock,
        zone: tzinfo,
        profile: Profile,
        find: Callable[[str], Sequence[EmergencyHit]],
        wants_text_only: Callable[[str], bool],
        reader: Reader,
        texts: Texts,
        secret: bytes,
        ways: Container[ChannelKind],
        limits: IntakeLimits = IntakeLimits(),
    ) -> None:
        self._store = store
        self._files = files
        self._feed = feed
        self._clock = clock
        self._zone = zone
        self._profile = profile
        self._find = find
        self._wants_text_only = wants_text_only
        self._reader = reader
        self._texts = texts
        self._secret = secret
        self._ways = ways
        self._limits = limits
        self._floodgate = Floodgate(limits.sender)
        self._threads = Threads(limits.silence, self.query_code)
        self._places = asyncio.Semaphore(AT_ONCE)
        self._in_hand = 0

    def query_code(self, ticket_id: TicketId) -> str:
        """Return the six digits with which a citizen asks for his ticket."""
        digest = hmac.digest(self._secret, str(ticket_id).encode(), hashlib.sha256)
        return f"{int.from_bytes(digest[:8]) % 1_000_000:06d}"

    async def take(self, message: IncomingMessage, *, answers_at_once: bool = False) -> Taken:
        """Make *message* part of one ticket; see `gateway.ports.intake.Intake.take`."""
        message = self._checked(message)
        hits = self._find(message.text)
        self._in_hand += 1
        self._reader.calm.clear()
        try:
            return await self._take(message, hits, answers_at_once)
        finally:
            self._in_hand -= 1
            if not self._in_hand:
                self._reader.calm.set()

    async def _take(self, message: IncomingMessage, hits: Sequence[EmergencyHit], answers_at_once: bool) -> Taken:
        async with self._places:
            if not hits:
                self._floodgate.admit(message.channel, message.sender, self._clock.monotonic())
            attachments = [await self._files.keep(part) for part in message.parts]
            original = await self._files.keep_original(message.original) if message.original else ""
            entry = _Entry(self, message, hits, tuple(attachments), original, answers_at_once)
            taken = await self._store.commit(entry.write)
        for fact in entry.facts:
            self._feed.publish(fact)
        if entry.ticket is not None:
            self._feed.publish(TicketChanged(ticket=entry.ticket))
        if entry.restriction is not None:
            raise Refused(entry.restriction)
        if not taken.is_repeated:
            self._reader.read_soon(taken.ticket_id)
        return taken

    async def report(self, report: DeliveryReport) -> None:
        """Keep what became of a message of ours; one that nobody knows is dropped."""

        def work(tx: Transaction) -> Fact | None:
            sent = tx.correspondence.sent(report.channel, report.sent_id)
            if sent is None or (changed := sent.after(report)) is sent:
                return None
            tx.correspondence.save_sent(changed)
            values: dict[str, Json] = {"message": sent.message_key, "state": report.state.value}
            if report.reason:
                values["reason"] = report.reason
            fact = Fact(kind="message.reported", at=report.at, ticket_id=sent.ticket_id, values=values)
            tx.append(fact)
            return fact

        fact = await self._store.commit(work)
        if fact is None:
            log.info("report.unknown", channel=report.channel.value)
        else:
            self._feed.publish(fact)

    def _checked(self, message: IncomingMessage) -> IncomingMessage:
        """Return *message* in texts that any store takes. Raises `Refused` for what is too large."""
        limits, sizes = self._limits, [len(part.content) for part in message.parts]
        text = _plain(message.text)
        if len(text) > limits.text:
            raise Refused(f"the text has {len(text)} characters, more than {limits.text}")
        if len(sizes) > limits.files:
            raise Refused(f"there are {len(sizes)} files, more than {limits.files}")
        if max(sizes, default=0) > limits.file_size or sum(sizes) > limits.all_files:
            raise Refused(f"the files are larger than {limits.file_size} octets each or {limits.all_files} together")
        return replace(
            message,
            text=text,
            external_id=_plain(message.external_id),
            sender=_plain(message.sender),
            addressee=_plain(message.addressee),
            subject=_plain(message.subject)[: limits.text],
            sender_name=_plain(message.sender_name)[:200],
            parts=tuple(replace(part, name=_plain(part.name)[-200:]) for part in message.parts),
        )


class _Entry:
    """One message on its way into the store: `write` is its unit of work, the rest is what it left behind."""

    def __init__(
        self,
        intake: WrittenIntake,
        message: IncomingMessage,
        hits: Sequence[EmergencyHit],
        attachments: tuple[Attachment, ...],
        original: str,
        answers_at_once: bool,
    ) -> None:
        self._intake = intake
        self._message = message
        self._hits = hits
        self._attachments = attachments
        self._original = original
        self._answers_at_once = answers_at_once
        self._now = intake._clock.now()
        self.facts: list[Fact] = []
        self.ticket: Ticket | None = None
        self.restriction: str | None = None

    def write(self, tx: Transaction) -> Taken:
        """Enter the message, or find that it is here already."""
        self.facts, self.ticket, self.restriction = [], None, None
        if (known := self._known(tx)) is not None:
            return self._taken(known.contact.id, known.ticket_id, opened=False, is_repeated=True)
        if self._message.edits and (edited := self._edited(tx)) is not None:
            return edited
        thread = self._intake._threads.thread_of(tx, self._message)
        if thread.ticket is None and (until := self._restricted_until(tx)):
            return self._turned_away(tx, until)
        ticket = thread.ticket or self._new_ticket(tx)
        contact = self._contact(ticket.id, thread.follows)
        tx.add_contact(contact, ticket.id)
        self._note_wish(tx, contact)
        changed = self._marked(tx, ticket)
        if thread.ticket is None:
            self._tell("ticket.opened", ticket.id, category=ticket.category)
            tx.save_ticket(changed)
        elif changed != ticket:
            changed = replace(changed, revision=ticket.revision + 1)
            tx.save_ticket(changed)
        self._tell(
            "contact.received",
            ticket.id,
            contact=contact.id,
            channel=contact.channel.value,
            files=len(contact.attachments),
        )
        self._raise_alarm(tx, changed, contact)
        taken = self._taken(contact.id, ticket.id, opened=thread.ticket is None)
        if not self._answers_at_once:
            if taken.told and self._message.channel in self._intake._ways:
                self._send(tx, taken)
            taken = replace(taken, told="")
        for fact in self.facts:
            tx.append(fact)
        self.ticket = changed
        return taken

    # -- what is known ---------------------------------------------------------------------------------------

    def _known(self, tx: Transaction) -> Letter | None:
        """Return the contact that this delivery already made."""
        message = self._message
        known = tx.correspondence.repeated(message.channel, message.external_id)
        if known is None or message.repeated_within is None:
            return known
        return known if message.received_at - known.contact.received_at <= message.repeated_within else None

    def _edited(self, tx: Transaction) -> Taken | None:
        """Put the new wording in the place of the old one; None when the old one never came."""
        message = self._message
        letter = tx.correspondence.repeated(message.channel, message.edits)
        if letter is None or letter.contact.sender != message.sender or letter.contact.text == message.text:
            return None if letter is None else self._taken(letter.contact.id, letter.ticket_id, opened=False)
        history = letter.contact.values.get("earlier", ())
        earlier = [*(history if isinstance(history, list | tuple) else ()), letter.contact.text]
        contact = replace(
            letter.contact, text=message.text, values={**letter.contact.values, "earlier": earlier}, is_read=False
        )
        tx.correspondence.save_contact(contact)
        ticket = tx.ticket(letter.ticket_id)
        self._tell("contact.edited", letter.ticket_id, contact=contact.id)
        if ticket is not None:
            marked = self._marked(tx, ticket)
            if marked != ticket:
                tx.save_ticket(replace(marked, revision=ticket.revision + 1))
            self._raise_alarm(tx, marked, contact)
        for fact in self.facts:
            tx.append(fact)
        return replace(self._taken(contact.id, letter.ticket_id, opened=False), told="")

    def _restricted_until(self, tx: Transaction) -> str:
        """Return until which day this sender is restricted (ZH-9), "" when he is not or it is an emergency."""
        if self._hits:
            return ""
        until = tx.cases.restricted_until(self._message.sender, self._now)
        return "" if until is None else f"{until.astimezone(self._intake._zone):%Y年%m月%d日}"

    def _turned_away(self, tx: Transaction, until: str) -> Taken:
        told = self._intake._texts("restricted", self._message.channel, until=until)
        self.restriction = told
        none = TicketId("")
        fact = Fact(kind="contact.turned_away", at=self._now, values={"channel": self._message.channel.value})
        self.facts.append(fact)
        tx.append(fact)
        if not self._answers_at_once:
            self._put_out(tx, key=f"restricted:{uuid4().hex}", kind="restricted", text=told, ticket_id=none)
        return Taken(contact_id=ContactId(""), ticket_id=none, opened=False, told=told)

    # -- what is new -----------------------------------------------------------------------------------------

    def _new_ticket(self, tx: Transaction) -> Ticket:
        message = self._message
        while tx.ticket(ticket_id := new_ticket_id(self._now, self._intake._zone)) is not None:
            pass  # ten thousand numbers in a second, and many that write
        return Ticket(
            id=ticket_id,
            contact_id=ContactId(uuid4().hex),
            channel=message.channel,
            call_id=None,
            caller=message.sender,
            received_at=message.received_at,
        )

    def _contact(self, ticket_id: TicketId, follows: TicketId | None) -> Contact:
        message = self._message
        values: dict[str, Json] = dict(message.values)
        if follows is not None:
            values["follows"] = follows
        again = "" if message.repeated_within is None else f"@{self._now.timestamp():.6f}"
        return Contact(
            id=ContactId(uuid4().hex),
            channel=message.channel,
            external_id=message.external_id + again,
            sender=message.sender,
            addressee=message.addressee,
            received_at=message.received_at,
            text=message.text,
            subject=message.subject,
            sender_name=message.sender_name,
            attachments=self._attachments,
            point=message.point,
            is_proven=message.is_proven,
            telephone=message.telephone,
            original=self._original,
            values=values,
            is_read=False,
        )

    def _note_wish(self, tx: Transaction, contact: Contact) -> None:
        """Remember at his addresses that somebody must not be called."""
        if self._message.is_text_only or self._intake._wants_text_only(self._message.text):
            for address in filter(None, (contact.sender, contact.telephone)):
                tx.correspondence.save_wish(
                    Wish(address=address, is_text_only=True, at=self._now, by=contact.channel.value)
                )

    def _marked(self, tx: Transaction, ticket: Ticket) -> Ticket:
        """Return *ticket* with its emergencies decided and the sender's wish on it, at the revision that it has."""
        wish = tx.correspondence.wish(self._message.sender)
        found = [_decision(hit, self._intake._profile) for hit in self._hits]
        return replace(
            ticket,
            is_text_only=ticket.is_text_only or (wish is not None and wish.is_text_only),
            emergency_line=ticket.emergency_line or (self._hits[0].line if self._hits else ""),
            decisions=with_decisions(ticket.decisions, found),
        )

    def _raise_alarm(self, tx: Transaction, ticket: Ticket, contact: Contact) -> None:
        """Tell the desks of the lines that the words speak of, and everybody at the screens."""
        for hit in self._hits:
            self._tell("emergency.suspected", ticket.id, line=hit.line, phrase=hit.phrase, rule=hit.rule)
        for line in _lines(self._hits):
            hit = next(hit for hit in self._hits if hit.line == line)
            story = EmergencyStory(
                ticket_id=ticket.id,
                channel=contact.channel,
                caller=contact.sender,
                caller_name=contact.sender_name,
                telephone=contact.telephone,
                phrase=hit.phrase,
                rule=hit.rule,
                place=ticket.elements.place,
                point=contact.point,
                summary=("（仅可文字联系，请勿致电）" if ticket.is_text_only else "") + contact.text[:300],
            )
            report_emergency(tx, EmergencyLine(line), story, now=self._now)

    # -- what goes back --------------------------------------------------------------------------------------

    def _taken(self, contact_id: ContactId, ticket_id: TicketId, *, opened: bool, is_repeated: bool = False) -> Taken:
        lines, code = _lines(self._hits), self._intake.query_code(ticket_id)
        told = ""
        if lines:
            is_text_only = self._message.is_text_only or self._intake._wants_text_only(self._message.text)
            occasion = "emergency_text_only" if is_text_only else "emergency"
            told = self._say(occasion, ticket=ticket_id, code=code, lines="、".join(lines))
        elif opened or (is_repeated and self._answers_at_once):
            told = self._say("received", ticket=ticket_id, code=code)
        elif self._answers_at_once:
            told = self._say("appended", ticket=ticket_id)
        return Taken(
            contact_id=contact_id,
            ticket_id=ticket_id,
            opened=opened,
            is_repeated=is_repeated,
            told=told,
            query_code=code,
            emergencies=lines,
            attachments=self._attachments,
        )

    def _say(self, occasion: str, **values: str) -> str:
        return self._intake._texts(occasion, self._message.channel, **values)

    def _send(self, tx: Transaction, taken: Taken) -> None:
        kind = "emergency" if taken.emergencies else "received"
        key = f"{taken.ticket_id}:{taken.contact_id}:{kind}"
        self._put_out(tx, key=key, kind=kind, text=taken.told, ticket_id=taken.ticket_id)

    def _put_out(self, tx: Transaction, *, key: str, kind: str, text: str, ticket_id: TicketId) -> None:
        message = self._message
        tx.cases.save_message(
            Message(
                key=key,
                channel=Channel.PETITIONER,
                to=message.sender,
                kind=kind,
                case_id=ticket_id,
                text=text,
                at=self._now,
                due=self._now,
                values={"channel": message.channel.value, "answers": message.external_id, "from": message.addressee},
            )
        )

    def _tell(self, kind: str, ticket_id: TicketId, **values: Json) -> None:
        self.facts.append(Fact(kind=kind, at=self._now, ticket_id=ticket_id, values=values))


def _lines(hits: Sequence[EmergencyHit]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(str(hit.line) for hit in hits))


def _decision(hit: EmergencyHit, profile: Profile) -> Decision:
    reason = Reason(rule=hit.rule, evidence=hit.phrase, citation=profile.emergency.citation)
    return Decision(kind=DecisionKind.EMERGENCY, outcome=hit.line, reasons=(reason,))


def _plain(text: str) -> str:
    """Return *text* as any store takes it: lines that end in LF, no control characters, no halves of characters."""
    whole = text.encode("utf-8", "replace").decode("utf-8")
    return _CONTROL.sub("", whole.replace("\r\n", "\n").replace("\r", "\n"))
