"""swaks, the Swiss army knife for SMTP, at our server: TLS, pipelining, photos, refusals."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from channels.mail.channel import MailChannel
from gateway.domain.errors import Unavailable
from tests.fakes.intake import MemoryIntake
from tests.fakes.mail import LIMIT, OURS, mail_channel, message, port_of, server, server_side

pytestmark = pytest.mark.peer("swaks")


async def swaks(channel: MailChannel, *options: str) -> tuple[int, str]:
    """Run swaks against the channel's server; its exit code and its transcript."""
    command = ["swaks", "--server", f"127.0.0.1:{port_of(channel)}", "--helo", "mail.example.com"]
    command += ["--from", "lisi@example.com", "--timeout", str(int(LIMIT)), *options]
    process = await asyncio.create_subprocess_exec(
        *command, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    transcript, _ = await process.communicate()
    assert process.returncode is not None
    return process.returncode, transcript.decode("utf-8", "replace")


@pytest.mark.parametrize("options", [(), ("--pipeline",), ("--protocol", "SMTP"), ("--protocol", "ESMTP", "--tls")])
async def test_a_message_is_taken(options: tuple[str, ...], tmp_path: Path) -> None:
    intake = MemoryIntake()
    file = tmp_path / "message.eml"
    file.write_bytes(message("路灯坏了\r\n.\r\n。"))

    async with mail_channel(intake, server=server(tls=server_side())) as channel:
        code, transcript = await swaks(channel, "--to", OURS, "--data", f"@{file}", *options)

    assert code == 0, transcript
    assert intake.messages[0].text == "路灯坏了\n.\n。"


async def test_photos_are_taken(tmp_path: Path) -> None:
    intake = MemoryIntake()
    photo = tmp_path / "photo.jpg"
    photo.write_bytes(b"\xff\xd8\xff\xe0" + bytes(range(256)) * 4000)

    async with mail_channel(intake, server=server()) as channel:
        code, transcript = await swaks(
            channel, "--to", OURS, "--body", "see photo", "--attach-type", "image/jpeg", "--attach", f"@{photo}"
        )

    assert code == 0, transcript
    (part,) = intake.messages[0].parts
    assert (part.name, part.declared_type, part.content) == ("photo.jpg", "image/jpeg", photo.read_bytes())


async def test_a_relay_is_refused_and_so_is_a_sign_in() -> None:
    intake = MemoryIntake()

    async with mail_channel(intake, server=server(tls=server_side())) as channel:
        relay, relayed = await swaks(channel, "--to", "somebody@elsewhere.example")
        sign_in, signed = await swaks(
            channel, "--to", OURS, "--tls", "--auth", "--auth-user", "a", "--auth-password", "b"
        )

    assert relay == 24, relayed  # "no recipients accepted"
    assert "550 5.7.1" in relayed
    assert sign_in == 28, signed  # "authentication failed, or not offered"
    assert not intake.messages


async def test_what_cannot_be_kept_is_deferred() -> None:
    intake = MemoryIntake()
    intake.fail = Unavailable("away")

    async with mail_channel(intake, server=server()) as channel:
        code, transcript = await swaks(channel, "--to", OURS)

    assert code == 26, transcript  # "error after data"
    assert "451 4.3.0" in transcript
