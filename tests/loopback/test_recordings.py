"""The recording of a real call on a real gateway: two tracks, whole after a crash, packed, played, deleted in time."""

from __future__ import annotations

import asyncio
import hashlib
import io
import os
import signal
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import numpy as np
import soundfile

from channels.media import wav
from channels.sip.connections import Target
from channels.sip.offer_answer import accept_answer, make_offer
from channels.sip.session import Session
from channels.sip.session_events import Answered
from channels.sip.user_agent import Trunk
from gateway.domain.call import CallId
from tests.fakes.sip import HOTLINE, Listener, callee, udp, user_agent
from tests.peers.gateway import GatewayProcess, configuration, until
from tests.peers.rtp import RATE, Pcm, RtpPhone, level

HUM = 500


@asynccontextmanager
async def humming_citizen(
    folder: Path, **changes: Any
) -> AsyncIterator[tuple[GatewayProcess, Session, RtpPhone, float]]:
    """Have a citizen on the line who hums; yields also the monotonic instant of the answer."""
    trunk = Trunk(name="gateway", target=Target("udp", "127.0.0.1", 9), sources=("127.0.0.1",))
    async with RtpPhone("PCMA") as phone, user_agent(trunks=[trunk]) as citizen:
        carrier = {"name": "carrier", "address": f"127.0.0.1:{udp(citizen).port}"}
        async with GatewayProcess(configuration(folder, trunk=[carrier], **changes)) as gateway:
            offer = make_offer(address=phone.host, port=phone.port, session_id=1)
            target = Target("udp", "127.0.0.1", gateway.udp_port)
            session = await citizen.invite(callee(target, "12345"), offer=offer, from_=HOTLINE)
            answered = await Listener(session).next(Answered)
            began = time.monotonic()
            assert answered.description is not None
            agreed = accept_answer(offer, answered.description)
            phone.hum(HUM)
            phone.remote = (agreed.address, agreed.port)
            yield gateway, session, phone, began


def recording_in(gateway: GatewayProcess, suffix: str) -> Path | None:
    return next((gateway.folder / "recordings").rglob(f"*{suffix}"), None)


async def packed(gateway: GatewayProcess) -> Path:
    async def there() -> Path | None:
        return None if recording_in(gateway, ".wav") else recording_in(gateway, ".opus")

    return await until("a packed recording and no WAV", there)


def tracks(path: Path) -> Pcm:
    """Return what a WAV holds, whatever its header says, int16 [samples, 2]."""
    content = path.read_bytes()[wav.HEADER_SIZE :]
    return np.frombuffer(content[: len(content) & ~3], "<i2").reshape(-1, 2).astype(np.int16)


async def test_a_call_leaves_one_packed_recording_whose_hashes_are_in_the_journal(tmp_path: Path) -> None:
    async with humming_citizen(tmp_path) as (gateway, session, phone, _):
        call_id = (await gateway.call())["call"]["id"]
        await phone.talk(2.0)
        await session.hang_up()
        file = await packed(gateway)
        closed = await gateway.fact(call_id, "recording.closed")
        kept = await gateway.fact(call_id, "recording.packed")
        measured = await gateway.fact(call_id, "leg.measured")
        detail = await gateway.ended_ticket()
        played = await gateway.octets(f"/api/tickets/{detail['ticket']['id']}/audio")

    samples, rate = soundfile.read(io.BytesIO(played), dtype="int16")
    assert played == file.read_bytes()
    assert kept.values["sha256"] == hashlib.sha256(played).hexdigest()
    assert closed.values["sha256"] != kept.values["sha256"]
    assert (rate, samples.shape[1]) == (RATE, 2)
    assert level(samples[-RATE:, 0], HUM) > 4000
    assert level(samples[-RATE:, 1], HUM) < 500
    assert [leg["recorded"] for leg in detail["legs"]] == [True]
    assert measured.values["codec"] == "PCMA"
    assert measured.values["received"] > 50  # type: ignore[operator]


async def test_less_than_a_second_is_lost_when_the_media_process_is_killed(tmp_path: Path) -> None:
    async with humming_citizen(tmp_path) as (gateway, session, phone, began):
        await phone.talk(2.0)
        dead = gateway.kill_child("channels.media.process")
        killed = time.monotonic() - began
        path = recording_in(gateway, ".wav")
        assert path is not None
        left = tracks(path)
        await until("another media process", lambda: _replaced(gateway, dead))
        await phone.talk(1.0)
        await session.hang_up()
        samples, _ = soundfile.read(await packed(gateway), dtype="int16")

    assert len(left) / RATE > killed - 1.0
    assert level(left[-RATE // 2 :, 0], HUM) > 4000
    assert len(samples) > len(left)


async def _replaced(gateway: GatewayProcess, dead: int) -> bool:
    pid = gateway.child("channels.media.process")
    return pid is not None and pid != dead


async def test_less_than_a_second_is_lost_when_the_whole_gateway_is_killed_and_the_rest_is_packed(
    tmp_path: Path,
) -> None:
    async with humming_citizen(tmp_path) as (gateway, _, phone, began):
        call_id = (await gateway.call())["call"]["id"]
        await phone.talk(2.0)
        media = gateway.child("channels.media.process")
        assert media is not None
        os.kill(media, signal.SIGKILL)
        os.kill(gateway.pid, signal.SIGKILL)
        killed = time.monotonic() - began
        await gateway.kill()
        path = recording_in(gateway, ".wav")
        assert path is not None
        left = tracks(path)
        async with GatewayProcess(gateway.config, password=gateway.password) as again:
            file = await packed(again)
            closed = await again.fact(call_id, "recording.closed")
            kept = await again.fact(call_id, "recording.packed")
            detail = await again.ended_ticket()

    samples, _ = soundfile.read(file, dtype="int16")
    assert len(left) / RATE > killed - 1.0
    assert len(samples) == len(left)
    assert level(samples[-RATE // 2 :, 0], HUM) > 4000
    assert closed.ticket_id == kept.ticket_id == detail["ticket"]["id"]
    assert detail["ticket"]["state"] == "cut_off"
    assert kept.call_id == CallId(call_id)


async def test_what_has_been_kept_long_enough_is_deleted_at_the_next_round(tmp_path: Path) -> None:
    async with humming_citizen(tmp_path, media={"ports": [0, 0], "keep_recordings": "1d"}) as (
        gateway,
        session,
        phone,
        _,
    ):
        call_id = (await gateway.call())["call"]["id"]
        await phone.talk(0.5)
        await session.hang_up()
        file = await packed(gateway)
        await gateway.stop()
        await asyncio.to_thread(os.utime, file, (0, 0))
        async with GatewayProcess(gateway.config, password=gateway.password) as again:
            deleted = await again.fact(call_id, "recording.deleted")
            await until("no recording", lambda: _gone(file))
            detail = await again.ended_ticket()

    assert deleted.values["sha256"] == detail["legs"][0]["sha256"]
    assert not detail["legs"][0]["recorded"]


async def _gone(file: Path) -> bool:
    return not await asyncio.to_thread(file.exists)
