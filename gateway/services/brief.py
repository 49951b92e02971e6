"""What an emergency desk hears before it is joined (口头通报): which line, what, where, and whose number.

Pure: it chooses among recorded pieces, so that no voice has to be made while somebody waits. The most important comes
first, as the desk may press its key at any moment. Places are those that the city has recorded (``place_...``).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from gateway.domain.emergency import EmergencyLine
from gateway.domain.ticket import Ticket

PLACE = "place_"
"""What the ids of recorded place names begin with."""
MOST_PLACES = 3
"""A county, a street, an estate: more would take longer than the desk has."""


def brief(line: EmergencyLine, ticket: Ticket, prompts: Mapping[str, str]) -> list[str]:
    """Return the ids of the pieces to play, in order; *prompts* are all that there are, with their words."""
    return [piece for piece in _pieces(line, ticket, prompts) if piece in prompts]


def _pieces(line: EmergencyLine, ticket: Ticket, prompts: Mapping[str, str]) -> Iterator[str]:
    yield f"desk_brief_{line}"
    if ticket.matter:
        yield f"matter_{ticket.matter}"
    places = places_in(ticket.elements.place, prompts)
    if places:
        yield "brief_place"
        yield from places
    if ticket.caller:
        yield "brief_number"
        yield from (f"digit_{digit}" for digit in ticket.caller if digit.isascii() and digit.isdigit())
    else:
        yield "brief_no_number"


def places_in(place: str, prompts: Mapping[str, str]) -> list[str]:
    """Return the recorded names that *place* contains, in its order; of names at one position the longest."""
    names = {words: id_ for id_, words in prompts.items() if id_.startswith(PLACE) and words}
    found: list[str] = []
    position = 0
    while position < len(place) and len(found) < MOST_PLACES:
        here = [name for name in names if place.startswith(name, position)]
        if here:
            longest = max(here, key=len)
            found.append(names[longest])
            position += len(longest)
        else:
            position += 1
    return found
