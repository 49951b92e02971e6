"""Who is heard, and which call is one too many."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from channels.sip.admission import MOST_SOURCES, Load, LoadLimits, StrangerLimits, Strangers

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


def test_calls_at_once_are_limited_in_all_by_trunk_and_by_caller() -> None:
    load = Load(LoadLimits(calls=3, calls_of_one_caller=1, calls_of_trunk={"small": 1}, retry_after=7))

    assert load.enter("big", "13800138000", 0.0) is None
    of_caller = load.enter("big", "13800138000", 0.0)
    assert load.enter("small", "13800138001", 0.0) is None
    of_trunk = load.enter("small", "13800138002", 0.0)
    assert load.enter("big", "", 0.0) is None
    in_all = load.enter("big", "", 0.0)

    assert of_caller is not None
    assert of_trunk is not None
    assert in_all is not None
    assert (of_caller.status, of_caller.retry_after) == (486, None)
    assert (of_trunk.status, of_trunk.reason, of_trunk.retry_after) == (503, "Trunk full", 7)
    assert (in_all.status, in_all.reason, in_all.retry_after) == (503, "Overload", 7)


def test_callers_without_a_number_are_not_one_caller() -> None:
    load = Load(LoadLimits(calls_of_one_caller=1))

    assert [load.enter("t", "", 0.0) for _ in range(5)] == [None] * 5


def test_new_calls_come_at_the_configured_pace() -> None:
    load = Load(LoadLimits(calls_a_second=2.0))
    results = [load.enter("t", "", 100.0) for _ in range(3)]
    later = [load.enter("t", "", 100.5), load.enter("t", "", 100.5)]

    assert [result is None for result in results] == [True, True, False]
    assert [result is None for result in later] == [True, False]


@given(st.lists(st.tuples(st.sampled_from("ab"), st.sampled_from(["", "1", "2"])), max_size=30))
def test_after_all_have_left_nothing_is_counted(calls: list[tuple[str, str]]) -> None:
    load = Load(LoadLimits(calls=10, calls_of_one_caller=3, calls_of_trunk={"a": 5}))
    inside = [call for call in calls if load.enter(*call, 0.0) is None]

    assert load.calls == len(inside) <= 10
    for call in inside:
        load.leave(*call)
    assert load.calls == 0
    assert load.enter("a", "1", 0.0) is None
