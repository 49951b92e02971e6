"""An attended transfer brings the unit in, or brings the citizen back to her agent."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from gateway.domain.call import LegState, Role
from gateway.domain.errors import IllegalTransition, Refused
from gateway.domain.transfer import TransferState
from gateway.services.exchange import Limits
from gateway.services.live_call import LiveCall
from tests.fakes.hotline import Hotline, hotline
from tests.fakes.telephony import FakeLeg, FarEnd
from tests.fakes.virtual_time import run_virtually


async def talking(line: Hotline) -> tuple[LiveCall, FakeLeg]:
    line.sign_in()
    call, citizen = await line.call_in()
    await asyncio.sleep(5)
    return call, citizen


def test_agent_and_unit_speak_alone_then_three_talk_then_the_agent_leaves(tmp_path: Path) -> None:
    async def story() -> None:
        async with hotline(tmp_path) as line:
            call, citizen = await talking(line)
            transfer = call.start_transfer("water")
            await asyncio.sleep(4.5)
            unit = line.telephony.leg(Role.UNIT)
            assert line.telephony.hears(unit) == {Role.AGENT}
            assert line.telephony.hears(citizen) == set()
            assert citizen.looping == "hold_music"
            transfer.join()
            await asyncio.sleep(0.1)
            assert line.telephony.hears(citizen) == {Role.AGENT, Role.UNIT}
            assert not citizen.looping
            transfer.leave()
            await asyncio.sleep(0.1)

            assert transfer.state is TransferState.HANDED_OVER
            assert line.telephony.hears(citizen) == {Role.UNIT}
            unit.far_end_hangs_up()
            ticket = await line.over(call)
            assert ticket.ending == "finished"
            assert citizen.heard_prompts[-1] == "call_ending"

    run_virtually(story())


@pytest.mark.parametrize("unit", [FarEnd(answers_after=None), FarEnd(refusal="486 Busy Here"), FarEnd(is_there=False)])
def test_a_unit_that_cannot_be_reached_brings_the_citizen_back(tmp_path: Path, unit: FarEnd) -> None:
    async def story() -> None:
        async with hotline(tmp_path) as line:
            line.telephony.far_ends["9001"] = line.telephony.far_ends["9009"] = unit
            call, citizen = await talking(line)
            transfer = call.start_transfer("water")
            await asyncio.sleep(70)

            assert transfer.state is TransferState.RETRIEVED
            assert line.telephony.hears(citizen) == {Role.AGENT}
            assert citizen.looping is None

    run_virtually(story())


def test_the_agent_may_take_the_citizen_back_at_any_step(tmp_path: Path) -> None:
    async def story() -> None:
        async with hotline(tmp_path) as line:
            call, citizen = await talking(line)
            for steps in (0.5, 4.5):
                transfer = call.start_transfer("water")
                await asyncio.sleep(steps)
                transfer.retrieve()
                await asyncio.sleep(0.1)

                assert transfer.state is TransferState.RETRIEVED
                assert line.telephony.hears(citizen) == {Role.AGENT}
                assert line.telephony.leg(Role.UNIT).leg.state is LegState.ENDED
            with pytest.raises(IllegalTransition):
                transfer.leave()

    run_virtually(story())


def test_the_citizen_never_waits_longer_than_the_consultations_limit(tmp_path: Path) -> None:
    async def story() -> None:
        async with hotline(tmp_path, limits=Limits(consultation=30.0)) as line:
            call, citizen = await talking(line)
            transfer = call.start_transfer("water")
            await asyncio.sleep(40)

            assert transfer.state is TransferState.RETRIEVED
            assert line.telephony.hears(citizen) == {Role.AGENT}

    run_virtually(story())


def test_an_agent_who_hangs_up_during_the_consultation_has_handed_over(tmp_path: Path) -> None:
    async def story() -> None:
        async with hotline(tmp_path) as line:
            call, citizen = await talking(line)
            transfer = call.start_transfer("water")
            await asyncio.sleep(4.5)
            line.telephony.leg(Role.AGENT).far_end_hangs_up()
            await asyncio.sleep(0.1)

            assert line.telephony.hears(citizen) == {Role.UNIT}
            assert transfer.state is TransferState.HANDED_OVER

    run_virtually(story())


def test_an_agent_lost_while_the_unit_rings_leaves_the_citizen_to_the_next_agent(tmp_path: Path) -> None:
    async def story() -> None:
        async with hotline(tmp_path) as line:
            line.telephony.far_ends["9001"] = FarEnd(answers_after=None)
            call, citizen = await talking(line)
            call.start_transfer("water")
            await asyncio.sleep(1)
            line.telephony.leg(Role.AGENT).transport_fails()
            await asyncio.sleep(30)

            assert line.telephony.hears(citizen) == {Role.AGENT}

    run_virtually(story())


def test_a_transfer_needs_an_agent_a_known_unit_and_no_other_transfer(tmp_path: Path) -> None:
    async def story() -> None:
        async with hotline(tmp_path) as line:
            call, _ = await line.call_in()
            with pytest.raises(Refused, match="no agent"):
                call.start_transfer("water")
            line.sign_in()
            await asyncio.sleep(5)
            with pytest.raises(Refused, match="sewage"):
                call.start_transfer("sewage")
            call.start_transfer("water")
            await asyncio.sleep(0.1)
            with pytest.raises(Refused, match="already"):
                call.start_transfer("water")

    run_virtually(story())


def test_a_citizen_who_hangs_up_in_a_consultation_ends_everything(tmp_path: Path) -> None:
    async def story() -> None:
        async with hotline(tmp_path) as line:
            call, citizen = await talking(line)
            transfer = call.start_transfer("water")
            await asyncio.sleep(4.5)
            citizen.far_end_hangs_up()
            await line.over(call)

            assert transfer.state is TransferState.ABANDONED
            assert all(leg.leg.state is LegState.ENDED for leg in line.telephony.legs)

    run_virtually(story())
