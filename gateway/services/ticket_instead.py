"""A ticket instead of a transfer (改派工单): where a unit's telephones fail, a live call's matter goes in writing.

One unit of work: the unit is written on the ticket, the matter is taken if it has not been, and sent to the unit.
"""

from __future__ import annotations

from dataclasses import replace

from gateway.domain.case import Accept, Dispatch
from gateway.domain.casework import Actor
from gateway.domain.errors import Refused
from gateway.domain.ticket import TicketId
from gateway.ports.memory import Transaction
from gateway.services.casework import Casework, Done
from gateway.services.tickets import save_change, written_by_hand


class NoCategory(Refused):
    """Nobody has said yet what kind of matter it is."""


def dispatch_instead(casework: Casework, tx: Transaction, ticket_id: TicketId, unit: str, by: Actor) -> Done:
    """Send the matter of *ticket_id* to *unit* within *tx*. Raises `NoCategory`, and what `Casework.work` raises.

    What the rules deny is in the result's ``denials``; a matter that could be taken stays taken.
    """
    ticket = tx.ticket(ticket_id)
    if ticket is None:
        raise Refused(f"there is no ticket {ticket_id}")
    taken: Done | None = None
    if tx.cases.case(ticket_id) is None:
        if not ticket.category:
            raise NoCategory(f"ticket {ticket_id} has no category")
        taken = casework.work(tx, ticket_id, Accept(category=ticket.category), by=by)
        if taken.denials:
            return taken
    sent = casework.work(tx, ticket_id, Dispatch(to=unit), by=by)
    if not sent.denials:
        save_change(tx, ticket_id, written_by_hand({"unit": unit}))
    return sent if taken is None else replace(sent, facts=(*taken.facts, *sent.facts))
