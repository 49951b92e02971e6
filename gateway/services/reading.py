"""Reading what was written (来件研判): tickets of written contacts are filled from all that their senders wrote.

It is done after the acknowledgement, one ticket after another, and again for whatever a stop left unread. Until a
case is opened the words fill the ticket; from then on a message goes to the case: as a grade, an urging or an
objection where it is exactly that, otherwise as something that the petitioner adds.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from itertools import islice

import structlog

from gateway.domain.call import Role
from gateway.domain.case import Fact as CaseFact
from gateway.domain.casework import Actor, ActorKind
from gateway.domain.errors import GatewayError, Unavailable
from gateway.domain.ticket import Ticket, TicketId
from gateway.ports.clock import Clock
from gateway.ports.correspondence import Correspondence, Letter
from gateway.ports.intake import AssistantAnswer
from gateway.ports.memory import Store, Transaction
from gateway.services import petitioner
from gateway.services.casework import Casework
from gateway.services.chat_help import ChatHelp
from gateway.services.feed import Feed, TicketChanged
from gateway.services.tickets import filled_from, save_change
from routing.conversation import Conversation, Turn
from routing.decide import Understanding

log = structlog.get_logger(__name__)

PETITIONER = Actor(name="petitioner", kind=ActorKind.PETITIONER)
"""Who adds to a case by writing again."""
AT_ONCE = 32
"""Tickets read at the same time, so that they share a wait for the disk."""
PATIENCE = 5.0
"""Seconds that reading waits for them at most."""
TRIED_AGAIN_AFTER = 2.0
"""Seconds until the store is asked again."""


class Reader:
    """Reads tickets in the order in which something came for them. Run it as a task beside the intake.

    ``calm`` is cleared while others wait for something more pressing.
    """

    def __init__(
        self,
        store: Store,
        correspondence: Correspondence,
        feed: Feed,
        understand: Callable[[Conversation], Understanding],
        casework: Casework,
        clock: Clock,
        chat_help: ChatHelp | None = None,
    ) -> None:
        self._store = store
        self._correspondence = correspondence
        self._feed = feed
        self._understand = understand
        self._casework = casework
        self._clock = clock
        self._chat_help = chat_help
        self._waiting: dict[TicketId, None] = {}
        self._something = asyncio.Event()
        self.calm = asyncio.Event()
        self.calm.set()

    def read_soon(self, ticket_id: TicketId) -> None:
        """Read this ticket when those before it are read."""
        self._waiting[ticket_id] = None
        self._something.set()

    async def run(self) -> None:
        """Read until cancelled; first whatever an earlier run left unread."""
        await self.find_unread()
        while True:
            await self._something.wait()
            self._something.clear()
            await self.read_all()

    async def read_all(self) -> None:
        """Read whatever waits."""
        while self._waiting:
            await self._until_calm()
            batch = list(islice(self._waiting, AT_ONCE))
            for ticket_id in batch:
                del self._waiting[ticket_id]
            await asyncio.gather(*map(self._read, batch))

    async def _until_calm(self) -> None:
        """Let those go first who wait for an acknowledgement, for a while."""
        with suppress(TimeoutError):
            async with asyncio.timeout(PATIENCE):
                await self.calm.wait()

    async def find_unread(self) -> None:
        """Line up whatever an earlier run left unread, as soon as the store says what that is."""
        while True:
            try:
                unread = await self._correspondence.unread()
            except Unavailable:
                await asyncio.sleep(TRIED_AGAIN_AFTER)
                continue
            for ticket_id in unread:
                self.read_soon(ticket_id)
            return

    async def _read(self, ticket_id: TicketId) -> None:
        try:
            letters = await self._correspondence.letters(ticket_id)
            understood = self._understand(conversation_of(letters))
            answers = await self._chat_help.think(letters) if self._chat_help else {}
            ticket, facts = await self._store.commit(lambda tx: self._fill(tx, ticket_id, letters, understood, answers))
        except Unavailable:
            self.read_soon(ticket_id)
            await asyncio.sleep(TRIED_AGAIN_AFTER)
        except Exception:  # a fault of ours with one ticket must leave the others readable
            log.exception("ticket.unreadable", ticket_id=ticket_id)
        else:
            self._casework.publish(facts)
            if ticket is not None:
                self._feed.publish(TicketChanged(ticket=ticket))

    def _fill(
        self,
        tx: Transaction,
        ticket_id: TicketId,
        letters: Sequence[Letter],
        understood: Understanding,
        answers: Mapping[str, AssistantAnswer | None],
    ) -> tuple[Ticket | None, list[CaseFact]]:
        unread = [letter for letter in letters if not letter.contact.is_read]
        has_case = tx.cases.case(ticket_id) is not None
        facts = [fact for letter in unread for fact in self._tell_case(tx, letter)] if has_case else []
        for letter in unread:
            tx.correspondence.save_contact(replace(letter.contact, is_read=True))
        changed = None if has_case else save_change(tx, ticket_id, filled_from(understood))
        if self._chat_help and answers and (ticket := tx.ticket(ticket_id)) is not None:
            self._chat_help.say(tx, ticket, unread, answers, self._clock.now())
        return changed, facts

    def _tell_case(self, tx: Transaction, letter: Letter) -> Sequence[CaseFact]:
        """Let the case know what was written to it; it stays with the ticket whatever the case says."""
        record = tx.cases.case(letter.ticket_id)
        if record is None:
            return ()
        text = letter.contact.text or letter.contact.subject
        command = petitioner.command_of(record.case, self._casework.books.of(record).profile, text)
        if command is None:
            return ()
        try:
            return self._casework.work(tx, letter.ticket_id, command, by=PETITIONER).facts
        except GatewayError as failure:
            log.warning("contact.not_appended", ticket_id=letter.ticket_id, reason=type(failure).__name__)
            return ()


def conversation_of(letters: Sequence[Letter]) -> Conversation:
    """Return what the petitioner wrote, a turn for each message, its subject first."""
    return Conversation(
        turns=tuple(
            Turn(
                role=Role.CITIZEN,
                text="\n".join(filter(None, (letter.contact.subject, letter.contact.text))),
                at=letter.contact.received_at,
            )
            for letter in letters
        )
    )
