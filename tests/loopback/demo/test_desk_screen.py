"""The demonstration's 119 screen: signed reports only, each once."""

from __future__ import annotations

import hashlib
import hmac
import json
import time
from collections.abc import AsyncIterator

import aiohttp
import pytest

from gateway.demo.far_ends.desk_screen import LATEST, DeskScreen

BODY = json.dumps({"key": "k1", "values": {"line": "119"}}).encode()


@pytest.fixture
async def screen() -> AsyncIterator[DeskScreen]:
    async with DeskScreen("open sesame") as shown:
        yield shown


async def told(screen: DeskScreen, *, at: float, secret: str = "open sesame") -> int:
    timestamp = str(int(at))
    signed = hmac.new(secret.encode(), f"{timestamp}.".encode() + BODY, hashlib.sha256).hexdigest()
    headers = {"Jiesu-Timestamp": timestamp, "Jiesu-Signature": f"v1={signed}"}
    async with aiohttp.ClientSession() as visitor, visitor.post(screen.url, data=BODY, headers=headers) as answer:
        return answer.status


async def test_a_signed_report_is_shown_once_however_often_it_comes(screen: DeskScreen) -> None:
    assert [await told(screen, at=time.time()) for _ in range(2)] == [200, 200]
    assert await screen.report(lambda report: report["key"] == "k1") == json.loads(BODY)
    assert len(screen.reports) == 1


async def test_a_report_of_somebody_else_or_of_another_day_is_refused(screen: DeskScreen) -> None:
    assert await told(screen, at=time.time(), secret="guessed") == 401
    assert await told(screen, at=time.time() - 2 * LATEST) == 401
    async with aiohttp.ClientSession() as visitor, visitor.post(screen.url, data=BODY) as answer:
        assert answer.status == 401
    assert screen.reports == []
