"""The media process may die: calls go on. Legs, ports and rows come and go."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from channels.media import wav
from channels.media.client import MediaEngine, MediaSettings
from channels.media.leg import PlayEnd
from gateway.domain.errors import OurMistake, Unavailable
from tests.peers.media_call import call_in
from tests.peers.rtp import RtpPhone, level, tone


async def test_calls_go_on_when_the_media_process_is_killed(engine: MediaEngine, tmp_path: Path) -> None:
    music = tmp_path / "music.wav"
    music.write_bytes(wav.header(8000) + tone(2500, 1.0).tobytes())
    zero = time.monotonic()
    async with RtpPhone() as anna, RtpPhone("PCMA") as bert, RtpPhone() as cora:
        legs = [await call_in(engine, phone, name, "talk") for phone, name in ((anna, "a"), (bert, "b"))]
        waiting = await call_in(engine, cora, "c")
        waiting.play(music, loop=True)
        legs[0].record(tmp_path / "a.wav", zero)
        tap = legs[1].tap(zero)
        anna.hum(500)
        bert.hum(900)
        await anna.hear(1.2)
        ports = [leg.port for leg in (*legs, waiting)]
        first = engine.pid
        assert first is not None
        assert engine.is_serving
        os.kill(first, signal.SIGKILL)
        killed = time.monotonic() - zero
        async with asyncio.timeout(10):
            await engine.restarted.wait()
        await anna.hear(0.5)
        heard = [await phone.hear(0.4) for phone in (anna, bert, cora)]
        async with asyncio.timeout(10):
            after = next(frame for frame in [await anext(tap) for _ in range(40)] if frame.at > killed + 0.8)
        restarted = engine.statistics().restarts
        for leg in legs:
            await leg.close()

    assert engine.pid != first
    assert engine.is_serving
    assert restarted == 1
    assert [leg.port for leg in (*legs, waiting)] == ports
    assert level(heard[0], 900) > 5500
    assert level(heard[1], 500) > 5500
    assert level(heard[2], 2500) > 5500
    assert level(np.frombuffer(after.pcm, "<i2"), 900) > 5000
    recording = wav.parse((tmp_path / "a.wav").read_bytes())
    before = recording[round((killed - 0.8) * 8000) : round((killed - 0.6) * 8000)]
    assert level(before, 500) > 5500
    assert level(recording[-1600:], 500) > 5500


async def test_a_short_stall_is_caught_up_and_a_long_one_skipped(engine: MediaEngine, tmp_path: Path) -> None:
    zero = time.monotonic()
    async with RtpPhone() as anna, RtpPhone() as bert:
        legs = [await call_in(engine, phone, name, "talk") for phone, name in ((anna, "a"), (bert, "b"))]
        legs[0].record(tmp_path / "a.wav", zero)
        anna.hum(500)
        await bert.hear(0.3)
        pid = engine.pid
        assert pid is not None
        for stall in (0.06, 0.5):
            os.kill(pid, signal.SIGSTOP)
            await anna.talk(stall)
            os.kill(pid, signal.SIGCONT)
            await bert.hear(0.5)
        heard = await bert.hear(0.3)
        ended = time.monotonic() - zero
        await legs[0].close()

    assert level(heard, 500) > 5500
    numbers = [packet.sequence for packet in bert.heard]
    assert {(b - a) & 0xFFFF for a, b in pairwise(numbers)} == {1}
    steps = [(b.timestamp - a.timestamp) & 0xFFFFFFFF for a, b in pairwise(bert.heard)]
    assert max(steps) > 0.3 * 8000
    assert abs(len(wav.parse((tmp_path / "a.wav").read_bytes())) / 8000 - ended) < 0.3


async def test_legs_opened_and_prompts_started_while_the_process_is_away_are_not_lost(
    engine: MediaEngine, tmp_path: Path
) -> None:
    prompt = tmp_path / "prompt.wav"
    prompt.write_bytes(wav.header(800) + bytes(1600))
    async with RtpPhone() as anna:
        leg = await call_in(engine, anna, "a")
        assert engine.pid is not None
        os.kill(engine.pid, signal.SIGKILL)
        ended = leg.play(prompt)
        other = await engine.open_leg("b")
        async with asyncio.timeout(10):
            how = await ended

    assert other.port > 0
    assert how is PlayEnd.FINISHED


async def test_leaving_the_engine_ends_the_process_and_every_leg() -> None:
    async with MediaEngine(MediaSettings(capacity=4)) as engine, RtpPhone() as anna:
        leg = await call_in(engine, anna, "a")
        events, playing = leg.events(), leg.play("/nowhere.wav", loop=True)
        pid = engine.pid
        assert pid is not None

    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
    assert [event async for event in events] == []
    assert playing.done()
    assert (await leg.close()).received == 0


async def test_a_node_that_is_full_says_so_and_has_room_again() -> None:
    async with MediaEngine(MediaSettings(capacity=2)) as engine:
        first, _ = await engine.open_leg("a"), await engine.open_leg("b")
        with pytest.raises(Unavailable):
            await engine.open_leg("c")
        with pytest.raises(OurMistake):
            await engine.open_leg("b")
        await first.close()

        assert (await engine.open_leg("c")).port > 0


async def test_a_port_rests_before_another_call_gets_it() -> None:
    low = 40000 + os.getpid() % 9000 * 2
    async with MediaEngine(MediaSettings(capacity=8, ports=(low, low + 5), port_rest=60)) as engine:
        first = await engine.open_leg("a")
        await first.close()
        second, third = await engine.open_leg("b"), await engine.open_leg("c")

        assert first.port not in (second.port, third.port)
        assert all(port % 2 == 0 for port in (first.port, second.port, third.port))
        with pytest.raises(Unavailable):
            await engine.open_leg("d")


async def test_the_figures_of_the_engine_count_what_was_done(engine: MediaEngine) -> None:
    async with RtpPhone() as anna:
        leg = await call_in(engine, anna, "a")
        await anna.hear(2.1)
        statistics = engine.statistics()
        of_leg = await leg.close()

    assert statistics.legs == 1
    assert 40 < statistics.packets_in <= of_leg.received
    assert 40 < statistics.packets_out <= of_leg.sent
    assert statistics.cpu_seconds > 0


async def test_a_recording_is_whole_when_the_engine_is_left_with_the_leg_still_open(tmp_path: Path) -> None:
    async with MediaEngine(MediaSettings(capacity=4)) as engine, RtpPhone() as anna:
        leg = await call_in(engine, anna, "a")
        anna.hum(500)
        leg.record(tmp_path / "a.wav", time.monotonic())
        await anna.hear(0.3)

    assert len(wav.parse((tmp_path / "a.wav").read_bytes())) > 1600


async def test_a_recording_stopped_early_keeps_what_was_said_until_then(engine: MediaEngine, tmp_path: Path) -> None:
    async with RtpPhone() as anna:
        leg = await call_in(engine, anna, "a")
        leg.record(tmp_path / "a.wav", time.monotonic())
        await anna.hear(0.2)
        leg.stop_recording()
        await anna.hear(0.5)
        await leg.close()

    assert 800 < len(wav.parse((tmp_path / "a.wav").read_bytes())) < 4000


async def test_a_leg_closed_just_as_the_process_dies_is_closed(engine: MediaEngine) -> None:
    leg = await engine.open_leg("a")
    assert engine.pid is not None
    os.kill(engine.pid, signal.SIGKILL)
    async with asyncio.timeout(10):
        statistics = await leg.close()

    assert statistics.received == 0
