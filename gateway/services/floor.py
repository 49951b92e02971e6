"""The floor of one call (话务现场): the legs in it and who hears whom.

The citizen's leg is there from the first to the last moment; others come and go. Two bridges exist: the main one,
where the citizen talks with whoever helps, and the consultation, where an agent and a unit speak alone.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import replace
from typing import Any

import structlog

from gateway.domain.call import Destination, Role
from gateway.domain.transcript import Gap, Utterance
from gateway.ports.memory import CallLeg
from gateway.ports.telephony import (
    AskedToRefer,
    DigitPressed,
    HeldByPeer,
    LegEnded,
    LiveLeg,
    SoundFailed,
    SoundQuality,
    Story,
    TakenOver,
    WentSilent,
)
from gateway.services.call_record import CallRecord
from gateway.services.exchange import Exchange
from gateway.services.feed import CallChanged
from gateway.services.hearing import transcribe

log = structlog.get_logger(__name__)

FIGURES_LIMIT = 5.0
"""Seconds that a leg's sound may take to close; its recording is hashed as it is then."""


class Party:
    """One person on the call."""

    def __init__(self, live: LiveLeg) -> None:
        self.live = live
        self.digits: asyncio.Queue[str] = asyncio.Queue(16)
        self.gone = asyncio.Event()
        self.end: LegEnded | None = None
        self.is_joined = False
        self.quality: SoundQuality | None = None
        """As of the last reports; None before the first."""

    @property
    def role(self) -> Role:
        """Who this is."""
        return self.live.leg.role


class Floor:
    """All legs of one call. Tasks it starts belong to the call's TaskGroup."""

    def __init__(
        self,
        exchange: Exchange,
        record: CallRecord,
        tasks: asyncio.TaskGroup,
        citizen: LiveLeg,
        hear: Callable[[Party, Utterance | Gap], None],
        ask: Callable[[Party, AskedToRefer], None],
    ) -> None:
        self._exchange = exchange
        self._record = record
        self._tasks = tasks
        self._hear = hear
        self._ask = ask
        self._changed = asyncio.Event()
        self._stoppable: set[asyncio.Task[None]] = set()
        self.legs: dict[str, CallLeg] = {}
        self.parties: list[Party] = []
        self.citizen = self.enter(citizen)

    @property
    def company(self) -> list[Party]:
        """Everybody who can talk with the citizen now."""
        return [party for party in self.parties if party.is_joined and party.role is not Role.CITIZEN]

    def present(self, role: Role) -> Party | None:
        """Return the first party of *role* that is on the main bridge."""
        return next((party for party in self.parties if party.role is role and party.is_joined), None)

    def is_ringing(self, role: Role) -> bool:
        """Whether a telephone of *role* rings, or has just been answered."""
        return any(party.role is role and not party.is_joined for party in self.parties)

    async def until(self, holds: Callable[[], bool]) -> None:
        """Wait until *holds* is true, asked again whenever the floor changes."""
        while not holds():
            await self._changed.wait()

    def changed(self) -> None:
        """Wake whoever waits in `until`."""
        self._changed.set()
        self._changed.clear()

    # -- coming ----------------------------------------------------------------------------------------------

    async def dial(self, role: Role, destination: Destination, reason: str) -> Party:
        """Send an INVITE and return the ringing party. Raises `Unavailable` when nothing could be sent."""
        ticket = self._record.ticket
        story = Story(
            ticket_id=ticket.id,
            caller=ticket.caller,
            place=ticket.elements.place,
            summary=ticket.summary,
            reason=reason,
        )
        live = await self._exchange.calls.originate(self._record.call_id, role, destination, story)
        party = self.enter(live)
        self._record.tell(
            "leg.invited",
            offset=live.invited_at - self._record.zero,
            leg=live.leg.id,
            role=role.value,
            number=str(destination),
        )
        return party

    def enter(self, live: LiveLeg) -> Party:
        """Take a ringing leg in and follow its news."""
        party = Party(live)
        self.parties.append(party)
        self._run(self._follow(party), f"news {live.leg.id}")
        return party

    async def answered(self, party: Party, limit: float) -> None:
        """Wait until *party* answers, *limit* seconds at most. Raises `Unavailable` or `Refused`."""
        await party.live.answered(limit)
        self.began(party)
        self._record.tell("leg.answered", leg=party.live.leg.id, role=party.role.value)

    def began(self, party: Party) -> None:
        """Transcribe an answered party from now on, and record the citizen: what she says and what she hears."""
        leg = party.live.leg
        self.legs[leg.id] = CallLeg(
            leg_id=leg.id,
            call_id=self._record.call_id,
            role=leg.role,
            number=leg.number,
            started=round(self._record.offset, 3),
        )
        self._record.save_leg(self.legs[leg.id])
        if leg.role is Role.CITIZEN:
            self._start_recording(party)
        self._run(self._transcribe(party), f"hearing {leg.id}")

    def _start_recording(self, party: Party) -> None:
        """Record both sides of *party*, in one file for the leg however often it begins."""
        leg = party.live.leg
        file = f"{self._record.call_id}/{leg.role.value}-{leg.id}.wav"
        path = self._exchange.recordings / file
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as failure:
            log.error("recording.impossible", leg_id=leg.id, reason=str(failure))
            self._record.tell("call.degraded", task="recording", failure=type(failure).__name__)
            return
        party.live.record(path, self._record.zero)
        self.legs[leg.id] = replace(self.legs[leg.id], recording=file)
        self._record.save_leg(self.legs[leg.id])

    def _stop_own_recording(self, party: Party) -> None:
        """What is said on the main bridge is in the citizen's recording."""
        if party.role is not Role.CITIZEN:
            party.live.stop_recording()

    def start(self, work: Coroutine[Any, Any, None], name: str) -> asyncio.Task[None]:
        """Run *work* beside the call until `stop`; its failure is logged and shown, and is not the call's."""
        task = self._run(work, name)
        self._stoppable.add(task)
        task.add_done_callback(self._stoppable.discard)
        return task

    def stop(self) -> None:
        """End what was started; legs are still followed and heard to their ends."""
        for task in self._stoppable:
            task.cancel()

    def _run(self, work: Coroutine[Any, Any, None], name: str) -> asyncio.Task[None]:
        task = self._tasks.create_task(self._guard(work, name), name=name)
        task.add_done_callback(lambda _: work.close())  # cancelled before its first step, it was never begun
        return task

    async def _guard(self, work: Coroutine[Any, Any, None], name: str) -> None:
        try:
            await work
        except Exception as failure:
            log.exception("call.degraded", task=name)
            self._record.tell("call.degraded", task=name, failure=type(failure).__name__)

    # -- who hears whom --------------------------------------------------------------------------------------

    def join(self, *parties: Party) -> None:
        """Bring parties onto the main bridge."""
        for party in parties:
            party.live.stop_playing()
            party.live.join(str(self._record.call_id))
            party.is_joined = True
            self._stop_own_recording(party)
        self.changed()

    def consult(self, leader: Party, *others: Party) -> None:
        """Let *leader* speak alone with *others*, recorded at his leg until he is elsewhere: she hears none of it."""
        self._start_recording(leader)
        for party in (leader, *others):
            party.live.stop_playing()
            party.live.join(f"{self._record.call_id}/consultation")
            party.is_joined = False
        self.changed()

    def listen(self, party: Party) -> None:
        """Let *party* hear the main bridge unheard."""
        party.live.listen(str(self._record.call_id))
        self._unheard(party)

    def whisper(self, party: Party, to: Party) -> None:
        """Let *party* hear the main bridge, heard by *to* alone."""
        party.live.whisper(str(self._record.call_id), to.live.leg.id)
        self._unheard(party)

    def _unheard(self, party: Party) -> None:
        was_joined, party.is_joined = party.is_joined, False
        if was_joined:
            self.let_ring()
        self.changed()

    def take_out(self, party: Party) -> None:
        """Leave *party* alone with whatever is played to it."""
        party.live.leave()
        party.is_joined = False
        self._stop_own_recording(party)
        self.changed()

    def let_ring(self) -> None:
        """Let a citizen who is left alone hear that somebody is being rung."""
        if not self.company and not self.citizen.gone.is_set():
            self.citizen.live.play("ringback", loop=True)

    # -- going -----------------------------------------------------------------------------------------------

    async def release(self, party: Party, reason: str) -> None:
        """End a party's leg."""
        await party.live.hang_up(reason)

    async def _follow(self, party: Party) -> None:
        async for news in party.live.news():
            match news:
                case DigitPressed(digit=digit):
                    self._record.tell("digit.pressed", leg=party.live.leg.id, digit=digit)
                    if not party.digits.full():
                        party.digits.put_nowait(digit)
                case HeldByPeer(held=held):
                    self._record.tell("leg.held" if held else "leg.resumed", leg=party.live.leg.id)
                case WentSilent(silent=silent):
                    self._record.tell("leg.silent" if silent else "leg.audible", leg=party.live.leg.id)
                case SoundFailed():
                    self._record.tell("call.degraded", task="recording", failure=type(news).__name__)
                case SoundQuality():
                    party.quality = news
                    self._exchange.feed.publish(CallChanged(call_id=self._record.call_id))
                case AskedToRefer():
                    self._ask(party, news)
                case TakenOver(caller=caller):
                    self._taken_over(party, caller)
                case LegEnded():
                    self._ended(party, news)
        if party.end is None:
            self._ended(party, LegEnded(by_peer=False, reason=""))

    def _taken_over(self, party: Party, caller: str) -> None:
        """Note that another telephone has a leg now; the citizen's own number is then the one that counts."""
        self._record.tell("leg.taken_over", leg=party.live.leg.id, role=party.role.value)
        if party.role is Role.CITIZEN and caller:
            self._record.change(lambda ticket: replace(ticket, caller=caller))

    def _ended(self, party: Party, end: LegEnded) -> None:
        party.end = end
        was_joined, party.is_joined = party.is_joined, False
        self.parties.remove(party)
        leg_id = party.live.leg.id
        if leg_id in self.legs:
            self.legs[leg_id] = replace(self.legs[leg_id], ended=round(self._record.offset, 3))
        self._record.tell("leg.ended", leg=leg_id, role=party.role.value, by_peer=end.by_peer, reason=end.reason)
        if leg_id in self.legs:
            self._run(self._measure(party), f"figures {leg_id}")
        party.gone.set()
        if was_joined:
            self.let_ring()
        self.changed()

    async def _measure(self, party: Party) -> None:
        """Journal how a leg was heard; it also means that its recording is whole."""
        async with asyncio.timeout(FIGURES_LIMIT):
            figures = await party.live.figures()
        quality = figures.quality
        self._record.tell(
            "leg.measured",
            leg=party.live.leg.id,
            codec=figures.codec,
            srtp=figures.srtp,
            received=figures.received,
            sent=figures.sent,
            lost=figures.lost,
            late=figures.late,
            concealed=round(figures.concealed, 2),
            jitter=round(quality.jitter, 4),
            far_lost=_rounded(quality.far_lost),
            far_jitter=_rounded(quality.far_jitter),
            round_trip=_rounded(quality.round_trip),
        )

    async def _transcribe(self, party: Party) -> None:
        await transcribe(
            party.live,
            self._exchange.recognizer,
            self._record.zero,
            lambda heard: self._hear(party, heard),
            self._exchange.limits.last_words,
        )


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 4)
