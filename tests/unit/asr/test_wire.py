from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from asr import wire
from gateway.domain.errors import PeerError
from gateway.framing import LONGEST, FrameReader, frame


@given(payloads=st.lists(st.binary(max_size=50)), cuts=st.lists(st.integers(1, 7), min_size=1))
def test_frames_come_out_as_they_went_in_wherever_the_stream_is_cut(payloads: list[bytes], cuts: list[int]) -> None:
    stream = b"".join(map(frame, payloads))
    reader, received, at, turn = FrameReader(), [], 0, 0

    while at < len(stream):
        received += reader.feed(stream[at : at + cuts[turn % len(cuts)]])
        at += cuts[turn % len(cuts)]
        turn += 1

    assert received == payloads


def test_a_frame_beyond_the_limit_is_refused_before_it_is_stored() -> None:
    with pytest.raises(PeerError, match=str(LONGEST + 1)):
        FrameReader().feed((LONGEST + 1).to_bytes(4, "big"))


def test_messages_survive_the_wire() -> None:
    asked: list[wire.ToProcess] = [wire.Listen(1), wire.Audio(1, 8000, b"\0\1"), wire.Finish(1), wire.Forget(1)]
    told: list[wire.FromProcess] = [
        wire.Ready(8000),
        wire.Heard(1, True, (wire.HeardWord("着火了", 1.0, 1.5),)),
        wire.Taken(1, 9, 8),
        wire.Closed(1),
    ]

    reader = FrameReader()
    for message in asked:
        assert [wire.to_process(payload) for payload in reader.feed(wire.encode(message))] == [message]
    for answer in told:
        assert [wire.from_process(payload) for payload in reader.feed(wire.encode(answer))] == [answer]
