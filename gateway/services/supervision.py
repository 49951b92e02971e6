"""A supervisor in a live call (班长监听): listens, whispers to its agent, or joins; his registered telephone is rung.

Everybody at the console sees that he is there, and every change of it is journalled. Unless he has joined he is no
company to the citizen: she never waits because somebody listens.
"""

from __future__ import annotations

from gateway.domain.call import Attendance, Destination, Role
from gateway.domain.errors import Refused, Unavailable
from gateway.services.call_record import CallRecord
from gateway.services.exchange import Exchange
from gateway.services.floor import Floor, Party
from gateway.services.race import first_of


class Supervision:
    """One supervisor, from the ring of his telephone to his leaving."""

    def __init__(
        self, exchange: Exchange, floor: Floor, record: CallRecord, by: str, seat: Destination, attendance: Attendance
    ) -> None:
        self._exchange = exchange
        self._floor = floor
        self._record = record
        self._seat = seat
        self._party: Party | None = None
        self._is_answered = False
        self.by = by
        self.attendance = attendance
        self.is_live = True

    @property
    def is_ringing(self) -> bool:
        """Whether his telephone still rings."""
        return self.is_live and not self._is_answered

    async def run(self) -> None:
        """Ring him, let him attend as he wishes, and end with him."""
        try:
            self._party = await self._floor.dial(Role.SUPERVISOR, self._seat, f"supervision by {self.by}")
            await self._floor.answered(self._party, self._exchange.limits.agent_ring)
        except (Unavailable, Refused) as failure:
            self._tell("failed", str(failure))
        else:
            self._is_answered = True
            self._attend()
            await self._follow(self._party)
            self._tell("ended")
        finally:
            self.is_live = False
            if self._party is not None and not self._party.gone.is_set():
                await self._floor.release(self._party, "supervision ended")
            self._floor.changed()

    def change(self, attendance: Attendance) -> None:
        """Attend otherwise from now on. Raises `Refused` when there is no agent to whisper to."""
        if attendance is Attendance.WHISPERING and self._floor.present(Role.AGENT) is None:
            raise Refused("there is no agent to whisper to")
        self.attendance = attendance
        if self._is_answered:
            self._attend()

    async def leave(self) -> None:
        """Go; the call goes on."""
        if self._party is not None:
            await self._floor.release(self._party, "supervisor left")

    async def _follow(self, party: Party) -> None:
        """Wait until he goes; who whispers to an agent that has left listens, and his words go nowhere else."""
        while not party.gone.is_set():
            alone = self._floor.until(
                lambda: self.attendance is Attendance.WHISPERING and self._floor.present(Role.AGENT) is None
            )
            if await first_of(None, gone=party.gone.wait(), alone=alone) == "alone":
                self.attendance = Attendance.LISTENING
                self._attend()

    def _attend(self) -> None:
        party = self._party
        if party is None or party.gone.is_set():
            return
        agent = self._floor.present(Role.AGENT)
        if self.attendance is Attendance.JOINED:
            self._floor.join(party)
        elif self.attendance is Attendance.WHISPERING and agent is not None:
            self._floor.whisper(party, agent)
        else:
            self.attendance = Attendance.LISTENING
            self._floor.listen(party)
        self._tell(self.attendance.value)

    def _tell(self, event: str, detail: str = "") -> None:
        self._record.tell(f"supervision.{event}", by=self.by, detail=detail)
