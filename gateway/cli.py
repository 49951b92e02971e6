"""The `jiesu` command: what it can do and how it ends.

Exit codes: 0 done; 1 it was tried and failed; 2 the command line or the configuration is wrong, said in one line;
130 interrupted.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from gateway.app import UnusableSetting
from gateway.commands import check, demo, journal, knowledge, model, phone, profile, run, simulate
from gateway.commands.common import config_path
from gateway.domain.errors import GatewayError, OurMistake

COMMANDS = (run, demo, check, phone, model, knowledge, journal, profile, simulate)


def main(arguments: Sequence[str] | None = None) -> int:
    """Carry out one command line and return its exit code."""
    parser = argparse.ArgumentParser(prog="jiesu", description="Front door of a Chinese 12345 hotline (接诉).")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for command in COMMANDS:
        command.add_to(commands)
    chosen = parser.parse_args(arguments)
    try:
        return int(chosen.main(chosen))
    except UnusableSetting as mistake:
        print(f"jiesu: {config_path(chosen) or 'built-in defaults'}: {mistake}", file=sys.stderr)
        return 2
    except OurMistake as mistake:
        print(f"jiesu: {mistake}", file=sys.stderr)
        return 2
    except GatewayError as failure:
        print(f"jiesu: {failure}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
