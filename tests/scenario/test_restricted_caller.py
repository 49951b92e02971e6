"""Who harassed the hotline and telephones again (ZH-9): he is told so, and heard when lives are at stake."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

from gateway.domain.errors import Unavailable
from gateway.services.switchboard import Switchboard
from tests.fakes.hotline import Hotline, hotline
from tests.fakes.virtual_time import run_virtually


def restricting(line: Hotline, *numbers: str) -> None:
    """Let *numbers* be restricted."""

    async def is_restricted(number: str) -> bool:
        return number in numbers

    line.switchboard = Switchboard(replace(line.exchange, is_restricted=is_restricted))


def test_zh_9_a_restricted_caller_is_told_so_and_his_call_is_kept(tmp_path: Path) -> None:
    async def story() -> None:
        async with hotline(tmp_path) as line:
            line.sign_in()
            restricting(line, "01000000001")
            call, citizen = await line.call_in(caller="01000000001")
            ticket = await line.over(call)

            assert citizen.heard_prompts == ["restricted", "call_ending"]
            assert ticket.ending == "restricted"

    run_virtually(story())


def test_zh_9_everybody_else_is_served(tmp_path: Path) -> None:
    async def story() -> None:
        async with hotline(tmp_path) as line:
            line.sign_in()
            restricting(line, "01000000001")
            _, citizen = await line.call_in(caller="01000000002")
            await asyncio.sleep(10)

            assert "restricted" not in citizen.heard_prompts

    run_virtually(story())


def test_zh_9_a_restricted_caller_whose_house_burns_is_handed_over(tmp_path: Path) -> None:
    async def story() -> None:
        async with hotline(tmp_path) as line:
            restricting(line, "01000000001")
            call, citizen = await line.call_in(caller="01000000001")
            await line.say(citizen, "我家着火了，快来救火")
            await asyncio.sleep(30)

            assert call.hand_offs

    run_virtually(story())


def test_zh_9_a_store_that_cannot_tell_keeps_nobody_out(tmp_path: Path) -> None:
    async def story() -> None:
        async with hotline(tmp_path) as line:
            line.sign_in()

            async def away(number: str) -> bool:
                raise Unavailable("the store is away")

            line.switchboard = Switchboard(replace(line.exchange, is_restricted=away))
            _, citizen = await line.call_in(caller="01000000001")
            await asyncio.sleep(10)

            assert "restricted" not in citizen.heard_prompts

    run_virtually(story())
