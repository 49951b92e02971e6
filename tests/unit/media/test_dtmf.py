"""One press is one key, whatever the network loses of it; unknown events are nothing."""

from __future__ import annotations

import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from channels.media import dtmf
from channels.media.dtmf import KEYS, DigitReceiver, DigitSender


def event(code: int, duration: int, *, end: bool = False) -> bytes:
    return struct.pack("!BBH", code, 10 | (0x80 if end else 0), duration)


PRESS = [event(5, 160 * n) for n in range(1, 6)] + [event(5, 800, end=True)] * 3


@given(st.sets(st.integers(0, 7), min_size=1))
def test_whichever_packets_of_a_press_arrive_it_is_one_key(arriving: set[int]) -> None:
    keys = DigitReceiver()
    heard = [keys.receive(PRESS[number], 1000) for number in sorted(arriving)]

    assert [key for key in heard if key] == ["5"]


@given(st.permutations(range(8)))
def test_the_order_of_arrival_does_not_matter(order: list[int]) -> None:
    keys = DigitReceiver()

    assert [key for key in (keys.receive(PRESS[number], 1000) for number in order) if key] == ["5"]


def test_the_same_key_pressed_twice_is_two_though_every_end_was_lost() -> None:
    keys = DigitReceiver()
    heard = [keys.receive(event(1, duration), at) for at in (1000, 3000) for duration in (160, 320)]

    assert heard == ["1", None, "1", None]


def test_the_end_of_one_press_that_comes_after_the_next_began_is_no_new_key() -> None:
    keys = DigitReceiver()

    assert keys.receive(event(1, 160), 1000) == "1"
    assert keys.receive(event(2, 160), 3000) == "2"
    assert keys.receive(event(1, 800, end=True), 1000) is None
    assert keys.receive(event(2, 320), 3000) is None


def test_a_press_longer_than_a_segment_is_one_key() -> None:
    keys = DigitReceiver()
    second = 1000 + 0xFFFF

    assert keys.receive(event(1, 160), 1000) == "1"
    assert keys.receive(event(1, 0xFFFF), 1000) is None
    assert keys.receive(event(1, 160), second) is None
    assert keys.receive(event(1, 320, end=True), second) is None


@pytest.mark.parametrize("code", [16, 32, 200, 255])
def test_an_unknown_event_is_ignored(code: int) -> None:
    assert DigitReceiver().receive(event(code, 160), 1000) is None


@given(st.lists(st.tuples(st.binary(max_size=8), st.integers(0, 0xFFFFFFFF))))
def test_any_payload_is_a_key_or_nothing(payloads: list[tuple[bytes, int]]) -> None:
    keys = DigitReceiver()

    for payload, timestamp in payloads:
        assert keys.receive(payload, timestamp) in (None, *KEYS)


def test_what_is_sent_is_understood() -> None:
    sender, keys, heard = DigitSender(), DigitReceiver(), []
    sender.press(KEYS)
    timestamp = 0xFFFFFF00
    while sender:
        packet = sender.packet(timestamp)
        if packet is not None:
            heard.append(keys.receive(packet.payload, packet.timestamp))
        timestamp = (timestamp + 160) & 0xFFFFFFFF

    assert "".join(key for key in heard if key) == KEYS


def test_a_key_that_no_telephone_has_is_refused_and_nothing_is_sent() -> None:
    sender = DigitSender()
    with pytest.raises(ValueError, match="'x'"):
        sender.press("1x")

    assert not sender


def test_tones_join_without_a_step() -> None:
    sender = DigitSender()
    sender.press("9")
    frames = [frame for frame in (sender.tone() for _ in range(10)) if frame is not None]

    assert (np.concatenate(frames) == dtmf.tone("9", 0, 800)).all()
