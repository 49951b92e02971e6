"""Which unit (承办单位) answers for a matter."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from gateway.domain.decision import Citation, Decision, DecisionKind, Reason


@dataclass(frozen=True, slots=True, kw_only=True)
class Unit:
    """A unit as routing sees it; ``duties`` are ids of matters such as ``water_supply``."""

    id: str
    name: str
    duties: tuple[str, ...]


def unit_for(matter: str, units: Sequence[Unit], citation: Citation | None = None) -> Decision:
    """Return the first unit that has *matter* among its duties; an empty outcome when there is none."""
    for unit in units:
        if matter and matter in unit.duties:
            reason = Reason(rule=f"unit.{unit.id}", evidence=matter, citation=citation)
            return Decision(kind=DecisionKind.UNIT, outcome=unit.id, reasons=(reason,))
    return Decision(kind=DecisionKind.UNIT, outcome="", reasons=())
