"""Which pieces of a message have gone out, so that its next attempt goes on where the last one stopped."""

from __future__ import annotations

from collections import OrderedDict
from typing import Generic, TypeVar

REMEMBERED = 1000
"""Messages that are remembered at most; the oldest is forgotten first, and would go out whole again."""

T = TypeVar("T")


class PartlySent(Generic[T]):
    """Messages by key, and what the peer said of each piece that it took."""

    def __init__(self) -> None:
        self._pieces: OrderedDict[str, list[T]] = OrderedDict()

    def of(self, key: str) -> list[T]:
        """Return the list of the message *key*, to be added to."""
        pieces = self._pieces.setdefault(key, [])
        if len(self._pieces) > REMEMBERED:
            self._pieces.popitem(last=False)
        return pieces

    def is_whole(self, key: str) -> None:
        """Forget the message *key*: it has gone out whole."""
        self._pieces.pop(key, None)
