"""`jiesu report` and `jiesu ticket recompute` as a person at a terminal meets them."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest

from gateway import casework_parts
from gateway.cli import main
from gateway.storage.store import SqlStore
from routing.working_time import Calendar
from tests.fakes.caseroom import REPLY, WATER, CaseRoom
from tests.fakes.store import SetClock

CONFIG = """
[node]
data = "data"
profile = "chifeng-2022"
[[unit]]
id = "water"
name = "供水公司"
number = "9001"
[[telephone]]
user = "9001"
password = "x"
name = "供水公司"
role = "unit"
"""


@pytest.fixture
def config(tmp_path: Path) -> str:
    path = tmp_path / "gateway.toml"
    path.write_text(CONFIG, encoding="utf-8")
    (tmp_path / "data").mkdir()
    return str(path)


def told(folder: Path, now: str, *, calendar: Calendar | None = None, ends: bool = True) -> None:
    """Bring one ticket of *now* into the store."""

    async def story() -> None:
        async with SqlStore(folder / "data" / "jiesu.sqlite", clock=SetClock()) as store:
            room = CaseRoom(store, "chifeng-2022", now=now)
            if calendar is not None:
                room.books.use(calendar)
            ticket = await room.ticket(f"{now[:10].replace('-', '')}-000001")
            await room.do(ticket, "accept", category="complaint")
            await room.do(ticket, "dispatch", to="water")
            if ends:
                await room.do(ticket, "reply", WATER, **REPLY, secrecy_checked_by="孙主任")
                await room.do(ticket, "audit_pass")

    asyncio.run(story())


def test_cf_31_a_month_is_reported_in_chinese(tmp_path: Path, config: str, capsys: pytest.CaptureFixture[str]) -> None:
    told(tmp_path, "2026-03-02 09:00")

    assert main(["report", "2026-03", "--config", config]) == 0

    shown = capsys.readouterr().out
    assert "# 赤峰市12345热线月通报（2026年03月01日至03月31日）" in shown
    assert "共受理诉求1件，上期0件。投诉1件" in shown
    assert "| 1 | 供水公司 | 1 | 1 | 0 | 100.0% |" in shown
    assert "| CF-16c | 办理 | 1 | 1 | 0 |" in shown


def test_a_report_is_machine_readable(tmp_path: Path, config: str, capsys: pytest.CaptureFixture[str]) -> None:
    told(tmp_path, "2026-03-02 09:00")

    assert main(["report", "2026-W10", "--unit", "water", "--json", "--config", config]) == 0

    report = json.loads(capsys.readouterr().out)
    assert (report["received"], report["units"][0]["unit"]) == (1, "water")
    assert "CF-21" in report["rows"]


def test_what_is_no_time_exits_with_2(config: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["report", "march", "--config", config]) == 2

    assert "expected 2026-W10, 2026-03, 2026-Q1" in capsys.readouterr().err


def test_deadlines_are_counted_anew_on_the_calendar_that_is_there_now(
    tmp_path: Path, config: str, capsys: pytest.CaptureFixture[str]
) -> None:
    told(tmp_path, "2026-02-12 09:00", calendar=Calendar(), ends=False)

    assert main(["ticket", "recompute", "--config", config]) == 0

    captured = capsys.readouterr()
    assert captured.err.endswith("deadlines changed\n")
    assert (
        "办理时限为5个工作日，至2026-02-27 00:00:00止（原至2026-02-20 00:00:00，因放假安排公布重新计算）"
        in captured.out
    )
    assert main(["ticket", "recompute", "--json", "--config", config]) == 0
    assert capsys.readouterr().out == ""


def test_casebooks_take_a_calendar_once() -> None:
    books = casework_parts.books("chifeng-2022")

    assert books.use(Calendar())
    assert not books.use(Calendar())
