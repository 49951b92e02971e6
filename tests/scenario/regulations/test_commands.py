"""`jiesu simulate` and `jiesu profile` as a person at a terminal meets them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from config.profiles import FOLDER
from gateway.cli import main

STORY = """\
{"at": "2026-03-02T09:00:00+08:00", "ticket": "T", "do": "accept", "category": "咨询"}
{"at": "2026-03-02T02:00:00Z", "ticket": "T", "do": "dispatch", "to": "城管局"}
{"at": "2026-03-03T09:00:00+08:00", "ticket": "T", "do": "return", "reason": "不属职责"}
{"at": "2026-03-03T10:00:00+08:00", "do": "now"}
"""


@pytest.fixture
def scenario(tmp_path: Path) -> str:
    path = tmp_path / "story.jsonl"
    path.write_text(STORY, encoding="utf-8")
    return str(path)


def test_facts_come_out_one_a_line(scenario: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["simulate", "--profile", "zhuhai-2023", scenario]) == 0

    facts = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert all({"at", "ticket", "fact", "cite"} <= set(fact) for fact in facts)
    assert facts[1] == {
        "at": "2026-03-02T09:00:00+08:00",
        "ticket": "T",
        "fact": "due",
        "cite": ["ZH-8a", "ZH-22"],
        "kind": "dispatch",
        "due": "2026-03-04T00:00:00+08:00",
        "span": "1 working day",
    }
    assert facts[2]["at"] == "2026-03-02T10:00:00+08:00"
    assert [fact["why"] for fact in facts if fact["fact"] == "denied"] == ["missing:basis", "missing:suggest"]


def test_until_lets_the_clock_run_on(scenario: str, capsys: pytest.CaptureFixture[str]) -> None:
    until = "2026-03-05T00:00:00+08:00"

    assert main(["simulate", "--profile", "zhuhai-2023", scenario, "--until", until]) == 0

    facts = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert ("card", until) in [(fact["fact"], fact["at"]) for fact in facts]


def test_what_is_later_than_until_does_not_happen(scenario: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["simulate", "--profile", "zhuhai-2023", scenario, "--until", "2026-03-02T09:30:00+08:00"]) == 0

    assert len(capsys.readouterr().out.splitlines()) == 2


def test_explained_facts_quote_the_article(scenario: str, capsys: pytest.CaptureFixture[str]) -> None:
    main(["simulate", "--profile", "zhuhai-2023", scenario, "--explain", "--until", "2026-03-09T00:00:00+08:00"])

    facts = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert facts[1]["explain"].startswith(
        "派单时限为1个工作日，至2026-03-04 00:00:00止。依据《珠海市12345政务服务便民热线管理办法》"
    )
    assert "“咨询类事项，根据12345热线知识库能即时答复的" in facts[1]["explain"]
    assert any(fact["explain"].startswith("不能申请退单：缺少依据。") for fact in facts)


def test_a_fact_without_article_is_a_plain_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "story.jsonl"
    path.write_text('{"at": "2026-03-02T09:00:00+08:00", "ticket": "T", "do": "sign"}\n', encoding="utf-8")

    main(["simulate", "--profile", "zhuhai-2023", str(path), "--explain"])

    assert json.loads(capsys.readouterr().out)["explain"] == "不能签收：工单不在可以办理此事的环节。"


@pytest.mark.parametrize("path", sorted(Path(__file__).parent.glob("*/*.jsonl")), ids=lambda path: path.stem)
def test_every_fact_of_every_story_can_be_explained(
    path: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for number, part in enumerate(path.read_text(encoding="utf-8").split('{"case"')[1:]):
        scenario = tmp_path / f"{number}.jsonl"
        scenario.write_text("\n".join(line for line in part.splitlines() if line.startswith('{"at"')), encoding="utf-8")

        arguments = ["simulate", "--profile", path.parent.name, str(scenario), "--explain"]
        assert main([*arguments, "--until", "2027-03-01T00:00:00+08:00"]) == 0

        for line in capsys.readouterr().out.splitlines():
            sentence = json.loads(line)["explain"].partition("依据《")[0]
            assert sentence.endswith("。")
            assert "_" not in sentence


def test_deadlines_are_drawn_as_months(scenario: str, capsys: pytest.CaptureFixture[str]) -> None:
    main(["simulate", "--profile", "zhuhai-2023", scenario, "--calendar", "--until", "2026-04-07T00:00:00+08:00"])

    drawn = capsys.readouterr().out
    assert "2026年3月" in drawn
    assert "派单止" in drawn
    assert "红牌" in drawn


def test_holidays_and_make_up_workdays_are_marked(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "story.jsonl"
    path.write_text(STORY.replace("2026-03-0", "2026-02-1"), encoding="utf-8")

    main(["simulate", "--profile", "zhuhai-2023", str(path), "--calendar"])

    drawn = capsys.readouterr().out
    assert "14班" in drawn
    assert "16休" in drawn


def test_nothing_is_drawn_of_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "story.jsonl"
    path.write_text("", encoding="utf-8")

    assert main(["simulate", "--profile", "zhuhai-2023", str(path), "--calendar"]) == 0
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["--profile", "atlantis"], "there is no profile 'atlantis'"),
        (["--profile", "zhuhai-2023", "--until", "soon"], "--until soon: expected an instant with its offset"),
    ],
)
def test_what_cannot_be_used_exits_with_2(
    scenario: str, arguments: list[str], complaint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["simulate", scenario, *arguments]) == 2

    assert complaint in capsys.readouterr().err


def test_a_wrong_scenario_exits_with_2_and_prints_nothing_else(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "story.jsonl"
    path.write_text(STORY + '{"at": "2026-03-04T09:00:00+08:00", "ticket": "T", "do": "sing"}\n', encoding="utf-8")

    assert main(["simulate", "--profile", "zhuhai-2023", str(path)]) == 2

    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err == f'jiesu: {path}:5: do = "sing": did you mean sign?\n'


def test_a_scenario_before_the_regulation_exits_with_2(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "story.jsonl"
    path.write_text(STORY.replace("2026", "2020"), encoding="utf-8")

    assert main(["simulate", "--profile", "zhuhai-2023", str(path)]) == 2

    assert "no rule with key 'emergency.lines' is in force on 2020-03-02" in capsys.readouterr().err


def test_a_profile_is_read_back_in_chinese(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["profile", "show", "suzhou-2018"]) == 0

    shown = capsys.readouterr().out
    assert "时限：办理，投诉：期限：15个工作日；起算：派单" in shown
    assert "SZ-5.2d 五（二）4：“投訴類事項,在15個工作日內辦結并答復;”" in shown


def test_two_cities_are_compared(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["profile", "diff", "zhuhai-2023", "pingli-2018"]) == 0

    shown = capsys.readouterr().out
    assert "珠海市：110、119、120（ZH-15）" in shown
    assert "平利县：110、119、120、122、96333（PL-7）" in shown
    assert "珠海市：无规定" in shown


def test_two_days_of_one_city_are_compared(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["profile", "diff", "chifeng-2022@2022-05-09", "chifeng-2022@2022-05-10"]) == 0
    shown = capsys.readouterr().out
    assert "chifeng-2022@2022-05-09：无规定" in shown

    main(["profile", "diff", "zhuhai-2023@2024-01-01", "zhuhai-2023@2025-01-01"])
    assert capsys.readouterr().out == "没有差别\n"


def test_a_day_that_is_none_exits_with_2(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["profile", "show", "zhuhai-2023@someday"]) == 2

    assert "'someday' is not a day such as 2026-03-02" in capsys.readouterr().err


def test_the_shipped_profiles_are_without_fault(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["profile", "lint"]) == 0

    assert len(capsys.readouterr().out.splitlines()) == 5


def test_faults_are_found(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    good = (FOLDER / "zhuhai-2023.toml").read_text(encoding="utf-8").replace('"zhuhai-2023"', '"city"')
    idle = tmp_path / "city.toml"
    idle.write_text(
        good.replace('"zhuhai-2023"', '"city"') + '\n[[citation]]\nid = "X"\narticle = "一"\nwords = "甲"\n'
    )
    broken = tmp_path / "other.toml"
    broken.write_text("[profile]\n")

    assert main(["profile", "lint", str(idle), str(broken)]) == 1

    first, second = capsys.readouterr().out.splitlines()
    assert first.endswith("citation: no rule cites X")
    assert "profile.id: is missing" in second
