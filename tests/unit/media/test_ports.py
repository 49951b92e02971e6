"""Ports are even, given in turn, and rest."""

from __future__ import annotations

from channels.media.ports import PortPool


def test_only_even_ports_are_offered() -> None:
    assert PortPool(10001, 10007, rest=1).candidates(0.0) == [10002, 10004, 10006]


def test_a_port_that_came_back_rests_and_then_comes_last() -> None:
    pool = PortPool(10000, 10004, rest=5)
    pool.take(10000)
    pool.give_back(10000, 10.0)

    assert pool.candidates(14.9) == [10002, 10004]
    assert pool.candidates(15.0) == [10002, 10004, 10000]


def test_a_resting_port_that_is_wanted_by_name_can_be_had() -> None:
    pool = PortPool(10000, 10002, rest=5)
    pool.take(10000)
    pool.give_back(10000, 10.0)
    pool.take(10000)

    assert pool.candidates(100.0) == [10002]


def test_any_port_will_do_when_the_range_is_left_open() -> None:
    pool = PortPool(0, 0, rest=5)
    pool.take(33333)
    pool.give_back(33333, 1.0)

    assert set(pool.candidates(100.0)) == {0}
