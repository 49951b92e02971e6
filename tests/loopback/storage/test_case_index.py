"""The index of cases is made for those that were there before it (migration 0006)."""

from __future__ import annotations

from pathlib import Path

import sqlalchemy as sa

from gateway.domain.casework import CaseQuery
from gateway.storage.case_schema import case_terms, case_words
from gateway.storage.case_search import index_all
from gateway.storage.sqlite import SqliteFile
from gateway.storage.store import SqlStore
from routing.case_words import asked_words
from tests.fakes.caseroom import CaseRoom
from tests.fakes.store import SetClock


async def test_cases_that_were_there_before_the_index_are_found_like_all_others(tmp_path: Path) -> None:
    path = tmp_path / "store.sqlite"
    async with SqlStore(path, clock=SetClock()) as store:
        room = CaseRoom(store)
        tickets = [await room.ticket(f"20260302-{number}", summary=f"和平路{number}号停水") for number in range(3)]
        for ticket in tickets:
            await room.do(ticket, "accept", category="help")
        await room.do(tickets[0], "dispatch", to="water")
    engine = SqliteFile(path).engine(writes=True, patience=1.0)
    with engine.begin() as connection:
        before = _index(connection)
        connection.execute(sa.delete(case_terms))
        connection.execute(sa.delete(case_words))

        index_all(connection)

        assert _index(connection) == before
    engine.dispose()
    async with SqlStore(path, clock=SetClock()) as store:
        query = CaseQuery(unit="water")
        found = await store.cases.search(asked_words("和平路 停水"), query)
    assert [each.id for each in found.cases] == [tickets[0]]


def _index(connection: sa.Connection) -> set[tuple[str, str]]:
    query = sa.select(case_terms.c.term, case_words.c.case_id).join(
        case_words, case_words.c.number == case_terms.c.number
    )
    return {(row.term, row.case_id) for row in connection.execute(query)}
