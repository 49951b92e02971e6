"""Whatever people and lines do: a citizen who has not hung up talks with a person, or waits under a running limit."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.domain.call import LegState, Role
from gateway.domain.emergency import EmergencyLine
from gateway.domain.errors import IllegalTransition, Refused
from gateway.services.live_call import LiveCall
from tests.fakes.hotline import Hotline, hotline
from tests.fakes.telephony import FakeLeg, FarEnd
from tests.fakes.virtual_time import run_virtually

FIRE = EmergencyLine("119")
BEHAVIOURS = (
    FarEnd(),
    FarEnd(answers_after=4.0),
    FarEnd(answers_after=None),
    FarEnd(refusal="486"),
    FarEnd(is_there=False),
)

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


LEVERS: dict[str, Lever] = {
    "an agent signs in": lambda line, call, citizen: line.sign_in(),
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
    **{f"the {role.value} hangs up": _hang_up(role) for role in (Role.AGENT, Role.EMERGENCY_DESK, Role.UNIT)},
    **{f"the {role.value} is lost": _break(role) for role in (Role.AGENT, Role.EMERGENCY_DESK, Role.UNIT)},
    **{
        f"{number} behaves {at}": _behave(number, behaviour)
        for number in ("8001", "119", "1190@carrier", "9001")
        for at, behaviour in enumerate(BEHAVIOURS)
    },
}


def void(result: object) -> None:
    """Forget a lever's result."""


def is_cared_for(line: Hotline, citizen: FakeLeg) -> bool:
    return bool(line.telephony.hears(citizen)) or citizen.is_being_played


@settings(max_examples=100)
@given(st.lists(st.tuples(st.sampled_from(sorted(LEVERS)), st.sampled_from([0.0, 0.3, 2.0, 6.0, 40.0])), max_size=25))
def test_a_citizen_is_with_a_person_or_waits_under_a_limit(story: list[tuple[str, float]]) -> None:
    async def tell(recordings: Path) -> None:
        async with hotline(recordings) as line:
            call, citizen = await line.call_in()
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
