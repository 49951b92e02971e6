"""A citizen's call while it lives (通话全程): she is answered, heard, brought to a person, and handed over.

One TaskGroup per call. The citizen's leg decides: when it ends the call ends, and nothing else ends it but her
business being finished. Recognition, store and console may fail; the call goes on.
"""

from __future__ import annotations

import asyncio

import structlog

from gateway.domain.call import CallId, Role
from gateway.domain.emergency import EmergencyHit, EmergencyLine
from gateway.domain.errors import GatewayError, Refused, Unavailable
from gateway.domain.transcript import Gap, Utterance
from gateway.domain.transfer import HandOffState, TransferState
from gateway.ports.telephony import IncomingCall
from gateway.services.call_record import CallRecord
from gateway.services.desk import Agent
from gateway.services.exchange import Exchange
from gateway.services.floor import Floor, Party
from gateway.services.handoff import HandOff
from gateway.services.race import first_of
from gateway.services.tickets import set_agent
from gateway.services.transfer import UnitTransfer

log = structlog.get_logger(__name__)


class LiveCall:
    """One call, from the INVITE to the last written fact: `run` is its life, the rest are the console's keys."""

    def __init__(self, exchange: Exchange, call_id: CallId, incoming: IncomingCall) -> None:
        self._exchange = exchange
        self._incoming = incoming
        self._watch = exchange.new_watch()
        self._finished = asyncio.Event()
        self._ending = ""
        self._greeted = False
        self._is_over = False
        self.id = call_id
        self.record = CallRecord(exchange, call_id, incoming)
        self.hand_offs: dict[EmergencyLine, HandOff] = {}
        self.transfer: UnitTransfer | None = None
        self.floor: Floor

    async def run(self) -> None:
        """Live the call; return when it is over and written down."""
        try:
            await self._live()
        except asyncio.CancelledError:
            self._ending = "gateway stopped"
            raise
        except Exception:
            self._ending = "gateway failed"
            raise
        finally:
            await self.record.close(list(self.floor.legs.values()), self._how_it_ended())

    async def _live(self) -> None:
        async with asyncio.TaskGroup() as tasks:
            self.floor = Floor(self._exchange, self.record, tasks, self._incoming.leg, self._heard)
            citizen = self.floor.citizen
            self.record.open()
            try:
                if await self._answer(citizen):
                    self.floor.start(self._serve(citizen), "serving")
                    await first_of(
                        self._exchange.limits.call, citizen=citizen.gone.wait(), finished=self._finished.wait()
                    )
            finally:
                self._is_over = True
                self._abandon()
                self.floor.stop()
                leaving = [self.floor.release(party, self._ending or "call ended") for party in self.floor.parties]
                await asyncio.gather(*leaving)

    # -- the console's keys ----------------------------------------------------------------------------------

    def start_hand_off(self, line: EmergencyLine, by: str) -> None:
        """Hand the citizen to *line* at an agent's word, recognised or not. Raises `Refused` for an unknown line."""
        if line not in self._exchange.lines:
            raise Refused(f"no emergency line {line} is configured")
        self._must_live()
        self._hand_off(line, by, None)

    def hand_off(self, line: EmergencyLine) -> HandOff:
        """Return the live hand-off to *line*. Raises `Refused` when there is none."""
        hand_off = self.hand_offs.get(line)
        if hand_off is None or not hand_off.is_live:
            raise Refused(f"call {self.id} has no hand-off to {line} in progress")
        return hand_off

    def start_transfer(self, unit_id: str) -> UnitTransfer:
        """Consult a unit. Raises `Refused` when the unit is unknown, no agent is talking, or one is under way."""
        self._must_live()
        agent = self.floor.present(Role.AGENT)
        destination = self._exchange.unit_numbers.get(unit_id)
        if destination is None:
            raise Refused(f"unit {unit_id} has no telephone number")
        if self.transfer is not None and self.transfer.is_live:
            raise Refused(f"call {self.id} already has a transfer to {self.transfer.unit.id} in progress")
        if agent is None:
            raise Refused(f"call {self.id} has no agent to lead a transfer")
        unit = self._exchange.units[unit_id]
        self.transfer = UnitTransfer(self._exchange, self.floor, self.record, agent, unit, destination)
        self.floor.start(self.transfer.run(), f"transfer {unit_id}")
        return self.transfer

    def live_transfer(self) -> UnitTransfer:
        """Return the transfer under way. Raises `Refused` when there is none."""
        if self.transfer is None or not self.transfer.is_live:
            raise Refused(f"call {self.id} has no transfer in progress")
        return self.transfer

    def finish(self, by: str) -> None:
        """End the call at an agent's word."""
        self._ending = f"ended by {by}"
        self._finished.set()

    def _must_live(self) -> None:
        if self._is_over:
            raise Refused(f"call {self.id} is over")

    # -- the course ------------------------------------------------------------------------------------------

    async def _answer(self, citizen: Party) -> bool:
        try:
            await citizen.live.answer()
        except GatewayError as failure:
            self._ending = str(failure)
            return False
        self.record.answered(self._exchange.clock.monotonic())
        self.floor.join(citizen)
        self.floor.began(citizen)
        return True

    async def _serve(self, citizen: Party) -> None:
        """Bring the citizen to a person, again if that person is lost, until her business is done."""
        while True:
            agent = await self._find_agent(citizen)
            is_finished = agent is not None and await self._has_finished(agent)
            await self.floor.until(lambda: not self.floor.company and not self._is_transferring())
            if is_finished or self._was_handed_over():
                return await self._say_goodbye(citizen, "call_ending", "finished")
            if agent is None:
                prompt = "agents_busy" if self._exchange.desk.is_staffed else "no_agent_answers"
                return await self._say_goodbye(citizen, prompt, "no agent")

    async def _has_finished(self, agent: Party) -> bool:
        """Wait until the agent has gone; True when he hung up himself with nothing left in progress."""
        await agent.gone.wait()
        return agent.end is not None and agent.end.by_peer and not self._is_transferring()

    async def _find_agent(self, citizen: Party) -> Party | None:
        """Return an agent who now talks with the citizen; None when the queue's limit passed or a desk took her."""
        found: list[Party] = []
        comforting = self.floor.start(self._comfort(citizen), "queue")
        await first_of(
            self._exchange.limits.queue,
            found=self._seek(found),
            taken=self.floor.until(self._was_handed_over),
        )
        comforting.cancel()
        return found[0] if found else None

    async def _seek(self, found: list[Party]) -> None:
        """Ring agents in their turn until one answers; join the citizen with that one."""
        while not found:
            agent = await self._exchange.desk.take(self.id)
            party = await self._ring(agent)
            if party is None:
                continue
            await first_of(
                None, greeted=self.floor.until(lambda: self._greeted or bool(self.hand_offs)), gone=party.gone.wait()
            )
            if party.gone.is_set():
                continue
            self.record.change(set_agent(agent.id))
            self.floor.join(self.floor.citizen, party)
            found.append(party)

    async def _ring(self, agent: Agent) -> Party | None:
        """Ring one agent; None, and the agent left in peace for a while, when that fails."""
        limits, party = self._exchange.limits, None
        try:
            party = await self.floor.dial(Role.AGENT, agent.destination, "citizen waiting")
            await self.floor.answered(party, limits.agent_ring)
        except (Unavailable, Refused) as failure:
            self.record.tell("agent.failed", agent=agent.id, reason=str(failure))
            self._exchange.desk.release(agent.id, limits.no_answer_rest)
            return None
        except asyncio.CancelledError:
            if party is not None:
                await self.floor.release(party, "no longer needed")
            self._exchange.desk.release(agent.id, 0.0)
            raise
        self.floor.start(self._give_back(agent, party), f"seat {agent.id}")
        return party

    async def _give_back(self, agent: Agent, party: Party) -> None:
        try:
            await party.gone.wait()
        finally:
            self._exchange.desk.release(agent.id, self._exchange.limits.wrap_up)

    async def _comfort(self, citizen: Party) -> None:
        """Greet once, say why she must wait if she must, and let the citizen hear that somebody is being rung."""
        if self._greeted:
            await citizen.live.play("cut_to_agent")
        elif self._exchange.greets:
            await citizen.live.play("greeting")
        self._greeted = True
        self.floor.changed()
        if not self._is_cared_for() and self._exchange.desk.is_staffed and not self.floor.is_ringing(Role.AGENT):
            await citizen.live.play("please_wait")
        if not self._is_cared_for():
            await citizen.live.play("ringback", loop=True)

    async def _say_goodbye(self, citizen: Party, prompt: str, ending: str) -> None:
        self.record.tell("citizen.told", prompt=prompt)
        await first_of(None, told=citizen.live.play(prompt), gone=citizen.gone.wait())
        self._ending = self._ending or ending
        self._finished.set()

    # -- what the words do -----------------------------------------------------------------------------------

    def _heard(self, party: Party, heard: Utterance | Gap) -> None:
        if isinstance(heard, Utterance):
            changed = self._watch.hear(party.role, heard)
            for hit in changed.raised:
                self._suspect(hit)
            for hit in changed.withdrawn:
                self._unsuspect(hit)
        self.record.hear(party.role, heard)

    def _suspect(self, hit: EmergencyHit) -> None:
        self.record.tell(
            "emergency.suspected",
            line=hit.line,
            phrase=hit.phrase,
            rule=hit.rule,
            phrase_start=hit.start,
            phrase_end=hit.end,
        )
        if self._is_over:
            self.record.tell("emergency.unserved", line=hit.line, phrase=hit.phrase, reason="the citizen has gone")
        elif hit.line not in self._exchange.lines:
            self.record.tell("emergency.unserved", line=hit.line, phrase=hit.phrase, reason="no number is configured")
        else:
            self._hand_off(hit.line, hit.rule, hit)

    def _unsuspect(self, hit: EmergencyHit) -> None:
        """Later words took the phrase back: nothing has rung yet, then nothing will; else the agent decides."""
        self.record.tell("emergency.withdrawn", line=hit.line, phrase=hit.phrase, rule=hit.rule)
        hand_off = self.hand_offs.get(hit.line)
        if hand_off is not None and hand_off.hit == hit and hand_off.state is HandOffState.SUSPECTED:
            hand_off.dismiss("later words")

    def _hand_off(self, line: EmergencyLine, by: str, hit: EmergencyHit | None) -> None:
        """Begin a hand-off, or confirm the one under way; one that ended is begun anew only at a person's word."""
        standing = self.hand_offs.get(line)
        if standing is not None and standing.is_live:
            if hit is None:
                standing.confirm()
            return
        if standing is not None and hit is not None:
            return
        self.hand_offs[line] = HandOff(self._exchange, self.floor, self.record, line, by)
        self.hand_offs[line].start(hit)
        self.floor.changed()

    # -- the end ---------------------------------------------------------------------------------------------

    def _is_cared_for(self) -> bool:
        return bool(self.floor.company) or any(hand_off.is_live for hand_off in self.hand_offs.values())

    def _is_transferring(self) -> bool:
        hand_off_is_live = any(hand_off.is_live for hand_off in self.hand_offs.values())
        return hand_off_is_live or (self.transfer is not None and self.transfer.is_live)

    def _was_handed_over(self) -> bool:
        accepted = any(hand_off.state is HandOffState.ACCEPTED for hand_off in self.hand_offs.values())
        return accepted or (self.transfer is not None and self.transfer.state is TransferState.HANDED_OVER)

    def _abandon(self) -> None:
        for hand_off in self.hand_offs.values():
            hand_off.abandon()
        if self.transfer is not None:
            self.transfer.abandon()

    def _how_it_ended(self) -> str:
        end = self.floor.citizen.end
        return self._ending or ("citizen hung up" if end is not None and end.by_peer else end.reason if end else "")
