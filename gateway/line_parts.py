"""Who may be rung, for how long, and by which merged numbers we are called: the exchange's part of the settings."""

from __future__ import annotations

from collections.abc import Container, Iterator

from config.opening_hours import opening_hours
from config.settings import Settings
from config.telephone_line import Unit as ConfiguredUnit
from config.telephone_line import UnitNumber
from gateway.domain.call import DeskNumber, Destination
from gateway.domain.emergency import EmergencyLine
from gateway.domain.errors import UnusableSetting
from gateway.domain.merging import MergedLine, Merging
from gateway.domain.profile import Profile
from gateway.domain.rules import OFFICE_HOURS
from gateway.services.desk import Agent
from gateway.services.exchange import Limits
from routing.directory import Telephones, Unit


def units(settings: Settings) -> dict[str, Unit]:
    """Return the units as routing knows them."""
    return {unit.id: Unit(id=unit.id, name=unit.name, duties=unit.duties, areas=unit.areas) for unit in settings.unit}


def telephones(settings: Settings, profile: Profile) -> dict[str, Telephones]:
    """Return where each unit can be reached: while its office is open by its own hours, the desk's or the profile's."""
    limit = settings.desk.unit_ring_limit.total_seconds()
    ruling = profile.ruling(OFFICE_HOURS)
    usual = settings.desk.office_hours or (ruling.value if ruling is not None else ())

    def reach(unit: ConfiguredUnit) -> Telephones:
        consultation = (UnitNumber(number=unit.number, trunk=unit.trunk), *unit.further)
        return Telephones(
            consultation=tuple(_number(each.number, each.trunk, limit) for each in consultation),
            duty=tuple(_number(each.number, each.trunk, limit) for each in unit.duty),
            hours=opening_hours(unit.office_hours or usual),
        )

    return {unit.id: reach(unit) for unit in settings.unit}


def emergency_lines(settings: Settings) -> dict[EmergencyLine, tuple[DeskNumber, ...]]:
    """Return each line's numbers in the order they are tried."""
    return {
        EmergencyLine(line.line): tuple(
            _number(link.number, link.trunk, link.ring_limit.total_seconds()) for link in line.chain
        )
        for line in settings.emergency_line
    }


def reported_lines(settings: Settings) -> frozenset[EmergencyLine]:
    """Return the lines whose own systems are told in writing, too."""
    return frozenset(EmergencyLine(line.line) for line in settings.emergency_line if line.webhook)


def merged_lines(settings: Settings, prompts: Container[str]) -> dict[str, MergedLine]:
    """Return the merged lines by their numbers. Raises `UnusableSetting` where one's prompt is not recorded."""
    for line in settings.merged_line:
        if line.prompt and line.prompt not in prompts:
            raise UnusableSetting(f"merged_line.prompt = {line.prompt}: no announcement has this id")
    return {
        line.number: MergedLine(
            number=line.number,
            name=line.name,
            merging=Merging(line.merging),
            prompt=line.prompt or f"merged_{line.merging}",
            agents=frozenset(line.agents),
            unit=line.unit,
        )
        for line in settings.merged_line
    }


def agents(settings: Settings) -> Iterator[Agent]:
    """Yield who takes calls."""
    for telephone in settings.telephone:
        if telephone.role == "agent":
            yield Agent(id=telephone.agent, name=telephone.name, destination=Destination(number=telephone.user))


def supervisors(settings: Settings) -> dict[str, Destination]:
    """Return the telephones that are rung when a supervisor attends a call, by who sits there."""
    return {
        telephone.agent: Destination(number=telephone.user)
        for telephone in settings.telephone
        if telephone.role == "supervisor"
    }


def limits(settings: Settings) -> Limits:
    """Return how long things may take."""
    desk, handoff = settings.desk, settings.handoff
    return Limits(
        queue=desk.queue_limit.total_seconds(),
        queue_notice=desk.queue_notice.total_seconds(),
        own_seats=desk.own_seats_limit.total_seconds(),
        agent_ring=desk.agent_ring_limit.total_seconds(),
        no_answer_rest=desk.no_answer_rest.total_seconds(),
        wrap_up=desk.wrap_up_limit.total_seconds(),
        consultation=desk.consult_limit.total_seconds(),
        call=desk.call_limit.total_seconds(),
        brief=handoff.brief_limit.total_seconds(),
        acceptance=handoff.accept_limit.total_seconds(),
    )


def _number(number: str, trunk: str, limit: float) -> DeskNumber:
    return DeskNumber(destination=Destination(number=number, trunk=trunk or None), ring_limit=limit)
