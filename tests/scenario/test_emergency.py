"""An emergency reaches its line whatever goes wrong, and the citizen is never alone with nobody to tell her."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from gateway.domain.call import LegState, Role
from gateway.domain.emergency import EmergencyLine
from gateway.domain.errors import IllegalTransition, Refused
from gateway.domain.ticket import TicketState
from gateway.domain.transfer import HandOffState
from gateway.services.live_call import LiveCall
from tests.fakes.hotline import Hotline, hotline
from tests.fakes.telephony import FakeLeg, FarEnd
from tests.fakes.virtual_time import run_virtually

FIRE = EmergencyLine("119")


async def talking(line: Hotline) -> tuple[LiveCall, FakeLeg]:
    """Let a citizen call and be joined with agent 8001."""
    line.sign_in()
    call, citizen = await line.call_in()
    await asyncio.sleep(5)
    assert line.telephony.hears(citizen) == {Role.AGENT}
    return call, citizen


def events(call: LiveCall) -> list[str]:
    return [step.event for step in call.hand_offs[FIRE].steps]


def test_a_partial_word_of_fire_brings_the_desk_in_and_lets_the_agent_go(tmp_path: Path) -> None:
    async def story() -> None:
        async with hotline(tmp_path) as line:
            call, citizen = await talking(line)
            await line.say(citizen, "阳光小区着火了", final=False)
            assert call.hand_offs[FIRE].state is HandOffState.DIALLING
            await asyncio.sleep(5)
            assert line.telephony.hears(citizen) == {Role.AGENT, Role.EMERGENCY_DESK}

            line.telephony.leg(Role.EMERGENCY_DESK).press("1")
            await asyncio.sleep(1)

            assert line.telephony.hears(citizen) == {Role.EMERGENCY_DESK}
            assert line.telephony.leg(Role.AGENT).leg.state is LegState.ENDED
            assert events(call) == ["suspected", "invited", "desk_answered", "desk_joined", "desk_accepted"]
            citizen.far_end_hangs_up()
            ticket = await line.over(call)
            assert ticket.state is TicketState.HANDED_TO_EMERGENCY
            assert ticket.emergency_line == FIRE
            assert ticket.ending == "citizen hung up"
            cited = [reason.citation for decision in ticket.decisions for reason in decision.reasons if reason.citation]
            assert "CF-5.1" in {citation.obligation for citation in cited}

    run_virtually(story())


def test_the_citizen_is_never_on_hold_while_the_desk_is_rung(tmp_path: Path) -> None:
    async def story() -> None:
        async with hotline(tmp_path) as line:
            line.telephony.far_ends["119"] = FarEnd(answers_after=7.0)
            _, citizen = await talking(line)
            await line.say(citizen, "着火了")
            for _ in range(60):
                await asyncio.sleep(0.1)

                assert line.telephony.hears(citizen) == {Role.AGENT}

    run_virtually(story())


@pytest.mark.parametrize(
    "first",
    [FarEnd(answers_after=None), FarEnd(refusal="486 Busy Here"), FarEnd(is_there=False)],
    ids=["silent", "busy", "not registered"],
)
def test_a_number_that_fails_gives_way_to_the_next_of_its_line(tmp_path: Path, first: FarEnd) -> None:
    async def story() -> None:
        async with hotline(tmp_path) as line:
            line.telephony.far_ends["119"] = first
            call, citizen = await talking(line)
            await line.say(citizen, "着火了")
            await asyncio.sleep(20)

            assert line.telephony.leg(Role.EMERGENCY_DESK).leg.number == "1190"
            assert line.telephony.hears(citizen) == {Role.AGENT, Role.EMERGENCY_DESK}
            assert call.hand_offs[FIRE].state is HandOffState.JOINED

    run_virtually(story())


def test_a_desk_that_leaves_before_accepting_is_replaced(tmp_path: Path) -> None:
    async def story() -> None:
        async with hotline(tmp_path) as line:
            call, citizen = await talking(line)
            await line.say(citizen, "着火了")
            await asyncio.sleep(5)
            line.telephony.leg(Role.EMERGENCY_DESK).far_end_hangs_up()
            await asyncio.sleep(5)

            assert call.hand_offs[FIRE].state is HandOffState.JOINED
            assert line.telephony.leg(Role.EMERGENCY_DESK).leg.number == "1190"
            assert line.telephony.hears(citizen) == {Role.AGENT, Role.EMERGENCY_DESK}

    run_virtually(story())


def test_an_exhausted_chain_keeps_the_agent_and_tells_the_citizen_to_dial_herself(tmp_path: Path) -> None:
    async def story() -> None:
        async with hotline(tmp_path) as line:
            line.telephony.far_ends["119"] = line.telephony.far_ends["1190@carrier"] = FarEnd(answers_after=None)
            call, citizen = await talking(line)
            await line.say(citizen, "着火了")
            await asyncio.sleep(30)

            assert call.hand_offs[FIRE].state is HandOffState.EXHAUSTED
            assert "alarm" in events(call)
            assert citizen.heard_prompts[-1] == "emergency_exhausted_119"
            assert line.telephony.hears(citizen) == {Role.AGENT}

    run_virtually(story())


def test_without_an_agent_the_hand_off_starts_by_itself_after_the_grace_and_the_citizen_is_told(tmp_path: Path) -> None:
    async def story() -> None:
        async with hotline(tmp_path) as line:
            call, citizen = await line.call_in()
            await line.say(citizen, "我家着火了")
            assert citizen.heard_prompts[-1] == "emergency_connecting_119"
            await asyncio.sleep(20)

            assert line.telephony.hears(citizen) == {Role.EMERGENCY_DESK}
            line.telephony.leg(Role.EMERGENCY_DESK).press("1")
            await asyncio.sleep(60)
            line.telephony.leg(Role.EMERGENCY_DESK).far_end_hangs_up()
            ticket = await line.over(call)
            assert ticket.state is TicketState.HANDED_TO_EMERGENCY
            assert citizen.heard_prompts[-1] == "call_ending"

    run_virtually(story())


def test_the_agents_key_needs_no_recognition(tmp_path: Path) -> None:
    async def story() -> None:
        async with hotline(tmp_path) as line:
            call, citizen = await talking(line)
            call.start_hand_off(FIRE, by="8001")
            await asyncio.sleep(5)

            assert line.telephony.hears(citizen) == {Role.AGENT, Role.EMERGENCY_DESK}
            with pytest.raises(Refused):
                call.start_hand_off(EmergencyLine("96333"), by="8001")

    run_virtually(story())


def test_a_false_alarm_is_dismissed_before_the_desk_is_joined_and_not_after(tmp_path: Path) -> None:
    async def story() -> None:
        async with hotline(tmp_path) as line:
            line.telephony.far_ends["119"] = FarEnd(answers_after=4.0)
            call, citizen = await talking(line)
            await line.say(citizen, "着火了")
            call.hand_off(FIRE).dismiss("8001")
            await asyncio.sleep(10)

            assert call.hand_offs[FIRE].state is HandOffState.DISMISSED
            assert line.telephony.leg(Role.EMERGENCY_DESK).leg.state is LegState.ENDED
            assert line.telephony.hears(citizen) == {Role.AGENT}
            assert call.record.ticket.emergency_line == ""
            call.start_hand_off(FIRE, by="8001")
            await asyncio.sleep(10)
            with pytest.raises(IllegalTransition):
                call.hand_off(FIRE).dismiss("8001")

    run_virtually(story())


def test_words_that_are_taken_back_before_anything_rang_ring_nobody(tmp_path: Path) -> None:
    async def story() -> None:
        async with hotline(tmp_path) as line:
            call, citizen = await line.call_in()
            await line.say(citizen, "着火了", final=False)
            await line.say(citizen, "着火了怎么预防我想咨询一下")
            await asyncio.sleep(30)

            assert call.hand_offs[FIRE].state is HandOffState.DISMISSED
            assert not [leg for leg in line.telephony.legs if leg.leg.role is Role.EMERGENCY_DESK]

    run_virtually(story())


def test_a_citizen_who_hangs_up_ends_the_hand_off(tmp_path: Path) -> None:
    async def story() -> None:
        async with hotline(tmp_path) as line:
            call, citizen = await talking(line)
            await line.say(citizen, "着火了")
            citizen.far_end_hangs_up()
            await line.over(call)

            assert call.hand_offs[FIRE].state is HandOffState.ABANDONED
            assert all(leg.leg.state is LegState.ENDED for leg in line.telephony.legs)

    run_virtually(story())


def test_the_agent_may_hang_up_early_and_the_hand_off_goes_on(tmp_path: Path) -> None:
    async def story() -> None:
        async with hotline(tmp_path) as line:
            line.telephony.far_ends["119"] = FarEnd(answers_after=6.0)
            call, citizen = await talking(line)
            await line.say(citizen, "着火了")
            line.telephony.leg(Role.AGENT).far_end_hangs_up()
            await asyncio.sleep(12)

            assert line.telephony.hears(citizen) == {Role.EMERGENCY_DESK}
            assert call.hand_offs[FIRE].state is HandOffState.JOINED

    run_virtually(story())


def test_a_dead_store_does_not_stop_the_hand_off_and_gets_everything_when_it_is_back(tmp_path: Path) -> None:
    async def story() -> None:
        async with hotline(tmp_path) as line:
            line.store.fail(True)
            call, citizen = await talking(line)
            await line.say(citizen, "着火了")
            await asyncio.sleep(5)
            assert line.telephony.hears(citizen) == {Role.AGENT, Role.EMERGENCY_DESK}
            assert line.ledger.is_behind
            line.store.fail(False)
            citizen.far_end_hangs_up()

            ticket = await line.over(call)

            assert ticket.emergency_line == FIRE
            kinds = [entry.fact.kind for entry in await line.store.entries(call_id=call.id)]
            assert kinds[:2] == ["call.offered", "ticket.opened"]
            assert kinds.count("handoff.desk_joined") == 1

    run_virtually(story())


def test_words_of_fire_heard_after_she_hung_up_ask_for_a_call_back(tmp_path: Path) -> None:
    async def story() -> None:
        async with hotline(tmp_path) as line:
            call, citizen = await talking(line)
            citizen.far_end_hangs_up()
            await asyncio.sleep(0.1)
            line.recognizer.say(citizen.leg.id, "着火了", 5.0)
            ticket = await line.over(call)

            unserved = line.told(call, "emergency.unserved")
            assert [fact.values["reason"] for fact in unserved] == ["the citizen has gone"]
            assert FIRE not in call.hand_offs
            assert ticket.matter == "fire"

    run_virtually(story())


def test_a_line_without_a_number_is_told_to_the_agent(tmp_path: Path) -> None:
    async def story() -> None:
        async with hotline(tmp_path) as line:
            call, citizen = await talking(line)
            await line.say(citizen, "有人抢劫")

            unserved = line.told(call, "emergency.unserved")
            assert [(fact.values["line"], fact.values["reason"]) for fact in unserved] == [
                ("110", "no number is configured")
            ]

    run_virtually(story())
