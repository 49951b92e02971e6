"""Telephone events both ways, and tones for a peer that has none."""

from __future__ import annotations

import struct
from itertools import pairwise

from channels.media.client import MediaEngine
from channels.media.leg import Digit
from tests.peers.media_call import call_in
from tests.peers.rtp import RtpPhone, level


async def test_a_key_is_reported_once_and_never_heard(engine: MediaEngine) -> None:
    async with RtpPhone() as anna, RtpPhone() as bert:
        leg = await call_in(engine, anna, "a", "talk")
        await call_in(engine, bert, "b", "talk")
        events = leg.events()
        anna.speaking = False
        for press, key in enumerate((1, 11, 200, 1)):
            for duration in (160, 320, 480):
                event = struct.pack("!BBH", key, 10, duration)
                anna.send(event, payload_type=101, timestamp=1000 + 3000 * press, marker=duration == 160)
        keys = [await anext(events) for _ in range(3)]
        heard = await bert.hear(0.3)

    assert [key.digit for key in keys if isinstance(key, Digit)] == ["1", "#", "1"]
    assert not heard.any()


async def test_keys_are_sent_as_events_with_three_end_packets(engine: MediaEngine) -> None:
    async with RtpPhone() as anna:
        leg = await call_in(engine, anna, "a")
        await anna.hear(0.1)
        leg.send_digits("1#")
        last = struct.pack("!BBH", 11, 0x80 | 10, 800)
        for _ in range(3):
            await anna.until(lambda packet: packet.payload == last)
        await anna.until(lambda packet: packet.payload_type == 0)

    events = [packet for packet in anna.heard if packet.payload_type == 101]
    assert [packet.payload[0] for packet in events] == [1] * 7 + [11] * 7
    assert [packet.marker for packet in events] == ([True] + [False] * 6) * 2
    assert len({packet.timestamp for packet in events}) == 2
    durations = [struct.unpack("!H", packet.payload[2:])[0] for packet in events[:7]]
    assert durations == [160, 320, 480, 640, 800, 800, 800]
    numbers = [packet.sequence for packet in anna.heard]
    assert {(b - a) & 0xFFFF for a, b in pairwise(numbers)} == {1}


async def test_a_peer_without_events_hears_the_tones(engine: MediaEngine) -> None:
    async with RtpPhone() as anna:
        leg = await call_in(engine, anna, "a", telephone_event=None)
        await anna.hear(0.1)
        leg.send_digits("5")
        loud = await anna.until(lambda packet: packet.payload != b"\xff" * 160)
        await anna.hear(0.1)
        start = anna.heard.index(loud)
        heard = anna.decode(anna.heard[start : start + 5])

    assert level(heard, 770) > 8000
    assert level(heard, 1336) > 8000
