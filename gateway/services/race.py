"""Waiting for the first of several things."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable


async def first_of(limit: float | None = None, **waits: Awaitable[object]) -> str:
    """Wait until one of *waits* is done and return its name; the others are cancelled.

    When several are done at once the one named first counts. After *limit* seconds ``"limit"`` is returned.
    What a wait raises is raised here.
    """
    tasks = {name: asyncio.ensure_future(wait) for name, wait in waits.items()}
    try:
        await asyncio.wait(tasks.values(), timeout=limit, return_when=asyncio.FIRST_COMPLETED)
        for name, task in tasks.items():
            if task.done():
                task.result()
                return name
        return "limit"
    finally:
        for task in tasks.values():
            task.cancel()
        await asyncio.gather(*tasks.values(), return_exceptions=True)
