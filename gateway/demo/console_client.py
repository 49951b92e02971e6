"""The agent's console as a program: signs in over HTTP and presses the keys a browser would press."""

from __future__ import annotations

from types import TracebackType
from typing import Any, Self

import aiohttp

from gateway.demo.failure import StepMissing
from gateway.domain.call import CallId

LIMIT = aiohttp.ClientTimeout(total=30.0)


class AgentConsole:
    """One signed-in session of the JSON interface at *url*. Use as an async context manager."""

    def __init__(self, url: str, name: str, password: str) -> None:
        self._credentials = {"name": name, "password": password}
        self._session = aiohttp.ClientSession(url, cookie_jar=aiohttp.CookieJar(unsafe=True), timeout=LIMIT)

    async def __aenter__(self) -> Self:
        """Sign in."""
        try:
            await self.send("POST", "/api/session", self._credentials)
        except BaseException:
            await self._session.close()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Leave."""
        await self._session.close()

    async def make_account(self, name: str, password: str, *, agent_id: str, display_name: str) -> None:
        """Make an agent's account, as an administrator."""
        account = {"display_name": display_name, "role": "agent", "agent_id": agent_id, "password": password}
        await self.send("PUT", f"/api/accounts/{name}", account)

    async def transfer(self, call_id: CallId, unit: str) -> None:
        """Consult a unit."""
        await self.send("POST", f"/api/calls/{call_id}/transfer", {"unit": unit})

    async def join(self, call_id: CallId) -> None:
        """Bring the citizen back in: three talk."""
        await self.send("POST", f"/api/calls/{call_id}/transfer/join")

    async def leave(self, call_id: CallId) -> None:
        """Leave citizen and unit to themselves."""
        await self.send("POST", f"/api/calls/{call_id}/transfer/leave")

    async def send(self, method: str, path: str, body: dict[str, Any] | None = None) -> None:
        """Send a request. Raises `StepMissing` when it is not granted."""
        try:
            async with self._session.request(method, path, json=body) as response:
                if response.status >= 400:
                    words = (await response.text())[:200]
                    raise StepMissing(f"the console refused {method} {path}: {response.status} {words}")
        except (aiohttp.ClientError, TimeoutError) as error:
            raise StepMissing(f"the console did not answer {method} {path}: {error!r}") from error
