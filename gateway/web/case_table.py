"""Cases as a table to take away (案件导出): CSV as RFC 4180 has it, safe to open in a spreadsheet."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping
from datetime import datetime, tzinfo

from gateway.services.case_file import CaseView

COLUMNS = (
    "工单号",
    "受理时间",
    "类别",
    "事项",
    "环节",
    "承办单位",
    "协办单位",
    "办理期限",
    "红黄牌",
    "是否超期",
    "评价",
)
_CARDS = {"yellow": "黄牌", "red": "红牌"}
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""What makes a spreadsheet take a text for a formula."""


def table_of(cases: Iterable[CaseView], units: Mapping[str, str], zone: tzinfo) -> str:
    """Return *cases* as CSV with a line of headings; *units* are names by id, times are those of *zone*."""
    text = io.StringIO()
    lines = csv.writer(text)
    lines.writerow(COLUMNS)
    for case in cases:
        row = (
            case.id,
            _minute(case.received_at, zone),
            case.category_words,
            case.matter,
            case.stage_words,
            units.get(case.unit, case.unit),
            "、".join(units.get(unit, unit) for unit in case.assist),
            _minute(case.handle_due, zone),
            _CARDS.get(case.card, ""),
            "是" if case.overdue else "否",
            case.grade,
        )
        lines.writerow(f"'{cell}" if cell.startswith(_FORMULA) else cell for cell in row)
    return text.getvalue()


def _minute(at: datetime | None, zone: tzinfo) -> str:
    return "" if at is None else f"{at.astimezone(zone):%Y-%m-%d %H:%M}"
