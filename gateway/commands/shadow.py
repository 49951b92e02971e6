"""`jiesu shadow`: historic tickets through today's understanding, beside what people decided; nothing is kept."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rich.console import Console

from config.decided_tickets import Decided, History, read_decided
from config.models import RULES, room_of
from config.settings import Settings
from gateway.commands.common import add_config, settings_of
from gateway.commands.learn_report import (
    TASK_WORDS,
    UNDECIDED,
    say,
    scores_json,
    table_of_confusions,
    table_of_labels,
)
from gateway.commands.pipeline import (
    Understand,
    add_columns,
    add_profile,
    columns_of,
    existing,
    ids,
    understand_with,
)
from gateway.domain.decision import Decision
from routing.scores import scores


@dataclass(frozen=True, slots=True, kw_only=True)
class Beside:
    """One ticket and one task: what people decided, and what is decided today."""

    ticket: Decided
    by_people: str
    today: Decision


def add_to(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("history", type=existing, metavar="FILE.csv", help="decided tickets, one a line")
    parser.add_argument("--model", metavar="VERSION", help=f"instead of the models in use; `{RULES}` for none")
    parser.add_argument("--examples", type=int, default=10, metavar="N", help="disagreements shown (default: 10)")
    parser.add_argument("--json", action="store_true", help="one JSON object a task")
    add_profile(parser)
    add_columns(parser)
    add_config(parser)
    parser.set_defaults(main=main)


def main(arguments: argparse.Namespace) -> int:
    """Print, for every task that the file has a column for, how far people and the gateway agree."""
    settings = settings_of(arguments)
    history = read_decided(arguments.history, ids(settings), columns_of(arguments))
    understand = understand_with(settings, model=arguments.model, profile=arguments.profile)
    console = Console()
    if trained := _trained_on(settings, history, arguments.model):
        print(f"jiesu: {', '.join(trained)} learnt from this very file, so agreement proves nothing", file=sys.stderr)
    for task, pairs in _side_by_side(history.tickets, history.tasks, understand).items():
        if arguments.json:
            print(json.dumps(_json(task, pairs, arguments.examples), ensure_ascii=False))
        else:
            _show(console, task, pairs, arguments.examples)
    return 0


def _trained_on(settings: Settings, history: History, model: str | None) -> list[str]:
    """Return the tasks whose model was made from this very file."""
    room = room_of(settings)
    chosen = {task: model or room.in_use(task) for task in history.tasks}
    return [
        task
        for task, version in chosen.items()
        if version in room.versions(task) and room.manifest(task, version).source_sha256 == history.sha256
    ]


def _side_by_side(
    tickets: Sequence[Decided], tasks: Sequence[str], understand: Understand
) -> Mapping[str, Sequence[Beside]]:
    pairs: dict[str, list[Beside]] = {task: [] for task in tasks}
    for ticket in tickets:
        understood = understand(ticket.text)
        today = {"category": understood.category, "class": understood.matter, "unit": understood.unit}
        for task in tasks:
            if by_people := ticket.labels[task]:
                pairs[task].append(Beside(ticket=ticket, by_people=by_people, today=today[task]))
    return {task: found for task, found in pairs.items() if found}


def _show(console: Console, task: str, pairs: Sequence[Beside], examples: int) -> None:
    figures = scores([(each.by_people, each.today.outcome) for each in pairs])
    decided = [each for each in pairs if each.today.outcome]
    agreed = sum(each.by_people == each.today.outcome for each in decided)
    console.rule(TASK_WORDS[task])
    console.print(
        f"{figures.n} 件；与人工一致 {figures.accuracy:.1%}；作出判断 {len(decided)} 件"
        + (f"，其中一致 {agreed / len(decided):.1%}" if decided else ""),
        soft_wrap=True,
    )
    console.print(table_of_labels(figures))
    if figures.confusions:
        console.print(table_of_confusions(figures))
    if apart := _apart(pairs)[:examples]:
        console.print("不一致的：")
        for each in apart:
            reasons = "；".join(f"{reason.rule} {reason.evidence}" for reason in each.today.reasons)
            here = f"{each.today.outcome or UNDECIDED}（{reasons}）" if reasons else UNDECIDED
            say(console, each.ticket.line, each.by_people, here, each.ticket.text)


def _json(task: str, pairs: Sequence[Beside], examples: int) -> dict[str, Any]:
    return {
        "task": task,
        **scores_json(scores([(each.by_people, each.today.outcome) for each in pairs])),
        "decided": sum(bool(each.today.outcome) for each in pairs),
        "disagreements": [
            {
                "line": each.ticket.line,
                "true": each.by_people,
                "guessed": each.today.outcome,
                "reasons": [{"rule": reason.rule, "evidence": reason.evidence} for reason in each.today.reasons],
                "text": each.ticket.text,
            }
            for each in _apart(pairs)[:examples]
        ],
    }


def _apart(pairs: Sequence[Beside]) -> list[Beside]:
    """Return the disagreements: first where something else was decided, then where nothing was."""
    return sorted(
        (each for each in pairs if each.by_people != each.today.outcome), key=lambda each: not each.today.outcome
    )
