"""Whatever people and lines do: a citizen who has not hung up talks with a person, or waits under a running limit."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.domain.call import Attendance, Destination, LegState, Role
from gateway.domain.emergency import EmergencyLine
from gateway.domain.errors import IllegalTransition, Refused
from gateway.ports.telephony import PassedOn
from gateway.services.live_call import LiveCall
from tests.fakes.hotline import Hotline, hotline
from tests.fakes.telephony import FakeLeg, FarEnd
from tests.fakes.virtual_time import run_virtually

FIRE = EmergencyLine("119")
OFF_HOURS = 10 * 3600.0
"""From 9 o'clock on a Friday to where the unit's duty phone is rung."""
BEHAVIOURS = (
    FarEnd(),
    FarEnd(answers_after=4.0),
    FarEnd(answers_after=None),
    FarEnd(refusal="486"),
    FarEnd(is_there=False),
)

COMPANY = (Role.AGENT, Role.EMERGENCY_DESK, Role.UNIT, Role.SUPERVISOR)
CALLS: dict[str, dict[str, Any]] = {
    "a call": {},
    "a merged line": {"merged": "12329"},
    "a sub-centre with agents": {"merged": "12369"},
    "a sub-centre with telephones": {"merged": "96116"},
    "a call that 110 passes on": {"passed_on": PassedOn(line=EmergencyLine("110"), summary="噪音扰民")},
    "a call too many": {"is_excess": True},
}

Lever = Callable[[Hotline, LiveCall, FakeLeg], None]


def _leg(line: Hotline, role: Role) -> FakeLeg | None:
    living = [leg for leg in line.telephony.legs if leg.leg.role is role and leg.leg.state is not LegState.ENDED]
    return living[-1] if living else None


def _hang_up(role: Role) -> Lever:
    def lever(line: Hotline, call: LiveCall, citizen: FakeLeg) -> None:
        if (leg := _leg(line, role)) is not None:
            leg.far_end_hangs_up()

    return lever


def _break(role: Role) -> Lever:
    def lever(line: Hotline, call: LiveCall, citizen: FakeLeg) -> None:
        if (leg := _leg(line, role)) is not None:
            leg.transport_fails()

    return lever


def _press(line: Hotline, call: LiveCall, citizen: FakeLeg) -> None:
    if (desk := _leg(line, Role.EMERGENCY_DESK)) is not None:
        desk.press("1")


def _say(text: str, *, final: bool) -> Lever:
    def lever(line: Hotline, call: LiveCall, citizen: FakeLeg) -> None:
        line.recognizer.say(citizen.leg.id, text, line.clock.monotonic(), final=final)

    return lever


def _behave(number: str, behaviour: FarEnd) -> Lever:
    def lever(line: Hotline, call: LiveCall, citizen: FakeLeg) -> None:
        line.telephony.far_ends[number] = behaviour

    return lever


def _give_back(role: Role) -> Lever:
    def lever(line: Hotline, call: LiveCall, citizen: FakeLeg) -> None:
        if (leg := _leg(line, role)) is not None:
            leg.refers_to(None)

    return lever


def _supervise(attendance: Attendance) -> Lever:
    return lambda line, call, citizen: call.supervise("chief", "9900", attendance)


LEVERS: dict[str, Lever] = {
    "an agent signs in": lambda line, call, citizen: line.sign_in(),
    "a sub-centre's agent signs in": lambda line, call, citizen: line.sign_in("8002"),
    "the agent's telephone goes": lambda line, call, citizen: line.desk.telephone_changed("8001", False),
    "fire, perhaps": _say("着火了", final=False),
    "fire": _say("着火了", final=True),
    "no fire": _say("没有着火", final=True),
    "the agent's key": lambda line, call, citizen: call.start_hand_off(FIRE, by="8001"),
    "confirm": lambda line, call, citizen: call.hand_off(FIRE).confirm(),
    "dismiss": lambda line, call, citizen: call.hand_off(FIRE).dismiss("8001"),
    "accept": lambda line, call, citizen: call.hand_off(FIRE).accept(),
    "the desk's key": _press,
    "consult": lambda line, call, citizen: void(call.start_transfer("water")),
    "join": lambda line, call, citizen: call.live_transfer().join(),
    "retrieve": lambda line, call, citizen: call.live_transfer().retrieve(),
    "leave": lambda line, call, citizen: call.live_transfer().leave(),
    "the store dies": lambda line, call, citizen: line.store.fail(True),
    "the store is back": lambda line, call, citizen: line.store.fail(False),
    "the agent refers to 119": lambda line, call, citizen: _refer(line, Role.AGENT, Destination(number="119")),
    **{f"the {role.value} gives her back": _give_back(role) for role in COMPANY},
    **{f"the supervisor is {attendance.value}": _supervise(attendance) for attendance in Attendance},
    **{f"the {role.value} hangs up": _hang_up(role) for role in COMPANY},
    **{f"the {role.value} is lost": _break(role) for role in COMPANY},
    **{
        f"{number} behaves {at}": _behave(number, behaviour)
        for number in ("8001", "8002", "119", "1190@carrier", "9001", "9009", "9900")
        for at, behaviour in enumerate(BEHAVIOURS)
    },
}


def _refer(line: Hotline, role: Role, destination: Destination) -> None:
    if (leg := _leg(line, role)) is not None:
        leg.refers_to(destination)


def void(result: object) -> None:
    """Forget a lever's result."""


def is_cared_for(line: Hotline, citizen: FakeLeg) -> bool:
    return bool(line.telephony.hears(citizen)) or citizen.is_being_played


@settings(max_examples=100)
@given(
    st.sampled_from(sorted(CALLS)),
    st.sampled_from([0.0, OFF_HOURS]),
    st.lists(st.tuples(st.sampled_from(sorted(LEVERS)), st.sampled_from([0.0, 0.3, 2.0, 6.0, 40.0])), max_size=25),
)
def test_a_citizen_is_with_a_person_or_waits_under_a_limit(
    kind: str, hour: float, story: list[tuple[str, float]]
) -> None:
    async def tell(recordings: Path) -> None:
        async with hotline(recordings) as line:
            await asyncio.sleep(hour)
            call, citizen = await line.call_in(**CALLS[kind])
            for lever, pause in story:
                with suppress(Refused, IllegalTransition):
                    LEVERS[lever](line, call, citizen)
                await asyncio.sleep(pause + 0.2)
                if not is_cared_for(line, citizen):  # between one prompt and the next
                    await asyncio.sleep(0.05)
                assert citizen.leg.state is LegState.ENDED or is_cared_for(line, citizen), lever
            await asyncio.sleep(2 * line.exchange.limits.call)

            assert citizen.leg.state is LegState.ENDED
            assert all(leg.leg.state is LegState.ENDED for leg in line.telephony.legs)
            await line.switchboard.over(call.id)

    with TemporaryDirectory() as folder:
        run_virtually(tell(Path(folder)))
