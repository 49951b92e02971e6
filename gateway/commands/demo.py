"""`jiesu demo`: the gateway on this machine, two calls, four written contacts, and everything they leave behind.

Exit codes: 0 the stories happened (and, without ``--once``, somebody ended the show); 1 a step did not happen, said
on standard error; 130 interrupted before the end.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import signal
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from gateway.demo.failure import StepMissing
from gateway.demo.show import Show
from gateway.demo.view import PlainView, View, view_for
from gateway.domain.errors import OurMistake
from gateway.telemetry import configure_logging

INTERRUPTED = 130


def add_to(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("--once", action="store_true", help="end after the story instead of staying up")
    parser.add_argument("--json", action="store_true", help="with --once: print what happened as one JSON object")
    parser.add_argument(
        "--page-port", metavar="PORT", type=_port, default=0, help="the page's port (default: a free one)"
    )
    parser.add_argument(
        "--keep",
        metavar="FOLDER",
        type=Path,
        help="keep everything here, in an empty folder (default: a temporary one)",
    )
    parser.set_defaults(main=main)


def main(arguments: argparse.Namespace) -> int:
    """Show it."""
    if arguments.json and not arguments.once:
        raise OurMistake("--json needs --once: one object is printed at the end")
    configure_logging("error", "console")
    view = PlainView(sys.stderr) if arguments.json else view_for(sys.stdout)
    with _folder(arguments.keep) as folder:
        return asyncio.run(_show(arguments, folder, view))


async def _show(arguments: argparse.Namespace, folder: Path, view: View) -> int:
    """Play the stories; a signal ends them, or the waiting after them, in good order."""
    task = asyncio.current_task()
    assert task is not None
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        asyncio.get_running_loop().add_signal_handler(number, task.cancel)
    has_played = False
    try:
        with view.showing():
            async with Show(folder, view, page_port=arguments.page_port).open() as show:
                report = await show.play()
                has_played = True
                if not arguments.once:
                    view.note("演示完毕，网页仍可查看；按 Ctrl-C 结束")
                    await asyncio.get_running_loop().create_future()
    except asyncio.CancelledError:
        return 0 if has_played else INTERRUPTED
    except StepMissing as missing:
        print(f"jiesu demo: {missing}", file=sys.stderr)
        return 1
    if arguments.json:
        print(json.dumps(report, ensure_ascii=False))
    return verdict(report)


def verdict(report: dict[str, Any]) -> int:
    """Return the exit code, and say on standard error which written story failed and why."""
    failed = [letter for letter in report["letters"] if letter["failure"]]
    for letter in failed:
        print(f"jiesu demo: {letter['channel']}: {letter['failure']}", file=sys.stderr)
    return 1 if failed else 0


def _port(text: str) -> int:
    if not (text.isascii() and text.isdigit() and int(text) < 65536):
        raise argparse.ArgumentTypeError(f"{text} is no port")
    return int(text)


@contextmanager
def _folder(kept: Path | None) -> Iterator[Path]:
    """Give an empty folder: a temporary one, or *kept*."""
    if kept is None:
        with tempfile.TemporaryDirectory(prefix="jiesu-demo-", ignore_cleanup_errors=True) as folder:
            yield Path(folder)
        return
    try:
        kept.mkdir(parents=True, exist_ok=True)
        is_empty = not any(kept.iterdir())
    except OSError as error:
        raise OurMistake(f"--keep {kept}: {error.strerror}") from error
    if not is_empty:
        raise OurMistake(f"--keep {kept}: the folder is not empty")
    yield kept.resolve()
