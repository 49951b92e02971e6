"""The written intake over a store, a clock that stands where a story puts it, and ways out that keep what they send."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from functools import cache
from itertools import count
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from config import lexicons
from config.answers import AnswerTexts
from gateway.domain.casework import Channel
from gateway.domain.contact import ChannelKind
from gateway.domain.errors import GatewayError
from gateway.domain.ticket import Ticket, TicketId
from gateway.ports.intake import Assistant, IncomingMessage, OutgoingMessage, Taken
from gateway.services.answering import QuietHours, WayBack
from gateway.services.chat_help import ChatHelp
from gateway.services.flood import SenderLimit
from gateway.services.intake import IntakeLimits, WrittenIntake
from gateway.services.outbox import Outbox
from gateway.services.reading import Reader
from gateway.services.verification import StoredVerification
from gateway.storage.files import FileRoom
from routing.decide import Understander
from tests.fakes.caseroom import CaseRoom
from tests.fakes.routing import CONFIG, shipped_detector, shipped_lexicons, shipped_profile

BEIJING = ZoneInfo("Asia/Shanghai")
NO_LIMIT = SenderLimit(burst=1, every=0.0)


@cache
def _understander() -> Understander:
    return Understander(shipped_lexicons(), (), shipped_profile())


class KeptWay:
    """A way out that keeps what it sends; ``fail`` is raised while it is set."""

    def __init__(self) -> None:
        self.sent: list[OutgoingMessage] = []
        self.fail: GatewayError | None = None

    async def send(self, message: OutgoingMessage) -> str:
        if self.fail is not None:
            raise self.fail
        self.sent.append(message)
        return f"peer-{message.key}"


class Mailroom:
    """The intake, what reads behind it, and the way back."""

    def __init__(
        self,
        store: Any,
        folder: Path,
        *,
        limits: IntakeLimits | None = None,
        channels: tuple[ChannelKind, ...] = tuple(ChannelKind),
        quiet: QuietHours | None = None,
        assistant: Assistant | None = None,
    ) -> None:
        self.store = store
        self.cases = CaseRoom(store)
        self.clock = self.cases.clock
        self.files = FileRoom(folder)
        self.texts = AnswerTexts()
        find = shipped_detector().look
        chat_help = ChatHelp(assistant, self.texts, lambda text: bool(find(text))) if assistant else None
        self.reader = Reader(
            store, store.correspondence, self.cases.feed, _understander(), self.cases.casework, self.clock, chat_help
        )
        self.intake = WrittenIntake(
            store=store,
            files=self.files,
            feed=self.cases.feed,
            clock=self.clock,
            zone=BEIJING,
            profile=shipped_profile(),
            find=find,
            wants_text_only=lambda text: bool(_text_only().search(text)),
            reader=self.reader,
            casework=self.cases.casework,
            texts=self.texts,
            secret=b"a secret of this test",
            ways=channels,
            limits=limits or IntakeLimits(sender=NO_LIMIT),
        )
        self.verification = StoredVerification(store, self.clock, self.texts, channels, b"a secret of this test")
        self.ways = {kind: KeptWay() for kind in channels}
        self.outbox = Outbox(
            store,
            store.cases,
            self.clock,
            {
                Channel.PETITIONER: WayBack(
                    store=store,
                    correspondence=store.correspondence,
                    ways=self.ways,
                    texts=self.texts,
                    clock=self.clock,
                    quiet=quiet,
                )
            },
        )
        self._numbers = count(1)

    def message(self, text: str, channel: ChannelKind = ChannelKind.SMS, **fields: Any) -> IncomingMessage:
        """Make a message that arrives now."""
        made = IncomingMessage(
            channel=channel,
            external_id=f"id-{next(self._numbers)}",
            sender="8613800000001",
            addressee="12345",
            received_at=self.clock.now(),
            text=text,
        )
        return replace(made, **fields)

    async def take(self, text: str, channel: ChannelKind = ChannelKind.SMS, **fields: Any) -> Taken:
        """Take a message that arrives now, and let it be read."""
        taken = await self.intake.take(self.message(text, channel, **fields))
        await self.reader.read_all()
        return taken

    async def ticket(self, taken: Taken) -> Ticket:
        """Return the ticket as it stands."""
        ticket: Ticket | None = await self.store.ticket(taken.ticket_id)
        assert ticket is not None
        return ticket

    async def tickets(self) -> list[TicketId]:
        """Return all tickets, the oldest first."""
        return [ticket.id for ticket in reversed(await self.store.tickets(limit=1000))]

    def wait(self, span: timedelta) -> datetime:
        """Let time pass."""
        self.clock.at += span
        self.clock.seconds += span.total_seconds()
        return self.clock.at


@cache
def _text_only() -> Any:
    return lexicons.load_text_only(CONFIG / "lexicons" / "wishes.toml")
