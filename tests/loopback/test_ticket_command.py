"""`jiesu ticket`: the closed loop on the command line."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from gateway.cli import main
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
def test_what_is_wrong_with_a_command_is_one_line_that_names_the_field(
    config: str, words: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert ticket(config, "do", TICKET, *words) == 2
    complaint = capsys.readouterr().err
    assert said in complaint
    assert complaint.count("\n") == 1


def test_what_is_not_there_or_changed_meanwhile_fails(config: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert ticket(config, "show", TICKET) == 1
    assert ticket(config, "do", "nothing", "accept", "category=help") == 1
    assert ticket(config, "do", TICKET, "accept", "category=help", "--revision", "0") == 0
    assert ticket(config, "do", TICKET, "urge", "--revision", "0") == 1
    assert "was changed after revision 0" in capsys.readouterr().err
    assert ticket(config, "do", TICKET, "dispatch", "to=nowhere") == 1
    assert ticket(config, "list", "--after", "nonsense") == 2
