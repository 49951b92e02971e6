"""The demonstration from curtain to curtain: gateway, neighbours, telephones, stories, and what they left behind."""

from __future__ import annotations

import asyncio
import json
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from channels.sip.connections import ListenAddress, Target
from channels.sip.session import Session
from channels.sip.user_agent import Trunk, UserAgent, UserAgentSettings
from gateway.app import Gateway
from gateway.demo import report, stories
from gateway.demo.chronicle import STEP_LIMIT, Chronicle
from gateway.demo.console_client import AgentConsole
from gateway.demo.failure import StepMissing
from gateway.demo.letters import Post
from gateway.demo.neighbours import Neighbours, neighbours
from gateway.demo.person import Person
from gateway.demo.place import AGENT, HOST, HOTLINE, UNIT_NUMBER, Passwords, settings_for
from gateway.demo.stories import FIRE_CALLER, FIRE_LINE, WATER_CALLER, Played
from gateway.demo.view import View
from gateway.domain.contact import ChannelKind

SETTLE_LIMIT = 15.0
"""Seconds for the store to have everything of a call that is over."""


class Show:
    """One demonstration, everything of which lies in *folder*."""

    def __init__(self, folder: Path, view: View, *, page_port: int) -> None:
        self._folder = folder
        self._view = view
        self._page_port = page_port
        self._passwords = Passwords.fresh()
        self._chronicle = Chronicle(view.take)
        self._gateway: Gateway
        self._around: Neighbours
        self._crew: asyncio.TaskGroup
        self._people: list[Person] = []

    @asynccontextmanager
    async def open(self) -> AsyncIterator[Show]:
        """Start the gateway; inside the block it serves, and whoever came to a telephone stays there.

        Raises `StepMissing` when somebody leaves unexpectedly.
        """
        async with _carrier() as carrier, neighbours() as self._around:
            settings = settings_for(
                self._folder, self._passwords, self._around, carrier=f"{HOST}:{carrier}", page_port=self._page_port
            )
            async with Gateway(settings, on_loading=self._view.loading) as self._gateway:
                self._view.opened(self._gateway)
                async with self._company():
                    yield self

    async def play(self) -> dict[str, Any]:
        """Play all stories and return the report. Raises `StepMissing` when a step of a call did not happen.

        What is written comes beside the second call; the voice note when that is over, as it wants the recogniser.
        """
        agent, desk, unit = await asyncio.gather(
            self._desk_telephone("agent", AGENT, self._passwords.agent),
            self._desk_telephone("desk", FIRE_LINE, self._passwords.desk),
            self._desk_telephone("unit", UNIT_NUMBER, self._passwords.unit),
        )
        await self._until_hearing()
        post = Post(gateway=self._gateway, around=self._around, told=self._chronicle, on_over=self._view.letter)
        async with self._agent_console() as console:
            self._view.story(1)
            citizen, heard = await self._citizen("citizen_fire", FIRE_CALLER)
            fire = await stories.fire(self._chronicle, citizen, heard, agent, desk)
            fire_contact = await self._contact(fire)
            self._view.story(2)
            beside = self._crew.create_task(
                post.write(ChannelKind.SMS, ChannelKind.MAIL, ChannelKind.WEB), name="letters beside the call"
            )
            citizen, heard = await self._citizen("citizen_water", WATER_CALLER)
            water = await stories.water(self._chronicle, citizen, heard, agent, unit, console)
            afterwards = self._crew.create_task(post.write(ChannelKind.TELEGRAM), name="letter after the calls")
            water_contact = await self._contact(water)
            letters = [*await beside, *await afterwards]
        self._view.over(letters)
        model = self._gateway.recognizer.model
        return {
            "model": {"name": model.name, "kind": model.kind},
            "contacts": [fire_contact, water_contact],
            "letters": [report.letter(letter) for letter in letters],
        }

    # -- the course ------------------------------------------------------------------------------------------

    @asynccontextmanager
    async def _company(self) -> AsyncIterator[None]:
        """Follow the gateway and everybody who comes; see them off at the end."""
        try:
            async with asyncio.TaskGroup() as self._crew:
                following = self._crew.create_task(self._chronicle.follow(self._gateway.feed), name="chronicle")
                try:
                    yield
                finally:
                    await asyncio.gather(*(person.leave() for person in self._people))
                    following.cancel()
        except BaseExceptionGroup as group:
            missing = group.subgroup(StepMissing)
            if missing is None:
                raise
            raise _first_of(missing) from None

    async def _contact(self, played: Played) -> dict[str, Any]:
        """Read a finished call back, and judge what each party heard."""
        await self._gateway.switchboard.over(played.call_id)
        if not await self._gateway.ledger.settle(SETTLE_LIMIT):
            raise StepMissing("the store did not take the call in time")
        found = await report.hearings(played)
        self._view.heard(found)
        if wrong := report.misheard(played, found):
            raise StepMissing(f"{'; '.join(wrong)} ({report.margins(found)})")
        return await report.contact(self._gateway.store, played, found)

    async def _until_hearing(self) -> None:
        try:
            async with asyncio.timeout(STEP_LIMIT):
                await self._gateway.recognizer.hearing()
        except TimeoutError:
            raise StepMissing("the recogniser did not begin to listen") from None

    @asynccontextmanager
    async def _agent_console(self) -> AsyncIterator[AgentConsole]:
        """Make the agent's account as the administrator, and sign in as the agent."""
        url, first = self._gateway.console.url, self._gateway.first_password
        if first is None:
            raise StepMissing("the folder belongs to an earlier demonstration; take an empty one")
        password = secrets.token_urlsafe(12)
        async with AgentConsole(url, "admin", first) as administrator:
            await administrator.make_account(AGENT, password, agent_id=AGENT, display_name="一号坐席")
        async with AgentConsole(url, AGENT, password) as console:
            yield console

    # -- the people ------------------------------------------------------------------------------------------

    async def _desk_telephone(self, name: str, user: str, password: str) -> Person:
        address = self._gateway.telephony.agent.addresses[0]
        place = {
            "server": HOST,
            "port": address.port,
            "user": user,
            "password": password,
            "recordings": str(self._folder),
        }
        person = await self._arrive(name, ["gateway.demo.pyvoip_phone"], json.dumps(place))
        await person.next("registered")
        return person

    async def _citizen(self, name: str, number: str) -> tuple[Person, Path]:
        """Let somebody call the hotline from the trunk; return that person and what she will have heard."""
        heard = self._folder / f"{name}.wav"
        address = self._gateway.telephony.agent.addresses[0]
        uri = f"sip:{HOTLINE}@{HOST}:{address.port}"
        arguments = ["gateway", "phone", "call", uri, "--from", number, "--record", str(heard)]
        return await self._arrive(name, [*arguments, "--orders", "--json", "--limit", "10min"]), heard

    async def _arrive(self, name: str, arguments: list[str], first_line: str = "") -> Person:
        person = await Person.arrive(name, arguments, self._folder, first_line)
        self._people.append(person)
        self._crew.create_task(person.follow(), name=f"telephone of {name}")
        return person


@asynccontextmanager
async def _carrier() -> AsyncIterator[int]:
    """The carrier's switch: it is there when the gateway asks; the citizens' calls come from its host."""

    async def refuse(session: Session) -> None:
        await session.reject(404)

    gateway = Trunk(name="hotline", target=Target("udp", HOST, 5060))
    settings = UserAgentSettings(listen=[ListenAddress("udp", HOST, 0)], trunks=[gateway], user_agent="carrier")
    async with UserAgent(settings, refuse) as agent:
        yield agent.addresses[0].port


def _first_of(group: BaseExceptionGroup[StepMissing]) -> StepMissing:
    error: BaseException = group
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    assert isinstance(error, StepMissing)
    return error
