"""The table of the closed loop (闭环): in which stages each command can be given, and the move that carries it out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from gateway.domain.case import (
    Accept,
    Amend,
    Answer,
    Appeal,
    AppealAnswer,
    Append,
    Archive,
    AuditFail,
    AuditPass,
    Command,
    Contact,
    Designate,
    Dispatch,
    Endorse,
    Extend,
    ExtendAgree,
    ExtendRefuse,
    FollowUp,
    FollowUpFailed,
    Grade,
    HandOff,
    Instruct,
    Order,
    OrderReply,
    Publish,
    RedoAgree,
    RedoRefuse,
    RedoRequest,
    Refuse,
    Reply,
    Restrict,
    RestrictionAppeal,
    RestrictionLift,
    RestrictionUphold,
    Return,
    ReturnAgree,
    ReturnRefuse,
    Sign,
    Submit,
    Supervise,
    Urge,
    Wish,
    Withdraw,
    Withhold,
    WithholdAgree,
    WithholdRefuse,
)
from gateway.domain.rules import OVER, Stage
from routing.casebook import (
    amending,
    handling,
    intake,
    judging,
    leading,
    publishing,
    replying,
    requests,
    restricting,
    sealing,
)
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
_ANY = frozenset(Stage)
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
    Amend: Move(_ACCEPTED | _AT_UNIT, amending.amend),
    Designate: Move(_ACCEPTED | _NEW_HANDS | {Stage.RETURN_PENDING}, leading.designate),
    Endorse: Move(frozenset({Stage.REPLIED}), leading.endorse),
    Submit: Move(_OPEN, leading.submit),
    Instruct: Move(_OPEN | _CLOSED, leading.instruct),
    Order: Move(_AT_UNIT | _CLOSED | {Stage.REPLIED}, leading.order),
    OrderReply: Move(_AT_UNIT | _CLOSED | {Stage.REPLIED}, leading.reply_to_order),
    FollowUp: Move(_CLOSED, judging.follow_up),
    AppealAnswer: Move(_CLOSED | {Stage.REDO, Stage.REPLIED}, judging.answer_appeal),
    Wish: Move(_ANY, publishing.wish),
    Withhold: Move(_AT_UNIT | _CLOSED | {Stage.REPLIED}, publishing.withhold),
    WithholdAgree: Move(_ANY, publishing.agree_withholding),
    WithholdRefuse: Move(_ANY, publishing.refuse_withholding),
    Publish: Move(_OVER, publishing.publish),
    Withdraw: Move(_ANY, publishing.withdraw),
    Restrict: Move(_ANY, restricting.restrict),
    RestrictionAppeal: Move(_ANY, restricting.appeal),
    RestrictionLift: Move(_ANY, restricting.lift),
    RestrictionUphold: Move(_ANY, restricting.uphold),
    Archive: Move(OVER, sealing.archive),
}

UNSEALED = frozenset({Append, Wish, Withdraw, RestrictionAppeal, RestrictionLift, RestrictionUphold})
"""What can still be said of a case in the archive: what opens a new one, or frees somebody."""
