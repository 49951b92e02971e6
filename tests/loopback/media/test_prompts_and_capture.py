"""Prompts out; recordings and taps of what was said, in their places on the call's time."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from itertools import pairwise
from pathlib import Path

import numpy as np

from channels.media import wav
from channels.media.client import MediaEngine
from channels.media.leg import PlayEnd, TapFrame, Troubled
from tests.peers.media_call import call_in
from tests.peers.rtp import Pcm, RtpPhone, level, tone


def write(path: Path, samples: Pcm) -> Path:
    path.write_bytes(wav.header(len(samples)) + samples.astype("<i2").tobytes())
    return path


async def test_a_prompt_is_heard_whole_by_its_leg_alone_and_says_when_it_is_over(
    engine: MediaEngine, tmp_path: Path
) -> None:
    prompt = write(tmp_path / "greeting.wav", tone(700, 0.5))
    async with RtpPhone() as anna, RtpPhone() as bert:
        leg = await call_in(engine, anna, "a", "talk")
        await call_in(engine, bert, "b", "talk")
        bert.hum(1300)
        await anna.hear(0.2)
        start = len(bert.heard)
        how = await leg.play(prompt)
        await anna.hear(0.1)
        said = [packet for packet in anna.heard if level(anna.decode([packet]), 700) > 5000]
        heard_by_bert = bert.decode(bert.heard[start:])

    assert how is PlayEnd.FINISHED
    assert len(said) == 25
    assert level(anna.decode(said), 1300) < 200
    assert not heard_by_bert.any()


async def test_a_prompt_over_the_bridge_leaves_the_bridge_to_be_heard(engine: MediaEngine, tmp_path: Path) -> None:
    prompt = write(tmp_path / "notice.wav", tone(700, 0.5))
    async with RtpPhone() as anna, RtpPhone() as bert:
        leg = await call_in(engine, anna, "a", "talk")
        await call_in(engine, bert, "b", "talk")
        bert.hum(1300)
        await anna.hear(0.3)
        leg.play(prompt, loop=True, over_bridge=True)
        await anna.hear(0.2)
        heard = await anna.hear(0.5)

    assert level(heard, 700) > 5500
    assert level(heard, 1300) > 5500


async def test_a_loop_goes_round_until_it_is_stopped(engine: MediaEngine, tmp_path: Path) -> None:
    music = write(tmp_path / "music.wav", tone(700, 0.11))
    async with RtpPhone() as anna:
        leg = await call_in(engine, anna, "a")
        ended = leg.play(music, loop=True)
        await anna.until(lambda packet: packet.payload != b"\xff" * 160)
        heard = await anna.hear(0.6)
        leg.stop_playing()
        how = await ended
        await anna.until(lambda packet: packet.payload == b"\xff" * 160)

    assert (abs(heard.reshape(-1, 160).astype(int)).max(axis=1) > 5000).all()
    assert how is PlayEnd.STOPPED


async def test_a_prompt_that_cannot_be_read_fails_and_the_leg_goes_on(engine: MediaEngine, tmp_path: Path) -> None:
    broken = tmp_path / "broken.wav"
    broken.write_bytes(b"RIFF nonsense")
    async with RtpPhone() as anna:
        leg = await call_in(engine, anna, "a")

        assert await leg.play(tmp_path / "absent.wav") is PlayEnd.FAILED
        assert await leg.play(broken) is PlayEnd.FAILED
        assert len(await anna.hear(0.1)) == 800


async def test_recordings_of_one_call_line_up(engine: MediaEngine, tmp_path: Path) -> None:
    zero = time.monotonic()
    async with RtpPhone() as anna, RtpPhone("PCMA") as bert:
        first = await call_in(engine, anna, "a", "talk")
        first.record(tmp_path / "a.wav", zero)
        await anna.hear(0.3)
        second = await call_in(engine, bert, "b", "talk")
        second.record(tmp_path / "b.wav", zero)
        await bert.hear(0.3)
        anna.say(tone(500, 0.4))
        bert.say(tone(900, 0.4))
        await bert.hear(0.8)
        ended = time.monotonic() - zero
        await first.close()
        await second.close()

    a, b = (wav.parse((tmp_path / name).read_bytes()) for name in ("a.wav", "b.wav"))
    starts = [int(np.argmax(abs(samples.astype(int)) > 3000)) for samples in (a, b)]
    assert abs(starts[0] - starts[1]) <= 800
    assert 0.6 < starts[0] / 8000 < ended - 0.4
    assert abs(len(a) / 8000 - ended) < 0.2
    assert level(a[starts[0] : starts[0] + 2400], 500) > 5500
    assert level(b[starts[1] : starts[1] + 2400], 900) > 5500


async def test_a_tap_gives_what_was_said_with_its_time(engine: MediaEngine) -> None:
    zero = time.monotonic()
    async with RtpPhone() as anna:
        leg = await call_in(engine, anna, "a")
        anna.hum(500)
        await anna.hear(0.2)
        frames: list[TapFrame] = []
        with leg.tap(zero) as tap:
            async for frame in tap:
                frames.append(frame)
                if len(frames) == 5:
                    break
        now = time.monotonic() - zero
        other = leg.tap(zero, period=0.02)
        short = await anext(other)
        await leg.close()
        rest = [frame async for frame in other]

    assert [len(frame.pcm) for frame in frames[1:]] == [1600] * 4
    places = [round(frame.at * 8000) for frame in frames]
    assert [b - a for a, b in pairwise(places)] == [len(frame.pcm) // 2 for frame in frames[:4]]
    assert 0.2 < frames[0].at < now
    assert level(np.frombuffer(b"".join(frame.pcm for frame in frames), "<i2"), 500) > 5500
    assert len(short.pcm) == 320
    assert all(len(frame.pcm) == 320 for frame in rest)


async def test_a_recording_that_cannot_be_written_leaves_the_call_alone(engine: MediaEngine, tmp_path: Path) -> None:
    async with RtpPhone() as anna:
        leg = await call_in(engine, anna, "a")
        events = leg.events()
        leg.record(tmp_path / "no such folder" / "a.wav", time.monotonic())
        async with asyncio.timeout(10):
            trouble = await anext(event async for event in events if isinstance(event, Troubled))
        await anna.hear(0.7)
        statistics = await leg.close()

    assert "no such folder" in trouble.reason
    assert statistics.received > 20


async def test_a_recording_of_two_tracks_has_the_leg_left_and_what_it_hears_right(
    engine: MediaEngine, tmp_path: Path
) -> None:
    zero = time.monotonic()
    async with RtpPhone() as citizen, RtpPhone("PCMA") as agent, RtpPhone() as desk:
        leg = await call_in(engine, citizen, "citizen", "talk")
        await call_in(engine, agent, "agent", "talk")
        await call_in(engine, desk, "desk", "talk")
        leg.record_both(tmp_path / "call.wav", zero)
        leg.record(tmp_path / "citizen.wav", zero)
        for phone, frequency in ((citizen, 500), (agent, 900), (desk, 1300)):
            phone.hum(frequency)
        await citizen.hear(1.0)
        ended = time.monotonic() - zero
        await leg.close()

    content = (tmp_path / "call.wav").read_bytes()
    tracks = np.frombuffer(content[wav.HEADER_SIZE :], "<i2").reshape(-1, 2)
    alone = wav.parse((tmp_path / "citizen.wav").read_bytes())
    assert content[: wav.HEADER_SIZE] == wav.header(len(tracks), tracks=2)
    assert abs(len(tracks) / 8000 - ended) < 0.2
    assert abs(len(alone) - len(tracks)) <= 160
    left, right = tracks[-4000:, 0], tracks[-4000:, 1]
    assert [level(left, frequency) > 5000 for frequency in (500, 900, 1300)] == [True, False, False]
    assert [level(right, frequency) > 5000 for frequency in (500, 900, 1300)] == [False, True, True]


async def test_less_than_a_second_of_a_recording_is_lost_to_a_kill(engine: MediaEngine, tmp_path: Path) -> None:
    zero = time.monotonic()
    async with RtpPhone() as citizen:
        leg = await call_in(engine, citizen, "citizen")
        leg.record_both(tmp_path / "call.wav", zero)
        await citizen.hear(1.6)
        assert engine.pid is not None
        os.kill(engine.pid, signal.SIGKILL)
        killed = time.monotonic() - zero
        tracks = np.frombuffer((tmp_path / "call.wav").read_bytes()[wav.HEADER_SIZE :], "<i2").reshape(-1, 2)
        await leg.close()

    assert len(tracks) / 8000 > killed - 1.0
