"""One message on its way into the store (来件登记): `Entry.write` is its unit of work, the rest what it left behind."""

from __future__ import annotations

from collections.abc import Callable, Container, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, tzinfo
from uuid import uuid4

from gateway.domain.contact import Attachment, ChannelKind, Contact, ContactId
from gateway.domain.emergency import EmergencyHit
from gateway.domain.events import Fact
from gateway.domain.json import Json
from gateway.domain.profile import Profile
from gateway.domain.ticket import Ticket, TicketId
from gateway.ports.correspondence import Letter, Wish
from gateway.ports.intake import IncomingMessage, Taken
from gateway.ports.memory import Transaction
from gateway.services import petitioner
from gateway.services.receipts import WAITS_FOR_NOBODY, Texts, occasion_of, put_out
from gateway.services.restrictions import Restriction, restriction_of
from gateway.services.threading import Thread, Threads
from gateway.services.tickets import new_ticket_id, with_decisions
from gateway.services.written_alarm import decisions_of, lines_of, report_all, told_of

WANTS_PERSON = "wants_person"
"""Under this name a channel passes on that the sender asked for a person, and a contact keeps it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class House:
    """What all messages are entered by; *ways* are the channels on which something can go back."""

    zone: tzinfo
    profile: Profile
    wants_text_only: Callable[[str], bool]
    texts: Texts
    ways: Container[ChannelKind]
    threads: Threads
    code_of: Callable[[TicketId], str]
    word: Callable[[str], str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrival:
    """A message, the emergencies that it speaks of, its files as they are kept, and how it is to be answered.

    ``is_flood``: its sender writes too much and gets no receipts for what he adds.
    """

    message: IncomingMessage
    hits: Sequence[EmergencyHit]
    attachments: tuple[Attachment, ...]
    original: str
    answers_at_once: bool
    is_flood: bool = False


class Entry:
    """The way of one arrival."""

    def __init__(self, house: House, arrival: Arrival, now: datetime) -> None:
        self._house = house
        self._arrival = arrival
        self._message = arrival.message
        self._hits = arrival.hits
        self._now = now
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
        thread = self._house.threads.thread_of(tx, self._message, is_flood=self._arrival.is_flood)
        appeal = self._appealed(tx)
        if appeal is not None:
            thread = Thread(ticket=appeal)
        elif thread.ticket is None and (restriction := self._restriction(tx)) is not None:
            return self._turned_away(tx, restriction)
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
        if changed.wants_person and not (ticket.wants_person and thread.ticket):
            self._tell("person.wanted", ticket.id, contact=contact.id)
        self._raise_alarm(tx, changed, contact)
        taken = self._answered(tx, contact, ticket.id, opened=thread.ticket is None, appeal=appeal is not None)
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

    # -- who may not write (ZH-9) ----------------------------------------------------------------------------

    def _restriction(self, tx: Transaction) -> Restriction | None:
        """Return the restriction of this sender; none for whoever speaks of an emergency."""
        return None if self._hits else restriction_of(tx, self._message, self._now)

    def _appealed(self, tx: Transaction) -> Ticket | None:
        """Return the ticket by which this sender is restricted, if he objects to that."""
        if not petitioner.objects(self._message.text) or (restriction := self._restriction(tx)) is None:
            return None
        return tx.ticket(restriction.case)

    def _turned_away(self, tx: Transaction, restriction: Restriction) -> Taken:
        told = self._say(
            "restricted",
            until=f"{restriction.until.astimezone(self._house.zone):%Y年%m月%d日}",
            reason=self._house.word(restriction.reason) or "见通知",
        )
        self.restriction = told
        none = TicketId("")
        fact = Fact(kind="contact.turned_away", at=self._now, values={"channel": self._message.channel.value})
        self.facts.append(fact)
        tx.append(fact)
        if not self._arrival.answers_at_once and not self._arrival.is_flood:
            key = f"restricted:{uuid4().hex}"
            put_out(tx, self._message, key=key, kind="restricted", text=told, ticket_id=none, now=self._now)
        return Taken(contact_id=ContactId(""), ticket_id=none, opened=False, told=told)

    # -- what is new -----------------------------------------------------------------------------------------

    def _new_ticket(self, tx: Transaction) -> Ticket:
        message = self._message
        while tx.ticket(ticket_id := new_ticket_id(self._now, self._house.zone)) is not None:
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
        if self._wants_person:
            values[WANTS_PERSON] = True
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
            attachments=self._arrival.attachments,
            point=message.point,
            is_proven=message.is_proven,
            telephone=message.telephone,
            original=self._arrival.original,
            values=values,
            is_read=False,
        )

    @property
    def _wants_person(self) -> bool:
        return bool(self._message.values.get(WANTS_PERSON)) or petitioner.wants_person(self._message.text)

    @property
    def _is_text_only(self) -> bool:
        return self._message.is_text_only or self._house.wants_text_only(self._message.text)

    def _note_wish(self, tx: Transaction, contact: Contact) -> None:
        """Remember at his addresses that somebody must not be called."""
        if self._is_text_only:
            for address in filter(None, (contact.sender, contact.telephone)):
                tx.correspondence.save_wish(
                    Wish(address=address, is_text_only=True, at=self._now, by=contact.channel.value)
                )

    def _marked(self, tx: Transaction, ticket: Ticket) -> Ticket:
        """Return *ticket* with its emergencies decided and the sender's wishes on it, at the revision that it has."""
        wish = tx.correspondence.wish(self._message.sender)
        return replace(
            ticket,
            is_text_only=ticket.is_text_only or (wish is not None and wish.is_text_only),
            wants_person=ticket.wants_person or self._wants_person,
            emergency_line=ticket.emergency_line or (self._hits[0].line if self._hits else ""),
            decisions=with_decisions(ticket.decisions, decisions_of(self._hits, self._house.profile)),
        )

    def _raise_alarm(self, tx: Transaction, ticket: Ticket, contact: Contact) -> None:
        """Tell the desks of the lines that the words speak of, and everybody at the screens."""
        for values in told_of(self._hits):
            self._tell("emergency.suspected", ticket.id, **values)
        report_all(tx, self._hits, ticket, contact, self._now)

    # -- what goes back --------------------------------------------------------------------------------------

    def _answered(self, tx: Transaction, contact: Contact, ticket_id: TicketId, *, opened: bool, appeal: bool) -> Taken:
        """Return what became of a new message; what is not told in the same breath goes into the outbox."""
        taken = self._taken(contact.id, ticket_id, opened=opened, appeal=appeal)
        if self._arrival.answers_at_once:
            return taken
        if taken.told and self._message.channel in self._house.ways:
            kind = "emergency" if taken.emergencies else "received"
            key = f"{ticket_id}:{contact.id}:{kind}"
            put_out(tx, self._message, key=key, kind=kind, text=taken.told, ticket_id=ticket_id, now=self._now)
        return replace(taken, told="")

    def _taken(
        self,
        contact_id: ContactId,
        ticket_id: TicketId,
        *,
        opened: bool,
        is_repeated: bool = False,
        appeal: bool = False,
    ) -> Taken:
        lines, code = lines_of(self._hits), self._house.code_of(ticket_id)
        occasion = occasion_of(
            self._message,
            lines=lines,
            opened=opened or is_repeated,
            text_only=self._is_text_only,
            person=petitioner.wants_person(self._message.text),
            appeal=appeal,
        )
        is_told = opened or self._arrival.answers_at_once or occasion in WAITS_FOR_NOBODY
        if self._arrival.is_flood and not opened:
            is_told = False
        told = self._say(occasion, ticket=ticket_id, code=code, lines="、".join(lines)) if is_told else ""
        return Taken(
            contact_id=contact_id,
            ticket_id=ticket_id,
            opened=opened,
            is_repeated=is_repeated,
            told=told,
            query_code=code,
            emergencies=lines,
            attachments=self._arrival.attachments,
        )

    def _say(self, occasion: str, **values: str) -> str:
        return self._house.texts(occasion, self._message.channel, **values)

    def _tell(self, kind: str, ticket_id: TicketId, **values: Json) -> None:
        self.facts.append(Fact(kind=kind, at=self._now, ticket_id=ticket_id, values=values))
