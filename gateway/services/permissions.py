"""Who may give which command to which case (办理权限)."""

from __future__ import annotations

from gateway.domain.case import (
    COMMANDS,
    Accept,
    Amend,
    Answer,
    Appeal,
    Append,
    AuditFail,
    Command,
    Contact,
    Dispatch,
    Endorse,
    Extend,
    FollowUp,
    FollowUpFailed,
    Grade,
    HandOff,
    Instruct,
    Order,
    OrderReply,
    RedoRequest,
    Refuse,
    Reply,
    RestrictionAppeal,
    Return,
    Sign,
    Supervise,
    Urge,
    Wish,
    Withhold,
)
from gateway.domain.casework import WITH_UNIT, Actor, ActorKind, CaseRecord
from gateway.domain.errors import Refused

_OF_PETITIONER = frozenset({Urge, Append, Grade, RedoRequest, Wish, RestrictionAppeal})
_OF_DESK = _OF_PETITIONER | {Accept, Amend, Answer, Refuse, HandOff, Dispatch, FollowUp, FollowUpFailed}
_OF_UNIT_ABOVE = frozenset({Endorse, AuditFail, Supervise, Order})
_OF_UNIT = frozenset({Sign, Contact, Return, Extend, Reply, Appeal, Dispatch, OrderReply, Withhold}) | _OF_UNIT_ABOVE
_OF_PLATFORM = _OF_PETITIONER | {Accept, Supervise, Order, Instruct}


def is_for_partners(word: str) -> bool:
    """Say whether other systems have any use for the command asked for by *word*."""
    return COMMANDS[word] in (_OF_UNIT | _OF_PLATFORM) - {Accept}


class NotYours(Refused):
    """This actor may never give this command to this case."""


class Unseen(Refused):
    """There is no such ticket, as far as this actor may know."""


def sees(actor: Actor, record: CaseRecord | None) -> bool:
    """Say whether *actor* may know of the case: a unit only if it has a part in it (CF-27)."""
    return actor.kind is not ActorKind.UNIT or (record is not None and actor.unit in record.units)


def check(actor: Actor, command: type[Command], record: CaseRecord | None) -> None:
    """Raise `Unseen` or `NotYours` unless *actor* may give that kind of command to the case.

    Reviewers may give every command, also for a unit that answered by telephone. A unit sends on what it holds to units
    of its own; whoever merely assists or stands above does not answer for the lead unit, but who stands above audits
    and supervises it (SZ-2).
    """
    if not sees(actor, record):
        raise Unseen("there is no such case for this unit")
    match actor.kind:
        case ActorKind.SUPERVISOR | ActorKind.CLOCK:
            return
        case ActorKind.AGENT:
            allowed = command in _OF_DESK
        case ActorKind.PETITIONER:
            allowed = command in _OF_PETITIONER
        case ActorKind.PLATFORM:
            allowed = command in _OF_PLATFORM
        case ActorKind.UNIT:
            allowed = command in _OF_UNIT and record is not None and _answers(actor, command, record)
    if not allowed:
        raise NotYours(f"{actor.kind.value} {actor.name} may not give {command.__name__}")


def _answers(actor: Actor, command: type[Command], record: CaseRecord) -> bool:
    if command is Dispatch and record.case.stage not in WITH_UNIT:
        return False
    if command in _OF_UNIT_ABOVE:
        return actor.unit in record.above
    return (
        actor.unit in (record.case.unit, *record.case.assist) if command is Contact else actor.unit == record.case.unit
    )
