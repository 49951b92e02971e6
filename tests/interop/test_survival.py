"""A citizen's call while something dies: the gateway itself, a process of it, its database; or is beaten at its doors.

The citizen is baresip; whether she is heard is told by the ticket's transcript and by the recordings.
"""

from __future__ import annotations

import asyncio
import os
import random
import sqlite3
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractContextManager, asynccontextmanager, closing, contextmanager, suppress
from pathlib import Path

import numpy as np
import pytest

from tests.peers.baresip import Baresip
from tests.peers.ear import load, load_track, save, share_heard
from tests.peers.gateway import ROOT, GatewayProcess, configuration, jiesu, until
from tests.peers.rtp import RATE, Pcm

pytestmark = pytest.mark.peer("baresip")

SPEECH = ROOT / "gateway" / "demo_speech"
COMPLAINT = SPEECH / "citizen_water_1.wav"
PLACE = SPEECH / "citizen_water_2.wav"
ENOUGH = 0.5
"""Share of a speech's pieces that must be found in a recording; of other words none is. A busy machine costs some."""


def repeated(path: Path, speech: Path) -> Path:
    """Make a WAV in which *speech* is said three times, before the long silence that keeps baresip on the line."""
    said: list[Pcm | float] = [load(speech), 1.5]
    return save(path, 1.0, *said * 3, 300.0)


async def recorded(gateway: GatewayProcess, call_id: str) -> Path:
    """Return the call's packed recording."""
    packed = await gateway.fact(call_id, "recording.packed")
    return gateway.folder / "recordings" / str(packed.values["file"])


@asynccontextmanager
async def citizens_call(folder: Path) -> AsyncIterator[tuple[GatewayProcess, Baresip, str]]:
    """Have a gateway without agents, and a citizen on the line whose complaint has been heard; yields the call's id."""
    async with Baresip(folder, "13800000003", repeated(folder / "citizen.wav", COMPLAINT)) as citizen:
        config = configuration(folder, trunk=[{"name": "carrier", "address": citizen.address}])
        async with GatewayProcess(config) as gateway:
            await citizen.dial(f"sip:12345@{gateway.sip}")
            call_id = (await gateway.call())["call"]["id"]
            await gateway.words(call_id, "停水")
            yield gateway, citizen, call_id


async def goes_on(gateway: GatewayProcess, citizen: Baresip, call_id: str, folder: Path) -> None:
    """Let the citizen say something else, and hold the gateway to having heard it."""
    await citizen.say(repeated(folder / "place.wav", PLACE))
    await gateway.words(call_id, "五号", limit=40)


async def test_a_crash_of_the_gateway_leaves_tickets_journal_and_recordings_whole(tmp_path: Path) -> None:
    async with citizens_call(tmp_path) as (gateway, _, call_id):
        await gateway.kill()
        left_behind = await jiesu("journal", "verify", "--config", gateway.config)

        async with GatewayProcess(gateway.config, password=gateway.password) as again:
            detail = await again.ended_ticket()
            recording = await recorded(again, call_id)
            listened = await again.octets(f"/api/tickets/{detail['ticket']['id']}/audio")
        afterwards = await jiesu("journal", "verify", "--config", gateway.config)

    (tmp_path / "listened.opus").write_bytes(listened)
    assert left_behind.status == 0, left_behind.words
    assert afterwards.status == 0, afterwards.words
    assert detail["ticket"]["state"] == "cut_off"
    assert detail["ticket"]["call_id"] == call_id
    assert "停水" in "".join(part["text"] for part in detail["transcript"])
    assert share_heard(load_track(recording), load(COMPLAINT)) > ENOUGH
    assert share_heard(load_track(tmp_path / "listened.opus"), load(COMPLAINT)) > ENOUGH


async def test_a_dead_recogniser_leaves_a_gap_and_nothing_else(tmp_path: Path) -> None:
    async with citizens_call(tmp_path) as (gateway, citizen, call_id):
        gateway.kill_child("asr.process")
        await goes_on(gateway, citizen, call_id, tmp_path)
        await citizen.hang_up()
        detail = await gateway.ended_ticket()
        recording = await recorded(gateway, call_id)

    assert [part["type"] for part in detail["transcript"]].count("gap") == 1
    assert detail["ticket"]["ending"] == "citizen hung up"
    assert share_heard(load_track(recording), load(COMPLAINT)) > ENOUGH
    assert share_heard(load_track(recording), load(PLACE)) > ENOUGH


async def test_a_dead_media_process_is_replaced_and_both_ways_are_heard_again(tmp_path: Path) -> None:
    async with citizens_call(tmp_path) as (gateway, citizen, call_id):
        dead = gateway.kill_child("channels.media.process")
        await until("another media process", lambda: _replaced(gateway, dead))
        await goes_on(gateway, citizen, call_id, tmp_path)
        await citizen.hang_up()
        detail = await gateway.ended_ticket()
        await citizen.event("CALL_CLOSED")
        ringing = citizen.heard[-5 * RATE :].astype(np.float64)
        verdict = await jiesu("journal", "verify", "--config", gateway.config)

    assert detail["ticket"]["ending"] == "citizen hung up"
    assert verdict.status == 0, verdict.words
    assert np.sqrt(np.mean(ringing**2)) > 50.0


async def _replaced(gateway: GatewayProcess, dead: int) -> bool:
    pid = gateway.child("channels.media.process")
    return pid is not None and pid != dead


@contextmanager
def locked(database: Path) -> Iterator[None]:
    """Let another process hold the database's lock."""
    with closing(sqlite3.connect(database, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        yield
        other.execute("ROLLBACK")


@contextmanager
def moved_away(database: Path) -> Iterator[None]:
    """Take the database away and bring it back."""
    away = database.with_suffix(".away")
    os.rename(database, away)
    yield
    os.rename(away, database)


@pytest.mark.parametrize("lost", [locked, moved_away])
async def test_a_call_outlives_the_loss_of_the_database_and_is_written_when_it_is_back(
    tmp_path: Path, lost: Callable[[Path], AbstractContextManager[None]]
) -> None:
    async with citizens_call(tmp_path) as (gateway, citizen, call_id):
        with lost(gateway.database):
            await citizen.say(repeated(tmp_path / "place.wav", PLACE))
            await until("the words on the page", lambda: _said(gateway, "五号"))
            await until("health that says so", lambda: _store_is(gateway, ok=False))
            assert (await gateway.calls())[0]["call"]["id"] == call_id
        await gateway.words(call_id, "五号")
        await until("health that is good", lambda: _store_is(gateway, ok=True))
        await citizen.hang_up()
        detail = await gateway.ended_ticket()
        verdict = await jiesu("journal", "verify", "--config", gateway.config)

    assert "五号" in "".join(part["text"] for part in detail["transcript"])
    assert detail["ticket"]["ending"] == "citizen hung up"
    assert verdict.status == 0, verdict.words


async def _said(gateway: GatewayProcess, text: str) -> bool:
    calls = await gateway.calls()
    return bool(calls) and text in "".join(part["text"] for part in calls[0]["said"] if part["type"] == "utterance")


async def _store_is(gateway: GatewayProcess, *, ok: bool) -> bool:
    return ((await gateway.health())["store"] == "ok") is ok


async def test_a_beaten_web_port_does_not_touch_the_call(tmp_path: Path) -> None:
    async with citizens_call(tmp_path) as (gateway, citizen, call_id):
        port = int(gateway.url.rpartition(":")[2])
        async with asyncio.TaskGroup() as crowd:
            beating = [crowd.create_task(_beat(port, seed)) for seed in range(20)]
            await goes_on(gateway, citizen, call_id, tmp_path)
            for each in beating:
                each.cancel()
        await citizen.hang_up()
        detail = await gateway.ended_ticket()
        recording = await recorded(gateway, call_id)

    assert detail["ticket"]["ending"] == "citizen hung up"
    assert share_heard(load_track(recording), load(COMPLAINT)) > ENOUGH
    assert share_heard(load_track(recording), load(PLACE)) > ENOUGH


async def _beat(port: int, seed: int) -> None:
    """Connect ten times a second and send what no browser sends; more would starve baresip where cores are few."""
    chance = random.Random(seed)
    while True:
        with suppress(OSError):
            _, writer = await asyncio.open_connection("127.0.0.1", port)
            try:
                writer.write(chance.choice(_RUBBISH)(chance))
                await writer.drain()
            finally:
                writer.close()
        await asyncio.sleep(0.1)


_RUBBISH = (
    lambda chance: chance.randbytes(4096),
    lambda chance: b"GET /" + b"a" * 20000 + b" HTTP/1.1\r\n\r\n",
    lambda chance: (
        b"POST /api/session HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
        b"Content-Length: 100\r\n\r\n" + b"{" * 100
    ),
    lambda chance: (
        b"GET /api/live HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: x\r\n\r\n" + chance.randbytes(200)
    ),
    lambda chance: b"POST /api/tickets HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\n",
)
