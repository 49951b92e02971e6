"""Lines that were merged into the hotline, under the region's plan. Names begin with the row."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

from gateway.domain.call import Role
from gateway.domain.merging import MergedLine, Merging
from gateway.services.switchboard import Switchboard
from tests.fakes.hotline import Hotline, hotline
from tests.fakes.virtual_time import run_virtually
from tests.scenario.test_three_way import origins


def merging(line: Hotline, way: Merging, prompt: str) -> None:
    """Let 12315 be a line that was merged in one of the plan's ways."""
    merged = MergedLine(number="12315", name="市场监管热线", merging=way, prompt=prompt)
    line.switchboard = Switchboard(replace(line.exchange, merged={merged.number: merged}))


@pytest.mark.parametrize(
    ("way", "prompt", "row"),
    [(Merging.WHOLE, "merged_whole", "NM-2.1a"), (Merging.DOUBLE_NUMBER, "merged_double_number", "NM-2.1b")],
)
def test_nm_2_1a_nm_2_1b_nm_2_3_an_old_number_reaches_the_hotlines_seats_with_its_prompt(
    tmp_path: Path, way: Merging, prompt: str, row: str
) -> None:
    async def story() -> None:
        async with hotline(tmp_path) as line:
            line.sign_in()
            merging(line, way, prompt)
            call, citizen = await line.call_in(dialled="12315", merged="12315")
            await asyncio.sleep(10)

            assert citizen.heard_prompts[:2] == ["greeting", prompt]
            assert line.telephony.hears(citizen) == {Role.AGENT}
            assert origins(call) == {"12315": {row}}

    run_virtually(story())


def test_nm_2_1b_nm_2_1c_where_seats_stay_calls_pass_both_ways(tmp_path: Path) -> None:
    async def story() -> None:
        async with hotline(tmp_path) as line:
            line.sign_in()
            call, citizen = await line.call_in()
            await asyncio.sleep(10)
            transfer = call.start_transfer("water")
            await asyncio.sleep(5)
            transfer.join()
            await asyncio.sleep(0.1)
            transfer.leave()
            await asyncio.sleep(1)
            assert line.telephony.hears(citizen) == {Role.UNIT}

            reports = line.telephony.leg(Role.UNIT).refers_to(None)
            await asyncio.sleep(30)

            assert line.telephony.hears(citizen) == {Role.AGENT}
            assert reports == [True]

    run_virtually(story())


def test_nm_1_nothing_closes_the_line_at_night_or_on_a_holiday(tmp_path: Path) -> None:
    async def story() -> None:
        async with hotline(tmp_path) as line:
            line.sign_in()
            for _ in range(3):
                await asyncio.sleep(8 * 3600)
                call, citizen = await line.call_in()
                await asyncio.sleep(10)
                assert line.telephony.hears(citizen) == {Role.AGENT}
                citizen.far_end_hangs_up()
                await line.over(call)
                await asyncio.sleep(60)

    run_virtually(story())
