"""Messages to a process of our own, written together: what one turn of the event loop says costs one system call.

A call that begins or ends says several things at once to the media process and to the recogniser.
"""

from __future__ import annotations

import asyncio


class Outbox:
    """What waits to be written to *writer*, until the loop's next turn at most; in order."""

    def __init__(self, writer: asyncio.StreamWriter) -> None:
        self._writer = writer
        self._waiting: list[bytes] = []

    @property
    def is_closing(self) -> bool:
        """Whether nothing that is sent now will arrive."""
        return self._writer.is_closing()

    def send(self, octets: bytes) -> None:
        """Write *octets* soon."""
        if not self._waiting:
            asyncio.get_running_loop().call_soon(self._flush)
        self._waiting.append(octets)

    def close(self) -> None:
        """Write what waits, and hang up."""
        self._flush()
        self._writer.close()

    async def wait_closed(self) -> None:
        """Wait until the connection is gone. Raises `ConnectionError` where it broke."""
        await self._writer.wait_closed()

    def _flush(self) -> None:
        if self._waiting and not self.is_closing:
            self._writer.write(b"".join(self._waiting))
        self._waiting.clear()
