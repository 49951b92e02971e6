"""`jiesu phone` as people run it: processes that call one another, or user agents in the test's hands."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from channels.sip.session import Session
from gateway.demo.heard import Sentence, listen
from tests.fakes.sip import HOTLINE, offer, reply, udp, user_agent

ROOT = Path(__file__).parents[2]
SPEECH = ROOT / "gateway" / "demo_speech"
CALLER_SAYS = SPEECH / "citizen_fire_1.wav"
CALLEE_SAYS = SPEECH / "agent_fire_1.wav"
LIMIT = 60.0

Event = dict[str, Any]


class Phone:
    """One `jiesu phone` process, telling in JSON."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stderr is not None
        self.process = process
        self.stdin, self.stdout, self.stderr = process.stdin, process.stdout, process.stderr
        self.events: list[Event] = []

    async def until(self, event: str) -> Event:
        async with asyncio.timeout(LIMIT):
            while line := await self.stdout.readline():
                self.events.append(json.loads(line))
                if self.events[-1]["event"] == event:
                    return self.events[-1]
        raise AssertionError(f"ended without {event}: {self.events}, {await self.stderr.read()!r}")

    async def end(self) -> int:
        async with asyncio.timeout(LIMIT):
            self.events += [json.loads(line) for line in (await self.stdout.read()).splitlines()]
            return await self.process.wait()

    @property
    def told(self) -> list[str]:
        return [event["event"] for event in self.events]


@asynccontextmanager
async def phone(*arguments: str) -> AsyncIterator[Phone]:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "gateway",
        "phone",
        *arguments,
        "--json",
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
    )
    try:
        yield Phone(process)
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


async def run(*arguments: str) -> tuple[int | None, list[Event], str]:
    """Run a phone to its end; return its exit code, its events and what it complained of."""
    async with phone(*arguments) as running, asyncio.timeout(LIMIT):
        out, complaints = await running.process.communicate()
        return running.process.returncode, [json.loads(line) for line in out.splitlines()], complaints.decode()


def uri(listening: Event, user: str = "100") -> str:
    return f"sip:{user}@{listening['address'].removeprefix('udp:')}"


async def test_two_phones_talk_and_hear_one_another(tmp_path: Path) -> None:
    callee_heard, caller_heard = tmp_path / "callee.wav", tmp_path / "caller.wav"
    answering = ["answer", "--once", "--play", str(CALLEE_SAYS), "--stay", "--digits", "7", "--record"]
    async with phone(*answering, str(callee_heard)) as callee:
        listening = await callee.until("listening")
        calling = ["call", uri(listening), "--from", "13800000001", "--play", str(CALLER_SAYS)]
        code, events, _ = await run(*calling, "--record", str(caller_heard))
        callee_code = await callee.end()

    told = [event["event"] for event in events]
    assert (code, callee_code) == (0, 0)
    assert {"calling", "progress", "answered", "spoken", "key heard"} <= set(told)
    assert told[-1] == "ended"
    assert events[-1]["by_peer"] is False
    assert {"event": "key heard", "digit": "7"} in events
    assert {"event": "ringing", "caller": "13800000001"} in callee.events
    assert callee.events[-1]["by_peer"] is True
    said = [Sentence(party="caller", path=CALLER_SAYS), Sentence(party="callee", path=CALLEE_SAYS)]
    assert listen(callee_heard, said).parties == ["caller"]
    assert listen(caller_heard, said).parties == ["callee"]


async def test_two_phones_talk_over_ipv6(tmp_path: Path) -> None:
    heard = tmp_path / "callee.wav"
    async with phone("answer", "--once", "--listen", "udp:[::1]:0", "--stay", "--record", str(heard)) as callee:
        listening = await callee.until("listening")
        calling = ["call", uri(listening), "--listen", "udp:[::1]:0", "--play", str(CALLER_SAYS)]
        code, _, complaints = await run(*calling)
        await callee.end()

    assert code == 0, complaints
    assert listen(heard, [Sentence(party="caller", path=CALLER_SAYS)]).parties == ["caller"]


@pytest.mark.peer("espeak-ng")
async def test_words_are_spoken_where_espeak_ng_is_installed() -> None:
    async with phone("answer", "--once") as callee:
        listening = await callee.until("listening")
        code, events, _ = await run("call", uri(listening), "--say", "您好")
        await callee.end()

    assert code == 0
    assert [event["is_whole"] for event in events if event["event"] == "spoken"] == [True]


async def test_a_phone_does_what_standard_input_says_and_hangs_up_at_its_end() -> None:
    async with phone("answer", "--once") as callee, asyncio.timeout(LIMIT):
        listening = await callee.until("listening")
        async with phone("call", uri(listening), "--orders") as caller:
            await caller.until("answered")
            caller.stdin.write(f"play {CALLEE_SAYS}\nnonsense\nkeys 42\n".encode())
            spoken = await caller.until("spoken")
            await callee.until("key heard")
            await callee.until("key heard")
            caller.stdin.write_eof()
            codes = await caller.end(), await callee.end()

    assert codes == (0, 0)
    assert spoken["is_whole"]
    assert "not understood" in caller.told
    assert [event["digit"] for event in callee.events if event["event"] == "key heard"] == ["4", "2"]


async def test_a_refused_call_ends_with_1_and_the_reason() -> None:
    async def refuse(session: Session) -> None:
        await session.reject(486)

    async with user_agent(refuse) as busy:
        code, events, _ = await run("call", f"sip:100@127.0.0.1:{udp(busy).port}")

    assert code == 1
    assert events[-1] == {"event": "ended", "by_peer": True, "reason": "486 Busy Here"}


async def test_a_call_nobody_answers_is_given_up_and_ends_with_1() -> None:
    async def ring(session: Session) -> None:
        await session.ring()

    async with user_agent(ring) as absent:
        code, events, _ = await run("call", f"sip:100@127.0.0.1:{udp(absent).port}", "--limit", "500ms")

    assert code == 1
    assert events[-1] == {"event": "ended", "by_peer": False, "reason": "no answer"}


async def test_sound_before_the_answer_is_told() -> None:
    async def announce_then_answer(session: Session) -> None:
        assert session.remote_offer is not None
        await session.ring(183, reply(session.remote_offer))
        await session.answer(reply(session.remote_offer))
        await session.hang_up("done")

    async with user_agent(announce_then_answer) as announcer:
        code, events, _ = await run("call", f"sip:100@127.0.0.1:{udp(announcer).port}")

    assert code == 0
    assert {"event": "progress", "status": 183, "reason": "Session Progress", "early_media": True} in events


@pytest.mark.parametrize(
    "arguments",
    [
        ["call", "tel:110"],
        ["call", "sip:1@127.0.0.1", "--play", "no-such-file.wav"],
        ["call", "sip:1@127.0.0.1", "--play", str(ROOT / "README.md")],
        ["call", "sip:1@127.0.0.1", "--limit", "60"],
        ["call", "sip:1@127.0.0.1", "--digits", "x"],
        ["answer", "--register", "nobody"],
        ["answer", "--listen", "udp:192.0.2.1:5060"],
    ],
)
async def test_a_command_line_that_makes_no_sense_ends_with_2(arguments: Sequence[str]) -> None:
    code, _, complaints = await run(*arguments)

    assert code == 2
    assert "Traceback" not in complaints
    assert complaints.strip()


async def test_a_registered_phone_is_reachable_until_it_leaves() -> None:
    gone = asyncio.Event()
    async with user_agent(telephones={"7001": "secret"}, on_gone=lambda user: gone.set()) as registrar:
        account = f"7001:secret@127.0.0.1:{udp(registrar).port}"
        async with phone("answer", "--register", account) as desk:
            await desk.until("registered")
            callee = registrar.telephone("7001")
            assert callee is not None
            session = await registrar.invite(callee, offer=offer(), from_=HOTLINE)
            await desk.until("answered")
            await session.hang_up("done")
            ended = await desk.until("ended")
            desk.process.send_signal(signal.SIGTERM)
            await desk.end()
            async with asyncio.timeout(LIMIT):
                await gone.wait()

    assert ended["by_peer"] is True
    assert registrar.telephone("7001") is None


async def test_a_wrong_password_is_said_and_ends_with_1() -> None:
    async with user_agent(telephones={"7001": "secret"}) as registrar:
        code, _, complaints = await run("answer", "--register", f"7001:guess@127.0.0.1:{udp(registrar).port}")

    assert code == 1
    assert "401" in complaints
    assert "Traceback" not in complaints
