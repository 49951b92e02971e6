"""Who is heard, and which call is one too many."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from channels.sip.admission import MOST_SOURCES, Admission, Load, LoadLimits, Refusal, StrangerLimits, Strangers

LIMITS = StrangerLimits(rate=1.0, burst=3, silence=60.0)


def test_a_stranger_is_heard_a_few_times_and_then_not_until_he_has_been_quiet() -> None:
    strangers = Strangers(LIMITS)

    assert [strangers.hears("192.0.2.1", 0.0) for _ in range(5)] == [True, True, True, False, False]
    assert not strangers.hears("192.0.2.1", 59.0)
    assert not strangers.hears("192.0.2.1", 118.0)  # what comes in the silence prolongs it
    assert strangers.hears("192.0.2.1", 179.0)


def test_a_slow_stranger_is_always_heard() -> None:
    strangers = Strangers(LIMITS)

    assert all(strangers.hears("192.0.2.1", float(second)) for second in range(500))


def test_one_flood_silences_nobody_else_and_one_ipv6_network_is_one_stranger() -> None:
    strangers = Strangers(LIMITS)
    for number in range(10):
        strangers.hears("192.0.2.1", 0.0)
        strangers.hears(f"2001:db8::{number}", 0.0)

    assert strangers.hears("192.0.2.2", 0.0)
    assert not strangers.hears("2001:db8::ffff", 0.0)
    assert strangers.hears("2001:db8:0:1::1", 0.0)


def test_who_proves_to_be_ours_is_forgiven() -> None:
    strangers = Strangers(LIMITS)
    for _ in range(10):
        strangers.hears("192.0.2.1", 0.0)
    strangers.forgive("192.0.2.1")

    assert strangers.hears("192.0.2.1", 0.0)


def test_who_guesses_passwords_is_silenced_after_a_few() -> None:
    strangers = Strangers(StrangerLimits(rate=0.1, burst=35))
    guesses = 0
    while strangers.hears("192.0.2.1", 0.0):
        guesses += 1
        strangers.punish("192.0.2.1", 0.0)

    assert guesses == 4


def test_a_million_sources_cost_bounded_memory() -> None:
    strangers = Strangers(StrangerLimits(burst=1))
    for number in range(2 * MOST_SOURCES):
        host = f"10.{number >> 16}.{number >> 8 & 255}.{number & 255}"
        strangers.hears(host, 0.0)
        strangers.hears(host, 0.0)

    assert len(strangers._buckets) <= MOST_SOURCES
    assert len(strangers._silent_until) <= MOST_SOURCES


def is_in(outcome: Admission | Refusal) -> bool:
    return isinstance(outcome, Admission) and not outcome.is_excess


def test_calls_at_once_are_limited_in_all_by_trunk_and_by_caller() -> None:
    load = Load(LoadLimits(calls=3, calls_of_one_caller=1, calls_of_trunk={"small": 1}, retry_after=7))

    assert is_in(load.enter("big", "13800138000", 0.0))
    of_caller = load.enter("big", "13800138000", 0.0)
    assert is_in(load.enter("small", "13800138001", 0.0))
    of_trunk = load.enter("small", "13800138002", 0.0)
    assert is_in(load.enter("big", "", 0.0))
    in_all = load.enter("big", "", 0.0)

    assert of_caller == Refusal(status=486, reason="Too many calls of this caller")
    assert of_trunk == Refusal(status=503, reason="Trunk full", retry_after=7)
    assert in_all == Refusal(status=503, reason="Overload", retry_after=7)


def test_callers_without_a_number_are_not_one_caller() -> None:
    load = Load(LoadLimits(calls_of_one_caller=1))

    assert all(is_in(load.enter("t", "", 0.0)) for _ in range(5))


def test_new_calls_come_at_the_configured_pace() -> None:
    load = Load(LoadLimits(calls_a_second=2.0))
    results = [load.enter("t", "", 100.0) for _ in range(3)]
    later = [load.enter("t", "", 100.5), load.enter("t", "", 100.5)]

    assert [is_in(result) for result in results] == [True, True, False]
    assert [is_in(result) for result in later] == [True, False]


def test_some_calls_beyond_room_or_pace_are_let_in_to_be_told_so() -> None:
    load = Load(LoadLimits(calls=3, calls_a_second=2.0, excess=2))
    of_one_second = [load.enter("t", "", 100.0) for _ in range(5)]
    first, _, told, *_ = of_one_second
    assert [is_in(outcome) for outcome in of_one_second] == [True, True, False, False, False]
    assert [isinstance(outcome, Admission) for outcome in of_one_second] == [True, True, True, True, False]

    assert is_in(load.enter("t", "", 101.0)), "who is only told that there is no room takes none"
    assert load.enter("t", "", 101.0) == Refusal(status=503, reason="Overload", retry_after=10)
    assert isinstance(told, Admission)
    load.leave(told)
    assert load.enter("t", "", 102.0) == Admission(trunk="t", caller="", is_excess=True)
    assert isinstance(first, Admission)
    load.leave(first)
    assert is_in(load.enter("t", "", 103.0))


@given(st.lists(st.tuples(st.sampled_from("ab"), st.sampled_from(["", "1", "2"])), max_size=30), st.integers(0, 3))
def test_after_all_have_left_nothing_is_counted(calls: list[tuple[str, str]], excess: int) -> None:
    load = Load(LoadLimits(calls=10, excess=excess, calls_of_one_caller=3, calls_of_trunk={"a": 5}))
    outcomes = [load.enter(*call, 0.0) for call in calls]
    inside = [outcome for outcome in outcomes if isinstance(outcome, Admission)]

    assert load.calls == len(inside) <= 10 + excess
    for call in inside:
        load.leave(call)
    assert load.calls == 0
    assert is_in(load.enter("a", "1", 0.0))
