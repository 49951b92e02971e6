"""`jiesu learn` and `jiesu shadow` from end to end on invented tickets."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import pytest

from config.models import RULES, ModelError, ModelRoom
from config.settings import load
from gateway.city_parts import SystemClock
from gateway.cli import main
from gateway.commands.pipeline import decided, understand_with
from gateway.domain.contact import ChannelKind, ContactId
from gateway.domain.ticket import Ticket, TicketId
from gateway.ports.memory import Transaction
from gateway.storage.store import SqlStore
from tests.fakes import histories

UNIT = '[[unit]]\nid = "water"\nname = "自来水公司"\nnumber = "9001"\nduties = ["water_supply"]\ntrunk = "city"\n'
TRUNK = '[[trunk]]\nname = "city"\naddress = "192.0.2.1:5060"\n'


@pytest.fixture
def config(tmp_path: Path) -> list[str]:
    path = tmp_path / "gateway.toml"
    path.write_text(f'[node]\ndata = "{tmp_path}/data"\n{TRUNK}{UNIT}', encoding="utf-8")
    return ["--config", str(path)]


@pytest.fixture
def history(tmp_path: Path) -> str:
    return str(histories.write(tmp_path / "history.csv", histories.rows(200)))


@pytest.fixture
def room(tmp_path: Path) -> ModelRoom:
    return ModelRoom(tmp_path / "data" / "models" / "understanding")


def test_a_history_becomes_models_that_are_listed_used_and_rolled_back(
    config: list[str], tmp_path: Path, room: ModelRoom, capsys: pytest.CaptureFixture[str]
) -> None:
    history = str(histories.write(tmp_path / "history.csv", histories.rows(600)))

    assert main(["learn", history, "--json", *config]) == 0
    reports = {each["task"]: each for each in map(json.loads, capsys.readouterr().out.splitlines())}
    assert set(reports) == {"category", "class", "unit"}
    for report in reports.values():
        assert report["metrics"]["macro_f1"] > 0.8
        assert report["train"] + report["held_out"] == 600
        assert set(report["classes"]) >= set(report["labels"])
    assert reports["unit"]["never_decided"] == sorted({unit for unit, _ in histories.MATTERS.values()} - {"自来水公司"})
    assert "water" in reports["unit"]["labels"]
    version = reports["class"]["version"]
    assert all({"line", "true", "guessed", "probability", "text"} <= set(each) for each in reports["class"]["worst"])
    assert room.in_use("class") == RULES

    assert main(["learn", "--use", version, *config]) == 0
    assert [room.in_use(task) for task in ("category", "class", "unit")] == [version] * 3
    assert main(["learn", "--list", *config]) == 0
    assert f"* {version}" in capsys.readouterr().out

    text = "河西村半个月了，水龙头不出水，请尽快派人来看看"
    understood = understand_with(load(Path(config[1])))(text)
    assert decided(understood) == {"category": "help", "class": "water_supply", "unit": "water"}
    assert understood.matter.reasons[0].rule == f"learned.{version}.water_supply"
    assert "水龙头" in understood.matter.reasons[0].evidence

    assert main(["learn", "--rollback", *config]) == 0
    assert room.in_use("class") == RULES
    assert main(["learn", "--rollback", *config]) == 2


def test_today_is_put_beside_what_people_decided(
    config: list[str], history: str, capsys: pytest.CaptureFixture[str]
) -> None:
    main(["learn", history, "--task", "class", "--json", *config])
    version = json.loads(capsys.readouterr().out)["version"]

    assert main(["shadow", history, "--model", "rules", "--json", *config]) == 0
    by_rules = {each["task"]: each for each in map(json.loads, capsys.readouterr().out.splitlines())}
    assert main(["shadow", history, "--model", version, "--json", *config]) == 0
    shown = capsys.readouterr()
    learnt = {each["task"]: each for each in map(json.loads, shown.out.splitlines())}

    assert by_rules["class"]["n"] == learnt["class"]["n"] == 200
    assert learnt["class"]["accuracy"] > by_rules["class"]["accuracy"]
    assert "class learnt from this very file" in shown.err
    rules = [reason["rule"] for reason in learnt["class"]["disagreements"][0]["reasons"]]
    assert any(rule.startswith(f"learned.{version}.") for rule in rules)
    assert main(["shadow", history, "--examples", "2", *config]) == 0
    assert "与人工一致" in capsys.readouterr().out


def test_a_version_is_evaluated_and_the_rules_stay_behind(
    config: list[str], history: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    truths = tmp_path / "truths.jsonl"
    truths.write_text(
        "".join(
            json.dumps({"text": text, "class": matter}, ensure_ascii=False) + "\n"
            for _, text, _, matter, _ in histories.rows(80, seed=9)
        ),
        encoding="utf-8",
    )
    main(["learn", history, "--task", "class", "--json", *config])
    version = json.loads(capsys.readouterr().out)["version"]

    assert main(["evaluate", "class", str(truths), "--json", *config]) == 0
    by_rules = json.loads(capsys.readouterr().out)
    assert main(["evaluate", "class", str(truths), "--model", version, "--json", *config]) == 0
    assert json.loads(capsys.readouterr().out)["accuracy"] > by_rules["accuracy"]
    assert main(["evaluate", "class", str(truths), "--model", "19990101.1", *config]) == 2
    assert main(["evaluate", "emergency", str(truths), "--model", version, *config]) == 2


def test_a_held_out_file_that_repeats_the_history_is_refused(
    config: list[str], history: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["learn", history, "--held-out", history, *config]) == 2
    assert "trained on and held out" in capsys.readouterr().err


def test_columns_may_have_any_title_and_the_coding_of_an_office(
    config: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    header = ("编号", "说了什么", "甲", "乙", "丙")
    path = histories.write(tmp_path / "old.csv", histories.rows(150), header=header, coding="gb18030")

    assert main(["learn", str(path), "--text-column", "说了啥", *config]) == 2
    assert "expected a column 说了啥; there are 编号, 说了什么" in capsys.readouterr().err
    assert main(["learn", str(path), "--text-column", "说了什么", "--class-column", "乙", *config]) == 0
    report = capsys.readouterr().out
    assert "诉求事项" in report
    assert "人工 × 此处" in report
    assert "诉求类别" not in report


def test_a_model_that_is_not_as_it_was_written_is_refused(
    config: list[str], history: str, room: ModelRoom, capsys: pytest.CaptureFixture[str]
) -> None:
    main(["learn", history, "--task", "class", *config])
    capsys.readouterr()
    version = room.versions("class")[0]
    weights = room.folder / "class" / version / "weights.npz"
    weights.write_bytes(weights.read_bytes()[:-1] + b"x")

    with pytest.raises(ModelError, match="not as it was written"):
        room.load("class", version)
    assert main(["learn", "--use", version, *config]) == 2
    assert "SHA-256" in capsys.readouterr().err
    assert main(["learn", "--use", "../../etc", *config]) == 2


def test_what_agents_corrected_becomes_examples(
    config: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async def fill() -> None:
        async with SqlStore(tmp_path / "data" / "jiesu.sqlite", clock=SystemClock()) as store:
            for number, edited in enumerate(({"matter": 2}, {}, {"category": 2, "summary": 3})):
                ticket = Ticket(
                    id=TicketId(f"t{number}"),
                    contact_id=ContactId(f"c{number}"),
                    channel=ChannelKind.WEB,
                    call_id=None,
                    caller="",
                    received_at=datetime(2026, 3, 2, tzinfo=UTC),
                    category="complaint",
                    matter="noise",
                    summary="楼下歌厅太吵",
                    edited=edited,
                )
                await store.commit(partial(_save, ticket))

    (tmp_path / "data").mkdir()
    asyncio.run(fill())
    out = tmp_path / "corrected.csv"

    assert main(["learn", "--from-store", str(out), *config]) == 0
    assert "2 corrected tickets" in capsys.readouterr().out
    assert out.read_text(encoding="utf-8-sig").splitlines() == [
        "诉求内容,类别,事项,承办单位",
        "楼下歌厅太吵,complaint,,",
        "楼下歌厅太吵,,noise,",
    ]


def _save(ticket: Ticket, tx: Transaction) -> None:
    tx.save_ticket(ticket)


def test_without_a_file_or_an_action_nothing_is_done(config: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["learn", *config]) == 2
    assert "expected FILE.csv" in capsys.readouterr().err
