"""A bounded stream from callbacks to one ``async for``; when nobody reads, the oldest items are dropped."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from types import TracebackType
from typing import Generic, Self, TypeVar

Item = TypeVar("Item")


class Feed(Generic[Item]):
    """Items as they come, until `close`. ``dropped`` counts those that were lost to a slow reader."""

    def __init__(self, limit: int, on_close: Callable[[], None] = lambda: None) -> None:
        self.dropped = 0
        self._items: deque[Item] = deque(maxlen=limit)
        self._on_close = on_close
        self._closed = False
        self._something = asyncio.Event()

    def put(self, item: Item) -> None:
        """Add *item*, dropping the oldest one if the reader is too far behind."""
        if self._closed:
            return
        self.dropped += len(self._items) == self._items.maxlen
        self._items.append(item)
        self._something.set()

    def close(self) -> None:
        """End the stream; what is in it can still be read."""
        if not self._closed:
            self._closed = True
            self._something.set()
            self._on_close()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Item:
        while not self._items:
            if self._closed:
                raise StopAsyncIteration
            self._something.clear()
            await self._something.wait()
        return self._items.popleft()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
