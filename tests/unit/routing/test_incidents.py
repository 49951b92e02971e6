from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from gateway.domain.contact import ChannelKind, ContactId
from gateway.domain.ticket import Elements, Ticket, TicketId
from routing.incidents import WINDOW, incident_of, is_same_incident

NOON = datetime(2026, 11, 21, 4, tzinfo=UTC)


def ticket(
    number: int, place: str, *, matter: str = "water_supply", caller: str = "", late: timedelta = WINDOW * 0
) -> Ticket:
    return Ticket(
        id=TicketId(f"20261121-{number:06}"),
        contact_id=ContactId(f"contact-{number}"),
        channel=ChannelKind.TELEPHONE,
        call_id=None,
        caller=caller or f"0100000{number:04}",
        received_at=NOON + late,
        matter=matter,
        elements=Elements(place=place),
    )


ONE = ticket(1, "红山区阳光小区三号楼二单元302室")


@pytest.mark.parametrize(
    ("other", "is_same"),
    [
        (ticket(2, "阳光小区5号楼"), True),
        (ticket(2, "红山区人民路阳光小区"), True),
        (ticket(2, "阳光小区", late=WINDOW), True),
        (ticket(2, "阳光小区", late=WINDOW * 1.01), False),
        (ticket(2, "阳光小区", matter="power"), False),
        (ticket(2, "红山区幸福小区"), False),
        (ticket(2, "红山区"), False),
        (ticket(2, ""), False),
        (ticket(2, "阳光小区", caller=ONE.caller), False),
        (ONE, False),
    ],
)
def test_an_incident_is_one_matter_at_one_place_within_hours_for_many(other: Ticket, is_same: bool) -> None:
    assert is_same_incident(ONE, other) is is_same
    assert is_same_incident(other, ONE) is is_same


def test_two_estates_on_one_road_are_two_places_but_the_road_alone_is_one() -> None:
    on_road = ticket(1, "人民路阳光小区")

    assert not is_same_incident(on_road, ticket(2, "人民路幸福小区"))
    assert is_same_incident(on_road, ticket(2, "红山区人民路路口"))


def test_without_a_matter_nothing_is_one_incident() -> None:
    assert not is_same_incident(replace(ONE, matter=""), ticket(2, "阳光小区", matter=""))


def test_of_each_petitioner_one_ticket_counts_the_earliest_first() -> None:
    late = ticket(2, "阳光小区", late=timedelta(minutes=9))
    early = ticket(3, "阳光小区", late=timedelta(minutes=5))
    again = ticket(4, "阳光小区", caller=late.caller, late=timedelta(minutes=10))

    assert incident_of(ONE, [again, late, early, ONE]) == (early, late)
