"""Who may give which command: each kind of actor against every command of the casebook."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pytest

from gateway.domain.case import COMMANDS, Case, CaseId
from gateway.domain.casework import Actor, ActorKind, CaseRecord
from gateway.domain.rules import Stage
from gateway.services import permissions
from gateway.services.permissions import NotYours, Unseen

NOON = datetime(2026, 3, 2, 4, tzinfo=UTC)
MAY: dict[ActorKind, set[str]] = {
    ActorKind.AGENT: {"accept", "answer", "refuse", "hand_off", "dispatch", "follow_up_failed"}
    | {"urge", "append", "grade", "redo_request"},
    ActorKind.UNIT: {"sign", "contact", "return", "extend", "reply", "appeal", "dispatch"},
    ActorKind.PLATFORM: {"accept", "supervise", "urge", "append", "grade", "redo_request"},
    ActorKind.SUPERVISOR: set(COMMANDS),
    ActorKind.CLOCK: set(COMMANDS),
}


def record(stage: Stage = Stage.SIGNED, **fields: Any) -> CaseRecord:
    above = fields.pop("above", ())
    case = Case(id=CaseId("t1"), stage=stage, received_at=NOON, **{"unit": "water", **fields})
    return CaseRecord(case=case, profile="p", rules_of=date(2026, 3, 2), changed_at=NOON, above=above)


def allowed(actor: Actor, do: str, of: CaseRecord | None) -> bool:
    try:
        permissions.check(actor, COMMANDS[do], of)
    except NotYours:
        return False
    return True


@pytest.mark.parametrize("kind", ActorKind)
def test_each_may_do_its_own_and_nothing_else(kind: ActorKind) -> None:
    actor = Actor(name="x", kind=kind, unit="water" if kind is ActorKind.UNIT else "")
    assert {do for do in COMMANDS if allowed(actor, do, record())} == MAY[kind]


def test_a_unit_without_a_part_learns_of_no_case() -> None:
    stranger = Actor(name="x", kind=ActorKind.UNIT, unit="roads")
    for do in COMMANDS:
        for of in (record(), None):
            with pytest.raises(Unseen):
                permissions.check(stranger, COMMANDS[do], of)


@pytest.mark.parametrize("part", [{"assist": ("roads",)}, {"above": ("roads",)}])
def test_whoever_merely_assists_or_stands_above_sees_but_does_not_answer(part: dict[str, Any]) -> None:
    helper = Actor(name="x", kind=ActorKind.UNIT, unit="roads")
    may = {do for do in COMMANDS if allowed(helper, do, record(**part))}
    assert may == ({"contact"} if "assist" in part else set())


def test_a_unit_sends_on_only_what_it_holds() -> None:
    water = Actor(name="x", kind=ActorKind.UNIT, unit="water")
    assert allowed(water, "dispatch", record(Stage.DISPATCHED))
    assert not allowed(water, "dispatch", record(Stage.ACCEPTED))
    assert not allowed(water, "dispatch", record(Stage.CLOSED))
