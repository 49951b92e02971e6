"""Emergencies in writing: out of a unit of work, over real HTTP, signed, at once and once."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest
from aiohttp import web

from channels.webhook.sender import WebhookSender
from channels.webhook.signature import EVENT, KEY, SIGNATURE, TIMESTAMP, is_genuine
from config.settings import Settings
from config.telephone_line import ChainLink, EmergencyLine
from config.values import Secret
from gateway.casework_parts import open_casework, running
from gateway.domain.call import CallId
from gateway.domain.casework import Channel, Message
from gateway.domain.contact import ChannelKind, Point
from gateway.domain.emergency import EmergencyLine as Line
from gateway.domain.ticket import TicketId
from gateway.services.emergency_reports import EmergencyStory, ReportState, report_emergency
from gateway.services.feed import Feed
from gateway.services.outbox import Outbox
from gateway.storage.store import SqlStore

SECRET = "e" * 32
FIRE = Line("119")
WRITTEN = EmergencyStory(
    ticket_id=TicketId("20261121-100304-0042"),
    channel=ChannelKind.SMS,
    caller="13800000001",
    phrase="着火了",
    rule="fire.burning",
    place="阳光小区",
    point=Point(latitude=42.26, longitude=118.89),
    summary="阳光小区着火了",
)


class Now:
    def now(self) -> datetime:
        return datetime.now(UTC)

    def monotonic(self) -> float:
        return time.monotonic()


class DeskSystem:
    """The line's own system: it checks signatures and keeps what it was told."""

    def __init__(self) -> None:
        self.answers: list[int] = []
        self.told: asyncio.Queue[tuple[str, str, dict[str, Any]]] = asyncio.Queue()

    async def take(self, request: web.Request) -> web.Response:
        body, headers = await request.read(), request.headers
        assert is_genuine(SECRET, headers[TIMESTAMP], headers[SIGNATURE], body, datetime.now(UTC).timestamp())
        status = self.answers.pop(0) if self.answers else 204
        if status < 300:
            self.told.put_nowait((headers[EVENT], headers[KEY], json.loads(body)))
        return web.Response(status=status)


@asynccontextmanager
async def node(folder: Path, url: str) -> AsyncIterator[SqlStore]:
    line = EmergencyLine(
        line=FIRE, name="消防", chain=(ChainLink(number="119"),), webhook=url, secret=Secret(SECRET if url else "")
    )
    settings = msgspec.structs.replace(Settings(), emergency_line=(line,))
    async with (
        SqlStore(folder / "store.sqlite", clock=Now()) as store,
        running(open_casework(settings, store, Now(), Feed()), settings, store, Now()),
    ):
        yield store


@pytest.fixture
async def desk() -> AsyncIterator[tuple[DeskSystem, str]]:
    system = DeskSystem()
    application = web.Application()
    application.router.add_post("/", system.take)
    runner = web.AppRunner(application)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield system, f"http://127.0.0.1:{runner.addresses[0][1]}/"
    await runner.cleanup()


async def report(store: SqlStore, story: EmergencyStory, state: ReportState = ReportState.REPORTED) -> Message:
    return await store.commit(lambda tx: report_emergency(tx, FIRE, story, now=datetime.now(UTC), state=state))


async def test_what_was_written_reaches_the_lines_system_signed_and_once(
    tmp_path: Path, desk: tuple[DeskSystem, str]
) -> None:
    system, url = desk
    system.answers = [503]
    async with node(tmp_path, url) as store:
        message = await report(store, WRITTEN)
        event, key, body = await system.told.get()
        again = await report(store, WRITTEN)

    assert (event, key) == ("emergency.text", message.key)
    assert (body["event"], body["key"]) == (event, key)
    assert body["text"] == "12345转119；请核实处置；诉求人：13800000001；地点：阳光小区；内容：阳光小区着火了。"
    assert body["values"] == {
        "line": "119",
        "state": "reported",
        "ticket": "20261121-100304-0042",
        "call": None,
        "channel": "sms",
        "caller": "13800000001",
        "caller_name": "",
        "telephone": "",
        "phrase": "着火了",
        "rule": "fire.burning",
        "matter": "",
        "place": "阳光小区",
        "point": {"latitude": 42.26, "longitude": 118.89, "name": ""},
        "summary": "阳光小区着火了",
    }
    assert (again.key, again.at) == (message.key, message.at), "it is the same report"
    assert again.attempts == 2
    assert system.told.empty()


async def test_each_state_of_a_call_is_told(tmp_path: Path, desk: tuple[DeskSystem, str]) -> None:
    system, url = desk
    call = EmergencyStory(
        ticket_id=WRITTEN.ticket_id, channel=ChannelKind.TELEPHONE, caller="13800000001", call_id=CallId("c1")
    )
    async with node(tmp_path, url) as store:
        for state in (ReportState.DIALLING, ReportState.ACCEPTED):
            await report(store, call, state)
        told = [await system.told.get(), await system.told.get()]

    assert {event for event, _, _ in told} == {"emergency.call"}
    assert sorted(body["values"]["state"] for _, _, body in told) == ["accepted", "dialling"]
    assert {body["values"]["telephone"] for _, _, body in told} == {"13800000001"}


async def test_a_line_without_a_webhook_is_given_up_with_the_reason(tmp_path: Path) -> None:
    async with SqlStore(tmp_path / "store.sqlite", clock=Now()) as store, WebhookSender({}, no_body, Now()) as sender:
        await report(store, WRITTEN)
        await Outbox(store, store.cases, Now(), {Channel.EMERGENCY: sender}).send_due()
        (message,) = await store.cases.messages(Channel.EMERGENCY)

    assert message.given_up
    assert message.error == "119 has no webhook"


async def no_body(message: Message) -> bytes:
    return b""
