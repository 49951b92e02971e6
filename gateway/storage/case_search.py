"""Finding cases by what they say (案件全文检索): an inverted index in two tables that SQLite and PostgreSQL share.

A case says its number, who wants what where, and what the unit reported. It is found by the pairs of neighbouring
characters of all that (`routing.search.pairs`), by whole numbers and foreign words, and by the units with a part in it;
what the index finds must then have every word of the question in one piece, so nothing is found that was not asked for.

A search walks the entries of its rarest term from the newest case back, looks the other terms up by key, and stops when
the page is full: it costs the same among a million cases as among ten thousand. When two common words hardly ever meet
it stops after `MOST` entries as well, and says where to go on.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec
import sqlalchemy as sa

from gateway.domain.case import Case
from gateway.domain.casework import CaseQuery
from gateway.domain.ticket import Elements
from gateway.storage.case_schema import case_terms, case_units, case_words, cases
from gateway.storage.schema import tickets
from routing.case_words import terms_of, words_of
from routing.search import by_unit

ASKED = 12
"""Terms of a question that are looked up, the longest ones first."""
COUNTED = 400
"""How many entries of a term are counted to find out which is the rarest."""
FIRST_STRIDE, WIDER, WIDEST = 100, 4, 6400
"""Entries that are walked at once: few at first, since most pages are full soon."""
MOST = 20_000
"""Entries that one page walks at most."""

_BATCH = 500

_KEPT = sa.select(case_words.c.number, case_words.c.words).where(case_words.c.case_id == sa.bindparam("which"))
_ADD_WORDS = sa.insert(case_words)
_SET_WORDS = sa.update(case_words).where(case_words.c.number == sa.bindparam("same_number"))
_ADD_TERM = sa.insert(case_terms)
_DROP_TERM = sa.delete(case_terms).where(
    case_terms.c.term == sa.bindparam("gone"), case_terms.c.number == sa.bindparam("of")
)
_TAKEN = sa.select(sa.func.max(case_words.c.number)).where(
    case_words.c.number >= sa.bindparam("first"), case_words.c.number < sa.bindparam("end")
)
_UNITS = sa.select(case_units.c.unit).where(case_units.c.case_id == sa.bindparam("which"))
_UNINDEXED = (
    sa.select(cases.c.id, cases.c.state, cases.c.received_at, cases.c.reply, tickets.c.summary, tickets.c.elements)
    .outerjoin_from(cases, tickets, tickets.c.id == cases.c.id)
    .where(cases.c.id > sa.bindparam("last"))
    .order_by(cases.c.id)
    .limit(sa.bindparam("most"))
)


@dataclass(frozen=True, slots=True)
class Found:
    """The rows of a page, and the number behind which the next one goes on; None when there is none."""

    rows: Sequence[sa.Row[Any]]
    further: int | None


class CaseIndex:
    """The index within one unit of work."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection

    def add(self, case_id: str, received_at: datetime, words: str, units: Collection[str]) -> None:
        """Let a new case be found."""
        number = self._free(numbered(received_at))
        self._connection.execute(_ADD_WORDS, {"number": number, "case_id": case_id, "words": words})
        self._change(number, terms_of([words]) | {by_unit(unit) for unit in units}, ())

    def change(self, case_id: str, words: str, joined: Iterable[str] = (), left: Iterable[str] = ()) -> None:
        """Let a case be found by other words and units than before; one that was never added stays unfound."""
        kept = self._connection.execute(_KEPT, {"which": case_id}).one_or_none()
        if kept is None:
            return
        old, new = set[str](), set[str]()
        if kept.words != words:
            old, new = terms_of([kept.words]), terms_of([words])
            self._connection.execute(_SET_WORDS, {"same_number": kept.number, "words": words})
        self._change(kept.number, (new - old) | set(map(by_unit, joined)), (old - new) | set(map(by_unit, left)))

    def _change(self, number: int, fresh: Collection[str], gone: Collection[str]) -> None:
        if gone:
            self._connection.execute(_DROP_TERM, [{"gone": term, "of": number} for term in sorted(gone)])
        if fresh:
            self._connection.execute(_ADD_TERM, [{"term": term, "number": number} for term in sorted(fresh)])

    def _free(self, first: int) -> int:
        """Return *first*, or the next number that no case has; many may have come in the same millisecond."""
        while True:
            span = {"first": first, "end": first + 1000}
            last: int | None = self._connection.scalar(_TAKEN, span)
            if last is None or (last > first and self._connection.scalar(_TAKEN, span | {"end": first + 1}) is None):
                return first
            first = last + 1


def numbered(at: datetime) -> int:
    """Return the number at which the cases received at that instant begin."""
    return int(at.timestamp() * 1000)


def search(connection: sa.Connection, words: Sequence[str], query: CaseQuery, below: int | None) -> Found:
    """Return the newest cases with all *words* that *query* asks for, those numbered below *below* if it is given.

    The question must have a term; the rest of *query* narrows what is found, its order and place do not count.
    """
    terms = sorted(terms_of(words), key=len, reverse=True)[:ASKED] + [by_unit(query.unit)] * bool(query.unit)
    counts = _counts(connection, terms)
    driver, *others = sorted(terms, key=lambda term: counts[term])
    rows: list[sa.Row[Any]] = []
    walked, stride = 0, FIRST_STRIDE
    while walked < MOST:
        entries = _entries(driver, below).limit(stride)
        walked_now = entries.subquery("walked").c.number
        end, count = connection.execute(sa.select(sa.func.min(walked_now), sa.func.count())).one()
        if count:
            narrowed = _narrowed(entries, others, words, query).limit(query.limit - len(rows))
            rows += connection.execute(narrowed)
        if len(rows) == query.limit:
            return Found(rows, rows[-1].number)
        if count < stride:
            return Found(rows, None)
        walked, stride, below = walked + count, min(stride * WIDER, WIDEST), end
    return Found(rows, below)


def _entries(term: str, below: int | None) -> sa.Select[Any]:
    query = sa.select(case_terms.c.number).where(case_terms.c.term == term)
    if below is not None:
        query = query.where(case_terms.c.number < below)
    return query.order_by(case_terms.c.number.desc())


def _counts(connection: sa.Connection, terms: Sequence[str]) -> dict[str, int]:
    """Return in how many cases each term is, up to `COUNTED`; one question, spelled as text, since composing costs."""
    one = "SELECT {0} AS at, count(*) AS cases FROM (SELECT 1 FROM case_terms WHERE term = :t{0} LIMIT {1}) AS some{0}"
    query = sa.text(" UNION ALL ".join(one.format(at, COUNTED) for at in range(len(terms))))
    rows = connection.execute(query, {f"t{at}": term for at, term in enumerate(terms)})
    return {terms[row.at]: row.cases for row in rows}


def _narrowed(entries: sa.Select[Any], others: Sequence[str], words: Sequence[str], query: CaseQuery) -> sa.Select[Any]:
    walked = entries.subquery("walked")
    statement = (
        sa.select(cases, walked.c.number)
        .join_from(walked, case_words, case_words.c.number == walked.c.number)
        .join(cases, cases.c.id == case_words.c.case_id)
    )
    for at, term in enumerate(others):
        also = case_terms.alias(f"also{at}")
        statement = statement.where(
            sa.exists().where(also.c.term == term, also.c.number == walked.c.number).correlate(walked)
        )
    for word in words:
        statement = statement.where(case_words.c.words.contains(word, autoescape=True))
    if query.stage is not None:
        statement = statement.where(cases.c.stage == query.stage.value)
    if query.category:
        statement = statement.where(cases.c.category == query.category)
    if query.due_before is not None:
        statement = statement.where(cases.c.handle_due.is_not(None), cases.c.handle_due <= query.due_before)
    return statement.order_by(walked.c.number.desc())


def index_all(connection: sa.Connection) -> None:
    """Index every case of a database that has been without an index."""
    index, decode = CaseIndex(connection), msgspec.json.Decoder(Case).decode
    last = ""
    while batch := connection.execute(_UNINDEXED, {"last": last, "most": _BATCH}).all():
        last = batch[-1].id
        for row in batch:
            elements = Elements() if row.elements is None else msgspec.convert(row.elements, Elements)
            words = words_of(decode(row.state), row.summary or "", elements, row.reply.get("result"))
            index.add(row.id, row.received_at, words, connection.scalars(_UNITS, {"which": row.id}).all())
