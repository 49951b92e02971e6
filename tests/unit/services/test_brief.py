"""What a desk hears is put together from what is recorded."""

from __future__ import annotations

from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from gateway.domain.contact import ChannelKind, ContactId
from gateway.domain.emergency import EmergencyLine
from gateway.domain.ticket import Elements, Ticket, TicketId
from gateway.services.brief import brief, places_in
from tests.fakes.hotline import PROMPTS

FIRE = EmergencyLine("119")


def ticket(caller: str = "13800000001", matter: str = "fire", place: str = "") -> Ticket:
    return Ticket(
        id=TicketId("t"),
        contact_id=ContactId("c"),
        channel=ChannelKind.TELEPHONE,
        call_id=None,
        caller=caller,
        received_at=datetime(2026, 11, 21, tzinfo=UTC),
        matter=matter,
        elements=Elements(place=place),
    )


def test_who_shows_no_number_is_said_to_show_none() -> None:
    assert brief(FIRE, ticket(caller=""), PROMPTS) == ["desk_brief_119", "matter_fire", "brief_no_number"]


def test_every_digit_is_said_in_its_place() -> None:
    pieces = brief(FIRE, ticket(caller="04768123456"), PROMPTS)

    assert "".join(piece.removeprefix("digit_") for piece in pieces if piece.startswith("digit_")) == "04768123456"


def test_places_are_said_in_the_order_they_were_named_and_the_longest_name_counts() -> None:
    names = {"place_a": "红山", "place_b": "红山区", "place_c": "松山区"}

    assert places_in("先是松山区然后红山区北边", names) == ["place_c", "place_b"]


@given(st.text(), st.text(), st.text())
def test_whatever_the_ticket_says_only_what_is_recorded_is_played(caller: str, matter: str, place: str) -> None:
    pieces = brief(FIRE, ticket(caller, matter, place), PROMPTS)

    assert set(pieces) <= set(PROMPTS)
    assert pieces[0] == "desk_brief_119"
