"""One packet, which anybody can forge, captures nothing; a far end that has really moved is followed."""

from __future__ import annotations

from math import inf

from hypothesis import given
from hypothesis import strategies as st

from channels.media.latch import CONVINCING, PATIENCE, Latch

SIGNALLED = ("192.0.2.1", 4000)
OTHER = ("198.51.100.7", 5000)


def latch() -> Latch:
    latch = Latch()
    latch.signal(SIGNALLED)
    return latch


def test_nothing_is_admitted_before_an_address_was_signalled() -> None:
    assert not any(Latch().admits(OTHER, 1, number, inf) for number in range(20))


def test_a_stream_from_elsewhere_is_followed_once_it_convinces() -> None:
    followed = latch()

    assert [followed.admits(OTHER, 1, number, inf) for number in range(CONVINCING)] == [False] * (CONVINCING - 1) + [
        True
    ]
    assert followed.target == OTHER


def test_nobody_is_followed_while_the_far_end_is_heard() -> None:
    followed = latch()

    assert not any(followed.admits(OTHER, 1, number, PATIENCE / 2) for number in range(100))
    assert followed.target == SIGNALLED


def test_packets_of_many_streams_never_convince() -> None:
    followed = latch()

    assert not any(followed.admits(OTHER, number, number, inf) for number in range(100))
    assert not any(followed.admits((f"198.51.100.{number}", 9), 1, number, inf) for number in range(100))
    assert not any(followed.admits(OTHER, 1, number * 1000, inf) for number in range(60))


def test_the_signalled_address_is_believed_again_at_once() -> None:
    followed = latch()
    for number in range(CONVINCING):
        followed.admits(OTHER, 1, number, inf)

    assert followed.admits(SIGNALLED, 9, 9, 0.0)
    assert followed.target == SIGNALLED


def test_a_re_invite_with_the_same_address_keeps_what_was_learnt_and_a_new_one_does_not() -> None:
    followed = latch()
    for number in range(CONVINCING):
        followed.admits(OTHER, 1, number, inf)

    assert not followed.signal(SIGNALLED)
    assert followed.target == OTHER
    assert followed.signal(("192.0.2.2", 4000))
    assert followed.target == ("192.0.2.2", 4000)


@given(st.lists(st.tuples(st.integers(0, 2), st.integers(0, 3), st.integers(0, 0xFFFF)), max_size=CONVINCING - 1))
def test_fewer_packets_than_convince_never_move_the_leg(packets: list[tuple[int, int, int]]) -> None:
    followed = latch()
    for source, ssrc, sequence in packets:
        followed.admits((f"198.51.100.{source}", 1), ssrc, sequence, inf)

    assert followed.target == SIGNALLED
