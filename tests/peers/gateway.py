"""The gateway as a real process, from the outside: configured by a file, watched through its console's interface.

Everything a test learns it learns as an operator would: from what the process prints, from `/api/`, from the journal
that it leaves on the disk, and from its exit code.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self, TypeVar, cast

import aiohttp

from gateway.domain.call import CallId
from gateway.domain.events import Fact
from gateway.storage.journal import show

ROOT = Path(__file__).resolve().parents[2]
READY_LIMIT = 60.0
LIMIT = 40.0
POLL = 0.05

Json = dict[str, Any]
T = TypeVar("T")


async def until(what: str, found: Callable[[], Awaitable[T | None]], *, limit: float = LIMIT) -> T:
    """Ask *found* again and again until it says something true, and return that; *what* names it when it never does."""
    last: T | None = None
    try:
        async with asyncio.timeout(limit):
            while True:
                last = await found()
                if last:
                    return last
                await asyncio.sleep(POLL)
    except TimeoutError:
        raise AssertionError(f"not within {limit:g} s: {what}; last seen: {last!r}") from None


def configuration(folder: Path, **changes: Mapping[str, Any] | list[Mapping[str, Any]]) -> Path:
    """Write a node's settings into *folder*: everything on free ports of the loopback, changed as *changes* says.

    A section is merged with what is here, a list of tables is taken as it is.
    """
    tables: dict[str, Any] = {
        "node": {"data": "var"},
        "sip": {
            "listen": ["udp:127.0.0.1:0", "tcp:127.0.0.1:0"],
            "trunk_check_interval": "1h",
            "trunk_check_limit": "3s",
        },
        "desk": {"wrap_up_limit": "1s"},
        "media": {"ports": [0, 0]},
        "web": {"listen": "127.0.0.1:0"},
    }
    for name, change in changes.items():
        tables[name] = change if isinstance(change, list) else {**tables.get(name, {}), **change}
    path = folder / "gateway.toml"
    path.write_text(_toml(tables), encoding="utf-8")
    return path


def _toml(tables: Mapping[str, Any]) -> str:
    lines: list[str] = []
    for name, value in tables.items():
        for table in value if isinstance(value, list) else [value]:
            lines.append(f"[[{name}]]" if isinstance(value, list) else f"[{name}]")
            lines += [f"{key} = {_value(given)}" for key, given in table.items()]
    return "\n".join(lines) + "\n"


def _value(given: Any) -> str:
    if isinstance(given, Mapping):
        return "{ " + ", ".join(f"{key} = {_value(value)}" for key, value in given.items()) + " }"
    if isinstance(given, list):
        return "[" + ", ".join(map(_value, given)) + "]"
    return json.dumps(given, ensure_ascii=False)


@dataclass(frozen=True)
class Commanded:
    """How a command ended, and what it said."""

    status: int
    words: str


async def jiesu(*arguments: str | Path) -> Commanded:
    """Run one `jiesu` command to its end."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "gateway", *map(str, arguments)),
        cwd=ROOT,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    async with asyncio.timeout(READY_LIMIT):
        words, _ = await process.communicate()
    return Commanded(process.returncode or 0, words.decode())


class GatewayProcess:
    """One run of `jiesu run`; an async context manager that stops it in good order, unless it was killed before."""

    def __init__(self, config: Path, *, password: str = "") -> None:
        self.config = config
        self.folder = config.parent / "var"
        self.database = self.folder / "jiesu.sqlite"
        self.password = password
        self.url = ""
        self.host = "127.0.0.1"
        self.udp_port = 0
        self.tcp_port = 0
        self._log = config.with_suffix(".log")
        self._process: asyncio.subprocess.Process
        self._session: aiohttp.ClientSession

    async def __aenter__(self) -> Self:
        with self._log.open("wb") as log:
            self._process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "gateway", "run", "--config", str(self.config)),
                cwd=ROOT,
                stderr=log,
                stdout=log,
            )
        self._session = aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True))
        try:
            await self._find_out()
            await until("the gateway takes calls and listens", self._is_ready, limit=READY_LIMIT)
            await self.post("/api/session", {"name": "admin", "password": self.password})
        except BaseException:
            await self.__aexit__()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._session.close()
        if self._process.returncode is None:
            self._process.send_signal(signal.SIGTERM)
            try:
                async with asyncio.timeout(LIMIT):
                    await self._process.wait()
            except TimeoutError:
                await self.kill()
                raise AssertionError(f"the gateway did not stop\n{self.log[-3000:]}") from None

    @property
    def pid(self) -> int:
        """The process's id."""
        return self._process.pid

    @property
    def sip(self) -> str:
        """Where it speaks SIP over UDP, as ``host:port``."""
        return f"{self.host}:{self.udp_port}"

    @property
    def log(self) -> str:
        """Everything the process has printed."""
        return self._log.read_text(encoding="utf-8", errors="replace")

    async def kill(self) -> None:
        """End the process as a crash does (SIGKILL)."""
        with suppress(ProcessLookupError):
            self._process.kill()
        await self._process.wait()

    async def stop(self) -> int:
        """End the process in good order and return its exit code."""
        self._process.send_signal(signal.SIGTERM)
        async with asyncio.timeout(LIMIT):
            return await self._process.wait()

    def child(self, module: str) -> int | None:
        """Return the id of the gateway's child process that runs ``python -m`` *module*."""
        for entry in Path("/proc").iterdir():
            with suppress(OSError, ValueError, IndexError):
                parent = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
                words = (entry / "cmdline").read_bytes().decode().split("\0")
                if parent == self.pid and module in words:
                    return int(entry.name)
        return None

    def kill_child(self, module: str) -> int:
        """Kill (SIGKILL) the child that runs *module*; return its id."""
        pid = self.child(module)
        assert pid is not None, f"no child runs {module}"
        os.kill(pid, signal.SIGKILL)
        return pid

    # -- what the console says -------------------------------------------------------------------------------

    async def get(self, path: str) -> Json:
        """GET *path* and return the JSON of a good answer."""
        async with self._session.get(self.url + path) as response:
            assert response.status < 300, f"GET {path}: {response.status} {await response.text()}"
            return cast("Json", await response.json())

    async def post(self, path: str, body: Json | None = None) -> Json:
        """POST *body* to *path* and return the JSON of a good answer."""
        async with self._session.post(self.url + path, json=body) as response:
            assert response.status < 300, f"POST {path}: {response.status} {await response.text()}"
            return cast("Json", await response.json())

    async def octets(self, path: str) -> bytes:
        """GET *path* and return what comes."""
        async with self._session.get(self.url + path) as response:
            assert response.status < 300, f"GET {path}: {response.status} {await response.text()}"
            return await response.read()

    async def health(self) -> dict[str, str]:
        """Return each component's state."""
        async with self._session.get(f"{self.url}/healthz") as response:
            return cast("dict[str, str]", (await response.json())["components"])

    async def calls(self) -> list[Json]:
        """Return the live calls."""
        return cast("list[Json]", (await self.get("/api/calls"))["calls"])

    async def call(self, *, limit: float = LIMIT) -> Json:
        """Wait for a live call and return it."""
        return (await until("a live call", self.calls, limit=limit))[0]

    async def tickets(self) -> list[Json]:
        """Return all tickets of this run and those before, the newest first."""
        return cast("list[Json]", (await self.get("/api/tickets?limit=200"))["tickets"])

    async def ended_ticket(self, *, limit: float = LIMIT, among: int = 1) -> Json:
        """Wait until *among* tickets are there and the newest one's call has ended; return it in detail."""

        async def ended() -> str | None:
            tickets = await self.tickets()
            return tickets[0]["id"] if len(tickets) >= among and tickets[0]["ended_at"] else None

        ticket_id = await until("a ticket whose call has ended", ended, limit=limit)
        return await self.get(f"/api/tickets/{ticket_id}")

    def facts(self, call_id: str) -> list[Fact]:
        """Return what the journal on the disk says of a call."""
        return [entry.fact for entry in show(self.database, CallId(call_id))]

    async def fact(self, call_id: str, kind: str, *, limit: float = LIMIT, **values: object) -> Fact:
        """Wait for a fact of this kind and with these values in the journal."""

        async def found() -> Fact | None:
            return next((fact for fact in self.facts(call_id) if fact.kind == kind and fits(fact)), None)

        def fits(fact: Fact) -> bool:
            return values.items() <= dict(fact.values).items()

        try:
            return await until(f"the fact {kind} {values}", found, limit=limit)
        except AssertionError as missing:
            known = "\n".join(f"{fact.offset} {fact.kind} {dict(fact.values)}" for fact in self.facts(call_id))
            raise AssertionError(f"{missing}\n{known}\n{self.log[-3000:]}") from None

    async def words(self, call_id: str, text: str, *, role: str = "citizen", limit: float = LIMIT) -> str:
        """Wait until *text* stands in what *role* has said for good, and return all of that."""

        def said() -> str:
            heard = [fact.values for fact in self.facts(call_id) if fact.kind == "utterance.heard"]
            return "".join(str(values["text"]) for values in heard if values["role"] == role)

        async def spoken() -> str:
            return said() if text in said() else ""

        try:
            return await until(f"the {role}'s words {text}", spoken, limit=limit)
        except AssertionError as missing:
            raise AssertionError(f"{missing}; heard: {said()}\n{self.log[-3000:]}") from None

    # -- starting --------------------------------------------------------------------------------------------

    async def _find_out(self) -> None:
        """Read from what is printed where the gateway is."""

        async def printed() -> str:
            if self._process.returncode is not None:
                raise AssertionError(f"the gateway ended with {self._process.returncode}:\n{self.log}")
            is_all = "password " in self.log or (self.password and "profile:" in self.log)
            return self.log if is_all else ""

        words = await until("the gateway says where it is", printed, limit=READY_LIMIT)
        self.url = _found(r"^page: +(http\S+)", words)
        self.udp_port = int(_found(r"^SIP: +udp:.*:([0-9]+)$", words))
        self.tcp_port = int(_found(r"^SIP: +tcp:.*:([0-9]+)$", words))
        if not self.password:
            self.password = _found(r"password (\S+)", words)

    async def _is_ready(self) -> bool:
        async with self._session.get(f"{self.url}/healthz") as response:
            components = (await response.json())["components"]
        return bool(response.status == 200 and components["recogniser"] == "ok")


def _found(pattern: str, words: str) -> str:
    match = re.search(pattern, words, re.MULTILINE)
    assert match is not None, f"{pattern} is not in\n{words}"
    return match[1]


@asynccontextmanager
async def running(folder: Path, **changes: Any) -> AsyncIterator[GatewayProcess]:
    """Have a gateway in service, configured in *folder* (see `configuration`)."""
    async with GatewayProcess(configuration(folder, **changes)) as gateway:
        yield gateway
