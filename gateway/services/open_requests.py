"""What the world may read of Open311 requests (公开查询): what came that way, without who sent it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from datetime import datetime

from gateway.domain.contact import ChannelKind, Contact
from gateway.domain.rules import OVER
from gateway.domain.ticket import TicketId, TicketState
from gateway.ports.casework import Cases
from gateway.ports.correspondence import Correspondence, Letter
from gateway.ports.intake import OpenRequest
from gateway.ports.memory import Store
from routing.masking import mask


class StoredOpenRequests:
    """`gateway.ports.intake.OpenRequests` over the store. *agency_of* names a unit, *words* a stage."""

    def __init__(
        self,
        store: Store,
        correspondence: Correspondence,
        cases: Cases,
        agency_of: Callable[[str], str],
        words: Callable[[str], str],
    ) -> None:
        self._store = store
        self._correspondence = correspondence
        self._cases = cases
        self._agency_of = agency_of
        self._words = words

    async def find(
        self,
        *,
        ids: Sequence[str],
        service_codes: Collection[str],
        since: datetime,
        until: datetime,
        is_open: bool | None,
        limit: int,
    ) -> Sequence[OpenRequest]:
        """Return requests, the newest first. Raises `Unavailable`."""
        if ids:
            of_each = [await self._correspondence.letters(TicketId(name)) for name in ids[:limit]]
            letters = [of_one[0] for of_one in of_each if of_one]
        else:
            letters = list(await self._correspondence.letters_on(ChannelKind.OPEN311, since, until, limit))
        found = []
        for letter in letters:
            if letter.contact.channel is ChannelKind.OPEN311:
                request = await self._request(letter)
                if (not service_codes or request.service_code in service_codes) and is_open in (None, request.is_open):
                    found.append(request)
        return found

    async def _request(self, letter: Letter) -> OpenRequest:
        contact: Contact = letter.contact
        ticket = await self._store.ticket(letter.ticket_id)
        record = await self._cases.case(letter.ticket_id)
        is_open = record.case.stage not in OVER if record else ticket is None or ticket.state is TicketState.OPEN
        media = contact.values.get("media_url", "")
        return OpenRequest(
            id=letter.ticket_id,
            service_code=str(contact.values.get("service_code", "")),
            is_open=is_open,
            status_notes=self._words(record.case.stage.value) if record else "",
            description=mask(str(contact.values.get("description", "")), names=(contact.sender_name,)).text,
            agency=self._agency_of(record.case.unit) if record and record.case.unit else "",
            requested_at=contact.received_at,
            updated_at=record.changed_at if record else contact.received_at,
            expected_at=record.handle_due if record else None,
            address=str(contact.values.get("address", "")),
            point=contact.point,
            media_url=str(media),
        )
