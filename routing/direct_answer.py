"""Answering at once from the knowledge base (即时答复): which article was used, under which of the city's rules."""

from __future__ import annotations

from gateway.domain.decision import Decision, DecisionKind, Reason
from gateway.domain.knowledge import Version
from gateway.domain.profile import Profile
from gateway.domain.rules import ANSWER


def direct_answer(profile: Profile, version: Version) -> Decision:
    """Return the decision to answer from *version*; its outcome names it, such as ``residence-permit@3``."""
    ruling = profile.ruling(ANSWER)
    citations = ruling.citations if ruling is not None else ()
    title = version.content.title
    reasons = tuple(Reason(rule="answer.knowledge", evidence=title, citation=each) for each in citations)
    return Decision(
        kind=DecisionKind.ANSWER,
        outcome=f"{version.article_id}@{version.number}",
        reasons=reasons or (Reason(rule="answer.knowledge", evidence=title),),
    )
