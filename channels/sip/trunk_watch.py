"""Which trunks are in service: each asked by OPTIONS again and again, and registered with where it wants that.

Shell. ``states`` says how every trunk fares, by name: "unknown", "in service", "out of service" or "not registered".
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

import structlog

from channels.sip.registration import Account, Registration
from channels.sip.trunk import Trunk
from channels.sip.user_agent import UserAgent
from gateway.domain.errors import OurMistake
from gateway.ports.telephony import TrunkState

UNKNOWN = "unknown"
IN_SERVICE = "in service"
OUT_OF_SERVICE = "out of service"
NOT_REGISTERED = "not registered"
NO_SERVICE = frozenset({408, 500, 502, 503, 504})

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchTimes:
    """How often a trunk is asked, and how long it may take to answer, in seconds."""

    interval: float = 30.0
    limit: float = 4.0


class TrunkWatch:
    """Use ``run`` as a task for as long as the user agent is open."""

    def __init__(
        self,
        agent: UserAgent,
        trunks: Sequence[Trunk],
        times: WatchTimes,
        *,
        on_change: Callable[[str, str], None] = lambda trunk, status: None,
    ) -> None:
        self._agent = agent
        self._trunks = trunks
        self._times = times
        self._on_change = on_change
        self._unregistered: set[str] = set()
        self._registrations: dict[str, Registration] = {}
        now = _now()
        self.states = {trunk.name: TrunkState(name=trunk.name, status=UNKNOWN, since=now) for trunk in trunks}

    def is_in_service(self, trunk: str) -> bool:
        """Whether calls to a trunk make sense; one not heard of yet may be tried."""
        state = self.states.get(trunk)
        return state is None or state.status not in (OUT_OF_SERVICE, NOT_REGISTERED)

    async def run(self) -> None:
        """Watch all trunks until cancelled; what we registered is then taken back."""
        try:
            async with asyncio.TaskGroup() as watching:
                for trunk in self._trunks:
                    watching.create_task(self._ask(trunk), name=f"trunk {trunk.name}")
                    if trunk.registers and trunk.credentials is not None:
                        watching.create_task(self._register(trunk), name=f"register {trunk.name}")
        finally:
            for registration in self._registrations.values():
                registration.forget()

    async def _ask(self, trunk: Trunk) -> None:
        while True:
            status = await self._agent.check(trunk.name, self._times.limit)
            if status is not None:
                self.states[trunk.name] = replace(self.states[trunk.name], answer=status, answered_at=_now())
            lives = status is not None and status not in NO_SERVICE
            self._tell(trunk.name, IN_SERVICE if lives else OUT_OF_SERVICE)
            await asyncio.sleep(self._times.interval)

    async def _register(self, trunk: Trunk) -> None:
        """Keep our registration at a PBX or IMS; its Service-Route is the way of our calls (RFC 3608)."""
        assert trunk.credentials is not None
        self._unregistered.add(trunk.name)
        account = Account(
            user=trunk.credentials.user, password=trunk.credentials.password, registrar=trunk.target, expires=300
        )

        async def locate() -> Account:
            first, *_ = await self._agent.locate(trunk.first_hop)
            return account.at(first)

        def changed(held: bool) -> None:
            self._agent.ways.use_service_route(trunk.name, registration.service_route if held else ())
            (self._unregistered.discard if held else self._unregistered.add)(trunk.name)
            self._tell(trunk.name, IN_SERVICE if held else NOT_REGISTERED)

        registration = Registration(self._agent.endpoint, account, on_change=changed, locate=locate, route=trunk.route)
        self._registrations[trunk.name] = registration
        self._tell(trunk.name, NOT_REGISTERED)
        try:
            await registration.hold()
        except OurMistake as mistake:  # nothing of ours listens on its transport: the other trunks go on
            log.error("registration.impossible", trunk=trunk.name, reason=str(mistake))

    def _tell(self, trunk: str, status: str) -> None:
        if status == IN_SERVICE and trunk in self._unregistered:
            status = NOT_REGISTERED
        state = self.states[trunk]
        if status != state.status:
            log.info("trunk.changed", trunk=trunk, status=status)
            self.states[trunk] = replace(state, status=status, since=_now())
            self._on_change(trunk, status)


def _now() -> datetime:
    return datetime.now(UTC)
