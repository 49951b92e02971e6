"""Commands beside the closed loop: leaders, orders, designation, publication, restricted callers, the archive."""

from __future__ import annotations

from dataclasses import dataclass

from gateway.domain.case.loop import Command
from gateway.domain.rules import Trigger


@dataclass(frozen=True, slots=True, kw_only=True)
class Amend(Command):
    """The hotline corrects category or matter of what it has accepted (变更类别、事项); what is empty stays."""

    category: str = ""
    matter: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Designate(Command):
    """A dispute about competence is settled (指定承办): by whom, in which way."""

    to: str
    assist: tuple[str, ...] = ()
    decided_by: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Endorse(Command):
    """The unit above that sent it on has looked at the reply and stands behind it (上级网络单位审核)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Submit(Command):
    """The hotline lays the matter before a leader with its proposal (呈办、拟办意见)."""

    opinion: str = ""
    leader: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Instruct(Command):
    """The leader's instruction has come back (批示)."""

    leader: str = ""
    text: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Order(Command):
    """The hotline orders the unit to act, in one of the regulation's forms (督办单、约谈、协调会 ...).

    ``days``: within how many working days the unit answers; None where no answer is asked for.
    """

    trigger: Trigger
    form: str
    reason: str
    days: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderReply(Command):
    """The unit answers the latest order (督办反馈)."""

    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FollowUp(Command):
    """The petitioner was reached (回访): what he said, and whether things are as the unit reported."""

    outcome: str
    as_reported: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class AppealAnswer(Command):
    """The hotline has looked into the unit's appeal (申诉核实)."""

    granted: bool
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish(Command):
    """The petitioner says whether the matter may be shown to the public (公开意愿)."""

    publish: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Withhold(Command):
    """The unit applies not to publish (申请不公开)."""

    reason: str = ""
    approved_by: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class WithholdAgree(Command):
    """The hotline agrees not to publish (同意不公开)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WithholdRefuse(Command):
    """The hotline does not agree; the matter may be published (不同意不公开)."""

    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Publish(Command):
    """The hotline shows question and answer to the public, as read and approved (公开)."""

    question: str
    answer: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Withdraw(Command):
    """The hotline takes a published matter back (撤回公开)."""

    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Restrict(Command):
    """The petitioner has harassed the hotline and may not telephone for a while (限制使用热线)."""

    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RestrictionAppeal(Command):
    """The petitioner objects to the restriction (对限制的申诉)."""

    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RestrictionLift(Command):
    """The restriction ends early (解除限制)."""

    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RestrictionUphold(Command):
    """The restriction stays, in spite of the objection (维持限制)."""

    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Archive(Command):
    """The case is sealed (归档)."""
