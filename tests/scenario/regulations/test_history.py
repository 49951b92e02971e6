"""`jiesu replay-history`: past tickets through the rules."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from gateway.cli import main

HEADER = "工单编号,受理时间,类别,紧急程度,承办单位,派单时间,签收时间,反馈时间\n"
TICKETS = (
    HEADER
    + """\
1,2026-03-02 09:00:00,投诉,,城管局,2026-03-02 10:00:00,2026-03-02 11:00:00,2026-03-16 23:59:59
2,2026/03/02 09:00:00,投诉,normal,城管局,2026-03-02 10:00:00,,2026-03-17 00:00:01

3,2026-03-02 09:00:00,咨询,,住建局,2026-03-04 10:00:00,,
4,2026-03-02 09:00:00+08:00,表扬,,住建局,2026-03-02 10:00:00,,
5,2026-05-02 09:00:00,投诉,,住建局,2026-05-02 10:00:00,,
"""
)
UNTIL = ["--until", "2026-03-20T00:00:00+08:00"]


def replay(folder: Path, content: bytes, *arguments: str) -> int:
    path = folder / "history.csv"
    path.write_bytes(content)
    return main(["replay-history", str(path), "--profile", "zhuhai-2023", *arguments])


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
def test_the_late_are_counted_by_unit_and_clause(
    tmp_path: Path, encoding: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert replay(tmp_path, TICKETS.encode(encoding), "--json", *UNTIL) == 0

    tallies = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    told = {(each["unit"], each["kind"], each["cite"][0]): (each["tickets"], each["late"]) for each in tallies}
    assert told["城管局", "handle", "ZH-11b"] == (2, 1)
    assert told["城管局", "sign", "ZH-10c"] == (1, 0)
    assert told["住建局", "handle", "ZH-11a"] == (1, 1)
    assert told["12345", "dispatch", "ZH-8a"] == (1, 1)
    assert told["12345", "dispatch", "ZH-8b"] == (3, 0)
    assert [each["late"] for each in tallies] == sorted((each["late"] for each in tallies), reverse=True)


def test_they_are_shown_as_a_table(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert replay(tmp_path, TICKETS.encode()) == 0

    shown = capsys.readouterr().out
    assert "超期率" in shown
    assert "50.0%" in shown


def test_what_the_city_does_not_take_is_not_counted(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "history.csv"
    path.write_text(HEADER + "1,2026-03-02 09:00:00,表扬,,城管局,2026-03-02 10:00:00,,\n", encoding="utf-8")

    assert main(["replay-history", str(path), "--profile", "chifeng-2022", "--json"]) == 0

    assert capsys.readouterr().out == ""


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        ("", "history.csv:1: received_at: expected a column received_at or 受理时间"),
        ("recieved_at,category\n", "is it 'recieved_at'?"),
        (HEADER + "1,2026-03-02,税,,城管局,2026-03-02,,\n", "history.csv:2: category = 税: expected one of 咨询"),
        (HEADER + "1,2026-03-02,投诉,急,城管局,2026-03-02,,\n", "urgency = 急: expected one of normal"),
        (HEADER + "1,2026-03-02,投诉,,,2026-03-02,,\n", "unit = : expected the unit's name"),
        (HEADER + "1,昨天,投诉,,城管局,2026-03-02,,\n", "received_at = 昨天: expected an instant such as"),
        (
            HEADER + "1,2026-03-02,投诉,,城管局,2026-03-01,,\n",
            "dispatched_at = 2026-03-01: expected an instant",
        ),
        (HEADER + "1,2026-03-02,投诉\n", "unit = : expected the unit's name"),
    ],
)
def test_a_wrong_file_is_told_by_line_and_column(
    tmp_path: Path, content: str, complaint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert replay(tmp_path, content.encode()) == 2

    assert complaint in capsys.readouterr().err


def test_what_cannot_be_read_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert replay(tmp_path, b"\xff\xff\xff") == 2
    assert "is neither UTF-8 nor GB 18030 text" in capsys.readouterr().err

    assert main(["replay-history", str(tmp_path / "none.csv"), "--profile", "zhuhai-2023"]) == 2
    assert "cannot be read" in capsys.readouterr().err
