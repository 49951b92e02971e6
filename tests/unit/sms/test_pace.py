"""A link's pace."""

from __future__ import annotations

from channels.sms.pace import LONGEST_REST, Pace


def test_turns_come_at_the_rate() -> None:
    pace = Pace(4.0)

    assert [pace.take(10.0) for _ in range(4)] == [0.0, 0.25, 0.5, 0.75]
    assert pace.wait(10.0) == 1.0
    assert pace.take(100.0) == 0.0


def test_without_a_rate_nobody_waits() -> None:
    pace = Pace(0.0)

    assert [pace.take(1.0) for _ in range(3)] == [0.0, 0.0, 0.0]


def test_a_centre_that_asks_for_it_gets_longer_and_longer_rests() -> None:
    pace = Pace(0.0)

    assert [pace.slow_down(0.0) for _ in range(8)] == [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, LONGEST_REST, LONGEST_REST]
    assert pace.wait(0.0) == LONGEST_REST
    pace.go_on()
    assert pace.slow_down(100.0) == 1.0
