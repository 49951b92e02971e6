"""A citizen's call while it lives (通话全程): she is answered, heard, brought to a person, and handed over.

One TaskGroup per call. The citizen's leg decides: when it ends the call ends, and nothing else ends it but her
business being finished. Recognition, store and console may fail; the call goes on.
"""

from __future__ import annotations

import asyncio
from collections import Counter

from gateway.domain.call import Attendance, CallId, Destination, Role
from gateway.domain.emergency import EmergencyHit, EmergencyLine
from gateway.domain.errors import GatewayError, Refused, Unavailable
from gateway.domain.transcript import Gap, Utterance
from gateway.domain.transfer import HandOffState, TransferState
from gateway.ports.telephony import AskedToRefer, IncomingCall
from gateway.services.call_record import CallRecord
from gateway.services.exchange import Exchange
from gateway.services.floor import Floor, Party
from gateway.services.handoff import HandOff
from gateway.services.origin import Return, origins, returned
from gateway.services.race import first_of
from gateway.services.supervision import Supervision
from gateway.services.transfer import UnitTransfer
from gateway.services.waiting import Waiting

OVERLOADED = "overloaded"
"""Prompt and ending of a call for which there was no room."""
RESTRICTED = "restricted"
"""Prompt and ending of a call from a number that is restricted for a while."""
RESTRICTION_LIMIT = 1.0
"""Seconds that the store has to say whether a caller is."""
NEVER_ANSWERED = "never answered"
"""The ending of a call that was over before we could answer it."""


class LiveCall:
    """One call, from the INVITE to the last written fact: `run` is its life, the rest are the console's keys."""

    def __init__(self, exchange: Exchange, call_id: CallId, incoming: IncomingCall) -> None:
        self._exchange = exchange
        self._incoming = incoming
        self._watch = exchange.new_watch()
        self._finished = asyncio.Event()
        self._ending = ""
        self._is_over = False
        self._waiting: Waiting
        self._return: Return
        self.id = call_id
        self.record = CallRecord(exchange, call_id, incoming)
        self._attempts: Counter[EmergencyLine] = Counter()
        self.hand_offs: dict[EmergencyLine, HandOff] = {}
        self._unserved: set[EmergencyLine] = set()
        self.transfer: UnitTransfer | None = None
        self.supervisions: dict[str, Supervision] = {}
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
            self.floor = Floor(self._exchange, self.record, tasks, self._incoming.leg, self._heard, self._asked)
            self._return = Return(self.floor)
            self._waiting = Waiting(
                self._exchange,
                self.floor,
                self.record,
                self._exchange.merged.get(self._incoming.merged),
                is_cared_for=self._is_cared_for,
                is_handed_over=self._was_handed_over,
                is_urgent=lambda: bool(self.hand_offs),
            )
            citizen = self.floor.citizen
            self.record.open()
            self._note_origin()
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
        numbers = self._exchange.numbers_of(unit_id)
        if numbers is None:
            raise Refused(f"unit {unit_id} has no telephone number")
        if self.transfer is not None and self.transfer.is_live:
            raise Refused(f"call {self.id} already has a transfer to {self.transfer.unit.id} in progress")
        if agent is None:
            raise Refused(f"call {self.id} has no agent to lead a transfer")
        unit = self._exchange.units[unit_id]
        self.transfer = UnitTransfer(self._exchange, self.floor, self.record, agent, unit, numbers)
        self.floor.start(self.transfer.run(), f"transfer {unit_id}")
        return self.transfer

    def live_transfer(self) -> UnitTransfer:
        """Return the transfer under way. Raises `Refused` when there is none."""
        if self.transfer is None or not self.transfer.is_live:
            raise Refused(f"call {self.id} has no transfer in progress")
        return self.transfer

    def supervise(self, by: str, agent_id: str, attendance: Attendance) -> None:
        """Let a supervisor attend, or attend otherwise. Raises `Refused`: no telephone, or nobody to whisper to."""
        self._must_live()
        standing = self.supervisions.get(by)
        if standing is not None and standing.is_live:
            standing.change(attendance)
            self.floor.changed()
            return
        seat = self._exchange.supervisors.get(agent_id)
        if seat is None:
            raise Refused(f"supervisor {by} has no telephone")
        if attendance is Attendance.WHISPERING and self.floor.present(Role.AGENT) is None:
            raise Refused("there is no agent to whisper to")
        supervision = Supervision(self._exchange, self.floor, self.record, by, seat, attendance)
        self.supervisions[by] = supervision
        self.floor.start(supervision.run(), f"supervision by {by}")

    async def end_supervision(self, by: str) -> None:
        """Let a supervisor leave. Raises `Refused` when he is not there."""
        standing = self.supervisions.get(by)
        if standing is None or not standing.is_live:
            raise Refused(f"{by} does not attend call {self.id}")
        await standing.leave()

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
            self._ending = NEVER_ANSWERED if isinstance(failure, Unavailable) else str(failure)
            return False
        self.record.answered(self._exchange.clock.monotonic())
        self.floor.join(citizen)
        self.floor.began(citizen)
        return True

    async def _serve(self, citizen: Party) -> None:
        """Bring the citizen to a person, again if that person is lost, until her business is done."""
        if refusal := OVERLOADED if self._incoming.is_excess else await self._restriction():
            await self._turn_away(citizen, refusal)
            if not self._was_handed_over() and not self._return.is_asked:
                return await self._say_goodbye(citizen, "call_ending", refusal)
        while True:
            company = await self._waiting.find()
            self._return.settle(company is not None)
            is_finished = company is not None and await self._has_finished(company)
            await self.floor.until(lambda: self._return.is_asked or self._is_alone())
            if self._return.is_asked:
                continue
            if is_finished or self._was_handed_over():
                return await self._say_goodbye(citizen, "call_ending", "finished")
            if company is None:
                prompt = "agents_busy" if self._exchange.desk.is_staffed else "no_agent_answers"
                return await self._say_goodbye(citizen, prompt, "no agent")

    async def _restriction(self) -> str:
        """Return why this caller is not served, "" if he is: a number restricted for a while (ZH-9).

        Whoever an emergency line passes to us is served, and everybody while the store cannot tell.
        """
        ask = self._exchange.is_restricted
        if ask is None or self._incoming.passed_on is not None or not self._incoming.caller:
            return ""
        try:
            async with asyncio.timeout(RESTRICTION_LIMIT):
                return RESTRICTED if await ask(self._incoming.caller) else ""
        except (Unavailable, TimeoutError):
            return ""

    async def _turn_away(self, citizen: Party, prompt: str) -> None:
        """Tell her why she is not served; should she speak of an emergency, she is handed over all the same."""
        self.record.tell("citizen.told", prompt=prompt)
        await first_of(None, told=citizen.live.play(prompt), urgent=self.floor.until(lambda: bool(self.hand_offs)))
        await self.floor.until(lambda: self._return.is_asked or self._is_alone())

    async def _has_finished(self, company: Party) -> bool:
        """Wait until whoever served her has gone, or she comes back; True when he hung up with nothing in progress."""
        await first_of(None, gone=company.gone.wait(), back=self.floor.until(lambda: self._return.is_asked))
        return company.end is not None and company.end.by_peer and not self._is_transferring()

    async def _say_goodbye(self, citizen: Party, prompt: str, ending: str) -> None:
        self.record.tell("citizen.told", prompt=prompt)
        await first_of(None, told=citizen.live.play(prompt), gone=citizen.gone.wait())
        self._ending = self._ending or ending
        self._finished.set()

    def _note_origin(self) -> None:
        """Say on the ticket which merged line was dialled, or which emergency line the matter comes from."""
        for decision in origins(self._exchange, self._incoming):
            self.record.decide(decision)

    def _asked(self, party: Party, asked: AskedToRefer) -> None:
        """Do what a party wants by REFER, or say that it is not done."""
        line = next((line for line in self._exchange.lines if asked.destination in self._numbers_of(line)), None)
        if self._is_over or party.role is Role.CITIZEN:
            asked.report(False)
        elif asked.destination is None:
            self._come_back(party, asked)
        elif line is not None:
            self._hand_off(line, party.live.leg.number, None)
            self.floor.start(self._report_hand_off(line, asked), f"referral to {line}")
        else:
            self._transfer_as_asked(party, asked, asked.destination)

    def _transfer_as_asked(self, party: Party, asked: AskedToRefer, destination: Destination) -> None:
        """Consult the unit that has this number, as the agent's console would; only who leads the call may ask."""
        unit_id = self._exchange.unit_at(destination)
        if unit_id is None or party is not self.floor.present(Role.AGENT):
            asked.report(False)
            return
        try:
            transfer = self.start_transfer(unit_id)
        except Refused:
            asked.report(False)
        else:
            self.floor.start(self._report_transfer(transfer, asked), f"referral to {unit_id}")

    def _come_back(self, party: Party, asked: AskedToRefer) -> None:
        """Take the citizen back from a desk or unit that passes her to the hotline's agents (NM-2.2c)."""
        lines = [line for line, hand_off in self.hand_offs.items() if hand_off.return_from(party)]
        is_from_unit = self.transfer is not None and self.transfer.return_from(party)
        is_from_seat = self.floor.company == [party] and party.role is Role.UNIT and not self._is_transferring()
        if not lines and not is_from_unit and not is_from_seat:
            asked.report(False)
            return
        for line in lines:
            self.record.decide(returned(self._exchange, line, party.live.leg.number))
        self._return.ask(party, asked)
        if self.floor.present(Role.AGENT) is not None:
            self._return.settle(True)
        self.floor.changed()

    def _numbers_of(self, line: EmergencyLine) -> list[Destination]:
        return [number.destination for number in self._exchange.lines[line]]

    async def _report_hand_off(self, line: EmergencyLine, asked: AskedToRefer) -> None:
        hand_off = self.hand_offs[line]
        await self.floor.until(lambda: not hand_off.is_live)
        asked.report(hand_off.state is HandOffState.ACCEPTED)

    async def _report_transfer(self, transfer: UnitTransfer, asked: AskedToRefer) -> None:
        """Tell the agent's telephone how it goes; it is done once citizen and unit speak, and he may hang up."""
        asked.ringing()
        await self.floor.until(lambda: transfer.state is TransferState.JOINED or not transfer.is_live)
        asked.report(transfer.state in (TransferState.JOINED, TransferState.HANDED_OVER))

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
            self._leave_unserved(hit, "the citizen has gone")
        elif hit.line not in self._exchange.lines:
            self._leave_unserved(hit, "no number is configured")
        else:
            self._hand_off(hit.line, hit.rule, hit)

    def _leave_unserved(self, hit: EmergencyHit, reason: str) -> None:
        """Tell the agents, once for each line, that an emergency goes to nobody."""
        if hit.line not in self._unserved:
            self._unserved.add(hit.line)
            self.record.tell("emergency.unserved", line=hit.line, phrase=hit.phrase, reason=reason)

    def _unsuspect(self, hit: EmergencyHit) -> None:
        """Later words took the phrase back: nothing has rung yet, then nothing will; else the agent decides.

        As long as another phrase speaks of the same line, nothing is taken back from it.
        """
        self.record.tell("emergency.withdrawn", line=hit.line, phrase=hit.phrase, rule=hit.rule)
        hand_off = self.hand_offs.get(hit.line)
        if any(each.line == hit.line for each in self._watch.standing):
            return
        if hand_off is not None and hand_off.hit is not None and hand_off.state is HandOffState.SUSPECTED:
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
        self._attempts[line] += 1
        self.hand_offs[line] = HandOff(self._exchange, self.floor, self.record, line, by, attempt=self._attempts[line])
        self.hand_offs[line].start(hit)
        self.floor.changed()

    # -- the end ---------------------------------------------------------------------------------------------

    def _is_cared_for(self) -> bool:
        return bool(self.floor.company) or any(hand_off.is_live for hand_off in self.hand_offs.values())

    def _is_alone(self) -> bool:
        return not self.floor.company and not self._is_transferring()

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
