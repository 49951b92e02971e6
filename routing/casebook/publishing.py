"""Publication (公开): what was wanted and what came of it, shown to the public unless somebody may object."""

from __future__ import annotations

from gateway.domain.case import Publication, Publish, Wish, Withdraw, Withhold, WithholdAgree, WithholdRefuse
from gateway.domain.profile import Ruling
from gateway.domain.rules import PUBLICATION, PublicationRule
from routing.casebook.draft import Denied, Draft, Rows, require
from routing.casebook.intake import Surroundings


def wish(draft: Draft, command: Wish, around: Surroundings) -> None:
    """The petitioner says whether it may be shown; what is shown against his wish is taken back at once."""
    rule = draft.demand(PUBLICATION)
    draft.change(wishes_publication=command.publish)
    draft.say("wish", rule.rows, publish=command.publish)
    if not command.publish:
        take_back(draft, rule.rows)


def withhold(draft: Draft, command: Withhold, around: Surroundings) -> None:
    """The unit applies not to publish (申请不公开)."""
    rule = draft.demand(PUBLICATION)
    if not rule.value.unit_fields or draft.case.publication is Publication.WITHHELD:
        raise Denied("not_allowed", rule.rows)
    require(command, rule.value.unit_fields, rule.rows)
    take_back(draft, rule.rows)
    draft.change(publication=Publication.ASKED)
    draft.say("withhold_asked", rule.rows)
    draft.tell("hotline", "withhold", rule.rows)


def agree_withholding(draft: Draft, command: WithholdAgree, around: Surroundings) -> None:
    """The hotline agrees: the matter is not shown."""
    rule = _asked(draft)
    draft.change(publication=Publication.WITHHELD)
    draft.say("withheld", rule.rows)
    draft.tell("unit", "withheld", rule.rows)


def refuse_withholding(draft: Draft, command: WithholdRefuse, around: Surroundings) -> None:
    """The hotline does not agree: the matter may be shown."""
    rule = _asked(draft)
    require(command, ("reason",), rule.rows)
    draft.change(publication=Publication.UNDECIDED)
    draft.tell("unit", "withhold_refused", rule.rows, reason=command.reason)


def publish(draft: Draft, command: Publish, around: Surroundings) -> None:
    """The hotline shows question and answer, as somebody has read and approved them."""
    rule = draft.demand(PUBLICATION)
    require(command, ("question", "answer"), rule.rows)
    case = draft.case
    if not may_be_published(draft) or case.publication is Publication.PUBLISHED or case.is_redo_requested:
        raise Denied("not_allowed", rule.rows)
    draft.change(publication=Publication.PUBLISHED)
    draft.say("published", rule.rows, question=command.question, answer=command.answer)


def withdraw(draft: Draft, command: Withdraw, around: Surroundings) -> None:
    """The hotline takes a published matter back."""
    rule = draft.demand(PUBLICATION)
    if draft.case.publication is not Publication.PUBLISHED:
        raise Denied("not_allowed", rule.rows)
    require(command, ("reason",), rule.rows)
    take_back(draft, rule.rows)


def take_back(draft: Draft, rows: Rows) -> None:
    """Take the case from the public if it is shown."""
    if draft.case.publication is Publication.PUBLISHED:
        draft.change(publication=Publication.WITHDRAWN)
        draft.say("withdrawn", rows)


def may_be_published(draft: Draft) -> bool:
    """Say whether nobody has objected who may."""
    rule, case = draft.profile.ruling(PUBLICATION), draft.case
    if rule is None or case.publication in (Publication.ASKED, Publication.WITHHELD):
        return False
    if case.refusal in rule.value.never_for and case.refusal is not None:
        return False
    return rule.value.by_default if case.wishes_publication is None else case.wishes_publication


def _asked(draft: Draft) -> Ruling[PublicationRule]:
    rule = draft.demand(PUBLICATION)
    if draft.case.publication is not Publication.ASKED:
        raise Denied("not_allowed", rule.rows)
    return rule
