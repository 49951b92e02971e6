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

from gateway.domain.contact import ChannelKind, ContactId
from gateway.domain.emergency import EmergencyHit
from gateway.domain.errors import Refused
from gateway.domain.events import Fact
from gateway.domain.profile import Profile
from gateway.domain.ticket import TicketId
from gateway.ports.clock import Clock
from gateway.ports.intake import DeliveryReport, FileRoom, IncomingMessage, Taken
from gateway.ports.memory import Store, Transaction
from gateway.services.casework import Casework
from gateway.services.delivery_reports import take_report
from gateway.services.entry import Arrival, Entry, House
from gateway.services.feed import Feed, TicketChanged
from gateway.services.flood import Admission, Floodgate, SenderLimit
from gateway.services.reading import Reader
from gateway.services.receipts import Texts
from gateway.services.threading import Threads

AT_ONCE = 256
"""Messages taken at the same time; whoever comes then waits, and so does his peer."""
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")


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
        casework: Casework,
        texts: Texts,
        secret: bytes,
        ways: Container[ChannelKind],
        limits: IntakeLimits = IntakeLimits(),
    ) -> None:
        self._store = store
        self._files = files
        self._feed = feed
        self._clock = clock
        self._find = find
        self._reader = reader
        self._secret = secret
        self._limits = limits
        self._floodgate = Floodgate(limits.sender)
        self._house = House(
            zone=zone,
            profile=profile,
            wants_text_only=wants_text_only,
            texts=texts,
            ways=ways,
            threads=Threads(limits.silence, self.query_code, casework.books),
            code_of=self.query_code,
            word=casework.words.word,
        )
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
            admission, dropped = Admission.TAKEN, 0
            if not hits:
                admission, dropped = self._floodgate.admit(message.channel, message.sender, self._clock.monotonic())
            if admission is Admission.DROPPED:
                return await self._drop(message, dropped)
            attachments = [await self._files.keep(part) for part in message.parts]
            original = await self._files.keep_original(message.original) if message.original else ""
            arrival = Arrival(
                message=message,
                hits=hits,
                attachments=tuple(attachments),
                original=original,
                answers_at_once=answers_at_once,
                is_flood=admission is Admission.QUIET,
            )
            entry = Entry(self._house, arrival, self._clock.now())
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

    async def _drop(self, message: IncomingMessage, count: int) -> Taken:
        """Leave a message that is far over its sender's limit, so that everybody else's on that link go on.

        The first, the tenth, the hundredth ... of a row is journalled with how many they are, at the ticket to which
        he wrote last: a flood must not fill the journal either.
        """
        if str(count).strip("0") == "1":

            def work(tx: Transaction) -> Fact:
                letter = tx.correspondence.latest_from(message.channel, message.sender)
                fact = Fact(
                    kind="contact.dropped",
                    at=self._clock.now(),
                    ticket_id=letter.ticket_id if letter else None,
                    values={"channel": message.channel.value, "count": count},
                )
                tx.append(fact)
                return fact

            self._feed.publish(await self._store.commit(work))
        return Taken(contact_id=ContactId(""), ticket_id=TicketId(""), opened=False)

    async def report(self, report: DeliveryReport) -> None:
        """Keep what became of a message of ours; one about a message that is not known yet waits for it a while."""
        now = self._clock.now()
        fact = await self._store.commit(lambda tx: take_report(tx, report, now))
        if fact is not None:
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


def _plain(text: str) -> str:
    """Return *text* as any store takes it: lines that end in LF, no control characters, no halves of characters."""
    whole = text.encode("utf-8", "replace").decode("utf-8")
    return _CONTROL.sub("", whole.replace("\r\n", "\n").replace("\r", "\n"))
