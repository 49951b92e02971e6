"""What the exchange's part of the settings becomes."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, time
from pathlib import Path

import pytest
from msgspec import structs

from config import profiles
from config.settings import load
from gateway import line_parts
from gateway.domain.call import Destination
from gateway.domain.errors import UnusableSetting
from gateway.domain.profile import Profile, Ruling
from gateway.domain.rules import OFFICE_HOURS
from routing.working_time import OfficeHours, Span

EXAMPLE = load(Path("config/gateway.example.toml"))


CITY = profiles.load(profiles.FOLDER / "chifeng-2022.toml", datetime(2026, 11, 20, tzinfo=UTC))


def profile_with(*hours: str) -> Profile:
    """Return a city's rules that say when offices are open, or do not."""
    key = OFFICE_HOURS.key()
    return replace(CITY, rules={key: Ruling(key=key, value=hours, citations=())} if hours else {})


def test_a_units_numbers_are_tried_in_the_order_of_the_settings() -> None:
    water = line_parts.telephones(EXAMPLE, profile_with())["water"]

    assert [number.destination for number in water.consultation] == [
        Destination(number="04765550100", trunk="telecom"),
        Destination(number="04765550101", trunk="telecom"),
    ]
    assert [number.destination.number for number in water.duty] == ["04765550199"]
    assert {number.ring_limit for number in (*water.consultation, *water.duty)} == {30.0}


MORNING = OfficeHours.daily(Span(opens=time(8), closes=time(12)))
AFTERNOON = OfficeHours.daily(Span(opens=time(14), closes=time(18)))
NIGHT = OfficeHours.daily(Span(opens=time(20), closes=time(22)))


@pytest.mark.parametrize(
    ("units", "desks", "rules", "hours"),
    [
        (("08:00-12:00",), ("14:00-18:00",), ("20:00-22:00",), MORNING),
        ((), ("14:00-18:00",), ("20:00-22:00",), AFTERNOON),
        ((), (), ("20:00-22:00",), NIGHT),
        ((), (), (), None),
    ],
    ids=["the unit's own", "the desk's", "the regulation's", "always"],
)
def test_an_office_is_open_as_it_says_else_the_desk_else_the_regulation(
    units: tuple[str, ...], desks: tuple[str, ...], rules: tuple[str, ...], hours: OfficeHours | None
) -> None:
    (unit,) = (each for each in EXAMPLE.unit if each.id == "water")
    settings = structs.replace(
        EXAMPLE,
        unit=(structs.replace(unit, office_hours=units),),
        desk=structs.replace(EXAMPLE.desk, office_hours=desks),
    )

    assert line_parts.telephones(settings, profile_with(*rules))["water"].hours == hours


def test_a_merged_lines_prompt_is_its_own_or_that_of_its_kind() -> None:
    (line,) = line_parts.merged_lines(EXAMPLE, ()).values()

    assert (line.prompt, line.agents) == ("merged_sub_centre", frozenset({"8001"}))


def test_a_merged_lines_prompt_must_be_recorded(tmp_path: Path) -> None:
    path = tmp_path / "gateway.toml"
    table = '[[merged_line]]\nnumber = "12369"\nname = "环保"\nmerging = "whole"\nprompt = "hello"\n'
    path.write_text(table, encoding="utf-8")

    with pytest.raises(UnusableSetting, match=r"merged_line\.prompt = hello: no announcement has this id"):
        line_parts.merged_lines(load(path), {"greeting"})
    assert line_parts.merged_lines(load(path), {"hello"})["12369"].prompt == "hello"
