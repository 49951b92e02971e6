"""The agents' desk (坐席台): who is signed in, who is free, whose turn it is.

An agent is signed in while his telephone is registered. The one who has been idle longest is rung first; calls
wait for an agent in the order they asked.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from enum import Enum

from gateway.domain.call import CallId, Destination
from gateway.domain.errors import OurMistake


class Presence(Enum):
    """What an agent is doing (坐席状态)."""

    SIGNED_OUT = "signed_out"
    READY = "ready"
    PAUSED = "paused"
    IN_CALL = "in_call"
    WRAP_UP = "wrap_up"


@dataclass(frozen=True, slots=True, kw_only=True)
class Agent:
    """A person at a telephone. ``since`` is the monotonic instant of the present state."""

    id: str
    name: str
    destination: Destination
    presence: Presence = Presence.SIGNED_OUT
    call_id: CallId | None = None
    since: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Turn:
    """One call's place in the queue; ``among`` are the agents it may have, all when empty."""

    call_id: CallId
    among: frozenset[str]
    seized: asyncio.Future[Agent]


class Desk:
    """All agents of this node."""

    def __init__(
        self, agents: Iterable[Agent], changed: Callable[[Agent], None], monotonic: Callable[[], float]
    ) -> None:
        self._agents = {agent.id: agent for agent in agents}
        self._changed = changed
        self._monotonic = monotonic
        self._registered: frozenset[str] = frozenset()
        self._waiting: list[_Turn] = []

    @property
    def agents(self) -> tuple[Agent, ...]:
        """All agents as they stand."""
        return tuple(self._agents.values())

    @property
    def queue_length(self) -> int:
        """How many calls wait for an agent."""
        return sum(not turn.seized.done() for turn in self._waiting)

    def ahead_of(self, call_id: CallId) -> int | None:
        """Return how many calls wait before this one; None when it does not wait, or is being served."""
        waiting = [turn.call_id for turn in self._waiting if not turn.seized.done()]
        return waiting.index(call_id) if call_id in waiting else None

    @property
    def is_staffed(self) -> bool:
        """Whether anybody is signed in who could take a call sooner or later."""
        return self.has_staff(self._agents)

    def has_staff(self, among: Iterable[str]) -> bool:
        """Whether any of these agents could take a call sooner or later."""
        away = (Presence.SIGNED_OUT, Presence.PAUSED)
        return any(id_ in self._agents and self._agents[id_].presence not in away for id_ in among)

    def telephone_changed(self, number: str, is_registered: bool) -> None:
        """Sign the agent of telephone *number* in or out."""
        self._registered = self._registered | {number} if is_registered else self._registered - {number}
        for agent in self.agents:
            if agent.destination != Destination(number=number):
                continue
            if agent.presence is Presence.SIGNED_OUT or (not is_registered and agent.presence is not Presence.IN_CALL):
                self._set(agent, Presence.READY)

    def pause(self, agent_id: str, is_paused: bool) -> None:
        """Let an agent take a rest, or come back. Raises `OurMistake` when he is in a call or not signed in."""
        agent = self._agents[agent_id]
        wanted = Presence.PAUSED if is_paused else Presence.READY
        if agent.presence in (Presence.SIGNED_OUT, Presence.IN_CALL):
            raise OurMistake(f"agent {agent_id} cannot become {wanted.name} while {agent.presence.name}")
        self._set(agent, wanted)

    async def take(self, call_id: CallId, among: frozenset[str] = frozenset()) -> Agent:
        """Wait for this call's turn and seize the agent who has been idle longest; with *among* one of these."""
        turn = _Turn(call_id=call_id, among=among, seized=asyncio.get_running_loop().create_future())
        self._waiting.append(turn)
        self._match()
        try:
            agent = await turn.seized
        except asyncio.CancelledError:
            if turn.seized.done() and not turn.seized.cancelled():
                self.release(turn.seized.result().id, 0.0)
            raise
        finally:
            self._waiting.remove(turn)
        self._agents[agent.id] = replace(self._agents[agent.id], call_id=call_id)
        self._changed(self._agents[agent.id])
        return self._agents[agent.id]

    def release(self, agent_id: str, rest: float) -> None:
        """Give an agent back: after *rest* seconds (wrap-up, or peace after an unanswered ring) he is ready again."""
        self._set(self._agents[agent_id], Presence.WRAP_UP if rest else Presence.READY)
        if rest:
            since = self._agents[agent_id].since
            asyncio.get_running_loop().call_later(rest, self._end_wrap_up, agent_id, since)

    def _end_wrap_up(self, agent_id: str, since: float) -> None:
        agent = self._agents[agent_id]
        if agent.presence is Presence.WRAP_UP and agent.since == since:
            self._set(agent, Presence.READY)

    def _set(self, agent: Agent, presence: Presence) -> None:
        if agent.destination.number not in self._registered:
            presence = Presence.SIGNED_OUT
        changed = replace(agent, presence=presence, call_id=None, since=self._monotonic())
        self._agents[agent.id] = changed
        self._changed(changed)
        self._match()

    def _match(self) -> None:
        for turn in self._waiting:
            if turn.seized.done():
                continue
            ready = [agent for agent in self._agents.values() if agent.presence is Presence.READY]
            suitable = [agent for agent in ready if not turn.among or agent.id in turn.among]
            if suitable:
                chosen = min(suitable, key=lambda agent: agent.since)
                self._agents[chosen.id] = replace(chosen, presence=Presence.IN_CALL, since=self._monotonic())
                turn.seized.set_result(self._agents[chosen.id])
