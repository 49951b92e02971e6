from __future__ import annotations

from datetime import datetime
from pathlib import Path

import pytest

from config.scenario import ScenarioError, read_scenario
from gateway.domain.case import Accept, Dispatch

AT = '"at": "2026-03-02T09:00:00+08:00"'


def write(folder: Path, text: str) -> Path:
    path = folder / "story.jsonl"
    path.write_text(text, encoding="utf-8")
    return path


def test_a_scenario_is_read_into_commands(tmp_path: Path) -> None:
    text = f"""\
{{{AT}, "ticket": "T", "do": "accept", "category": "投诉", "urgency": "utility", "real_name": false}}

{{{AT}, "ticket": "T", "do": "dispatch", "to": "城管局", "assist": ["住建局"]}}
{{{AT}, "do": "now"}}
{{{AT}, "ticket": "T", "do": "now"}}
"""

    first, second, *clock = read_scenario(write(tmp_path, text))

    assert first.at == datetime.fromisoformat("2026-03-02T09:00:00+08:00")
    assert isinstance(first.command, Accept)
    assert first.command.category == "complaint"
    assert first.command.real_name is False
    assert second.command == Dispatch(to="城管局", assist=("住建局",))
    assert [line.command for line in clock] == [None, None]


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        ("nonsense", "is not JSON: Expecting value at character 1"),
        ("[]", "expected an object with at, ticket and do"),
        ('{"ticket": "T", "do": "sign"}', "at: is missing"),
        ('{"at": "yesterday", "ticket": "T", "do": "sign"}', 'at = "yesterday": expected an instant with its offset'),
        ('{"at": 3, "ticket": "T", "do": "sign"}', "at = 3: expected an instant with its offset"),
        ('{"at": "2026-03-02T09:00:00", "ticket": "T", "do": "sign"}', "expected an instant with its offset"),
        (f'{{{AT}, "ticket": "T"}}', "do: is missing"),
        (f'{{{AT}, "ticket": "T", "do": "sing"}}', 'do = "sing": did you mean sign?'),
        (f'{{{AT}, "ticket": "T", "do": "zzz"}}', 'do = "zzz": expected one of accept, answer'),
        (f'{{{AT}, "do": "sign"}}', "ticket: is missing"),
        (f'{{{AT}, "ticket": "", "do": "sign"}}', 'ticket = "": expected the scenario'),
        (f'{{{AT}, "ticket": "T", "do": "now", "why": 1}}', "why = 1: unknown key; now takes nothing"),
        (
            f'{{{AT}, "ticket": "T", "do": "accept", "category": "咨讯"}}',
            'category = "咨讯": expected one of 咨询',
        ),
        (f'{{{AT}, "ticket": "T", "do": "accept", "category": 3}}', "category = 3: expected a text"),
        (f'{{{AT}, "ticket": "T", "do": "accept"}}', "category: is missing"),
        (f'{{{AT}, "ticket": "T", "do": "sign", "by": "me"}}', 'by = "me": unknown key'),
        (f'{{{AT}, "ticket": "T", "do": "refuse", "kind": "rude"}}', 'kind = "rude": expected one of statutory'),
        (
            f'{{{AT}, "ticket": "T", "do": "dispatch", "to": "甲", "assist": ["乙", 3]}}',
            "assist[2] = 3: expected a",
        ),
        (f'{{{AT}, "ticket": "T", "do": "dispatch", "to": "甲", "assist": "乙"}}', 'assist = "乙": expected a list'),
        (f'{{{AT}, "ticket": "T", "do": "extend", "days": 1.5}}', "days = 1.5: expected a whole number"),
        (f'{{{AT}, "ticket": "T", "do": "reply", "told_petitioner": "yes"}}', "expected true or false"),
        (f'{{{AT}, "ticket": "T", "do": "sign", "{"x" * 80}": 1}}', "unknown key"),
        (f'{{{AT}, "ticket": "T", "do": "append", "text": ["{"长" * 80}"]}}', "...: expected a text"),
    ],
)
def test_a_wrong_line_is_told_by_line_and_field(tmp_path: Path, line: str, complaint: str) -> None:
    path = write(tmp_path, f'{{{AT}, "do": "now"}}\n\n{line}\n')

    with pytest.raises(ScenarioError) as caught:
        read_scenario(path)

    assert str(caught.value).startswith(f"{path}:3: ")
    assert complaint in str(caught.value)
    assert "\n" not in str(caught.value)


def test_lines_go_forward_in_time(tmp_path: Path) -> None:
    earlier = AT.replace("09:00", "08:59")

    with pytest.raises(ScenarioError, match=r":2: at = .*: expected an instant not before 2026-03-02T09:00:00"):
        read_scenario(write(tmp_path, f'{{{AT}, "do": "now"}}\n{{{earlier}, "do": "now"}}\n'))


def test_what_cannot_be_read_is_said(tmp_path: Path) -> None:
    with pytest.raises(ScenarioError, match="cannot be read: No such file"):
        read_scenario(tmp_path / "none.jsonl")
    (tmp_path / "latin.jsonl").write_bytes(b"\xff")
    with pytest.raises(ScenarioError, match="is not UTF-8 text"):
        read_scenario(tmp_path / "latin.jsonl")
