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
PETITIONERS = {"urge", "append", "grade", "redo_request", "wish", "restriction_appeal"}
MAY: dict[ActorKind, set[str]] = {
    ActorKind.PETITIONER: PETITIONERS,
    ActorKind.AGENT: {"accept", "amend", "answer", "refuse", "hand_off", "dispatch", "follow_up", "follow_up_failed"}
    | PETITIONERS,
    ActorKind.UNIT: {"sign", "contact", "return", "extend", "reply", "appeal", "dispatch", "order_reply", "withhold"},
    ActorKind.PLATFORM: {"accept", "supervise", "order", "instruct"} | PETITIONERS,
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


@pytest.mark.parametrize(
    ("part", "may"),
    [
        ({"assist": ("roads",)}, {"contact"}),
        ({"above": ("roads",)}, {"endorse", "audit_fail", "supervise", "order"}),
    ],
)
def test_sz_2_cf_10_who_assists_may_contact_and_who_stands_above_audits_and_supervises(
    part: dict[str, Any], may: set[str]
) -> None:
    helper = Actor(name="x", kind=ActorKind.UNIT, unit="roads")

    assert {do for do in COMMANDS if allowed(helper, do, record(**part))} == may


def test_nm_3_4_a_workstation_takes_and_passes_on_but_does_not_face_the_public() -> None:
    station = Actor(name="x", kind=ActorKind.UNIT, unit="water")

    assert allowed(station, "dispatch", record())
    for do in ("accept", "answer", "refuse", "hand_off", "grade", "publish"):
        assert not allowed(station, do, record())
        with pytest.raises(Unseen):
            permissions.check(station, COMMANDS[do], None)


def test_a_unit_sends_on_only_what_it_holds() -> None:
    water = Actor(name="x", kind=ActorKind.UNIT, unit="water")
    assert allowed(water, "dispatch", record(Stage.DISPATCHED))
    assert not allowed(water, "dispatch", record(Stage.ACCEPTED))
    assert not allowed(water, "dispatch", record(Stage.CLOSED))
