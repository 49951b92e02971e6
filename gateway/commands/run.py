"""`jiesu run`: the gateway in service until it is told to stop (SIGINT, SIGTERM)."""

from __future__ import annotations

import argparse
import asyncio
import signal
import sys
from typing import TYPE_CHECKING

from gateway.app import Gateway
from gateway.commands.common import add_config, settings_of
from gateway.telemetry import configure_logging

if TYPE_CHECKING:
    from config.settings import Settings


def add_to(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    add_config(parser)
    parser.set_defaults(main=main)


def main(arguments: argparse.Namespace) -> int:
    """Serve until a signal comes."""
    settings = settings_of(arguments)
    configure_logging(settings.log.level, settings.log.format)
    asyncio.run(_serve(settings))
    return 0


async def _serve(settings: Settings) -> None:
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stopped.set)
    async with Gateway(settings, on_loading=_report_loading) as gateway:
        for line in gateway.announcement():
            print(line, file=sys.stderr)
        await stopped.wait()
        print("stopping: ending the calls in progress", file=sys.stderr)


def _report_loading(seconds: float) -> None:
    print(f"speech model: loading, {seconds:.0f} s", file=sys.stderr)
