"""Real sockets, a real media process: who hears whom."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import pytest

from channels.media.client import MediaEngine, MediaSettings
from channels.media.leg import MediaLeg
from tests.peers.rtp import RtpPhone, level

TONES = (500.0, 1100.0, 1900.0)


@pytest.fixture
async def engine() -> AsyncIterator[MediaEngine]:
    async with MediaEngine(MediaSettings(capacity=16)) as engine:
        yield engine


async def call_in(engine: MediaEngine, phone: RtpPhone, name: str, bridge: str | None = None) -> MediaLeg:
    leg = await engine.open_leg(name)
    leg.connect("127.0.0.1", phone.port, law="PCMA" if phone.law == "PCMA" else "PCMU", telephone_event=101)
    leg.bridge(bridge)
    phone.remote = (leg.address, leg.port)
    return leg


async def test_two_parties_hear_each_other_across_laws(engine: MediaEngine) -> None:
    async with RtpPhone("PCMU") as anna, RtpPhone("PCMA") as bert:
        await call_in(engine, anna, "a", "talk")
        await call_in(engine, bert, "b", "talk")
        anna.hum(TONES[0])
        bert.hum(TONES[1])
        await anna.hear(0.3)
        heard_by_anna, heard_by_bert = await anna.hear(0.5), await bert.hear(0.5)

    assert level(heard_by_anna, TONES[1]) > 5500
    assert level(heard_by_anna, TONES[0]) < 100
    assert level(heard_by_bert, TONES[0]) > 5500
    assert level(heard_by_bert, TONES[1]) < 100


async def test_three_parties_hear_the_two_others_and_not_themselves(engine: MediaEngine) -> None:
    async with AsyncExitStack() as stack:
        phones = [await stack.enter_async_context(RtpPhone(law)) for law in ("PCMU", "PCMA", "PCMU")]
        for number, (phone, frequency) in enumerate(zip(phones, TONES, strict=True)):
            await call_in(engine, phone, f"leg {number}", "desk")
            phone.hum(frequency)
        await phones[0].hear(0.3)

        for phone, own in zip(phones, TONES, strict=True):
            heard = await phone.hear(0.5)
            for frequency in TONES:
                assert (level(heard, frequency) > 5500) == (frequency != own)
