"""A store with any number of open cases, loaded in bulk: what `benchmarks.casework` measures on.

The cases come from the casebook that serves live tickets; each has its ticket, its unit, and a text of its own of some
thirty characters, found by the same index as in a running gateway. Nothing here is how a gateway writes.
"""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import msgspec
import sqlalchemy as sa

from gateway.domain.case import Accept, Case, CaseId, Command, Dispatch, Sign
from gateway.domain.casework import CaseRecord
from gateway.domain.contact import ChannelKind, ContactId
from gateway.domain.rules import Stage
from gateway.domain.ticket import Elements, Ticket, TicketState
from gateway.storage.case_schema import case_terms, case_units, case_words, cases
from gateway.storage.case_search import numbered
from gateway.storage.cases import case_row
from gateway.storage.chain import canonical
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
QUIET = datetime(2026, 3, 6, 4, tzinfo=UTC)
"""When everything that is told of the first days has come, and nothing of the next."""
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
    return _WANTED[number // 11 % len(_WANTED)], f"{place}小区{chance.randint(1, 40)}号楼{chance.randint(101, 2602)}室"


def records(book: Casebook, count: int) -> Iterator[CaseRecord]:
    """Yield *count* open cases, the first `SWEPT` of them spread over all with earlier deadlines."""
    day = DISPATCHED.date()
    early = _case(book, EARLY, UNITS[0], Stage.SIGNED)
    later = [_case(book, DISPATCHED, unit, Stage.SIGNED) for unit in UNITS]
    due = {case.unit: book.due(case) for case in later}
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
        yield CaseRecord(
            case=case,
            profile=PROFILE,
            rules_of=day,
            changed_at=received,
            next_due=book.due(early) if is_early else due[case.unit],
        )


def fill(where: Where, book: Casebook, count: int) -> None:
    """Make a store with *count* open cases at *where*."""
    migrate(where)
    database = database_at(where)
    engine = database.engine(writes=True, patience=5.0)
    made = records(book, count)
    with database.losses(), engine.connect() as connection:
        if connection.dialect.name == "sqlite":
            for pragma in ("synchronous=OFF", "cache_size=-2000000"):
                connection.connection.cursor().execute(f"PRAGMA {pragma}")
        stamps = {table.name: _Stamp(table, connection.dialect) for table in (cases, tickets, case_units, case_words)}
        while chunk := list(itertools.islice(made, CHUNK)):
            _load_chunk(connection, chunk, stamps)
            connection.commit()
        connection.exec_driver_sql("ANALYZE")
        connection.commit()
    engine.dispose()


class _Stamp:
    """Writes rows of one table that differ from one another in few columns: what is alike is spelled once."""

    def __init__(self, table: sa.Table, dialect: sa.Dialect) -> None:
        self.table = table
        self._columns = [column.name for column in table.columns]
        self._processors = {
            column.name: column.type.dialect_impl(dialect).bind_processor(dialect) or _as_it_is
            for column in table.columns
        }
        self._alike: dict[Hashable, dict[str, Any]] = {}

    def row(self, alike: Hashable, whole: Callable[[], dict[str, Any]], own: dict[str, Any]) -> tuple[Any, ...]:
        """Return a row: *own* columns, and the rest as *whole* has it, which is asked once for all that are *alike*."""
        if alike not in self._alike:
            row = whole()
            self._alike[alike] = {name: process(row[name]) for name, process in self._processors.items() if name in row}
        spelled = self._alike[alike] | {name: self._processors[name](value) for name, value in own.items()}
        return tuple(spelled[name] for name in self._columns)

    def load(self, connection: sa.Connection, rows: Sequence[tuple[Any, ...]]) -> None:
        """Write rows."""
        _copy(connection, self.table, rows)


def _load_chunk(connection: sa.Connection, chunk: Sequence[CaseRecord], stamps: Mapping[str, _Stamp]) -> None:
    kept: dict[str, list[tuple[Any, ...]]] = {name: [] for name in stamps}
    found: list[tuple[str, int]] = []
    for record in chunk:
        case, number = record.case, numbered(record.case.received_at)
        alike = (case.unit, record.next_due)
        wanted, place = text_of(int(record.id.rpartition("-")[2]))
        elements = Elements(place=place)
        words = words_of(case, wanted, elements, "")
        found += ((term, number) for term in terms_of([words]) | {by_unit(case.unit)})
        own = {"id": case.id, "received_at": case.received_at}
        kept["cases"].append(
            stamps["cases"].row(
                alike,
                partial(case_row, record),
                own
                | {"changed_at": case.received_at, "petitioner": case.petitioner, "matter": case.matter}
                | {"state": _state(case, alike)},
            )
        )
        kept["tickets"].append(
            stamps["tickets"].row(
                alike,
                lambda record=record: ticket_row(_ticket(record)) | {"node": ""},  # type: ignore[misc]
                own
                | {"contact_id": case.id, "caller": case.petitioner, "ended_at": case.received_at}
                | {"summary": wanted, "elements": {name: getattr(elements, name) for name in elements.__slots__}},
            )
        )
        kept["case_units"].append(
            stamps["case_units"].row(
                alike, partial(_unit_row, record), {"case_id": case.id, "received_at": case.received_at}
            )
        )
        kept["case_words"].append(
            stamps["case_words"].row(None, dict, {"number": number, "case_id": case.id, "words": words})
        )
    for name, stamp in stamps.items():
        stamp.load(connection, kept[name])
    _copy(connection, case_terms, sorted(found))


_STATES: dict[Hashable, str] = {}
_MARKS: Mapping[str, Any] = {
    "id": "<id>",
    "received_at": datetime(2001, 2, 3, tzinfo=UTC),
    "petitioner": "<who>",
    "matter": "<what>",
}


def _state(case: Case, alike: Hashable) -> str:
    """Return a case's canonical JSON; of cases that are *alike* only the first is spelled whole."""
    if alike not in _STATES:
        marked = replace(case, **_MARKS)
        _STATES[alike] = canonical(msgspec.to_builtins(marked))
    values = [str(msgspec.to_builtins(each)) for each in (case.id, case.received_at, case.petitioner, case.matter)]
    text = _STATES[alike]
    for mark, value in zip(_MARKS.values(), values, strict=True):
        text = text.replace(str(msgspec.to_builtins(mark)), value)
    return text


def _copy(connection: sa.Connection, table: sa.Table, rows: Sequence[tuple[Any, ...]]) -> None:
    """Write rows as fast as the driver can: COPY on PostgreSQL."""
    names = ", ".join(f'"{column.name}"' for column in table.columns)
    cursor = connection.connection.cursor()
    if connection.dialect.name == "sqlite":
        marks = ", ".join("?" * len(table.columns))
        cursor.executemany(f"INSERT INTO {table.name} ({names}) VALUES ({marks})", rows)
        return
    with cursor.copy(f"COPY {table.name} ({names}) FROM STDIN") as copy:
        for row in rows:
            copy.write_row(row)


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
    return book.elapse(case, QUIET).case or case


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
