"""What becomes of written messages, counted by channel (来件计数): for operators; the journal is the evidence."""

from __future__ import annotations

from collections import Counter

from gateway.domain.contact import ChannelKind
from gateway.domain.errors import Refused, Unavailable
from gateway.ports.intake import DeliveryReport, IncomingMessage, Intake, Taken


class CountedIntake:
    """`gateway.ports.intake.Intake` in front of another one.

    ``outcomes`` says how many messages of a channel ``opened`` a ticket, were ``added`` to one, ``repeated``, or were
    ``refused`` for good, ``postponed`` (store away, sender too fast), or ``dropped`` (far too many from one sender).
    """

    def __init__(self, intake: Intake) -> None:
        self._intake = intake
        self.outcomes: Counter[tuple[ChannelKind, str]] = Counter()

    async def take(self, message: IncomingMessage, *, answers_at_once: bool = False) -> Taken:
        """Pass *message* on, and count what becomes of it."""
        try:
            taken = await self._intake.take(message, answers_at_once=answers_at_once)
        except Unavailable:
            self.outcomes[message.channel, "postponed"] += 1
            raise
        except Refused:
            self.outcomes[message.channel, "refused"] += 1
            raise
        outcome = "repeated" if taken.is_repeated else "opened" if taken.opened else "added"
        outcome = outcome if taken.contact_id else "dropped"
        self.outcomes[message.channel, outcome] += 1
        return taken

    async def report(self, report: DeliveryReport) -> None:
        """Pass *report* on."""
        await self._intake.report(report)
