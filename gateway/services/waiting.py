"""The way of a citizen to somebody who talks with her (排队与接听): greeted, told how she waits, and joined.

A merged line's callers hear where they have come; a sub-centre's own seats are rung before anybody else.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace

from gateway.domain.call import DeskNumber, Role
from gateway.domain.errors import Refused, Unavailable
from gateway.domain.merging import MergedLine
from gateway.services.call_record import CallRecord
from gateway.services.desk import Agent
from gateway.services.exchange import Exchange
from gateway.services.floor import Floor, Party
from gateway.services.race import first_of
from gateway.services.tickets import set_agent

COUNTED = 9
"""Up to so many before her a citizen is told how many they are."""


class Waiting:
    """Brings one call's citizen to a person, as often as she needs one.

    *is_cared_for* says whether she is with somebody or on her way to an emergency desk, *is_handed_over* whether she
    needs nobody of ours any more, *is_urgent* whether nothing may hold up whoever answers.
    """

    def __init__(
        self,
        exchange: Exchange,
        floor: Floor,
        record: CallRecord,
        merged: MergedLine | None,
        *,
        is_cared_for: Callable[[], bool],
        is_handed_over: Callable[[], bool],
        is_urgent: Callable[[], bool],
    ) -> None:
        self._exchange = exchange
        self._floor = floor
        self._record = record
        self._merged = self._claimant = merged
        self._is_cared_for = is_cared_for
        self._is_handed_over = is_handed_over
        self._is_urgent = is_urgent
        self._greeted = False

    async def find(self) -> Party | None:
        """Return whoever talks with the citizen now; None when the queue's limit passed or a desk took her."""
        found: list[Party] = []
        comforting = self._floor.start(self._comfort(), "queue")
        await first_of(
            self._exchange.limits.queue, found=self._seek(found), taken=self._floor.until(self._is_handed_over)
        )
        comforting.cancel()
        return found[0] if found else None

    async def _seek(self, found: list[Party]) -> None:
        """Ring people in their turn until one answers; join the citizen with that one.

        A merged line's own seats have the first claim on its callers, once: who comes back from there is for others.
        """
        own, self._claimant = self._claimant, None
        if own is not None and own.agents and self._exchange.desk.has_staff(own.agents):
            await first_of(self._exchange.limits.own_seats, seeking=self._seek_agent(found, own.agents))
        if not found and own is not None and own.unit:
            await self._seek_seat(found, own.unit)
        if not found:
            await self._seek_agent(found, frozenset())

    async def _seek_agent(self, found: list[Party], among: frozenset[str]) -> None:
        while not found:
            agent = await self._exchange.desk.take(self._record.call_id, among)
            party = await self._ring(agent)
            if party is not None and await self._join(party, found):
                self._record.change(set_agent(agent.id))

    async def _seek_seat(self, found: list[Party], unit_id: str) -> None:
        """Ring a sub-centre's own seats, each once."""
        numbers = self._exchange.numbers_of(unit_id)
        for number in numbers.numbers if numbers else ():
            party = await self._ring_seat(number, unit_id)
            if party is not None and await self._join(party, found):
                self._record.change(lambda ticket: replace(ticket, unit=ticket.unit or unit_id))
                return

    async def _join(self, party: Party, found: list[Party]) -> bool:
        """Join the citizen with *party* once she was greeted; False when it has gone."""
        greeted = self._floor.until(lambda: self._greeted or self._is_urgent())
        try:
            await first_of(None, greeted=greeted, gone=party.gone.wait())
        except asyncio.CancelledError:
            await self._floor.release(party, "no longer needed")
            raise
        if party.gone.is_set():
            return False
        self._floor.join(self._floor.citizen, party)
        found.append(party)
        return True

    async def _ring(self, agent: Agent) -> Party | None:
        """Ring one agent; None, and the agent left in peace for a while, when that fails."""
        limits, party = self._exchange.limits, None
        try:
            party = await self._floor.dial(Role.AGENT, agent.destination, "citizen waiting")
            await self._floor.answered(party, limits.agent_ring)
        except (Unavailable, Refused) as failure:
            self._record.tell("agent.failed", agent=agent.id, reason=str(failure))
            self._exchange.desk.release(agent.id, limits.no_answer_rest)
            return None
        except asyncio.CancelledError:
            if party is not None:
                await self._floor.release(party, "no longer needed")
            self._exchange.desk.release(agent.id, 0.0)
            raise
        self._floor.start(self._give_back(agent, party), f"seat {agent.id}")
        return party

    async def _give_back(self, agent: Agent, party: Party) -> None:
        try:
            await party.gone.wait()
        finally:
            self._exchange.desk.release(agent.id, self._exchange.limits.wrap_up)

    async def _ring_seat(self, number: DeskNumber, unit_id: str) -> Party | None:
        party = None
        try:
            party = await self._floor.dial(Role.UNIT, number.destination, f"citizen waiting for {unit_id}")
            await self._floor.answered(party, number.ring_limit)
        except (Unavailable, Refused) as failure:
            self._record.tell("seat.failed", unit=unit_id, number=str(number.destination), reason=str(failure))
            return None
        except asyncio.CancelledError:
            if party is not None:
                await self._floor.release(party, "no longer needed")
            raise
        return party

    # -- what she hears --------------------------------------------------------------------------------------

    async def _comfort(self) -> None:
        """Greet once, say why she must wait if she must and how long, and let her hear that somebody is being rung."""
        citizen = self._floor.citizen
        if self._greeted:
            await citizen.live.play("returning_to_agent" if self._floor.company else "cut_to_agent")
        else:
            await self._greet(citizen)
        self._greeted = True
        self._floor.changed()
        told: str | None = None
        while not self._is_cared_for():
            prompt = self._queue_prompt()
            if told is None or prompt not in ("", told):
                await self._tell_of_queue(prompt)
            told = prompt or told or ""
            await asyncio.sleep(self._exchange.limits.queue_notice)

    async def _tell_of_queue(self, prompt: str) -> None:
        citizen = self._floor.citizen
        if prompt:
            await citizen.live.play(prompt)
        if not self._is_cared_for():
            citizen.live.play("ringback", loop=True)

    async def _greet(self, citizen: Party) -> None:
        if self._exchange.greets:
            await citizen.live.play("greeting")
        if self._merged is not None and not self._is_urgent():
            self._record.tell("citizen.told", prompt=self._merged.prompt)
            await citizen.live.play(self._merged.prompt)

    def _queue_prompt(self) -> str:
        """Return what she is told of the queue: "" when a telephone rings for her, or nobody is there."""
        desk = self._exchange.desk
        if not desk.is_staffed or self._floor.is_ringing(Role.AGENT) or self._floor.is_ringing(Role.UNIT):
            return ""
        ahead = desk.ahead_of(self._record.call_id)
        if not ahead:
            return "please_wait"
        number = str(ahead) if ahead <= COUNTED else "many"
        return self._exchange.prompt(f"queue_ahead_{number}", "please_wait")
