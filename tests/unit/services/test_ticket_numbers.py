"""Ticket numbers: given out without a store, and never twice."""

from __future__ import annotations

from datetime import UTC, datetime

from gateway.services.tickets import new_ticket_id


def test_a_thousand_tickets_of_one_second_have_a_thousand_numbers() -> None:
    now = datetime(2026, 11, 21, 8, 0, 0, tzinfo=UTC)

    numbers = {new_ticket_id(now, UTC) for _ in range(1000)}

    assert len(numbers) == 1000
    assert all(number.startswith("20261121-080000-") and len(number) == 20 for number in numbers)
