"""Conversations (在线对话): each line taken into a ticket, kept, numbered, answered, and told until it has arrived.

A line counts for the citizen once it stands in the log, which is after `Intake` has it: whoever gets no word sends it
again under the same id, and both know it. What the house says goes into the log, and from there to whoever listens.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress

import structlog

from gateway.domain.contact import Attachment, ChannelKind
from gateway.domain.errors import Refused, Unavailable
from gateway.http_api.problems import Problem
from gateway.ports.clock import Clock
from gateway.ports.intake import (
    Assistant,
    ChatLine,
    ChatLog,
    DeliveryReport,
    DeliveryState,
    IncomingMessage,
    Intake,
    OutgoingMessage,
    Speaker,
    Taken,
)

log = structlog.get_logger(__name__)

PULSE = 3.0
SLOWEST_PULSE = 15.0
"""Seconds between looks at the log for what another node has put there, at first and when nothing comes."""
ASSISTANT_LIMIT = 8.0
NO_ANSWER = "这个问题知识库里没有现成的答案，我不能乱说。您的话已经转给人工坐席，请在这里等候答复。"
"""What an assistant says that does not know."""


class Conversations:
    """All conversations of one channel; `send` is the channel's way out. *is_ours* knows their names."""

    def __init__(
        self,
        kind: ChannelKind,
        chats: ChatLog,
        assistant: Assistant | None,
        clock: Clock,
        *,
        is_ours: Callable[[str], bool],
    ) -> None:
        self._is_ours = is_ours
        self._kind = kind
        self._chats = chats
        self._assistant = assistant
        self._clock = clock
        self._listeners: dict[str, set[asyncio.Event]] = {}

    async def take(self, intake: Intake, message: IncomingMessage) -> Taken:
        """Give *message* to intake, and keep it and what is told at once as lines.

        That a further line is on the ticket is not told in words: it stands there with its number.

        Raises as `Intake.take` does, and `Problem` with what its sender is told where no ticket came of it.
        """
        taken = await intake.take(message, answers_at_once=True)
        if not taken.ticket_id:
            raise Problem(403, "restricted", taken.told)
        own = ChatLine(
            id=message.external_id.rpartition(":")[2],
            by=Speaker.CITIZEN,
            text=message.text,
            at=message.received_at,
            ticket_id=taken.ticket_id,
            files=taken.attachments,
        )
        await self._add(message.sender, own)
        if taken.told and (taken.opened or taken.emergencies or taken.is_repeated):
            told = ChatLine(
                id=f"{own.id}.told",
                by=Speaker.HOUSE,
                text=taken.told,
                at=self._clock.now(),
                ticket_id=taken.ticket_id,
                emergencies=taken.emergencies,
            )
            await self._add(message.sender, told)
        return taken

    async def answer(self, message: IncomingMessage, taken: Taken) -> None:
        """Let the assistant answer *message*, if there is one and a person was not asked for. Nothing is raised."""
        if self._assistant is None or taken.emergencies or message.values.get("wants_person"):
            return
        try:
            async with asyncio.timeout(ASSISTANT_LIMIT):
                found = await self._assistant.answer(message.text)
            line = ChatLine(
                id=f"{message.external_id.rpartition(':')[2]}.answer",
                by=Speaker.ASSISTANT,
                text=found.text if found else NO_ANSWER,
                at=self._clock.now(),
                ticket_id=taken.ticket_id,
                source=found.source if found else "",
            )
            await self._add(message.sender, line)
        except (Unavailable, TimeoutError):
            log.warning("assistant.silent", ticket_id=taken.ticket_id)

    async def send(self, message: OutgoingMessage) -> str:
        """Put what the house says into its conversation. Raises `Unavailable`, `Refused` where there is none."""
        if not self._is_ours(message.to):
            raise Refused("the sender has no conversation in this channel")
        line = ChatLine(
            id=message.key,
            by=Speaker.HOUSE,
            text=message.text,
            at=self._clock.now(),
            ticket_id=message.ticket_id,
            files=message.files,
        )
        await self._add(message.to, line)
        return message.key

    async def lines(self, conversation: str, after: int, *, wait: float = 0.0) -> Sequence[ChatLine]:
        """Return the lines after *after*; when there are none, wait so many seconds for one. Raises `Unavailable`."""
        until, pulse = self._clock.monotonic() + wait, PULSE
        with self._listening(conversation) as woken:
            while True:
                woken.clear()
                if found := await self._chats.lines(conversation, after):
                    return found
                left = until - self._clock.monotonic()
                if left <= 0:
                    return ()
                with suppress(TimeoutError):
                    async with asyncio.timeout(min(left, pulse)):
                        await woken.wait()
                pulse = min(SLOWEST_PULSE, pulse * 2)

    async def confirm(self, intake: Intake, conversation: str, number: int) -> None:
        """Keep that the citizen's side has all lines up to *number*, and report ours among them as delivered.

        Raises `Unavailable`; it may be said again.
        """
        before = await self._chats.confirmed(conversation)
        lines = [line for line in await self._chats.lines(conversation, before) if line.number <= number]
        for line in lines:
            if line.by is Speaker.HOUSE:
                await intake.report(
                    DeliveryReport(
                        channel=self._kind, sent_id=line.id, state=DeliveryState.DELIVERED, at=self._clock.now()
                    )
                )
        if lines:
            await self._chats.confirm(conversation, lines[-1].number)

    async def file(self, conversation: str, sha256: str) -> Attachment:
        """Return the file of that hash, or with that copy, in the conversation. Raises `Refused`, `Unavailable`."""
        for line in await self._chats.lines(conversation):
            for file in line.files:
                if sha256 in (file.sha256, file.shown) and not file.finding:
                    return file
        raise Refused("no such file in this conversation")

    async def exists(self, conversation: str) -> bool:
        """Say whether anything was ever said there. Raises `Unavailable`."""
        return bool(await self._chats.lines(conversation))

    async def _add(self, conversation: str, line: ChatLine) -> None:
        await self._chats.add(conversation, line)
        for woken in self._listeners.get(conversation, ()):
            woken.set()

    @contextmanager
    def _listening(self, conversation: str) -> Iterator[asyncio.Event]:
        woken = asyncio.Event()
        listeners = self._listeners.setdefault(conversation, set())
        listeners.add(woken)
        try:
            yield woken
        finally:
            listeners.discard(woken)
            if not listeners:
                self._listeners.pop(conversation, None)
