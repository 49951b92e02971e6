"""Webhooks over real HTTP: signed, whole, again until they arrive, and once in effect whatever dies on the way."""

from __future__ import annotations

import asyncio
import json
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from channels.webhook.sender import Webhook, WebhookSender
from channels.webhook.signature import KEY, SIGNATURE, TIMESTAMP, WINDOW, is_genuine, signed
from gateway.domain.casework import Channel, Message, Partner
from gateway.domain.errors import Refused, Unavailable
from gateway.services.outbox import CLAIM, Outbox
from gateway.storage.store import SqlStore
from tests.fakes.caseroom import CaseRoom, at
from tests.fakes.store import MemoryStore, SetClock

ROOT = Path(__file__).resolve().parents[2]
SECRET = "s" * 32
NOW = "2026-03-02 09:00"


@dataclass
class Receiver:
    """A unit's system: it checks signatures, counts each key once, and answers what it was told to."""

    url: str = ""
    answers: list[int] = field(default_factory=list)
    requests: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    counted: dict[str, dict[str, Any]] = field(default_factory=dict)
    now: datetime = field(default_factory=lambda: at(NOW))

    async def take(self, request: web.Request) -> web.Response:
        body = await request.read()
        headers = request.headers
        if not is_genuine(SECRET, headers[TIMESTAMP], headers[SIGNATURE], body, self.now.timestamp()):
            return web.Response(status=401)
        told = json.loads(body)
        self.requests.append((headers[KEY], told))
        status = self.answers.pop(0) if self.answers else 204
        if status < 300:
            self.counted.setdefault(headers[KEY], told)
        return web.Response(status=status)


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    receiving = Receiver()
    application = web.Application(client_max_size=2**24)
    application.router.add_post("/jiesu", receiving.take)
    runner = web.AppRunner(application)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    receiving.url = f"http://127.0.0.1:{runner.addresses[0][1]}/jiesu"
    yield receiving
    await runner.cleanup()


def sender_of(room: CaseRoom, url: str, secret: str = SECRET) -> WebhookSender:
    async def body(message: Message) -> bytes:
        return await room.files.pushed(message, room.clock.now())

    return WebhookSender({"region": Webhook(url=url, secret=secret)}, body, room.clock, limit=5.0)


async def a_change(room: CaseRoom) -> Message:
    ticket = await room.ticket()
    await room.do(ticket, "accept", category="help")
    (message,) = await room.store.cases.messages(Channel.PARTNER)
    told: Message = message
    return told


def new_room(store: Any) -> CaseRoom:
    return CaseRoom(store, now=NOW, partners=(Partner(id="region"),))


async def test_the_whole_case_arrives_signed(receiver: Receiver) -> None:
    room = new_room(MemoryStore())
    message = await a_change(room)
    async with sender_of(room, receiver.url) as sender:
        await sender.send(message)

    ((key, told),) = receiver.requests
    assert (key, told["event"], told["values"]) == (message.key, "case.changed", {"revision": 1})
    assert told["file"]["case"]["id"] == message.case_id
    assert [period["kind"] for period in told["file"]["periods"]] == ["dispatch"]
    assert [event["name"] for event in told["file"]["history"]] == ["commanded", "stage", "due"]
    assert told["file"]["history"][1]["citations"][0]["obligation"] == "ZH-8b"


@pytest.mark.parametrize(
    ("answer", "error"), [(500, Unavailable), (404, Unavailable), (302, Unavailable), (410, Refused)]
)
async def test_only_2xx_has_arrived_and_only_410_never_will(
    receiver: Receiver, answer: int, error: type[Exception]
) -> None:
    room = new_room(MemoryStore())
    message = await a_change(room)
    receiver.answers = [answer]
    async with sender_of(room, receiver.url) as sender:
        with pytest.raises(error):
            await sender.send(message)
        await sender.send(message)
    assert len(receiver.requests) == 2
    assert len(receiver.counted) == 1


async def test_nobody_listening_is_unavailable() -> None:
    room = new_room(MemoryStore())
    message = await a_change(room)
    async with sender_of(room, "http://127.0.0.1:9/") as sender:
        with pytest.raises(Unavailable):
            await sender.send(message)


async def test_another_secret_is_not_believed(receiver: Receiver) -> None:
    room = new_room(MemoryStore())
    message = await a_change(room)
    async with sender_of(room, receiver.url, "x" * 32) as sender:
        with pytest.raises(Unavailable, match="401"):
            await sender.send(message)


async def test_a_recorded_request_cannot_be_played_again_later(receiver: Receiver) -> None:
    room = new_room(MemoryStore())
    message = await a_change(room)
    receiver.now += timedelta(seconds=WINDOW + 1)
    async with sender_of(room, receiver.url) as sender:
        with pytest.raises(Unavailable, match="401"):
            await sender.send(message)


def test_the_signature_is_that_of_the_documentation() -> None:
    body = b'{"event":"case.changed"}'
    assert signed("secret", 1772413200, body) == DOCUMENTED
    assert is_genuine("secret", "1772413200", DOCUMENTED, body, 1772413200.0)
    for timestamp in ("", "-1", "1772413200.0", "٣", "1" * 13):
        assert not is_genuine("secret", timestamp, DOCUMENTED, body, 1772413200.0)
    assert DOCUMENTED in (ROOT / "docs" / "exchange.md").read_text(encoding="utf-8")


DOCUMENTED = "v1=00826df61a5af1c2ca630fbf6d6b3889ff0af680ca7cea6ef119f9a1250997d5"


async def test_a_node_killed_between_sending_and_noting_it_makes_nothing_happen_twice(
    tmp_path: Path, receiver: Receiver
) -> None:
    path = tmp_path / "store.sqlite"
    async with SqlStore(path, clock=SetClock()) as store:
        room = new_room(store)
        for number in range(30):
            ticket = await room.ticket(f"20260302-{number:06}")
            await room.do(ticket, "accept", category="help")
            await room.do(ticket, "dispatch", to="water")
    receiver.now = at("2026-03-17 00:00")

    arrived = await asyncio.to_thread(_live_and_die, path, receiver.url)
    assert arrived, "it was killed with something sent"

    async with SqlStore(path, clock=SetClock()) as store:
        room = new_room(store)
        room.to("2026-03-17 00:00")
        assert await room.case_clock.catch_up() == [], "what the dead node had brought stays brought"
        room.clock.at += CLAIM
        receiver.now = room.clock.at
        async with sender_of(room, receiver.url) as sender:
            outbox = Outbox(store, store.cases, room.clock, {Channel.PARTNER: sender})
            while await outbox.send_due():
                pass
        messages = await store.cases.messages(Channel.PARTNER, limit=1000)
        cards = [entry.fact.ticket_id for entry in await store.entries(limit=100_000) if entry.fact.kind == "case.card"]

    assert {message.key for message in messages} == set(receiver.counted)
    assert all(message.done_at for message in messages)
    assert len(receiver.requests) > len(receiver.counted), "some came again, under their own key"
    assert len(cards) == 60, "a yellow and a red card for each, and no third"


def _live_and_die(path: Path, url: str) -> list[str]:
    """Let a node work until it has sent something, and kill it before it can note that."""
    command = [sys.executable, "-m", "tests.peers.casework_node", str(path), "2026-03-17 00:00", url, SECRET]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        first = child.stdout.readline()
        while first and " facts=" in first:
            first = child.stdout.readline()
        child.send_signal(signal.SIGKILL)
        assert child.stderr is not None
        rest, complaints = child.stdout.read(), child.stderr.read()
    assert child.returncode == -signal.SIGKILL, complaints
    return [line for line in (first, *rest.splitlines()) if "case.changed" in line or "digest" in line]
