"""The table of the closed loop (闭环): in which stages each command can be given, and the move that carries it out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from gateway.domain.case import (
    Accept,
    Answer,
    Appeal,
    Append,
    AuditFail,
    AuditPass,
    Command,
    Contact,
    Dispatch,
    Extend,
    ExtendAgree,
    ExtendRefuse,
    FollowUpFailed,
    Grade,
    HandOff,
    RedoAgree,
    RedoRefuse,
    RedoRequest,
    Refuse,
    Reply,
    Return,
    ReturnAgree,
    ReturnRefuse,
    Sign,
    Supervise,
    Urge,
)
from gateway.domain.rules import Stage
from routing.casebook import handling, intake, judging, replying, requests
from routing.casebook.draft import Draft
from routing.casebook.intake import Surroundings

Handler = Callable[[Draft, Any, Surroundings], None]


class Move(NamedTuple):
    """Where a command can be given, and what it does; ``opens``: it can be the first that is heard of a case."""

    stages: frozenset[Stage]
    carry_out: Handler
    opens: bool = False


_NOWHERE: frozenset[Stage] = frozenset()
_ACCEPTED = frozenset({Stage.ACCEPTED})
_NEW_HANDS = frozenset({Stage.DISPATCHED, Stage.SIGNED})
_IN_HAND = _NEW_HANDS | {Stage.REDO}
_AT_UNIT = _IN_HAND | {Stage.RETURN_PENDING, Stage.EXTENSION_PENDING}
_OPEN = _ACCEPTED | _AT_UNIT | {Stage.REPLIED}
_CLOSED = frozenset({Stage.CLOSED})
_OVER = _CLOSED | {Stage.ANSWERED}

MOVES: Mapping[type[Command], Move] = {
    Accept: Move(_NOWHERE, intake.accept, opens=True),
    Refuse: Move(_OPEN | _OVER, intake.refuse, opens=True),
    HandOff: Move(_ACCEPTED, intake.hand_off, opens=True),
    Answer: Move(_ACCEPTED, intake.answer),
    Dispatch: Move(_ACCEPTED | _NEW_HANDS, intake.dispatch),
    Sign: Move(frozenset({Stage.DISPATCHED}), handling.sign),
    Contact: Move(_AT_UNIT, handling.contact),
    Return: Move(_NEW_HANDS, requests.ask_return),
    ReturnAgree: Move(frozenset({Stage.RETURN_PENDING}), requests.agree_return),
    ReturnRefuse: Move(frozenset({Stage.RETURN_PENDING}), requests.refuse_return),
    Extend: Move(_IN_HAND, requests.extend),
    ExtendAgree: Move(frozenset({Stage.EXTENSION_PENDING}), requests.agree_extension),
    ExtendRefuse: Move(frozenset({Stage.EXTENSION_PENDING}), requests.refuse_extension),
    Urge: Move(_OPEN, handling.urge),
    Append: Move(_OPEN | _OVER, handling.append),
    Reply: Move(_IN_HAND | {Stage.EXTENSION_PENDING}, replying.reply),
    AuditPass: Move(frozenset({Stage.REPLIED}), replying.pass_audit),
    AuditFail: Move(frozenset({Stage.REPLIED}), replying.fail_audit),
    Grade: Move(_OVER, judging.grade),
    FollowUpFailed: Move(_CLOSED, judging.follow_up_failed),
    RedoRequest: Move(_CLOSED, judging.request_redo),
    RedoAgree: Move(_CLOSED, judging.agree_redo),
    RedoRefuse: Move(_CLOSED, judging.refuse_redo),
    Appeal: Move(_CLOSED | {Stage.REDO, Stage.REPLIED}, judging.appeal),
    Supervise: Move(_OPEN | _CLOSED, judging.supervise),
}
