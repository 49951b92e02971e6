"""Messages survive the connection, however it cuts them."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from channels.media import wire
from channels.media.secure import SrtpKeys
from gateway.framing import FrameReader, frame

KEYS = SrtpKeys("AES_CM_128_HMAC_SHA1_80", bytes(range(30)), bytes(30))
MESSAGES: list[wire.Command] = [
    wire.Connect("a", "127.0.0.1", 4000, 1, 8, 101, sends=True, receives=False),
    wire.Connect(*("a", "127.0.0.1", 4000, 1, 8, None, True, True, True, True, ("127.0.0.1", 4001), KEYS)),
    wire.Bridge("a", None),
    wire.Record("a", "/x.wav", 1.5),
    wire.Close("a"),
]


@given(st.lists(st.integers(1, 40), min_size=1))
def test_messages_survive_any_cutting(sizes: list[int]) -> None:
    stream = b"".join(frame(wire.encode(message)) for message in MESSAGES)
    frames, read, place = FrameReader(), [], 0
    for size in [*sizes, len(stream)]:
        read += [wire.read_command(body) for body in frames.feed(stream[place : place + size])]
        place += size

    assert read == MESSAGES


@given(st.binary(max_size=60))
def test_noise_is_refused(octets: bytes) -> None:
    with pytest.raises((msgspec.DecodeError, msgspec.ValidationError)):
        wire.read_command(octets + b"\xc1")
