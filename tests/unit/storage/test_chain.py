from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.domain.call import CallId
from gateway.domain.errors import OurMistake
from gateway.domain.events import Fact
from gateway.domain.json import Json
from gateway.domain.ticket import TicketId
from gateway.storage.chain import GENESIS, Anchor, Record, canonical, check, entry_of, instant, link

START = datetime(2026, 11, 21, 2, 3, 4, 5, UTC)

words = st.text(st.characters(exclude_categories=["Cs"]))
jsons = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | words,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(words, inner, max_size=4),
    max_leaves=12,
)
facts = st.builds(
    Fact,
    kind=words,
    at=st.datetimes(timezones=st.sampled_from([UTC, timezone(timedelta(hours=8))]), min_value=datetime(2, 1, 1)),
    call_id=st.none() | words.map(CallId),
    ticket_id=st.none() | words.map(TicketId),
    offset=st.none() | st.floats(allow_nan=False, allow_infinity=False),
    values=st.dictionaries(words, jsons, max_size=4),
)


def chain(*facts: Fact) -> list[Record]:
    records: list[Record] = []
    last = Anchor()
    for fact in facts:
        records.append(link(fact, last))
        last = Anchor(seq=records[-1].seq, hash=records[-1].hash)
    return records


def five() -> list[Record]:
    return chain(*(Fact(kind="leg.answered", at=START, offset=n / 3, values={"n": n}) for n in range(5)))


def anchor_at(record: Record) -> Anchor:
    return Anchor(seq=record.seq, hash=record.hash)


def rehashed(record: Record, **changes: object) -> Record:
    """What a forger makes who knows the rule: another entry with a fitting hash of its own."""
    forged = replace(record, **changes)  # type: ignore[arg-type]
    made = link(entry_of(forged).fact, Anchor(seq=forged.seq - 1, hash=forged.previous))
    return replace(forged, hash=made.hash)


def test_the_hash_is_the_one_docs_journal_md_works_out() -> None:
    fact = Fact(
        kind="leg.answered",
        at=datetime(2026, 11, 21, 10, 3, 4, 5, timezone(timedelta(hours=8))),
        call_id=CallId("call-1"),
        offset=0.0,
        values={"role": "citizen", "备注": "“第一句”"},
    )

    record = link(fact, Anchor())

    body = (
        '{"at":"2026-11-21T02:03:04.000005Z","call":"call-1","kind":"leg.answered","offset":0.0,"previous":"'
        + "0" * 64
        + '","seq":1,"ticket":null,"values":{"role":"citizen","备注":"“第一句”"}}'
    )
    assert record.previous == GENESIS
    assert record.hash == hashlib.sha256(body.encode()).hexdigest()
    assert record.hash == "7b322572dcff067819f574f14990b29372541a73095ee48e8f5619dcb4b87366"


@given(st.lists(facts, max_size=4))
def test_every_chain_of_facts_verifies_and_reads_back_as_it_was(said: list[Fact]) -> None:
    records = chain(*said)

    assert check(records, Anchor(seq=len(records), hash=records[-1].hash if records else GENESIS)).ok
    assert [entry_of(record).fact for record in records] == said


@given(jsons)
def test_canonical_json_has_one_spelling(value: Json) -> None:
    assert canonical(json.loads(canonical(value))) == canonical(value)


def test_an_instant_is_spelled_in_utc_with_six_decimals() -> None:
    assert instant(datetime(2026, 1, 2, 8, 0, tzinfo=timezone(timedelta(hours=8)))) == "2026-01-02T00:00:00.000000Z"


def test_an_instant_without_a_zone_is_refused() -> None:
    with pytest.raises(OurMistake):
        instant(START.replace(tzinfo=None))


def test_an_empty_journal_holds() -> None:
    assert check([], Anchor()).ok
    assert check([], Anchor()).entries == 0


@pytest.mark.parametrize(
    "change",
    [
        {"kind": "leg.ended"},
        {"at": instant(START + timedelta(microseconds=1))},
        {"call": "other"},
        {"ticket": "other"},
        {"offset": 9.0},
        {"values": '{"n":3}'},
        {"values": '{"n": 2}'},
        {"values": '{"n":1,"n":2}'},
        {"values": "no json"},
        {"values": '{"n":NaN}'},
        {"values": None},
        {"values": b"\xff"},
        {"offset": "x"},
        {"hash": "ab" * 32},
        {"previous": "ab" * 32},
    ],
)
def test_an_altered_entry_is_found(change: dict[str, object]) -> None:
    records = five()
    records[2] = replace(records[2], **change)  # type: ignore[arg-type]

    verdict = check(records, None)

    assert (verdict.ok, verdict.entries, verdict.first_bad) == (False, 2, 3)
    assert verdict.reason.startswith("altered")


def test_a_forged_entry_with_a_fitting_hash_shows_at_the_next_one() -> None:
    records = five()
    records[2] = rehashed(records[2], values='{"n":7}')

    verdict = check(records, None)

    assert (verdict.ok, verdict.first_bad) == (False, 4)
    assert verdict.reason == "altered: entry 4 does not follow from entry 3 as it stands"


def test_a_forged_last_entry_shows_by_its_anchor() -> None:
    records = five()
    anchor = anchor_at(records[-1])
    records[-1] = rehashed(records[-1], values='{"n":7}')

    verdict = check(records, anchor)

    assert (verdict.ok, verdict.first_bad, verdict.reason) == (False, 5, "altered: the anchor has seen another hash")


@pytest.mark.parametrize("gone", [0, 2])
def test_a_missing_entry_is_named(gone: int) -> None:
    records = five()
    del records[gone]

    verdict = check(records, None)

    assert (verdict.ok, verdict.entries, verdict.first_bad) == (False, gone, gone + 1)
    assert verdict.reason.startswith("missing")


def test_entries_out_of_order_are_found() -> None:
    records = five()

    verdict = check([*records[:3], records[1]], None)

    assert (verdict.ok, verdict.first_bad) == (False, 2)
    assert verdict.reason.startswith("out of order")


def test_a_cut_at_the_end_shows_by_the_anchor_and_only_by_it() -> None:
    records = five()

    verdict = check(records[:3], anchor_at(records[-1]))

    assert (verdict.ok, verdict.entries, verdict.first_bad) == (False, 3, 4)
    assert verdict.reason == "cut at the end: the anchor has seen entry 5"
    assert check(records[:3], None).ok
    assert check(records[:3], None).reason


def test_an_anchor_may_lag_behind() -> None:
    records = five()

    assert check(records, anchor_at(records[1])).ok
