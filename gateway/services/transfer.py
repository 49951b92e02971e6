"""The attended transfer of one call to a unit (咨询转接), led by its agent.

The citizen hears music under a running limit while agent and unit speak alone; then three talk; then the agent may
leave. Every failure but the citizen's own leaving brings her back to the agent.
"""

from __future__ import annotations

import asyncio

from gateway.domain.call import Destination, Role
from gateway.domain.errors import IllegalTransition, Refused, Unavailable
from gateway.domain.transfer import TransferEvent, TransferState, transfer_after
from gateway.services.call_record import CallRecord
from gateway.services.exchange import Exchange
from gateway.services.floor import Floor, Party
from gateway.services.race import first_of
from routing.directory import Unit


class UnitTransfer:
    """One transfer, from dialling the unit to its end."""

    def __init__(
        self, exchange: Exchange, floor: Floor, record: CallRecord, agent: Party, unit: Unit, destination: Destination
    ) -> None:
        self._exchange = exchange
        self._floor = floor
        self._record = record
        self._agent = agent
        self._destination = destination
        self._joined = asyncio.Event()
        self._retrieved = asyncio.Event()
        self._left = asyncio.Event()
        self.unit = unit
        self.state = TransferState.TALKING

    @property
    def is_live(self) -> bool:
        """Whether the agent still leads it."""
        return self.state not in (TransferState.HANDED_OVER, TransferState.RETRIEVED, TransferState.ABANDONED)

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

    async def run(self) -> None:
        """Carry the transfer through; returns once the agent is rid of the unit or of the citizen."""
        citizen, unit = self._floor.citizen, None
        self._move(TransferEvent.UNIT_DIALLED)
        self._floor.take_out(citizen)
        self._floor.take_out(self._agent)
        comforting = self._floor.start(self._comfort(citizen), "hold music")
        self._agent.live.play("ringback", loop=True)
        try:
            unit = await self._floor.dial(Role.UNIT, self._destination, f"unit {self.unit.id}")
            await self._reach(unit)
            if await self._consult(unit):
                await self._accompany(unit)
        except (Unavailable, Refused) as failure:
            self._move(TransferEvent.UNIT_FAILED, str(failure))
        finally:
            comforting.cancel()
            if self.state is not TransferState.HANDED_OVER:
                await self._bring_back(unit)

    def abandon(self) -> None:
        """The citizen has hung up."""
        if self.is_live:
            self._move(TransferEvent.CITIZEN_LEFT)

    async def _reach(self, unit: Party) -> None:
        """Wait until the unit answers; the agent may take the citizen back, or vanish, meanwhile."""
        outcome = await first_of(
            None,
            answered=self._floor.answered(unit, self._exchange.limits.unit_ring),
            retrieved=self._retrieved.wait(),
            agent=self._agent.gone.wait(),
        )
        if outcome != "answered":
            raise Unavailable(outcome)
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
        await citizen.live.play("unit_connecting")
        await citizen.live.play("hold_music", loop=True)

    async def _bring_back(self, unit: Party | None) -> None:
        self._floor.citizen.live.stop_playing()
        self._floor.join(*(party for party in (self._floor.citizen, self._agent) if not party.gone.is_set()))
        if unit is not None:
            await self._floor.release(unit, "transfer ended")

    def _give_up(self, outcome: str) -> None:
        retrieved = outcome == "retrieved"
        self._move(TransferEvent.AGENT_RETRIEVED if retrieved else TransferEvent.UNIT_FAILED, outcome)

    def _move(self, event: TransferEvent, detail: str = "") -> None:
        self.state = transfer_after(self.state, event)
        self._record.tell(f"transfer.{event.value}", unit=self.unit.id, state=self.state.value, detail=detail)
        self._floor.changed()
