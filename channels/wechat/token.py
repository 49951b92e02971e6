"""The access token (access_token) of an official account: one for all nodes, fetched by whoever needs it first.

It comes from the stable interface (获取稳定版接口调用凭据), which gives everybody the same token until it lapses, so
that two nodes that fetch at once do not put each other out, as they do with the older interface.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import datetime, timedelta

from gateway.domain.errors import Unavailable
from gateway.ports.clock import Clock
from gateway.ports.intake import SharedValues

EARLY = timedelta(minutes=5)
"""How long before it lapses a token is no longer used."""

Fetch = Callable[[bool], Awaitable[tuple[str, timedelta]]]
"""Asks WeChat for the token, a new one if True; returns it and how long it is good. Raises `Unavailable`."""


class AccessToken:
    """The token, kept in memory and where all nodes see it."""

    def __init__(self, app_id: str, fetch: Fetch, shared: SharedValues, clock: Clock) -> None:
        self._key = f"wechat access token {app_id}"
        self._fetch = fetch
        self._shared = shared
        self._clock = clock
        self._held: tuple[str, datetime] | None = None
        self._fetching = asyncio.Lock()

    async def current(self) -> str:
        """Return a token that should be good. Raises `Unavailable`."""
        if (known := self._in_memory()) is not None:
            return known
        async with self._fetching:
            return self._in_memory() or await self._from_others() or await self._fetched()

    async def instead_of(self, failed: str) -> str:
        """Return another token than *failed*, which WeChat has just refused. Raises `Unavailable`."""
        async with self._fetching:
            if self._held is not None and self._held[0] == failed:
                self._held = None
            for known in (self._in_memory(), await self._from_others()):
                if known is not None and known != failed:
                    return known
            token = await self._fetched()
            return token if token != failed else await self._fetched(renewed=True)

    def _in_memory(self) -> str | None:
        if self._held is None or self._held[1] <= self._clock.now():
            return None
        return self._held[0]

    async def _from_others(self) -> str | None:
        """Return what another node has put down. How long it is good only that node knows: it is not held here."""
        try:
            return await self._shared.value(self._key)
        except Unavailable:
            return None  # WeChat gives the same one to everybody

    async def _fetched(self, *, renewed: bool = False) -> str:
        token, lifetime = await self._fetch(renewed)
        until = self._clock.now() + max(lifetime - EARLY, lifetime / 2)
        self._held = token, until
        with suppress(Unavailable):
            await self._shared.keep(self._key, token, until)
        return token
