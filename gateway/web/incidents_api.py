"""The other tickets of one incident (同一事件); each keeps its own number and deadline."""

from __future__ import annotations

from gateway.domain.ticket import TicketId
from gateway.http_api.problems import not_found
from gateway.http_api.routes import RouteTable
from gateway.services.incidents import same_incident
from gateway.web.context import Visit
from gateway.web.letters_api import TicketList
from gateway.web.views import ticket_view

incident_routes = RouteTable()


@incident_routes.declare("GET", "/api/tickets/{ticket_id}/same-incident", "同一事件的其他工单")
async def list_same_incident(visit: Visit, ticket_id: str) -> TicketList:
    """List the tickets of other petitioners about the same matter and place at about the same time."""
    ticket = await visit.parts.store.ticket(TicketId(ticket_id))
    if ticket is None:
        raise not_found("没有这张工单")
    visit.sees("incident.viewed", ticket)
    return TicketList(tickets=[ticket_view(each) for each in await same_incident(visit.parts.store, ticket)])
