"""A store with any number of open cases, loaded in bulk: what `benchmarks.casework` measures on.

The cases come from the casebook that serves live tickets; each has its ticket, its unit, and a text of its own of some
thirty characters, found by the same index as in a running gateway. Nothing here is how a gateway writes.
"""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import sqlalchemy as sa

from gateway.domain.case import Accept, Case, CaseId, Command, Dispatch, Sign
from gateway.domain.casework import CaseRecord
from gateway.domain.contact import ChannelKind, ContactId
from gateway.domain.rules import Stage
from gateway.domain.ticket import Elements, Ticket, TicketState
from gateway.storage.case_schema import case_terms, case_units, case_words, cases
from gateway.storage.case_search import numbered
from gateway.storage.cases import case_row
from gateway.storage.location import Where, database_at
from gateway.storage.migrate import migrate
from gateway.storage.records import ticket_row
from gateway.storage.schema import tickets
from routing.case_words import terms_of, words_of
from routing.casebook import Casebook
from routing.search import by_unit

PROFILE = "zhuhai-2023"
UNITS = tuple(f"unit{number}" for number in range(10))
DISPATCHED = datetime(2026, 3, 2, 1, tzinfo=UTC)
"""When most cases came: a Monday at nine in Beijing. Their yellow card shows a fortnight later."""
EARLY = datetime(2026, 2, 25, 1, tzinfo=UTC)
"""When those came whose deadlines the sweep meets first."""
SWEPT = 500
"""Cases that the measured sweeps find due, however many there are."""
CHUNK = 10_000

_WANTED = (
    "家里停水两天了没有人来修",
    "楼下烧烤店油烟很大影响休息",
    "小区路灯不亮晚上出行不便",
    "工地夜间施工噪音扰民睡不着",
    "物业不清理垃圾堆满楼道",
    "暖气不热室内只有十几度",
    "公交车等了一个小时没有来",
    "马路中间井盖松动有安全隐患",
    "公司拖欠工资三个月不发",
    "消防通道被车辆堵住了",
)
_LETTERS = "山水花园东西南北和平新华建设团结胜利解放光明幸福安康文化体育兴隆永昌金玉龙凤海天云松竹梅"


def text_of(number: int) -> tuple[str, str]:
    """Return what case *number* wants and where: one of ten matters, one of a few thousand places."""
    chance = random.Random(number)
    place = "".join(chance.choices(_LETTERS, k=3))
    return _WANTED[number // 7 % len(_WANTED)], f"{place}小区{chance.randint(1, 40)}号楼{chance.randint(101, 2602)}室"


def records(book: Casebook, count: int) -> Iterator[CaseRecord]:
    """Yield *count* open cases, the first `SWEPT` of them spread over all with earlier deadlines."""
    day = DISPATCHED.date()
    early = _case(book, EARLY, UNITS[0], Stage.SIGNED)
    later = [_case(book, DISPATCHED, unit, Stage.SIGNED) for unit in UNITS]
    apart = count // SWEPT
    for number in range(count):
        is_early = number % apart == 0 and number // apart < SWEPT
        case = early if is_early else later[number % len(later)]
        received = case.received_at + timedelta(milliseconds=number)
        case = replace(
            case,
            id=CaseId(f"case-{number:08}"),
            received_at=received,
            petitioner=f"0{number % 50_000:010}",
            matter=f"matter {number % 400}",
        )
        yield CaseRecord(case=case, profile=PROFILE, rules_of=day, changed_at=received, next_due=book.due(case))


def fill(where: Where, book: Casebook, count: int) -> None:
    """Make a store with *count* open cases at *where*."""
    migrate(where)
    database = database_at(where)
    engine = database.engine(writes=True, patience=5.0)
    made = records(book, count)
    with database.losses(), engine.connect() as connection:
        if connection.dialect.name == "sqlite":
            connection.exec_driver_sql("PRAGMA cache_size=-2000000")
        while chunk := list(itertools.islice(made, CHUNK)):
            _load_chunk(connection, chunk)
            connection.commit()
        connection.exec_driver_sql("ANALYZE")
        connection.commit()
    engine.dispose()


def _load_chunk(connection: sa.Connection, chunk: Sequence[CaseRecord]) -> None:
    numbers = [numbered(record.case.received_at) for record in chunk]
    kept = [_ticket(record) for record in chunk]
    said = [
        words_of(record.case, ticket.summary, ticket.elements, "") for record, ticket in zip(chunk, kept, strict=True)
    ]
    found = [
        (term, number)
        for record, number, words in zip(chunk, numbers, said, strict=True)
        for term in terms_of([words]) | {by_unit(record.case.unit)}
    ]
    _load(connection, cases, [case_row(record) for record in chunk])
    _load(connection, tickets, [ticket_row(ticket) | {"node": ""} for ticket in kept])
    _load(connection, case_units, [_unit_row(record) for record in chunk])
    _load(
        connection,
        case_words,
        [
            {"number": number, "case_id": record.id, "words": words}
            for record, number, words in zip(chunk, numbers, said, strict=True)
        ],
    )
    _copy(connection, case_terms.name, list(case_terms.columns), sorted(found))


def _load(connection: sa.Connection, table: sa.Table, rows: Sequence[dict[str, Any]]) -> None:
    """Write rows as their columns' types spell them."""
    columns = [column for column in table.columns if column.name in rows[0]]
    _copy(connection, table.name, columns, list(_written(columns, rows, connection.dialect)))


def _copy(
    connection: sa.Connection, table: str, columns: Sequence[sa.Column[Any]], rows: Sequence[tuple[Any, ...]]
) -> None:
    """Write rows as fast as the driver can: COPY on PostgreSQL."""
    names = ", ".join(f'"{column.name}"' for column in columns)
    cursor = connection.connection.cursor()
    if connection.dialect.name == "sqlite":
        cursor.executemany(f"INSERT INTO {table} ({names}) VALUES ({', '.join('?' * len(columns))})", rows)
        return
    with cursor.copy(f"COPY {table} ({names}) FROM STDIN") as copy:
        for row in rows:
            copy.write_row(row)


def _written(
    columns: Sequence[sa.Column[Any]], rows: Iterable[dict[str, Any]], dialect: sa.Dialect
) -> Iterator[tuple[Any, ...]]:
    processors = [column.type.dialect_impl(dialect).bind_processor(dialect) or _as_it_is for column in columns]
    for row in rows:
        yield tuple(process(row[column.name]) for process, column in zip(processors, columns, strict=True))


def _as_it_is(value: Any) -> Any:
    return value


def _unit_row(record: CaseRecord) -> dict[str, Any]:
    return {
        "unit": record.case.unit,
        "case_id": record.id,
        "stage": record.case.stage.value,
        "received_at": record.case.received_at,
        "handle_due": record.handle_due,
    }


def _case(book: Casebook, received: datetime, unit: str, stage: Stage) -> Case:
    """Return an open case as the casebook makes it."""
    case_id, case = CaseId("template"), None
    commands: list[Command] = [Accept(category="help", petitioner="0", matter="0"), Dispatch(to=unit)]
    commands += [Sign()] if stage is Stage.SIGNED else []
    for command in commands:
        case = book.apply(case, case_id, command, received).case
    assert case is not None
    return case


def _ticket(record: CaseRecord) -> Ticket:
    wanted, place = text_of(int(record.id.rpartition("-")[2]))
    return Ticket(
        id=record.id,
        contact_id=ContactId(record.id),
        channel=ChannelKind.TELEPHONE,
        call_id=None,
        caller=record.case.petitioner,
        received_at=record.case.received_at,
        ended_at=record.case.received_at,
        state=TicketState.TAKEN,
        category=record.case.category,
        unit=record.case.unit,
        summary=wanted,
        elements=Elements(place=place),
    )
