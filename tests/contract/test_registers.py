"""Registers: numbers run within a year, papers are found by case, unit and state, in every store alike."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from gateway.domain.register import Number, Paper, PaperQuery, PaperState, Register
from gateway.ports.memory import Transaction

AT = datetime(2026, 3, 2, 1, 2, 3, 4, UTC)


def paper(seq: int, **fields: Any) -> Paper:
    return Paper(
        **{
            "register": Register.SUPERVISION,
            "number": Number(2026, seq),
            "case_id": f"case {seq}",
            "unit": "water",
            "state": PaperState.OPEN,
            "opened_at": AT,
            "due": AT,
            "rows": ("CF-18",),
            "values": {"form": "sheet", "n": 1},
            **fields,
        }
    )


async def keep(store: Any, *papers: Paper) -> None:
    def work(tx: Transaction) -> None:
        for each in papers:
            tx.registers.save(each)

    await store.commit(work)


async def test_a_paper_comes_back_as_it_was_kept(store: Any) -> None:
    await keep(store, paper(1))

    assert await store.registers.paper(Register.SUPERVISION, Number(2026, 1)) == paper(1)
    assert await store.registers.paper(Register.ARCHIVE, Number(2026, 1)) is None


async def test_a_paper_is_replaced_by_its_number(store: Any) -> None:
    await keep(store, paper(1))
    answered = replace(paper(1), state=PaperState.ANSWERED, closed_at=AT)
    await keep(store, answered)

    assert list(await store.registers.page(PaperQuery(register=Register.SUPERVISION))) == [answered]


async def test_numbers_run_within_a_year_and_a_register(store: Any) -> None:
    await keep(store, paper(1), paper(2))

    def numbers(tx: Transaction) -> list[Number]:
        return [
            tx.registers.next_number(Register.SUPERVISION, 2026),
            tx.registers.next_number(Register.SUPERVISION, 2027),
            tx.registers.next_number(Register.ARCHIVE, 2026),
        ]

    assert await store.commit(numbers) == [Number(2026, 3), Number(2027, 1), Number(2026, 1)]


async def test_the_latest_paper_of_a_case_is_found(store: Any) -> None:
    await keep(
        store, paper(1, case_id="T"), paper(2, case_id="T"), paper(3), paper(9, case_id="T", number=Number(2025, 9))
    )

    latest = await store.commit(lambda tx: tx.registers.latest(Register.SUPERVISION, "T"))

    assert latest == paper(2, case_id="T")


async def test_pages_are_narrowed_and_go_on(store: Any) -> None:
    await keep(store, *(paper(seq, unit="water" if seq % 2 else "roads") for seq in range(1, 12)))
    await keep(store, paper(5, unit="water", state=PaperState.ANSWERED))
    query = PaperQuery(register=Register.SUPERVISION, unit="water", state=PaperState.OPEN, limit=2)

    first = await store.registers.page(query)
    second = await store.registers.page(replace(query, after=first[-1].number))

    assert [each.number.seq for each in (*first, *second)] == [11, 9, 7, 3]
