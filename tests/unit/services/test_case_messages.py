"""What goes out of a case: to whom, in whose words, and folded when it is old."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from gateway import casework_parts
from gateway.domain.case import Case, CaseId, Fact
from gateway.domain.casework import DIGEST, CaseRecord, Channel, Message, Partner
from gateway.domain.rules import Stage
from gateway.services.case_messages import LISTED, Post
from tests.fakes.cases import CaseMemory

NOW = datetime(2026, 3, 16, 1, tzinfo=UTC)
PROFILE = casework_parts.rules("zhuhai-2023", date(2026, 3, 2))


def record(name: str = "t1", **fields: Any) -> CaseRecord:
    case = Case(
        id=CaseId(name),
        **{"stage": Stage.DISPATCHED, "received_at": NOW, "unit": "water", "petitioner": "01000000001", **fields},
    )
    return CaseRecord(case=case, profile="zhuhai-2023", rules_of=date(2026, 3, 2), changed_at=NOW)


def said(name: str, case: str = "t1", *, age: float = 0, rows: tuple[str, ...] = (), **details: Any) -> Fact:
    return Fact(at=NOW - timedelta(hours=age), case=CaseId(case), name=name, rows=rows, details=details)


def posted(*facts: Fact, memory: CaseMemory | None = None, of: CaseRecord | None = None) -> list[Message]:
    """Return what the outbox holds after those facts."""
    kept = memory or CaseMemory()
    post = Post(words=casework_parts.words(), partners=(Partner(id="region"),), now=NOW, digest_age=timedelta(hours=2))
    post.add(of or record(facts[0].case), None, facts, PROFILE)
    post.put(kept)
    return [message for message in kept.outbox.values() if message.channel is not Channel.PARTNER]


@pytest.mark.parametrize(
    ("fact", "told"),
    [
        (said("tell", who="petitioner", what="progress"), [("petitioner", "01000000001", "progress")]),
        (said("tell", who="hotline", what="appeal"), [("hotline", "", "appeal")]),
        (said("tell", who="unit", what="urge"), [("unit", "water", "urge")]),
        (said("card", colour="red"), [("unit", "water", "red")]),
        (said("supervise", trigger="overdue"), [("hotline", "", "overdue"), ("unit", "water", "overdue")]),
        (said("stage", stage="dispatched"), [("unit", "water", "dispatched"), ("unit", "gas", "dispatched")]),
        (said("stage", stage="closed"), []),
        (said("missed", kind="dispatch"), [("hotline", "", "dispatch")]),
        (said("missed", kind="contact"), [("unit", "water", "contact")]),
        (said("missed", kind="handle"), []),
        (said("commanded", do="urge", by="x"), []),
    ],
)
def test_each_fact_reaches_whom_it_concerns(fact: Fact, told: list[tuple[str, str, str]]) -> None:
    messages = posted(fact, of=record(assist=("gas",)))

    assert [(message.channel.value, message.to, message.kind) for message in messages] == told


def test_a_case_that_no_unit_has_tells_no_unit() -> None:
    fresh = record(unit="")
    facts = [said("tell", who="unit", what="explain"), said("card", colour="red"), said("supervise", trigger="burst")]
    assert [message.channel for message in posted(*facts, of=fresh)] == [Channel.HOTLINE]


def test_a_message_has_the_articles_own_words() -> None:
    (message,) = posted(said("tell", who="petitioner", what="refusal_basis", rows=("ZH-7",)))

    assert message.text.startswith("工单t1：告知诉求人：不予受理及其依据。依据：《珠海市12345")
    assert PROFILE.citations["ZH-7"].words in message.text
    assert message.values["rows"] == ["ZH-7"]


def test_no_key_holds_a_telephone_number() -> None:
    messages = posted(said("tell", who="petitioner", what="progress"), said("tell", who="petitioner", what="progress"))

    assert len({message.key for message in messages}) == 2
    assert not any("01000000001" in message.key for message in messages)


def test_what_is_old_is_counted_but_the_petitioner_is_told_all_the_same() -> None:
    messages = posted(
        said("card", age=50, colour="yellow"),
        said("card", age=26, colour="red"),
        said("tell", age=26, who="petitioner", what="survey"),
        said("card", age=1, colour="red"),
    )

    assert [(message.channel, message.kind) for message in messages] == [
        (Channel.PETITIONER, "survey"),
        (Channel.UNIT, "red"),
        (Channel.UNIT, DIGEST),
    ]
    assert messages[2].values["counts"] == {"yellow": 1, "red": 1}
    assert "2026-03-14 07:00至2026-03-15 07:00期间有1件工单发生变化（红牌1件、黄牌1件）" in messages[2].text


def test_a_digest_that_waits_grows_and_names_no_more_than_can_be_read() -> None:
    memory = CaseMemory()
    for number in range(LISTED + 5):
        name = f"t{number}"
        (digest,) = posted(said("card", name, age=30, colour="red"), memory=memory)

    assert digest.values["total"] == LISTED + 5
    assert len(digest.values["cases"]) == LISTED  # type: ignore[arg-type]
    assert digest.values["counts"] == {"red": LISTED + 5}
