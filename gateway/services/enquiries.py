"""How a matter stands, for whoever asks (进度查询, ZH-14): by number and query code, in Chinese, without signing in."""

from __future__ import annotations

import hmac
from collections.abc import Callable

from gateway.domain.ticket import Ticket, TicketId, TicketState
from gateway.ports.clock import Clock
from gateway.ports.intake import Progress
from gateway.ports.memory import Store
from gateway.services.case_file import CaseFiles

SHOWN = frozenset({"stage", "tell", "contacted", "published"})
"""What happens to a case that its petitioner is shown; the rest is between the hotline and its units."""
_STATES = {
    TicketState.OPEN: "已登记，待受理",
    TicketState.TAKEN: "已登记，待受理",
    TicketState.HANDED_TO_EMERGENCY: "已转紧急专线",
    TicketState.CUT_OFF: "通话中断，已登记",
}


class TicketEnquiries:
    """`gateway.ports.intake.Enquiries`. *code_of* gives a ticket's query code."""

    def __init__(self, store: Store, files: CaseFiles, clock: Clock, code_of: Callable[[TicketId], str]) -> None:
        self._store = store
        self._files = files
        self._clock = clock
        self._code_of = code_of

    async def progress(self, ticket_id: TicketId, query_code: str) -> Progress | None:
        """Return how a ticket stands; None for an unknown ticket or a wrong code alike. Raises `Unavailable`."""
        ticket = await self._store.ticket(ticket_id)
        if ticket is None or not hmac.compare_digest(query_code.encode(), self._code_of(ticket_id).encode()):
            return None
        return await self.of(ticket)

    async def of(self, ticket: Ticket) -> Progress:
        """Return how *ticket* stands."""
        steps = [(ticket.received_at, "收到诉求")]
        file = await self._files.latest(ticket.id, self._clock.now())
        if file is not None:
            steps += ((event.at, event.text) for event in file.history if _is_for_him(event.name, event.details))
        state = file.case.stage_words if file is not None else _STATES[ticket.state]
        return Progress(ticket_id=ticket.id, received_at=ticket.received_at, state_zh=state, steps=steps)


def _is_for_him(name: str, details: dict[str, object]) -> bool:
    return name in SHOWN and (name != "tell" or details.get("who") == "petitioner")
