"""What a person is offered to do with a case: by stage, by role, by the regulation."""

from __future__ import annotations

from dataclasses import fields, replace
from datetime import UTC, date, datetime
from typing import Any

import pytest

from config import phrases
from gateway import casework_parts
from gateway.domain.case import COMMANDS, Case, CaseId
from gateway.domain.casework import Actor, ActorKind, CaseRecord
from gateway.domain.profile import Profile
from gateway.domain.rules import Stage
from gateway.web.case_forms import LABELS, CaseForm, forms_for
from gateway.web.case_requests import SUMMARIES, UNASKED

AGENT = Actor(name="agent", kind=ActorKind.AGENT)
LEADER = Actor(name="leader", kind=ActorKind.SUPERVISOR)
WATER = Actor(name="water", kind=ActorKind.UNIT, unit="water")
PROFILES = ("chifeng-2022", "suzhou-2018", "zhuhai-2023", "neimenggu-2021", "pingli-2018")
DAY = date(2026, 3, 2)


def rules(name: str) -> Profile:
    return casework_parts.rules(name, DAY)


def record(stage: Stage, **more: Any) -> CaseRecord:
    at = datetime(2026, 3, 2, 1, tzinfo=UTC)
    case = Case(id=CaseId("1"), stage=stage, received_at=at, category="help", unit="water", **more)
    return CaseRecord(case=case, profile="zhuhai-2023", rules_of=DAY, changed_at=at)


def offered(actor: Actor, stage: Stage | None, profile: str = "zhuhai-2023", **more: Any) -> dict[str, CaseForm]:
    kept = None if stage is None else record(stage, **more)
    return {form.do: form for form in forms_for(actor, kept, rules(profile), phrases.word)}


def test_every_field_of_every_command_has_a_name_on_the_screen() -> None:
    named = {field.name for kind in COMMANDS.values() for field in fields(kind)} - set(UNASKED)

    assert named == set(LABELS)
    assert set(SUMMARIES) == set(COMMANDS)


@pytest.mark.parametrize("profile", PROFILES)
def test_every_command_can_be_offered_to_somebody_in_some_stage_of_every_city_that_knows_it(profile: str) -> None:
    told: dict[str, CaseForm] = {}
    for stage in (None, *Stage):
        told |= offered(LEADER, stage, profile)

    assert {"accept", "refuse", "dispatch", "sign", "return", "extend", "reply", "audit_pass", "grade"} <= set(told)
    for form in told.values():
        assert all(field.options for field in form.fields if field.kind == "choice"), form.do


def test_a_ticket_that_nobody_took_can_be_taken_refused_or_handed_off() -> None:
    assert set(offered(AGENT, None)) == {"accept", "refuse", "hand_off"}
    assert offered(WATER, None) == {}


def test_a_unit_is_offered_its_own_part_and_nothing_of_the_desk() -> None:
    assert {"sign", "return"} <= set(offered(WATER, Stage.DISPATCHED))
    assert not {"audit_pass", "refuse", "urge"} & set(offered(WATER, Stage.DISPATCHED))
    assert "reply" not in offered(replace(WATER, unit="roads"), Stage.SIGNED)


def test_a_refusal_offers_the_reasons_of_the_city_each_with_its_article() -> None:
    kinds = {option.value: option for option in offered(AGENT, None)["refuse"].fields[0].options}

    assert kinds["statutory"].citations[0].obligation == "ZH-7"
    assert all(option.citations and option.told for option in kinds.values())


def test_what_the_regulation_asks_for_is_marked_and_what_the_command_needs_too() -> None:
    form = offered(WATER, Stage.SIGNED)["return"]
    asked = {field.name for field in form.fields if field.asked}

    assert form.citations[0].obligation.startswith("ZH-10")
    assert asked
    assert not any(field.needed for field in form.fields)
    assert [field.needed for field in offered(AGENT, Stage.ACCEPTED)["dispatch"].fields] == [True, False, False, False]


def test_grades_are_those_of_the_citys_scale() -> None:
    grade = offered(AGENT, Stage.CLOSED)["grade"].fields[0]

    assert (grade.kind, next(option.value for option in grade.options)) == ("choice", "非常满意")


def test_an_archived_case_takes_only_what_opens_a_new_one() -> None:
    archived = datetime(2026, 4, 1, tzinfo=UTC)

    assert set(offered(LEADER, Stage.CLOSED, "suzhou-2018", archived_at=archived)) <= {"append", "wish", "withdraw"}
