"""The text assistant in chats that have no page of their own (智能客服): what it says to WeChat and Telegram.

It answers what the knowledge base answers, with source and validity, and always names the way to a person; it says that
it does not know only to what reads like a question. The ticket is there before it is asked, an emergency never waits
for it, and from the moment somebody wants a person, or a person has the matter in hand, it is silent.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

import structlog

from gateway.domain.casework import Channel, Message
from gateway.domain.contact import ChannelKind, Contact
from gateway.domain.errors import Unavailable
from gateway.domain.events import Fact
from gateway.domain.ticket import Ticket, TicketState
from gateway.ports.correspondence import Letter
from gateway.ports.intake import Assistant, AssistantAnswer
from gateway.ports.memory import Transaction
from gateway.services.receipts import SPEECH, UNCLEAR, Texts

log = structlog.get_logger(__name__)

CHATS = frozenset({ChannelKind.WECHAT, ChannelKind.TELEGRAM})
"""Channels on which it speaks; the citizens' page asks it itself."""
LIMIT = 3.0
"""Seconds that it may think."""
KIND = "assistant"
_QUESTION = re.compile(r"[?？]|[吗呢]\s*$|怎么|如何|什么|哪里|哪儿|哪个|多少|几点|几天|是否|能不能|可不可以|要不要")


class ChatHelp:
    """Answers letters; *is_urgent* says whether words speak of an emergency."""

    def __init__(self, assistant: Assistant, texts: Texts, is_urgent: Callable[[str], bool]) -> None:
        self._assistant = assistant
        self._texts = texts
        self._is_urgent = is_urgent

    async def think(self, letters: Sequence[Letter]) -> Mapping[str, AssistantAnswer | None]:
        """Return what the knowledge base says to each unread letter that asks something, by the contact's id."""
        asked = [letter.contact for letter in letters if self._is_for_it(letter.contact)]
        if not asked or any(letter.contact.values.get("wants_person") for letter in letters):
            return {}
        try:
            async with asyncio.timeout(LIMIT):
                return {contact.id: await self._assistant.answer(contact.text) for contact in asked}
        except (Unavailable, TimeoutError):
            log.warning("assistant.silent", ticket_id=letters[0].ticket_id)
            return {}

    def say(
        self,
        tx: Transaction,
        ticket: Ticket,
        letters: Sequence[Letter],
        answers: Mapping[str, AssistantAnswer | None],
        now: datetime,
    ) -> None:
        """Put *answers* into the outbox, once for each letter, unless a person has to do with the ticket by now."""
        if ticket.wants_person or ticket.emergency_line or ticket.agent or ticket.state is not TicketState.OPEN:
            return
        has_case = tx.cases.case(ticket.id) is not None
        for contact in (letter.contact for letter in letters if letter.contact.id in answers):
            found = answers[contact.id]
            key = f"{ticket.id}:{contact.id}:{KIND}"
            if tx.cases.message(key) is not None:
                continue
            if found is None and (has_case or not _QUESTION.search(contact.text)):
                continue
            tx.cases.save_message(self._message(key, ticket, contact, found, now))
            values = {"contact": contact.id, "source": found.source if found else ""}
            tx.append(Fact(kind="assistant.answered", at=now, ticket_id=ticket.id, values=values))

    def _is_for_it(self, contact: Contact) -> bool:
        return (
            not contact.is_read
            and contact.channel in CHATS
            and bool(contact.text.strip())
            and contact.values.get(SPEECH) != UNCLEAR
            and not self._is_urgent(contact.text)
        )

    def _message(
        self, key: str, ticket: Ticket, contact: Contact, found: AssistantAnswer | None, now: datetime
    ) -> Message:
        if found is None:
            text = self._texts("assistant_unsure", contact.channel, ticket=ticket.id)
        else:
            text = self._texts("assistant", contact.channel, ticket=ticket.id, text=found.text, source=found.source)
        return Message(
            key=key,
            channel=Channel.PETITIONER,
            to=contact.sender,
            kind=KIND,
            case_id=ticket.id,
            text=text,
            at=now,
            due=now,
            values={"channel": contact.channel.value, "answers": contact.external_id, "from": contact.addressee},
        )
