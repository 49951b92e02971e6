"""What the interface shows of calls (通话视图): live ones with their parties and steps, words, recorded legs, agents.

Offsets are seconds of the call. A citizen's number is masked.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict

from gateway.domain.call import Role
from gateway.domain.transcript import Gap, Utterance
from gateway.ports.memory import CallLeg
from gateway.ports.telephony import SoundQuality
from gateway.services.desk import Agent
from gateway.services.feed import Said
from gateway.services.handoff import HandOff
from gateway.services.live_call import LiveCall
from gateway.services.transfer import UnitTransfer
from gateway.web.views import FactView, TicketView, View, fact_view, masked, ticket_view

SAID_ALREADY = "utterance.heard"
"""The kind of fact that a live page is not told, because it has the words themselves."""


class WordView(View, frozen=True):
    """A word and its place in the audio."""

    text: str
    start: float
    end: float


class UtteranceView(View, frozen=True, tag_field="type", tag="utterance"):
    """Words of one leg; a later one with the same leg and number replaces it while it is not final."""

    leg: str
    role: str
    number: int
    text: str
    start: float
    end: float
    final: bool
    words: list[WordView]


class GapView(View, frozen=True, tag_field="type", tag="gap"):
    """A stretch of a leg nobody heard."""

    leg: str
    role: str
    start: float
    end: float
    reason: str


class QualityView(View, frozen=True):
    """How well a leg is heard, here and at its far end: losses are parts of one, the rest seconds."""

    lost: float
    jitter: float
    far_lost: float | None
    far_jitter: float | None
    round_trip: float | None
    poor: bool


class LegView(View, frozen=True):
    """One party of a live call; a citizen's number is masked. ``quality`` is None before the first reports."""

    id: str
    role: str
    number: str
    state: str
    joined: bool
    quality: QualityView | None


class StepView(View, frozen=True):
    """One step of a hand-off."""

    event: str
    offset: float
    detail: str


class HandOffView(View, frozen=True):
    """An emergency hand-off; the phrase is empty when a person began it."""

    line: str
    by: str
    state: str
    live: bool
    phrase: str
    rule: str
    phrase_start: float | None
    phrase_end: float | None
    steps: list[StepView]


class AttemptView(View, frozen=True):
    """A number of a unit that was rung; ``failure`` is empty while that is open, or it answered."""

    number: str
    failure: str


class TransferView(View, frozen=True):
    """The transfer to a unit; ``reason`` is why these of its numbers: ``always``, ``office_hours`` or ``off_hours``."""

    unit: str
    state: str
    live: bool
    reason: str
    attempts: list[AttemptView]


class SupervisionView(View, frozen=True):
    """A supervisor (an account) who attends a call: listening, whispering or joined."""

    by: str
    attendance: str
    ringing: bool


class CallView(View, frozen=True):
    """A live call without its words. ``offset`` is the call's age when this was sent, negative never."""

    id: str
    state: str
    offset: float
    answered: bool
    legs: list[LegView]
    hand_offs: list[HandOffView]
    transfer: TransferView | None
    supervisions: list[SupervisionView]


class LiveCallView(View, frozen=True):
    """A live call with everything so far."""

    call: CallView
    ticket: TicketView
    said: list[UtteranceView | GapView]
    facts: list[FactView]


class AgentView(View, frozen=True):
    """An agent; ``seconds`` is how long the present state has lasted."""

    id: str
    name: str
    number: str
    presence: str
    call_id: str | None
    seconds: float


class RecordedLegView(View, frozen=True):
    """A leg as remembered. ``recorded``: a recording of both its sides is there to be heard."""

    id: str
    role: str
    number: str
    started: float
    ended: float | None
    recorded: bool
    sha256: str


def heard_view(role: str, heard: Utterance | Gap) -> UtteranceView | GapView:
    """Show words, or their absence."""
    if isinstance(heard, Gap):
        return GapView(leg=heard.leg_id, role=role, start=heard.start, end=heard.end, reason=heard.reason)
    return UtteranceView(
        leg=heard.leg_id,
        role=role,
        number=heard.number,
        text=heard.text,
        start=heard.start,
        end=heard.end,
        final=heard.is_final,
        words=[WordView(text=word.text, start=word.start, end=word.end) for word in heard.words],
    )


def said_view(said: Said) -> UtteranceView | GapView:
    """Show words of a live call."""
    return heard_view(said.role.value, said.utterance)


def call_view(call: LiveCall) -> CallView:
    """Show a live call as it stands."""
    answered = call.record.ticket.answered_at is not None
    return CallView(
        id=call.id,
        state=_call_state(call, answered),
        offset=round(max(0.0, call.record.offset), 3),
        answered=answered,
        legs=_leg_views(call),
        hand_offs=[_hand_off_view(hand_off) for hand_off in call.hand_offs.values()],
        transfer=_transfer_view(call.transfer) if call.transfer else None,
        supervisions=_supervision_views(call),
    )


def live_call_view(call: LiveCall) -> LiveCallView:
    """Show a live call with all that was said and done in it."""
    return LiveCallView(
        call=call_view(call),
        ticket=ticket_view(call.record.ticket),
        said=[said_view(said) for said in call.record.said],
        facts=[fact_view(fact) for fact in call.record.facts if fact.kind != SAID_ALREADY],
    )


def _call_state(call: LiveCall, answered: bool) -> str:
    """Name what matters most about a call: an emergency, a transfer, then whether anybody talks with the citizen."""
    if any(hand_off.is_live for hand_off in call.hand_offs.values()):
        return "emergency"
    if call.transfer is not None and call.transfer.is_live:
        return "transfer"
    if not answered:
        return "ringing"
    return "talking" if call.floor.company else "waiting"


def _leg_views(call: LiveCall) -> list[LegView]:
    floor = getattr(call, "floor", None)  # a call that was taken this very moment has none yet
    return [
        LegView(
            id=party.live.leg.id,
            role=party.role.value,
            number=masked(party.live.leg.number) if party.role is Role.CITIZEN else party.live.leg.number,
            state=party.live.leg.state.value,
            joined=party.is_joined,
            quality=_quality_view(party.quality),
        )
        for party in (floor.parties if floor else ())
    ]


def _quality_view(quality: SoundQuality | None) -> QualityView | None:
    return None if quality is None else QualityView(**asdict(quality), poor=quality.is_poor)


def _hand_off_view(hand_off: HandOff) -> HandOffView:
    hit = hand_off.hit
    return HandOffView(
        line=hand_off.line,
        by=hand_off.by,
        state=hand_off.state.value,
        live=hand_off.is_live,
        phrase=hit.phrase if hit else "",
        rule=hit.rule if hit else "",
        phrase_start=hit.start if hit else None,
        phrase_end=hit.end if hit else None,
        steps=[StepView(event=step.event, offset=step.offset, detail=step.detail) for step in hand_off.steps],
    )


def _transfer_view(transfer: UnitTransfer) -> TransferView:
    return TransferView(
        unit=transfer.unit.id,
        state=transfer.state.value,
        live=transfer.is_live,
        reason=transfer.reason,
        attempts=[AttemptView(number=attempt.number, failure=attempt.failure) for attempt in transfer.attempts],
    )


def _supervision_views(call: LiveCall) -> list[SupervisionView]:
    return [
        SupervisionView(by=each.by, attendance=each.attendance.value, ringing=each.is_ringing)
        for each in call.supervisions.values()
        if each.is_live
    ]


def agent_views(agents: Iterable[Agent], now: float) -> list[AgentView]:
    """Show the agents at the monotonic instant *now*."""
    return [
        AgentView(
            id=agent.id,
            name=agent.name,
            number=agent.destination.number,
            presence=agent.presence.value,
            call_id=agent.call_id,
            seconds=round(now - agent.since, 1),
        )
        for agent in agents
    ]


def recorded_leg_view(leg: CallLeg, *, recorded: bool) -> RecordedLegView:
    """Show a leg as remembered, its number as whole as in the ticket's detail."""
    return RecordedLegView(
        id=leg.leg_id,
        role=leg.role.value,
        number=leg.number,
        started=leg.started,
        ended=leg.ended,
        recorded=recorded,
        sha256=leg.sha256,
    )
