"""What a contact is about: its category (诉求类别) and its matter (诉求事项), by weighted words.

A topic wins when its words weigh at least `ENOUGH` and `LEAD` more than those of any other; otherwise nothing is
decided, which is the honest answer. A standing emergency decides both at once.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from gateway.domain.decision import Citation, Decision, DecisionKind, Reason
from gateway.domain.emergency import EmergencyHit
from routing.lexicon import Topic

ENOUGH = 1.0
LEAD = 0.5
_REPEATS = 2
"""How often one word may count: saying it ten times makes nothing truer."""


def count_words(text: str, topics: Sequence[Topic]) -> Counter[str]:
    """Return how often each word of *topics* stands in *text*."""
    return Counter({word: text.count(word) for topic in topics for word in topic.words if word in text})


def classify(
    counts: Mapping[str, int],
    topics: Sequence[Topic],
    kind: DecisionKind,
    *,
    citations: Mapping[str, Citation] | None = None,
) -> Decision:
    """Decide between *topics*; *kind* begins the rule's id, such as ``matter.power``.

    *citations* found the topics, by id. The outcome is empty when too little is known.
    """
    scores = sorted(
        ((_weight(topic, counts), -at, topic) for at, topic in enumerate(topics)), key=lambda s: s[:2], reverse=True
    )
    best, runner_up = (*scores, (0.0, 0, None), (0.0, 0, None))[:2]
    if best[2] is None or best[0] < ENOUGH or best[0] - runner_up[0] < LEAD:
        return undecided(kind)
    topic = best[2]
    reason = Reason(
        rule=f"{kind.value}.{topic.id}",
        evidence="、".join(evidence(topic, counts)),
        citation=citations.get(topic.id) if citations else None,
    )
    return Decision(kind=kind, outcome=topic.id, reasons=(reason,))


def classify_emergency(
    hits: Sequence[EmergencyHit], topics: Sequence[Topic], kind: DecisionKind, citation: Citation | None = None
) -> Decision:
    """Return the topic of the first line of *hits* that has one, with every phrase heard for it."""
    for hit in hits:
        for topic in topics:
            if hit.line in topic.lines:
                heard = dict.fromkeys((same.rule, same.phrase) for same in hits if same.line == hit.line)
                reasons = tuple(Reason(rule=rule, evidence=phrase, citation=citation) for rule, phrase in heard)
                return Decision(kind=kind, outcome=topic.id, reasons=reasons)
    return undecided(kind)


def undecided(kind: DecisionKind) -> Decision:
    """Return the decision that nothing is known yet."""
    return Decision(kind=kind, outcome="", reasons=())


def evidence(topic: Topic, counts: Mapping[str, int]) -> list[str]:
    """Return the words that spoke for *topic*, the weightiest first."""
    heard = [word for word, weight in topic.words.items() if weight > 0 and counts.get(word)]
    return sorted(heard, key=lambda word: -topic.words[word])


def _weight(topic: Topic, counts: Mapping[str, int]) -> float:
    return sum(weight * min(counts.get(word, 0), _REPEATS) for word, weight in topic.words.items())
