"""The `jiesu` command: what it can do and how it ends.

Only the module of the command that was asked for is loaded, so that `--help` and the small commands answer at once.
Exit codes: 0 done; 1 it was tried and failed; 2 the command line or the configuration is wrong, said in one line;
130 interrupted.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from importlib import import_module

from gateway.domain.errors import GatewayError, OurMistake, UnusableSetting

COMMANDS = {
    "run": "start the gateway",
    "demo": "show two calls and four letters become tickets, on this machine",
    "check": "try a configuration without serving",
    "phone": "a telephone on the command line",
    "model": "list or fetch speech recognition models",
    "prompts": "list what callers may hear and what of it is missing, or synthesise placeholders",
    "ticket": "list, show and move tickets through the closed loop",
    "report": "figures of a period, per unit, clause and matter",
    "knowledge": "import, search, list or export the knowledge base",
    "gazetteer": "import and try the places that a city's people may name",
    "journal": "verify or show the journal",
    "profile": "show, compare and check the cities' regulations",
    "simulate": "run a scenario through a city's regulation",
    "learn": "train understanding on a city's decided tickets; list, use and roll back what was learnt",
    "shadow": "historic tickets through today's understanding, beside what people decided",
    "evaluate": "how well texts are understood whose truth is known",
    "replay-history": "how many historic tickets would have been late under a city's regulation",
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Carry out one command line and return its exit code."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    parser = argparse.ArgumentParser(prog="jiesu", description="Front door of a Chinese 12345 hotline (接诉).")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for name, purpose in COMMANDS.items():
        command = commands.add_parser(name, help=purpose, description=purpose)
        if words[:1] == [name]:
            import_module(f"gateway.commands.{name.replace('-', '_')}").add_to(command)
    chosen = parser.parse_args(words)
    try:
        return int(chosen.main(chosen))
    except UnusableSetting as mistake:
        from gateway.commands.common import config_path

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
