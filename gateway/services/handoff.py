"""The accompanied emergency hand-off (紧急转接) of one call to one line.

Suspicion pre-dials the line while the citizen goes on talking; the desk hears a short brief and is joined; whoever
accompanies the citizen stays until the desk has accepted. Busy, silent or refused: the line's next number, each
under its own short limit. The citizen is never on hold, and is told what happens when no agent can tell her.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace

from gateway.domain.call import Role
from gateway.domain.decision import Decision, DecisionKind, Reason
from gateway.domain.emergency import EmergencyHit, EmergencyLine
from gateway.domain.errors import Refused, Unavailable
from gateway.domain.ticket import TicketState
from gateway.domain.transfer import HandOffEvent, HandOffState, hand_off_after
from gateway.services.brief import brief
from gateway.services.call_record import CallRecord
from gateway.services.emergency_reports import EmergencyStory, ReportState, report_emergency
from gateway.services.exchange import DeskNumber, Exchange
from gateway.services.floor import Floor, Party
from gateway.services.race import first_of

ACCEPT_KEY = "1"
"""The key by which the desk accepts the citizen."""

WITH_DESK = frozenset({HandOffState.JOINED, HandOffState.ACCEPTED})
LIVE = frozenset({HandOffState.SUSPECTED, HandOffState.DIALLING, HandOffState.ANSWERED, HandOffState.JOINED})

_REPORTED = {
    HandOffEvent.INVITED: ReportState.DIALLING,
    HandOffEvent.DESK_JOINED: ReportState.JOINED,
    HandOffEvent.DESK_ACCEPTED: ReportState.ACCEPTED,
    HandOffEvent.AGENT_DISMISSED: ReportState.DISMISSED,
    HandOffEvent.CHAIN_EXHAUSTED: ReportState.EXHAUSTED,
    HandOffEvent.CITIZEN_LEFT: ReportState.ABANDONED,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One step of a hand-off, ``offset`` in seconds of the call; ``detail`` is an id or a protocol's words."""

    event: str
    offset: float
    detail: str = ""


class HandOff:
    """One line's hand-off, from suspicion to its end."""

    def __init__(
        self,
        exchange: Exchange,
        floor: Floor,
        record: CallRecord,
        line: EmergencyLine,
        by: str,
        *,
        attempt: int = 1,
    ) -> None:
        self._exchange = exchange
        self._floor = floor
        self._record = record
        self._confirmed = asyncio.Event()
        self._accepted = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._desk: Party | None = None
        self._attempt = attempt
        self._is_reported = False
        self.line = line
        self.by = by
        self.state = HandOffState.SUSPECTED
        self.steps: list[Step] = []
        self.hit: EmergencyHit | None = None

    @property
    def is_live(self) -> bool:
        """Whether it still has something to do."""
        return self.state in LIVE

    def start(self, hit: EmergencyHit | None) -> None:
        """Begin: on *hit*, or at an agent's key when None."""
        self.hit = hit
        self._step("suspected", hit.phrase if hit else self.by)
        self._record.decide(self._decision(hit))
        self._record.change(lambda ticket: replace(ticket, emergency_line=self.line))
        self._task = self._floor.start(self._run(), f"hand-off {self.line}")

    def confirm(self) -> None:
        """The agent says that it is an emergency."""
        self._confirmed.set()

    def accept(self) -> None:
        """The desk has taken the citizen over, as it says at its console."""
        self._accepted.set()

    def dismiss(self, by: str) -> None:
        """The agent says that it is none. Raises `IllegalTransition` once the desk has been joined."""
        self._move(HandOffEvent.AGENT_DISMISSED, by)
        self._stop()
        self._record.change(lambda ticket: replace(ticket, emergency_line=""))

    def return_from(self, desk: Party) -> bool:
        """The desk gives the citizen back, as a matter that is not urgent; False when she is not with this desk."""
        if desk is not self._desk or self.state not in (*WITH_DESK, HandOffState.RETURNED):
            return False
        if self.state is HandOffState.RETURNED:  # no agent was there the last time, and the desk has kept her
            return True
        self._stop()
        self._move(HandOffEvent.DESK_RETURNED)
        self._record.change(lambda ticket: replace(ticket, state=TicketState.OPEN))
        return True

    def abandon(self) -> None:
        """The citizen has hung up."""
        if self.is_live:
            self._move(HandOffEvent.CITIZEN_LEFT)
            self._stop()

    # -- the course ------------------------------------------------------------------------------------------

    async def _run(self) -> None:
        try:
            if self._floor.present(Role.AGENT) is None:
                await self._tell_citizen(f"emergency_connecting_{self.line}")
                await first_of(
                    self._exchange.profile.emergency.grace,
                    confirmed=self._confirmed.wait(),
                    agent=self._floor.until(lambda: self._floor.present(Role.AGENT) is not None),
                )
            for number in self._exchange.lines.get(self.line, ()):
                if await self._try(number):
                    return
            await self._exhaust()
        finally:
            self._floor.let_ring()
            if self._desk is not None and not self._desk.is_joined:
                await self._floor.release(self._desk, "hand-off ended")

    async def _try(self, number: DeskNumber) -> bool:
        """Ring one number of the chain; say whether its desk accepted the citizen."""
        try:
            desk = self._desk = await self._floor.dial(
                Role.EMERGENCY_DESK, number.destination, f"emergency {self.line}"
            )
        except (Unavailable, Refused) as failure:
            self._step("failed", str(failure))
            return False
        self._move(HandOffEvent.INVITED, str(number.destination), offset=desk.live.invited_at - self._record.zero)
        try:
            await self._floor.answered(desk, number.ring_limit)
        except (Unavailable, Refused) as failure:
            self._move(HandOffEvent.DESK_FAILED, str(failure))
            return False
        self._move(HandOffEvent.DESK_ANSWERED)
        return await self._accompany(desk)

    async def _accompany(self, desk: Party) -> bool:
        """Brief the desk, join it, and stay until it has accepted; False when it left before."""
        if not await self._brief(desk):
            self._move(HandOffEvent.DESK_FAILED, "left during the brief")
            return False
        self._floor.join(self._floor.citizen, desk)
        self._move(HandOffEvent.DESK_JOINED)
        limit: float | None = self._exchange.limits.acceptance
        while True:
            match await self._until_accepted(desk, limit):
                case "gone":
                    self._move(HandOffEvent.DESK_FAILED, "left before accepting")
                    return False
                case "limit":
                    self._step("alarm", "the desk has not accepted yet")
                    limit = None
                case _:
                    break
        self._move(HandOffEvent.DESK_ACCEPTED)
        self._record.change(lambda ticket: replace(ticket, state=TicketState.HANDED_TO_EMERGENCY))
        agent = self._floor.present(Role.AGENT)
        if agent is not None:
            await self._floor.release(agent, f"{self.line} accepted")
        return True

    async def _brief(self, desk: Party) -> bool:
        """Say in a few words who is coming; where the profile asks for it, wait for the agent's word meanwhile."""
        rule = self._exchange.profile.emergency
        asks = rule.needs_confirmation and self._floor.present(Role.AGENT) is not None
        briefed = await first_of(
            self._exchange.limits.brief,
            gone=desk.gone.wait(),
            accepted=self._until_pressed(desk),
            briefed=self._tell_desk(desk),
        )
        if asks and briefed != "gone":
            briefed = await first_of(rule.grace, gone=desk.gone.wait(), confirmed=self._confirmed.wait())
        return briefed != "gone"

    async def _tell_desk(self, desk: Party) -> None:
        for piece in brief(self.line, self._record.ticket, self._exchange.prompts):
            await desk.live.play(piece)

    async def _until_accepted(self, desk: Party, limit: float | None) -> str:
        return await first_of(
            limit, accepted=self._accepted.wait(), pressed=self._until_pressed(desk), gone=desk.gone.wait()
        )

    async def _until_pressed(self, desk: Party) -> None:
        """Wait for the accepting key; it stays pressed, so that one struck during the brief counts later."""
        while not self._accepted.is_set():
            if await desk.digits.get() == ACCEPT_KEY:
                self._accepted.set()

    async def _exhaust(self) -> None:
        self._move(HandOffEvent.CHAIN_EXHAUSTED)
        self._step("alarm", "no number of the line answered")
        await self._tell_citizen(f"emergency_exhausted_{self.line}")

    async def _tell_citizen(self, prompt: str) -> None:
        citizen = self._floor.citizen
        self._record.tell("citizen.told", prompt=prompt)
        await first_of(None, told=citizen.live.play(prompt), gone=citizen.gone.wait())
        self._floor.let_ring()

    # -- bookkeeping -----------------------------------------------------------------------------------------

    def _move(self, event: HandOffEvent, detail: str = "", *, offset: float | None = None) -> None:
        self.state = hand_off_after(self.state, event)
        self._step(event.value, detail, offset=offset)
        self._report(event)
        self._floor.changed()

    def _report(self, event: HandOffEvent) -> None:
        """Tell the line's own system in writing, if it wants that; what it was never told of needs no ending."""
        state = _REPORTED.get(event)
        if state is None or self.line not in self._exchange.reported_lines:
            return
        if not self._is_reported and state in (ReportState.DISMISSED, ReportState.ABANDONED):
            return
        self._is_reported = True
        ticket, hit, now = self._record.ticket, self.hit, self._exchange.clock.now()
        story = EmergencyStory(
            ticket_id=ticket.id,
            channel=ticket.channel,
            caller=ticket.caller,
            call_id=self._record.call_id,
            phrase=hit.phrase if hit else "",
            rule=hit.rule if hit else "",
            matter=ticket.matter,
            place=ticket.elements.place,
            summary=ticket.summary,
        )
        self._exchange.ledger.write(
            lambda tx: report_emergency(tx, self.line, story, now=now, state=state, attempt=self._attempt)
        )

    def _step(self, event: str, detail: str = "", *, offset: float | None = None) -> None:
        step = Step(event=event, offset=round(self._record.offset if offset is None else offset, 3), detail=detail)
        self.steps.append(step)
        hit = {"phrase": self.hit.phrase, "phrase_end": self.hit.end} if self.hit and event == "suspected" else {}
        self._record.tell(
            f"handoff.{event}", offset=step.offset, line=self.line, state=self.state.value, detail=detail, **hit
        )

    def _decision(self, hit: EmergencyHit | None) -> Decision:
        citation = self._exchange.profile.emergency.citation
        reason = (
            Reason(rule=hit.rule, evidence=hit.phrase, citation=citation)
            if hit
            else Reason(rule="agent.key", evidence=self.by, citation=citation)
        )
        return Decision(kind=DecisionKind.EMERGENCY, outcome=self.line, reasons=(reason,))

    def _stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
