"""The attended transfer of one call to a unit (咨询转接), led by its agent.

The citizen hears music under a running limit while agent and unit speak alone; then three talk; then the agent may
leave. A number that is busy, silent or refuses gives way to the unit's next. Every failure but the citizen's own
leaving brings her back to the agent, who is told why.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from gateway.domain.call import DeskNumber, Role
from gateway.domain.errors import IllegalTransition, Refused, Unavailable
from gateway.domain.transfer import TransferEvent, TransferState, transfer_after
from gateway.services.call_record import CallRecord
from gateway.services.exchange import Exchange
from gateway.services.floor import Floor, Party
from gateway.services.race import first_of
from routing.directory import Numbers, Unit

OVER = frozenset({TransferState.HANDED_OVER, TransferState.RETRIEVED, TransferState.ABANDONED, TransferState.RETURNED})


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """A number of the unit that was rung, and why nobody was reached; ``failure`` is empty while that is open."""

    number: str
    failure: str = ""


class UnitTransfer:
    """One transfer, from dialling the unit to its end."""

    def __init__(
        self, exchange: Exchange, floor: Floor, record: CallRecord, agent: Party, unit: Unit, numbers: Numbers
    ) -> None:
        self._exchange = exchange
        self._floor = floor
        self._record = record
        self._agent = agent
        self._numbers = numbers
        self._party: Party | None = None
        self._joined = asyncio.Event()
        self._retrieved = asyncio.Event()
        self._left = asyncio.Event()
        self.unit = unit
        self.state = TransferState.TALKING
        self.attempts: list[Attempt] = []

    @property
    def is_live(self) -> bool:
        """Whether the agent still leads it."""
        return self.state not in OVER

    @property
    def reason(self) -> str:
        """Why the unit's numbers are those that are tried: ``always``, ``office_hours`` or ``off_hours``."""
        return self._numbers.reason

    def join(self) -> None:
        """Bring the citizen back in: three talk. Raises `IllegalTransition` before the unit answered."""
        if self.state is not TransferState.ANSWERED:
            raise IllegalTransition(self.state, TransferEvent.AGENT_JOINED)
        self._joined.set()

    def retrieve(self) -> None:
        """Send the unit away and take the citizen back. Raises `IllegalTransition` when it is over."""
        transfer_after(self.state, TransferEvent.AGENT_RETRIEVED)
        self._retrieved.set()

    def leave(self) -> None:
        """Leave citizen and unit to themselves. Raises `IllegalTransition` before the three are joined."""
        transfer_after(self.state, TransferEvent.AGENT_LEFT)
        self._left.set()

    def return_from(self, unit: Party) -> bool:
        """The unit gives the citizen back to the hotline; False when she is not with it alone."""
        if unit is not self._party or self.state not in (TransferState.HANDED_OVER, TransferState.RETURNED):
            return False
        if self.state is TransferState.HANDED_OVER:
            self._move(TransferEvent.UNIT_RETURNED)
        return True

    def abandon(self) -> None:
        """The citizen has hung up."""
        if self.is_live:
            self._move(TransferEvent.CITIZEN_LEFT)

    async def run(self) -> None:
        """Carry the transfer through; returns once the agent is rid of the unit or of the citizen."""
        citizen = self._floor.citizen
        self._move(TransferEvent.UNIT_DIALLED, self._numbers.reason)
        self._floor.take_out(citizen)
        self._floor.take_out(self._agent)
        comforting = self._floor.start(self._comfort(citizen), "hold music")
        try:
            unit = await self._reach()
            if unit is not None and await self._consult(unit):
                await self._accompany(unit)
        finally:
            comforting.cancel()
            if self.state is not TransferState.HANDED_OVER:
                await self._bring_back()

    # -- the course ------------------------------------------------------------------------------------------

    async def _reach(self) -> Party | None:
        """Ring the unit's numbers in turn; return who answers. The agent may take the citizen back, or vanish."""
        for number in self._numbers.numbers:
            outcome = await first_of(
                None,
                tried=self._try(number),
                retrieved=self._retrieved.wait(),
                agent=self._agent.gone.wait(),
            )
            if outcome != "tried":
                self._give_up(outcome)
                return None
            if self.state is TransferState.ANSWERED:
                return self._party
        self._move(TransferEvent.UNIT_FAILED, self.attempts[-1].failure if self.attempts else "no number")
        return None

    async def _try(self, number: DeskNumber) -> None:
        """Ring one number for as long as it may ring."""
        self.attempts.append(Attempt(number=str(number.destination)))
        self._agent.live.play("ringback", loop=True)
        if len(self.attempts) > 1:
            self._move(TransferEvent.UNIT_DIALLED, str(number.destination))
        try:
            self._party = await self._floor.dial(Role.UNIT, number.destination, f"unit {self.unit.id}")
            await self._floor.answered(self._party, number.ring_limit)
        except (Unavailable, Refused) as failure:
            self.attempts[-1] = Attempt(number=str(number.destination), failure=str(failure))
            self._move(TransferEvent.NUMBER_FAILED, str(failure))
        else:
            self._move(TransferEvent.UNIT_ANSWERED)

    async def _consult(self, unit: Party) -> bool:
        """Let agent and unit speak alone; True when the citizen is to be joined with the unit."""
        self._floor.consult(self._agent, unit)
        outcome = await first_of(
            self._exchange.limits.consultation,
            unit=unit.gone.wait(),
            retrieved=self._retrieved.wait(),
            joined=self._joined.wait(),
            agent=self._agent.gone.wait(),
        )
        if outcome not in ("joined", "agent"):
            self._give_up(outcome)
            return False
        self._floor.join(self._floor.citizen, unit)
        if outcome == "joined":
            self._floor.join(self._agent)
        self._move(TransferEvent.AGENT_JOINED)
        return True

    async def _accompany(self, unit: Party) -> None:
        """Three talk until the agent leaves, takes the citizen back, or the unit goes."""
        outcome = await first_of(
            None,
            agent=self._agent.gone.wait(),
            left=self._left.wait(),
            retrieved=self._retrieved.wait(),
            unit=unit.gone.wait(),
        )
        if outcome not in ("agent", "left"):
            self._give_up(outcome)
            return
        self._move(TransferEvent.AGENT_LEFT)
        await self._floor.release(self._agent, "handed over")

    async def _comfort(self, citizen: Party) -> None:
        await citizen.live.play(self._exchange.prompt(f"unit_connecting_{self.unit.id}", "unit_connecting"))
        await citizen.live.play("hold_music", loop=True)

    async def _bring_back(self) -> None:
        self._floor.citizen.live.stop_playing()
        self._floor.join(*(party for party in (self._floor.citizen, self._agent) if not party.gone.is_set()))
        if self._party is not None:
            await self._floor.release(self._party, "transfer ended")

    def _give_up(self, outcome: str) -> None:
        retrieved = outcome == "retrieved"
        self._move(TransferEvent.AGENT_RETRIEVED if retrieved else TransferEvent.UNIT_FAILED, outcome)

    def _move(self, event: TransferEvent, detail: str = "") -> None:
        self.state = transfer_after(self.state, event)
        self._record.tell(f"transfer.{event.value}", unit=self.unit.id, state=self.state.value, detail=detail)
        self._floor.changed()
