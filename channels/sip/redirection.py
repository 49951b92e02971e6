"""Following a 3xx (RFC 3261 8.1.3.4, 19.1.5): which of its contacts may be tried, in what order, and how often.

Pure. A contact is only ever a wish: *permitted* turns it into one of the ways that the configuration knows, or into
nothing, so that no answer of a peer makes us call a number, or send to an address, that is not ours to call.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

from channels.sip.message import Response
from channels.sip.uri import BadAddress, NameAddr, Uri

MOST_TARGETS = 5

T = TypeVar("T", bound=Hashable)


def contacts_of(response: Response) -> list[Uri]:
    """Return the contacts of a 3xx, the most wanted (``q``) first; what is malformed is left out."""
    wanted: list[tuple[float, Uri]] = []
    for value in response.headers.all("Contact"):
        try:
            contact = NameAddr.parse(value)
        except BadAddress:
            continue
        wanted.append((_preference(contact.params.get("q")), contact.uri))
    return [uri for _, uri in sorted(wanted, key=lambda each: -each[0])]


class Redirection(Generic[T]):
    """The targets of one call: those tried, and those still to try; none twice, and not more than a few in all."""

    def __init__(self, first: T) -> None:
        self._known: list[T] = [first]
        self._waiting: list[T] = []

    def add(self, response: Response, permitted: Callable[[Uri], T | None]) -> None:
        """Take in a 3xx: its permitted contacts come next, before what waits from earlier ones."""
        new: list[T] = []
        for uri in contacts_of(response):
            target = permitted(uri)
            if target is not None and target not in self._known and len(self._known) <= MOST_TARGETS:
                self._known.append(target)
                new.append(target)
        self._waiting = new + self._waiting

    def next(self) -> T | None:
        """Take out the next target; None when there is none left."""
        return self._waiting.pop(0) if self._waiting else None


def _preference(q: str | None) -> float:
    try:
        return min(max(float(q), 0.0), 1.0) if q else 1.0
    except ValueError:
        return 0.0
