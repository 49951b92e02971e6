"""`jiesu ticket`: the closed loop on the command line."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from gateway.cli import main
from gateway.domain.case import COMMANDS
from gateway.domain.contact import ChannelKind, ContactId
from gateway.domain.ticket import Ticket, TicketId, TicketState
from gateway.storage.store import SqlStore
from tests.fakes.caseroom import REPLY
from tests.fakes.store import SetClock

TICKET = "20260302-000001"
CONFIG = """
[node]
data = "data"
profile = "zhuhai-2023"
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
    path.write_text(CONFIG)
    now = datetime.now(UTC)
    kept = Ticket(
        id=TicketId(TICKET),
        contact_id=ContactId("c"),
        channel=ChannelKind.TELEPHONE,
        call_id=None,
        caller="01000000001",
        received_at=now,
        ended_at=now,
        state=TicketState.TAKEN,
    )

    async def fill() -> None:
        (tmp_path / "data").mkdir()
        async with SqlStore(tmp_path / "data" / "jiesu.sqlite", clock=SetClock()) as store:
            await store.commit(lambda tx: tx.save_ticket(kept))

    asyncio.run(fill())
    return str(path)


def ticket(config: str, *words: str) -> int:
    return main(["ticket", words[0], *words[1:], "--config", config])


def test_a_ticket_is_taken_sent_answered_and_closed(config: str, capsys: pytest.CaptureFixture[str]) -> None:
    reply = [f"{name}={str(value).lower() if isinstance(value, bool) else value}" for name, value in REPLY.items()]
    for words in (["accept", "category=help"], ["dispatch", "to=water"], ["sign"], ["reply", *reply], ["audit_pass"]):
        assert ticket(config, "do", TICKET, *words) == 0, capsys.readouterr().err
    told = capsys.readouterr().out

    assert "工单进入“办结”环节  ZH-13" in told
    assert told.rstrip().endswith("revision 5")
    assert ticket(config, "show", TICKET) == 0
    shown = capsys.readouterr().out
    assert f"工单 {TICKET}  办结  求助  revision 5" in shown
    assert "办理  10 working days" in shown
    assert ticket(config, "show", TICKET, "--json") == 0
    file: dict[str, Any] = json.loads(capsys.readouterr().out)
    assert file["reply"]["told_petitioner"] is True
    assert ticket(config, "list", "--stage", "closed", "--unit", "water") == 0
    assert capsys.readouterr().out.startswith(TICKET)
    assert ticket(config, "list", "--overdue", "--json") == 0
    assert capsys.readouterr().out == ""


def test_a_denial_is_said_with_the_articles_words(config: str, capsys: pytest.CaptureFixture[str]) -> None:
    ticket(config, "do", TICKET, "accept", "category=help")
    capsys.readouterr()

    assert ticket(config, "do", TICKET, "sign") == 1
    said = capsys.readouterr().err
    assert "不能签收：工单不在可以办理此事的环节" in said
    assert ticket(config, "do", TICKET, "accept", "category=riddle") == 1


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["accept"], "accept: category: is missing"),
        (["accept", "help"], "help: expected NAME=VALUE"),
        (["accept", "category=help", "urgency=soon"], "accept: urgency: expected one of normal"),
        (["accept", "category=help", "contact_given=maybe"], "accept: contact_given: expected true or false"),
        (["extend", "days=few"], "extend: days: expected a whole number"),
        (["sign", "to=water"], "sign: to: unknown key"),
    ],
)
def test_what_is_wrong_with_a_command_is_a_line_that_names_the_field(
    config: str, words: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert ticket(config, "do", TICKET, *words) == 2
    complaint = capsys.readouterr().err
    assert said in complaint
    assert all(line.startswith("jiesu: ") for line in complaint.splitlines())


def test_what_is_not_there_or_changed_meanwhile_fails(config: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert ticket(config, "show", TICKET) == 1
    assert ticket(config, "do", "nothing", "accept", "category=help") == 1
    assert ticket(config, "do", TICKET, "accept", "category=help", "--revision", "0") == 0
    assert ticket(config, "do", TICKET, "urge", "--revision", "0") == 1
    assert "was changed after revision 0" in capsys.readouterr().err
    assert ticket(config, "do", TICKET, "dispatch", "to=wator") == 2
    assert "dispatch: to: there is no unit wator; did you mean water?" in capsys.readouterr().err
    assert ticket(config, "list", "--after", "nonsense") == 2


def test_everything_that_is_wrong_is_said_at_once_and_nothing_is_done(
    config: str, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["urgency=soon", "contact_given=maybe", "unit=water", "urgency=normal", "help"]

    assert ticket(config, "do", TICKET, "accept", *words) == 2
    assert capsys.readouterr().err.splitlines() == [
        "jiesu: accept: unit: unknown key; expected one of category, urgency, petitioner, matter, contact_given, "
        "real_name",
        "jiesu: accept: urgency: is given twice",
        "jiesu: accept: help: expected NAME=VALUE, such as to=water",
        "jiesu: accept: category: is missing",
        "jiesu: accept: urgency: expected one of normal, urgent, sudden, utility, simple",
        "jiesu: accept: contact_given: expected true or false",
    ]
    assert ticket(config, "show", TICKET) == 1


@pytest.mark.parametrize("do", COMMANDS)
def test_every_command_refuses_what_it_does_not_know_and_leaves_no_trace(
    do: str, config: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert ticket(config, "do", TICKET, do, "unheard_of=1", "--json") == 2
    assert "unheard_of" in {wrong["field"] for wrong in json.loads(capsys.readouterr().out)["wrong"]}
    assert ticket(config, "show", TICKET) == 1


def test_every_outcome_is_one_json_object(config: str, capsys: pytest.CaptureFixture[str]) -> None:
    def outcome(*words: str) -> tuple[int, dict[str, Any]]:
        code = ticket(config, "do", TICKET, *words, "--json")
        return code, json.loads(capsys.readouterr().out)

    code, done = outcome("accept", "category=help")
    assert (code, done["done"], done["revision"]) == (0, True, 1)
    code, denied = outcome("sign")
    assert (code, denied["denials"][0]["why"]) == (1, "wrong_stage")
    outcome("urge")
    code, late = outcome("urge", "--revision", "1")
    assert (code, late["conflict"]["revision"]) == (1, 2)
    assert any("催办" in change["text"] for change in late["conflict"]["changes"])
    code, unknown = outcome("dispatch", "to=nowhere")
    assert (code, unknown["wrong"][0]["field"]) == (2, "to")


def test_commands_and_what_a_case_allows_are_listed(config: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["ticket", "commands", "--json"]) == 0
    assert [json.loads(line)["do"] for line in capsys.readouterr().out.splitlines()] == list(COMMANDS)
    assert main(["ticket", "commands", "dispatch"]) == 0
    assert "to                 a text, needed" in capsys.readouterr().out
    assert ticket(config, "options", TICKET) == 0
    assert [line.split()[0] for line in capsys.readouterr().out.splitlines()] == ["accept", "refuse", "hand_off"]
    assert ticket(config, "options", "nothing") == 1


def test_cases_are_found_by_words_and_messages_told(config: str, capsys: pytest.CaptureFixture[str]) -> None:
    ticket(config, "do", TICKET, "accept", "category=help", "matter=家里停水两天")
    ticket(config, "do", TICKET, "dispatch", "to=water")
    capsys.readouterr()

    assert ticket(config, "list", "--search", "停水 两天") == 0
    assert capsys.readouterr().out.startswith(TICKET)
    assert ticket(config, "list", "--search", "路灯") == 0
    assert capsys.readouterr().out == ""
    assert ticket(config, "list", "--search", "水") == 2
    assert ticket(config, "list", "--due-within", "720", "--csv") == 0
    assert "供水公司" in capsys.readouterr().out.splitlines()[1]
    assert ticket(config, "inbox", "--channel", "unit", "--to", "water", "--json") == 0
    key = json.loads(capsys.readouterr().out)["key"]
    assert ticket(config, "told", key, "unknown") == 1
    assert ticket(config, "told", key) == 0
    capsys.readouterr()
    assert ticket(config, "inbox", "--channel", "unit") == 0
    assert capsys.readouterr().out == ""
    assert ticket(config, "inbox", "--channel", "unit", "--all") == 0
    assert key in capsys.readouterr().out


def test_deadlines_are_counted_anew_by_command(config: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert ticket(config, "recompute", "--json") == 0
    assert capsys.readouterr().err == "0 deadlines changed\n"
