"""Long polling (getUpdates): updates are fetched, and acknowledged by the offset once each has been dealt with.

Telegram keeps what is not acknowledged for 24 hours. What could not be kept now holds the offset where it is, and is
tried again in its own time; the updates behind it are dealt with meanwhile, and remembered, so that they are not dealt
with twice. No more than a hundred updates can wait so: then nothing new comes before the oldest of them is through.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

import structlog

from channels.telegram.albums import WINDOW
from channels.telegram.api import NotAlone, TelegramApi
from channels.telegram.reading import Message, Reading, read, update_id
from gateway.domain.errors import GatewayError, Unavailable

log = structlog.get_logger(__name__)

WAIT = 50.0
"""Seconds that Telegram keeps a request open when there is nothing."""
AT_ONCE = 16
"""Chats whose updates are dealt with at the same time."""
BATCH = 100
"""Updates that one request brings at most."""
LONGEST_PAUSE = 15.0
"""Seconds between attempts, at most."""
TRIES = 10
"""Attempts at an update that fails for a reason nobody foresaw, before it is passed over."""

Deal = Callable[[Sequence[Reading]], Awaitable[None]]
"""Deals with one update, or with those of an album. Raises `Unavailable` when they must come again."""
Numbered = tuple[int, Reading]


@dataclass(slots=True)
class _Failed:
    """An update that must come again: not before when (the loop's time), and how often nobody knew why it failed."""

    not_before: float = 0.0
    tries: int = 0


class Poller:
    """Fetches updates for as long as `run` runs; ``status`` says how that goes."""

    def __init__(self, api: TelegramApi, deal: Deal, *, wait: float, pause: float, window: float = WINDOW) -> None:
        self._api = api
        self._deal = deal
        self._wait = wait
        self._pause = pause
        self._window = window
        self._offset = 0
        self._done: set[int] = set()
        self._failed: dict[int, _Failed] = {}
        self.status = "not asked yet"

    async def run(self) -> None:
        """Fetch and deal with updates until cancelled."""
        pause = self._pause
        is_webhook_gone = False
        while True:
            try:
                if not is_webhook_gone:
                    await self._api.delete_webhook()
                    is_webhook_gone = True
                await self._round()
                self.status, pause = "ok", self._pause
                if self._failed:  # Telegram answers at once as long as something waits
                    await asyncio.sleep(self._pause)
                continue
            except NotAlone:
                is_webhook_gone = False
                self.status, again = "another node, or a webhook, gets the updates", LONGEST_PAUSE
            except GatewayError as error:
                self.status, again = str(error), getattr(error, "retry_after", None) or pause
            except Exception as error:  # the channel outlives a mistake of ours, and says so
                log.exception("telegram.failed")
                self.status, again = f"failed: {type(error).__name__}", pause
            log.warning("telegram.waiting", status=self.status)
            await asyncio.sleep(min(again, LONGEST_PAUSE))
            pause = min(pause * 2, LONGEST_PAUSE)

    async def _round(self) -> None:
        """Fetch once, deal with what came, and move the offset up to the first that must come again."""
        batch = list(_numbered(await self._api.updates(self._offset, self._wait)))
        while batch and len(batch) < BATCH and _album(batch[-1][1]):
            await asyncio.sleep(self._window)
            known, batch = batch, list(_numbered(await self._api.updates(self._offset, 0)))
            if len(batch) <= len(known):
                break
        await self._work([(number, reading) for number, reading in batch if number not in self._done])
        pending = [number for number, _ in batch if number not in self._done]
        self._offset = min(pending, default=max((number + 1 for number, _ in batch), default=self._offset))
        self._done = {number for number in self._done if number >= self._offset}

    async def _work(self, batch: Sequence[Numbered]) -> None:
        """Deal with *batch*: the chats side by side, each in its order."""
        gate = asyncio.Semaphore(AT_ONCE)
        chats: dict[int | None, list[Numbered]] = {}
        for number, reading in batch:
            chats.setdefault(getattr(reading, "chat", None), []).append((number, reading))

        async def work(updates: Sequence[Numbered]) -> None:
            async with gate:
                for unit in _units(updates):
                    if not await self._is_through(unit):  # what the same person wrote after it waits for its turn
                        break

        async with asyncio.TaskGroup() as group:
            for updates in chats.values():
                group.create_task(work(updates))

    async def _is_through(self, unit: Sequence[Numbered]) -> bool:
        """Deal with one unit if its time has come; tell whether it is dealt with, once and for all."""
        first, now = unit[0][0], asyncio.get_running_loop().time()
        failed = self._failed.get(first, _Failed())
        if now < failed.not_before:
            return False
        try:
            await self._deal([reading for _, reading in unit])
        except Unavailable as error:
            failed.not_before = now + min(error.retry_after or self._pause, LONGEST_PAUSE)
        except Exception:
            failed.tries += 1
            log.exception("telegram.update_failed", update=first, tries=failed.tries)
            failed.not_before = now + min(self._pause * 2**failed.tries, LONGEST_PAUSE)
        else:
            return self._passed(unit)
        if failed.tries == TRIES:
            return self._passed(unit)
        self._failed[first] = failed
        return False

    def _passed(self, unit: Sequence[Numbered]) -> bool:
        self._failed.pop(unit[0][0], None)
        self._done.update(number for number, _ in unit)
        return True


def _numbered(updates: Sequence[Any]) -> Iterator[Numbered]:
    """Yield what each update says with its number; what has none cannot be acknowledged, nor be of any use."""
    for update in updates:
        number = update_id(update)
        if number is not None:
            yield number, read(update)


def _album(reading: Reading) -> str:
    return reading.album if isinstance(reading, Message) else ""


def _units(updates: Sequence[Numbered]) -> Iterator[Sequence[Numbered]]:
    """Yield updates singly, those of an album together."""
    for _, unit in groupby(updates, key=lambda numbered: _album(numbered[1]) or numbered[0]):
        yield list(unit)
