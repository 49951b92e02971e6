"""How units look after their part of the knowledge base (知识库维护情况, ZH-18)."""

from __future__ import annotations

from dataclasses import dataclass, replace

from gateway.ports.clock import Clock
from gateway.services.knowledge import Librarian

MOST_CHECKS = 100_000
"""Check tickets that are counted at most."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UnitRecord:
    """How a unit looks after its part (ZH-18).

    ``published`` articles, ``stale`` ones among them; ``checks`` it was sent, of which ``answered_in_time`` and
    ``overdue``, that wait although their end has come.
    """

    unit: str
    published: int = 0
    stale: int = 0
    checks: int = 0
    answered_in_time: int = 0
    overdue: int = 0


async def records_of_units(librarian: Librarian, clock: Clock) -> list[UnitRecord]:
    """Return how each unit looks after its part, by unit. Raises `Unavailable`."""
    records: dict[str, UnitRecord] = {}
    now = clock.now()
    async for article in librarian.each(published=True):
        unit = article.latest.content.unit
        record = records.get(unit, UnitRecord(unit=unit))
        stale = record.stale + librarian.is_stale(article)
        records[unit] = replace(record, published=record.published + 1, stale=stale)
    for check in await librarian.base.checks(limit=MOST_CHECKS):
        record = records.get(check.unit, UnitRecord(unit=check.unit))
        late = check.is_overdue(now)
        records[check.unit] = replace(
            record,
            checks=record.checks + 1,
            answered_in_time=record.answered_in_time + (check.outcome is not None and not late),
            overdue=record.overdue + (check.outcome is None and late),
        )
    return [records[unit] for unit in sorted(records)]
