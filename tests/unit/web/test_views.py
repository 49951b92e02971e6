from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.domain.contact import ChannelKind, ContactId
from gateway.domain.ticket import Ticket, TicketId
from gateway.web.views import masked, ticket_view

TICKET = Ticket(
    id=TicketId("20261122-100000-0001"),
    contact_id=ContactId("c1"),
    channel=ChannelKind.WEB,
    call_id=None,
    caller="",
    received_at=datetime(2026, 11, 22, tzinfo=UTC),
)


@pytest.mark.parametrize(
    ("number", "shown"),
    [
        ("13812341234", "138****1234"),
        ("+8613812341234", "+86138****1234"),
        ("04768881234", "047****1234"),
        ("8881234", "8*****4"),
        ("110", "***"),
        ("", ""),
        ("1c07853544169aba4bdccef63a294b95dcfcca94", "1c07****ca94"),
        ("somebody.with.a.long.name@mail.example", "s***@mail.example"),
    ],
)
def test_the_middle_of_a_number_is_hidden(number: str, shown: str) -> None:
    assert masked(number) == shown


@pytest.mark.parametrize(
    ("caller", "shown"),
    [
        ("13812341234", "13812341234"),
        ("somebody.with.a.long.name@mail.example", "somebody.with.a.long.name@mail.example"),
        ("1c07853544169aba4bdccef63a294b95dcfcca94", "1c07****ca94"),
    ],
)
def test_a_tickets_own_page_shows_whole_what_people_can_write_to(caller: str, shown: str) -> None:
    assert ticket_view(replace(TICKET, caller=caller), whole_number=True).caller == shown


@given(st.text("0123456789+", min_size=1, max_size=20))
def test_masking_keeps_the_length_and_hides_at_least_four_digits_or_half(number: str) -> None:
    assert len(masked(number)) == len(number)
    assert masked(number).count("*") >= min(4, len(number) / 2)
