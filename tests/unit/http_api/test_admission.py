"""How often a stranger may ask."""

from __future__ import annotations

from gateway.http_api.admission import REMEMBERED, Admission


def test_an_address_may_ask_at_once_so_often_and_then_at_an_even_rate() -> None:
    door = Admission(rate=2.0, burst=3)

    assert [door.wait("a", 10.0) for _ in range(4)] == [0.0, 0.0, 0.0, 0.5]
    assert door.wait("a", 10.25) == 0.25
    assert door.wait("a", 10.5) == 0.0


def test_others_do_not_wait_for_it() -> None:
    door = Admission(burst=1)
    door.wait("a", 0.0)

    assert door.wait("a", 0.0) == 1.0
    assert door.wait("b", 0.0) == 0.0


def test_a_long_rest_fills_no_more_than_the_bucket() -> None:
    door = Admission(rate=1.0, burst=2)
    door.wait("a", 0.0)

    assert [door.wait("a", 9999.0) > 0 for _ in range(3)] == [False, False, True]


def test_no_flood_of_addresses_fills_the_memory() -> None:
    door = Admission(burst=1)
    door.wait("first", 0.0)
    for number in range(REMEMBERED):
        door.wait(str(number), 0.0)

    assert door.wait("first", 0.0) == 0.0
    assert door.wait(str(REMEMBERED - 1), 0.0) > 0
