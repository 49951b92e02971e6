"""`jiesu check`: try a configuration without serving: addresses, model, trunks, written channels, disk, clock.

One line a finding, ``ok`` or ``fail`` first; exit 1 if anything failed, 2 if the configuration cannot be read.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from asr.models import ModelChoice
from asr.probe import Usable, probe
from channels.sip.user_agent import UserAgent
from config.settings import Settings
from config.values import Address
from config.values import ListenAddress as Listen
from gateway.app import Gateway
from gateway.commands.check_written import written_findings
from gateway.commands.common import add_config, database_of, settings_of
from gateway.commands.findings import Finding
from gateway.domain.errors import GatewayError

if TYPE_CHECKING:
    from channels.sip.session import Session

LEAST_FREE = 2 * 1024**3
"""Octets of free disk below which recordings would soon fail (a gigabyte holds 9 hours of calls that live)."""
OLDEST_NOW = datetime(2026, 1, 1, tzinfo=UTC)


def add_to(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    add_config(parser)
    parser.set_defaults(main=main)


def main(arguments: argparse.Namespace) -> int:
    """Print the findings and return 1 if one of them is bad."""
    return asyncio.run(_report(settings_of(arguments)))


async def _report(settings: Settings) -> int:
    failures = 0
    async for finding in _findings(settings):
        print(finding, flush=True)
        failures += finding.is_ok is False
    print(f"{failures} failed" if failures else "all is well")
    return 1 if failures else 0


async def _findings(settings: Settings) -> AsyncIterator[Finding]:
    gateway = Gateway(settings)
    yield Finding("profile", True, f"{gateway.profile.name}, {gateway.profile.document}")
    yield Finding("announcements", True, f"{len(gateway.announcements.files)} files")
    yield await _model(gateway.model)
    async for finding in _telephony(gateway, settings):
        yield finding
    yield _bindable("web.listen", socket.SOCK_STREAM, Address.parse(settings.web.listen))
    if settings.public.listen:
        yield _bindable("public.listen", socket.SOCK_STREAM, Address.parse(settings.public.listen))
    for text in settings.mail.listen:
        yield _bindable(f"mail.listen {text}", socket.SOCK_STREAM, Address.parse(text))
    async for finding in written_findings(settings):
        yield finding
    for finding in (*_rtp(settings), _disk(Path(settings.node.data)), _database(settings), _clock()):
        yield finding


async def _model(choice: ModelChoice) -> Finding:
    outcome = await probe(choice.path)
    words = choice.description_zh if isinstance(outcome, Usable) else f"{choice.path}: {outcome.reason}"
    return Finding("asr.model", isinstance(outcome, Usable), words)


async def _telephony(gateway: Gateway, settings: Settings) -> AsyncIterator[Finding]:
    """Bind the SIP addresses, and from there ask every trunk."""
    listening = True
    for text in settings.sip.listen:
        address = Listen.parse(text)
        kind = socket.SOCK_DGRAM if address.transport == "udp" else socket.SOCK_STREAM
        finding = _bindable(f"sip.listen {text}", kind, Address(address.host, address.port))
        listening = listening and finding.is_ok is True
        yield finding
    if not listening:
        return
    async with UserAgent(gateway.sip_settings(), _refuse) as agent:
        for trunk in gateway.sip_settings().trunks:
            status = await agent.check(trunk.name, settings.sip.trunk_check_limit.total_seconds())
            words = (
                f"{trunk.target} answers OPTIONS with {status}" if status else f"{trunk.target} does not answer OPTIONS"
            )
            yield Finding(f"trunk {trunk.name}", status is not None, words)


async def _refuse(session: Session) -> None:
    await session.reject(503)


def _bindable(subject: str, kind: socket.SocketKind, address: Address) -> Finding:
    family = socket.AF_INET6 if ":" in address.host else socket.AF_INET
    with socket.socket(family, kind) as trial:
        trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, kind is socket.SOCK_STREAM)
        try:
            trial.bind((address.host, address.port))
        except OSError as error:
            return Finding(subject, False, f"{address.host}:{address.port}: {os.strerror(error.errno or 0)}")
    return Finding(subject, True, f"{address.host}:{address.port}")


def _rtp(settings: Settings) -> Iterator[Finding]:
    host = Listen.parse(settings.sip.listen[0]).host
    for port in sorted(set(settings.media.ports)):
        yield _bindable("media.ports", socket.SOCK_DGRAM, Address(host, port))


def _disk(data: Path) -> Finding:
    try:
        data.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=data) as trial:
            trial.write(b"\0" * 4096)
            os.fsync(trial.fileno())
    except OSError as error:
        return Finding("node.data", False, f"{data}: {os.strerror(error.errno or 0)}")
    free = shutil.disk_usage(data).free
    return Finding("node.data", free >= LEAST_FREE, f"{data}: {free / 1024**3:.1f} GiB free")


def _database(settings: Settings) -> Finding:
    try:
        return Finding("node.database", True, database_of(settings).describe())
    except GatewayError as error:
        return Finding("node.database", False, str(error))


def _clock() -> Finding:
    """A wrong clock makes wrong deadlines: is it plausible, and does something keep it right."""
    now = datetime.now(UTC)
    if now < OLDEST_NOW:
        return Finding("clock", False, f"{now:%Y-%m-%d %H:%M} UTC cannot be right")
    if shutil.which("timedatectl") is None:
        return Finding("clock", None, f"{now:%Y-%m-%d %H:%M} UTC; nothing here tells whether it is synchronised")
    asked = subprocess.run(
        ["timedatectl", "show", "--property=NTPSynchronized", "--value"], capture_output=True, text=True, timeout=5
    )
    synchronised = {"yes": True, "no": False}.get(asked.stdout.strip())
    word = {True: "synchronised", False: "not synchronised", None: "synchronisation unknown"}[synchronised]
    return Finding("clock", synchronised, f"{now:%Y-%m-%d %H:%M} UTC, {word}")
