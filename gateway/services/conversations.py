"""Conversations and shared values over the store (`ChatLog` and `SharedValues` of `gateway.ports.intake`)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from gateway.ports.clock import Clock
from gateway.ports.correspondence import Correspondence
from gateway.ports.intake import ChatLine
from gateway.ports.memory import Store, Transaction

TIDIED_EVERY = timedelta(minutes=10)
"""How often lapsed values are thrown away, by whichever keeping comes first."""


class StoredChatLog:
    """The log of conversations; each method raises `Unavailable` while the store cannot."""

    def __init__(self, store: Store, correspondence: Correspondence) -> None:
        self._store = store
        self._correspondence = correspondence

    async def add(self, conversation: str, line: ChatLine) -> ChatLine:
        """Append *line* and return it with its number once that is durable; one of a known id, as it stands there."""
        return await self._store.commit(lambda tx: tx.correspondence.add_line(conversation, line))

    async def lines(self, conversation: str, after: int = 0) -> Sequence[ChatLine]:
        """Return the lines numbered above *after*, in order."""
        return await self._correspondence.lines(conversation, after)

    async def confirmed(self, conversation: str) -> int:
        """Return the number up to which the citizen's side has the lines, 0 at first."""
        return await self._correspondence.confirmed(conversation)

    async def confirm(self, conversation: str, number: int) -> None:
        """Keep that his side has all lines up to *number*; a lower one than before changes nothing."""
        await self._store.commit(lambda tx: tx.correspondence.confirm(conversation, number))


class StoredValues:
    """Short-lived values that all nodes share; each method raises `Unavailable` while the store cannot."""

    def __init__(self, store: Store, correspondence: Correspondence, clock: Clock) -> None:
        self._store = store
        self._correspondence = correspondence
        self._clock = clock
        self._tidied = datetime.min.replace(tzinfo=UTC)

    async def value(self, key: str) -> str | None:
        """Return what is kept under *key* and has not lapsed."""
        return await self._correspondence.value(key, self._clock.now())

    async def keep(self, key: str, value: str, until: datetime) -> None:
        """Keep *value* until then; now and then what has lapsed goes."""
        now = self._clock.now()
        is_untidy = now - self._tidied >= TIDIED_EVERY

        def work(tx: Transaction) -> None:
            tx.correspondence.keep(key, value, until)
            if is_untidy:
                tx.correspondence.forget_lapsed(now)

        await self._store.commit(work)
        if is_untidy:
            self._tidied = now
