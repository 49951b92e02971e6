"""One incident, many tickets (同一事件): tickets of the same matter and place from about one time. Pure.

Each keeps its own number and deadline; this only says that they belong together. Places are compared by the names of
roads and estates in them, so that 3号楼 and 5号楼 of one estate are one place and a district alone is none.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import timedelta

from gateway.domain.ticket import Ticket
from routing.elements_place import narrow_names

WINDOW = timedelta(hours=2)
"""How far apart the receipts of two tickets of one incident may lie."""
MANY = 3
"""With so many tickets an incident is suspected."""


def is_same_incident(one: Ticket, other: Ticket) -> bool:
    """Say whether two tickets, not of the same petitioner, are of one matter and place, received within `WINDOW`."""
    if one.id == other.id or not one.matter or one.matter != other.matter:
        return False
    if (one.caller and one.caller == other.caller) or abs(one.received_at - other.received_at) > WINDOW:
        return False
    ours, theirs = narrow_names(one.elements.place), narrow_names(other.elements.place)
    if ours.estates and theirs.estates:
        return not ours.estates.isdisjoint(theirs.estates)
    return not ours.roads.isdisjoint(theirs.roads)


def incident_of(ticket: Ticket, others: Iterable[Ticket]) -> Sequence[Ticket]:
    """Return those of *others* that are of the incident of *ticket*, one of each petitioner, the earliest first."""
    of_whom: dict[str, Ticket] = {}
    for other in sorted(others, key=lambda each: (each.received_at, each.id)):
        if is_same_incident(ticket, other):
            of_whom.setdefault(other.caller or other.id, other)
    return tuple(of_whom.values())
