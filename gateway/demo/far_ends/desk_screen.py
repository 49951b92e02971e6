"""The screen of an emergency desk: it takes the signed reports of docs/exchange.md, and refuses all others."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import time
from collections.abc import Callable
from typing import Any, Self

from aiohttp import web

LATEST = 300.0
"""Seconds that a report's timestamp may be away from now."""


class DeskScreen:
    """Use as an async context manager; inside the block ``url`` says where reports go."""

    def __init__(self, secret: str) -> None:
        self.secret = secret
        self.url = ""
        self.reports: list[dict[str, Any]] = []
        self._changed = asyncio.Condition()

    async def __aenter__(self) -> Self:
        application = web.Application()
        application.router.add_post("/reports", self._take)
        self._runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        host, port = self._runner.addresses[0][:2]
        self.url = f"http://{host}:{port}/reports"
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._runner.cleanup()

    async def report(self, is_it: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        """Wait for a report; return it as it came."""
        async with self._changed:
            await self._changed.wait_for(lambda: any(map(is_it, self.reports)))
        return next(filter(is_it, self.reports))

    async def _take(self, request: web.Request) -> web.Response:
        body = await request.read()
        timestamp = request.headers.get("Jiesu-Timestamp", "")
        signed = hmac.new(self.secret.encode(), timestamp.encode() + b"." + body, hashlib.sha256).hexdigest()
        is_genuine = hmac.compare_digest(f"v1={signed}", request.headers.get("Jiesu-Signature", ""))
        if not is_genuine or abs(time.time() - int(timestamp)) > LATEST:
            return web.Response(status=401)
        report = json.loads(body)
        if report["key"] not in (each["key"] for each in self.reports):
            self.reports.append(report)
        async with self._changed:
            self._changed.notify_all()
        return web.Response()
