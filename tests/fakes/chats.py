"""A chat log, an assistant, and enquiries in memory."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace

from gateway.domain.errors import GatewayError
from gateway.domain.ticket import TicketId
from gateway.ports.intake import AssistantAnswer, ChatLine, Progress


class MemoryChatLog:
    """`gateway.ports.intake.ChatLog` in memory; ``fail`` is raised while it is set."""

    def __init__(self) -> None:
        self.fail: GatewayError | None = None
        self._lines: dict[str, list[ChatLine]] = {}
        self._confirmed: dict[str, int] = {}

    async def add(self, conversation: str, line: ChatLine) -> ChatLine:
        self._check()
        lines = self._lines.setdefault(conversation, [])
        known = next((other for other in lines if other.id == line.id), None)
        if known is None:
            known = replace(line, number=len(lines) + 1)
            lines.append(known)
        return known

    async def lines(self, conversation: str, after: int = 0) -> Sequence[ChatLine]:
        self._check()
        return self._lines.get(conversation, [])[max(after, 0) :]

    async def confirmed(self, conversation: str) -> int:
        self._check()
        return self._confirmed.get(conversation, 0)

    async def confirm(self, conversation: str, number: int) -> None:
        self._check()
        self._confirmed[conversation] = max(number, self._confirmed.get(conversation, 0))

    def _check(self) -> None:
        if self.fail is not None:
            raise self.fail


class ScriptedAssistant:
    """`gateway.ports.intake.Assistant` that knows what it was told.

    ``fail`` is raised while it is set; it answers only once ``thinks`` is over.
    """

    def __init__(self, answers: Mapping[str, AssistantAnswer]) -> None:
        self.fail: GatewayError | None = None
        self.thinks: asyncio.Event | None = None
        self._answers = dict(answers)

    async def answer(self, question: str) -> AssistantAnswer | None:
        if self.thinks is not None:
            await self.thinks.wait()
        if self.fail is not None:
            raise self.fail
        return next((answer for word, answer in self._answers.items() if word in question), None)


class KnownTickets:
    """`gateway.ports.intake.Enquiries` about the tickets in ``known``, by number and query code."""

    def __init__(self) -> None:
        self.known: dict[tuple[str, str], Progress] = {}
        self.fail: GatewayError | None = None

    async def progress(self, ticket_id: TicketId, query_code: str) -> Progress | None:
        if self.fail is not None:
            raise self.fail
        return self.known.get((ticket_id, query_code))
