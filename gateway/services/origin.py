"""Where a call comes from (来源): a merged line that was dialled, or an emergency line that passes the matter to us.

It stands on the ticket as a decision with its articles (NM-2.1, NM-2.2c, NM-2.3), like everything that is decided.
"""

from __future__ import annotations

from collections.abc import Iterator

from gateway.domain.decision import Citation, Decision, DecisionKind, Reason
from gateway.domain.emergency import EmergencyLine
from gateway.domain.rules import DUTY, MERGING
from gateway.ports.telephony import AskedToRefer, IncomingCall, PassedOn
from gateway.services.exchange import Exchange
from gateway.services.floor import Floor, Party

FROM_EMERGENCY_LINES = "from_emergency_lines"
"""The part of the duty of linkage by which matters that are not urgent come back from emergency lines."""


def origins(exchange: Exchange, incoming: IncomingCall) -> Iterator[Decision]:
    """Yield what a new call's ticket says of its origin: nothing for a call that was simply made."""
    merged = exchange.merged.get(incoming.merged)
    if merged is not None:
        ruling = exchange.profile.ruling(MERGING, merged.merging.value)
        rule, cited = f"merging.{merged.merging.value}", ruling.citations if ruling else ()
        yield _origin(merged.number, rule, incoming.dialled, cited)
    if incoming.passed_on is not None:
        passed = incoming.passed_on
        yield _origin(passed.line, "linkage.passed_on", _said(passed), _linkage(exchange))


def returned(exchange: Exchange, line: EmergencyLine, number: str) -> Decision:
    """Return what the ticket says when the desk at *number* gives the citizen back by REFER."""
    return _origin(line, "linkage.returned", number, _linkage(exchange))


def _linkage(exchange: Exchange) -> tuple[Citation, ...]:
    ruling = exchange.profile.ruling(DUTY, "linkage")
    return ruling.citations if ruling is not None and FROM_EMERGENCY_LINES in ruling.value else ()


def _origin(outcome: str, rule: str, evidence: str, cited: tuple[Citation, ...]) -> Decision:
    reasons = tuple(Reason(rule=rule, evidence=evidence, citation=citation) for citation in cited)
    return Decision(
        kind=DecisionKind.ORIGIN, outcome=outcome, reasons=reasons or (Reason(rule=rule, evidence=evidence),)
    )


def _said(passed: PassedOn) -> str:
    parts = (passed.referred_by, passed.reference, passed.place, passed.summary)
    return "；".join(part for part in parts if part)


class Return:
    """A citizen who is being given back: whoever has her keeps her until an agent is there, and is told how it went."""

    def __init__(self, floor: Floor) -> None:
        self._floor = floor
        self._asked: tuple[Party, AskedToRefer] | None = None

    @property
    def is_asked(self) -> bool:
        """Whether somebody gives her back and no agent has her yet."""
        return self._asked is not None

    def ask(self, party: Party, asked: AskedToRefer) -> None:
        """Begin: *party* gives her back."""
        self.settle(False)
        self._asked = (party, asked)

    def settle(self, is_done: bool) -> None:
        """Say whether an agent has her now; who gave her back may then go."""
        if self._asked is None:
            return
        (party, asked), self._asked = self._asked, None
        asked.report(is_done)
        if is_done:
            self._floor.start(self._floor.release(party, "given back"), f"release {party.live.leg.id}")
