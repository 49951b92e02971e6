"""sipvicious, which scans the internet for telephones to abuse: it finds nothing here to use."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from channels.sip.connections import Target
from channels.sip.user_agent import Trunk, UserAgent
from tests.fakes.sip import ignore, udp, user_agent

pytestmark = pytest.mark.peer("sipvicious")

LIMIT = 60.0
USER, PASSWORD = "8001", "1050"
"""A telephone with a password as bad as they come, in the very range that is tried."""


@pytest.fixture
async def agent() -> AsyncIterator[UserAgent]:
    trunk = Trunk(name="carrier", target=Target("udp", "192.0.2.1", 5060))
    async with user_agent(ignore, trunks=[trunk], telephones={USER: PASSWORD}) as agent:
        yield agent


async def run(folder: Path, agent: UserAgent, *command: str) -> str:
    """Run one of its programs against us; return all that it says."""
    program, *options = command
    process = await asyncio.create_subprocess_exec(
        *(program, "-p", str(udp(agent).port), *options, "127.0.0.1"),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        cwd=folder,
        env={"HOME": str(folder), "PATH": "/usr/bin:/bin"},
    )
    try:
        async with asyncio.timeout(LIMIT):
            said, _ = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    return said.decode(errors="replace")


async def test_svmap_finds_no_server(tmp_path: Path, agent: UserAgent) -> None:
    assert "found nothing" in await run(tmp_path, agent, "svmap")


@pytest.mark.parametrize("options", [[], ["-m", "INVITE"], ["-m", "OPTIONS"], ["--force"]])
async def test_svwar_finds_no_telephone(tmp_path: Path, agent: UserAgent, options: list[str]) -> None:
    said = await run(tmp_path, agent, "svwar", "-e", "8000-8010", *options)

    assert "found nothing" in said
    assert f"| {USER} " not in said


async def test_svcrack_guesses_no_password_although_it_would_be_the_fifty_first(
    tmp_path: Path, agent: UserAgent
) -> None:
    said = await run(tmp_path, agent, "svcrack", "-u", USER, "-r", "1000-1600")

    assert PASSWORD not in said.replace("1000-1600", "")
