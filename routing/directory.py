"""Which unit (承办单位) answers for a matter, and at which of its telephones it can be reached now."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo
from itertools import islice

from gateway.domain.call import DeskNumber
from gateway.domain.decision import Citation, Decision, DecisionKind, Reason
from routing.working_time import Calendar, OfficeHours


@dataclass(frozen=True, slots=True, kw_only=True)
class Unit:
    """A unit as routing sees it; ``duties`` are ids of matters such as ``water_supply``.

    ``areas`` are the places that a workstation answers for whatever the matter is; () for a department.
    """

    id: str
    name: str
    duties: tuple[str, ...]
    areas: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Telephones:
    """A unit's numbers: ``consultation`` (咨询电话) while its office is open, ``duty`` (值班电话) at all other times.

    Without ``hours`` the consultation phones are always staffed.
    """

    consultation: tuple[DeskNumber, ...]
    duty: tuple[DeskNumber, ...] = ()
    hours: OfficeHours | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Numbers:
    """The numbers to try, in order, and why these: ``always``, ``office_hours`` or ``off_hours``."""

    numbers: tuple[DeskNumber, ...]
    reason: str


def unit_for(
    matter: str,
    units: Sequence[Unit],
    citation: Citation | None = None,
    *,
    place: str = "",
    territory: Citation | None = None,
) -> Decision:
    """Return the first unit that has *matter* among its duties; an empty outcome when there is none.

    Where an article puts *territory* first (属地管理优先, CF-15a), the unit in whose area *place* lies goes before it;
    of several areas named there the longest name, which is the closest. The reasons are the unit's own, and one for
    the runner-up, ``runner_up.UNIT``, with what speaks for it.
    """
    closest = sorted(
        ((area, unit) for unit in units for area in unit.areas if area in place),
        key=lambda each: -len(each[0]),
    )
    by_area = [
        (unit, Reason(rule=f"territory.{unit.id}", evidence=area, citation=territory))
        for area, unit in (closest if territory is not None else ())
    ]
    by_duty = [
        (unit, Reason(rule=f"unit.{unit.id}", evidence=matter, citation=citation))
        for unit in units
        if matter and matter in unit.duties
    ]
    candidates = by_area + by_duty
    if not candidates:
        return Decision(kind=DecisionKind.UNIT, outcome="", reasons=())
    chosen, reason = candidates[0]
    others = (
        Reason(rule=f"runner_up.{unit.id}", evidence=why.evidence) for unit, why in candidates if unit.id != chosen.id
    )
    return Decision(kind=DecisionKind.UNIT, outcome=chosen.id, reasons=(reason, *islice(others, 1)))


def numbers_at(telephones: Telephones, at: datetime, calendar: Calendar, zone: tzinfo) -> Numbers:
    """Return the numbers to try at the instant *at*; the office's opening hours are those of *zone*.

    While the office is open its duty phones come last; when it is closed nobody is there to hear its consultation
    phones, which ring only if there is no other. Raises `OurMistake`: *at* without zone.
    """
    if telephones.hours is None:
        return Numbers(numbers=(*telephones.consultation, *telephones.duty), reason="always")
    if telephones.hours.is_open(calendar, at, zone):
        return Numbers(numbers=(*telephones.consultation, *telephones.duty), reason="office_hours")
    return Numbers(numbers=telephones.duty or telephones.consultation, reason="off_hours")
