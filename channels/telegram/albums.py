"""Albums (相册): the messages that Telegram makes of photos sent together, gathered again into one.

Each photo of an album is an update of its own, and nothing says how many there are. So the first waits until no other
has come for a moment; all of them are acknowledged together, after what they make has been taken.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence

from channels.telegram.reading import Message
from gateway.domain.errors import GatewayError, Unavailable

WINDOW = 1.0
"""Seconds without another photo after which an album is whole."""
LARGEST = 10
"""Messages of an album, at most."""

Take = Callable[[Sequence[Message]], Awaitable[None]]


class _Album:
    """The messages that have come, and what became of them."""

    def __init__(self, first: Message) -> None:
        self.members = {first.id: first}
        self.grew = asyncio.Event()
        self.outcome: asyncio.Future[GatewayError | None] = asyncio.get_running_loop().create_future()

    def add(self, message: Message) -> None:
        self.members[message.id] = message
        self.grew.set()

    async def whole(self, window: float) -> Sequence[Message]:
        """Wait until it no longer grows; return its messages in the sender's order."""
        while len(self.members) < LARGEST:
            self.grew.clear()
            try:
                async with asyncio.timeout(window):
                    await self.grew.wait()
            except TimeoutError:
                break
        return [self.members[number] for number in sorted(self.members)]


class Albums:
    """The albums that are being gathered."""

    def __init__(self, window: float = WINDOW) -> None:
        self._window = window
        self._open: dict[tuple[int, str], _Album] = {}

    async def take(self, message: Message, take: Take) -> None:
        """Return once the album that *message* belongs to has gone through *take*, whole, and fail as that failed."""
        key = (message.chat, message.album)
        album = self._open.get(key)
        if album is not None:
            album.add(message)
            failure = await asyncio.shield(album.outcome)
            if failure is not None:
                raise failure
            return
        album = self._open[key] = _Album(message)
        failure = Unavailable("the album was not taken")
        try:
            try:
                members = await album.whole(self._window)
            finally:
                del self._open[key]
            await take(members)
            failure = None
        except GatewayError as error:
            failure = error
            raise
        finally:
            album.outcome.set_result(failure)
