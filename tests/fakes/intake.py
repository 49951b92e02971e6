"""An intake that keeps what it is given in memory, and can be made to fail."""

from __future__ import annotations

from gateway.domain.contact import ChannelKind, ContactId
from gateway.domain.errors import GatewayError
from gateway.domain.ticket import TicketId
from gateway.ports.intake import DeliveryReport, IncomingMessage, Taken


class MemoryIntake:
    """`gateway.ports.intake.Intake` in memory: one ticket for each message; ``fail`` is raised while it is set."""

    def __init__(self) -> None:
        self.messages: list[IncomingMessage] = []
        self.reports: list[DeliveryReport] = []
        self.fail: GatewayError | None = None
        self.told = "已收到"
        self._taken: dict[tuple[ChannelKind, str], Taken] = {}

    async def take(self, message: IncomingMessage, *, answers_at_once: bool = False) -> Taken:
        if self.fail is not None:
            raise self.fail
        key = (message.channel, message.external_id)
        if (known := self._taken.get(key)) is not None:
            return Taken(
                contact_id=known.contact_id,
                ticket_id=known.ticket_id,
                opened=False,
                is_repeated=True,
                told=known.told,
                query_code=known.query_code,
            )
        self.messages.append(message)
        number = len(self.messages)
        taken = Taken(
            contact_id=ContactId(f"contact-{number}"),
            ticket_id=message.ticket_id or TicketId(f"20261122-100000-{number:04d}"),
            opened=message.ticket_id is None,
            told=self.told if answers_at_once else "",
            query_code="246802",
        )
        self._taken[key] = taken
        return taken

    async def report(self, report: DeliveryReport) -> None:
        if self.fail is not None:
            raise self.fail
        self.reports.append(report)
