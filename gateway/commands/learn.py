"""`jiesu learn`: models from a city's decided tickets: train and measure, list, use, roll back; collect corrections."""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from importlib.metadata import version as library_version
from pathlib import Path
from zoneinfo import ZoneInfo

from rich.console import Console

from config.decided_tickets import Decided, History, Ids, read_decided, to_csv
from config.models import RULES, TASKS, Manifest, Metrics, ModelRoom, room_of
from config.settings import Settings
from gateway.city_parts import SystemClock
from gateway.commands.common import add_config, database_of, settings_of
from gateway.commands.learn_report import report_json, show
from gateway.commands.pipeline import (
    Understand,
    add_columns,
    add_profile,
    columns_of,
    decided,
    existing,
    ids,
    understand_with,
)
from gateway.domain.errors import OurMistake
from gateway.domain.ticket import Ticket, TicketId
from gateway.storage.store import SqlStore
from routing.measuring import Measured, measured
from routing.scores import scores
from routing.training import Example, Halves, LearningError, halves_of, split, train

COMPARED = 2000
"""So many held-out tickets are shown to the rules, too, for comparison."""
_FIELDS = {"category": "category", "class": "matter", "unit": "unit"}
"""Which field of a ticket each task is about."""
_PAGE = 500


def add_to(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("history", nargs="?", type=existing, metavar="FILE.csv", help="decided tickets, one a line")
    parser.add_argument(
        "--held-out", type=existing, metavar="OTHER.csv", help="measure on these instead of a fifth of FILE.csv"
    )
    parser.add_argument("--task", choices=TASKS, action="append", help="only this one; may be repeated (default: all)")
    parser.add_argument("--worst", type=int, default=10, metavar="N", help="how many mistakes are shown (default: 10)")
    parser.add_argument("--json", action="store_true", help="one JSON object a task")
    actions = parser.add_mutually_exclusive_group()
    actions.add_argument("--list", action="store_true", help="the versions there are, and which are in use")
    actions.add_argument("--use", metavar="VERSION", help=f"put a version in use, or `{RULES}` for none")
    actions.add_argument("--rollback", action="store_true", help="put in use again what was before")
    actions.add_argument(
        "--from-store", type=Path, metavar="OUT.csv", help="write what agents corrected as new examples"
    )
    add_profile(parser)
    add_columns(parser)
    add_config(parser)
    parser.set_defaults(main=main)


def main(arguments: argparse.Namespace) -> int:
    """Do what was asked for."""
    settings = settings_of(arguments)
    room, tasks = room_of(settings), tuple(arguments.task or TASKS)
    is_training = not (arguments.list or arguments.use or arguments.rollback or arguments.from_store)
    if is_training != (arguments.history is not None):
        raise OurMistake("learn: expected FILE.csv, or one of --list, --use, --rollback, --from-store")
    if arguments.list:
        return _list(room, tasks)
    if arguments.use:
        return _use(room, tasks, arguments.use)
    if arguments.rollback:
        return _roll_back(room, tasks)
    if arguments.from_store:
        return _collect(settings, arguments.from_store)
    return _learn(settings, room, tasks, arguments)


def _learn(settings: Settings, room: ModelRoom, tasks: Sequence[str], arguments: argparse.Namespace) -> int:
    known, columns = ids(settings), columns_of(arguments)
    history = read_decided(arguments.history, known, columns)
    other = read_decided(arguments.held_out, known, columns) if arguments.held_out else None
    rules = understand_with(settings, model=RULES, profile=arguments.profile)
    today = datetime.now(ZoneInfo(settings.node.timezone)).date()
    version = room.next_version(today)
    console, learnt = Console(), []
    for task in (task for task in tasks if task in history.tasks):
        try:
            halves = _halves(task, history, other)
            model = train(halves.train, version=version)
        except LearningError as error:
            print(f"jiesu: {task}: {error}", file=sys.stderr)
            continue
        result = measured(model, halves.held_out, threshold=settings.understanding.threshold)
        manifest = Manifest(
            task=task,
            version=version,
            trained_on=today,
            source=history.path.name,
            source_sha256=history.sha256,
            train=len(halves.train),
            held_out=len(halves.held_out),
            labels={label: sum(each.label == label for each in halves.train) for label in model.labels},
            too_rare=halves.too_rare,
            temperature=model.temperature,
            metrics=_metrics(result, settings.understanding.threshold),
            libraries={name: library_version(name) for name in ("scikit-learn", "numpy")},
        )
        room.save(model, manifest)
        learnt.append(task)
        by_rules = _by_rules(task, rules, halves.held_out)
        strange = _strange(task, model.labels, known)
        if arguments.json:
            print(json.dumps(report_json(manifest, result, by_rules, strange, arguments.worst), ensure_ascii=False))
        else:
            show(console, manifest, result, by_rules, strange, arguments.worst)
    if not learnt:
        raise LearningError(f"{history.path}: nothing was learnt")
    if not arguments.json:
        console.print(f"{'、'.join(learnt)}：{version}。投入使用：jiesu learn --use {version}", soft_wrap=True)
    return 0


def _halves(task: str, history: History, other: History | None) -> Halves:
    examples = [ticket.example(task) for ticket in history.tickets]
    return split(examples) if other is None else halves_of(examples, [each.example(task) for each in other.tickets])


def _metrics(result: Measured, threshold: float) -> Metrics:
    return Metrics(
        accuracy=round(result.scores.accuracy, 4),
        macro_f1=round(result.scores.macro_f1, 4),
        threshold=threshold,
        decided=round(result.decided, 4),
        accuracy_decided=round(result.accuracy_decided, 4),
        calibration_error=round(result.calibration_error, 4),
    )


def _by_rules(task: str, rules: Understand, held_out: Sequence[Example]) -> float:
    """Return how often the rules alone decide as people did."""
    shown = held_out[:: max(1, -(-len(held_out) // COMPARED))]
    return scores([(each.label, decided(rules(each.text))[task]) for each in shown]).accuracy


def _strange(task: str, labels: Sequence[str], known: Ids) -> list[str]:
    """Return the labels that nothing here goes by: no category of any regulation, no unit of ours."""
    ours = set(known.by_task[task].values())
    return [] if task == "class" else [label for label in labels if label not in ours]


def _list(room: ModelRoom, tasks: Sequence[str]) -> int:
    for task in tasks:
        in_use = room.in_use(task)
        print(f"{task}: {in_use}")
        for version in room.versions(task):
            each = room.manifest(task, version)
            print(
                f"  {'*' if version == in_use else ' '} {version:<12} {each.trained_on}  {len(each.labels)} labels, "
                f"{each.train} learnt, {each.held_out} held out: accuracy {each.metrics.accuracy:.3f}, "
                f"macro F1 {each.metrics.macro_f1:.3f}  {each.source}"
            )
    return 0


def _use(room: ModelRoom, tasks: Sequence[str], version: str) -> int:
    meant = [task for task in tasks if version == RULES or version in room.versions(task)]
    if not meant:
        raise OurMistake(f"{room.folder}: no task has a version {version}; see `jiesu learn --list`")
    for task in meant:
        room.use(task, version)
        print(f"{task}: {version} from the next start of the gateway on")
    return 0


def _roll_back(room: ModelRoom, tasks: Sequence[str]) -> int:
    meant = [task for task in tasks if room.in_use(task) != RULES] or tasks[:1]
    for task in meant:
        print(f"{task}: {room.roll_back(task)} from the next start of the gateway on")
    return 0


def _collect(settings: Settings, path: Path) -> int:
    async def collected() -> list[Decided]:
        async with SqlStore(database_of(settings), clock=SystemClock()) as store:
            return [example async for ticket in _tickets(store) if (example := _corrected(ticket)) is not None]

    examples = asyncio.run(collected())
    try:
        path.write_text(to_csv(examples), encoding="utf-8-sig", newline="")
    except OSError as error:
        raise OurMistake(f"{path}: cannot be written: {error.strerror}") from error
    print(f"{len(examples)} corrected tickets: {path}")
    return 0


async def _tickets(store: SqlStore) -> AsyncIterator[Ticket]:
    """Yield every ticket once, the newest first."""
    seen: set[TicketId] = set()
    before: datetime | None = None
    while fresh := [ticket for ticket in await store.tickets(limit=_PAGE, before=before) if ticket.id not in seen]:
        for ticket in fresh:
            yield ticket
        seen = {ticket.id for ticket in fresh}
        before = fresh[-1].received_at + datetime.resolution


def _corrected(ticket: Ticket) -> Decided | None:
    """Return what agents wrote by hand of *ticket*, None if nothing that can be learnt."""
    labels = {task: str(getattr(ticket, name)) for task, name in _FIELDS.items() if name in ticket.edited}
    if not ticket.summary or not any(labels.values()):
        return None
    return Decided(line=0, text=ticket.summary, labels=labels)
