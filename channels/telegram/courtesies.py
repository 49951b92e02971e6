"""Courtesies: what the bot says by itself to a person who waits for an answer, and on which nothing depends."""

from __future__ import annotations

import asyncio
from collections import OrderedDict

import structlog

from channels.telegram.api import TelegramApi
from gateway.ports.clock import Clock

log = structlog.get_logger(__name__)

INTERVAL = 30.0
"""Seconds in which one chat gets the same courtesy once."""
AT_ONCE = 50
"""Courtesies under way; one more is left out."""
REMEMBERED = 1000


class Courtesies:
    """Says things once in a while, if Telegram takes them now; its tasks belong to *tasks*."""

    def __init__(self, api: TelegramApi, clock: Clock, tasks: asyncio.TaskGroup) -> None:
        self._api = api
        self._clock = clock
        self._tasks = tasks
        self._last: OrderedDict[tuple[int, str], float] = OrderedDict()
        self._under_way: set[asyncio.Task[None]] = set()

    def say(self, chat: int, text: str) -> None:
        """Say *text* in *chat*, unless that was said just now."""
        now, key = self._clock.monotonic(), (chat, text)
        if not text or len(self._under_way) >= AT_ONCE or now - self._last.get(key, -INTERVAL) < INTERVAL:
            return
        self._last[key] = now
        self._last.move_to_end(key)
        if len(self._last) > REMEMBERED:
            self._last.popitem(last=False)
        task = self._tasks.create_task(self._say(chat, text), name="telegram courtesy")
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)

    def stop(self) -> None:
        """Leave unsaid what is under way."""
        for task in self._under_way:
            task.cancel()

    async def _say(self, chat: int, text: str) -> None:
        try:
            await self._api.send_text(chat, text)
        except Exception as error:
            log.info("telegram.courtesy_failed", reason=type(error).__name__)
