"""`jiesu evaluate`: how well the gateway understands a file of texts whose truth is known.

`docs/understanding.md` says what each figure means. Exit 2 when the file or the command line cannot be used.
"""

from __future__ import annotations

import argparse
import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, replace
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from typing import Any

from rich.console import Console
from rich.table import Table

from config import lexicons, models, profiles
from config.truths import TRUTHS, Example, read_truths
from gateway import line_parts
from gateway.commands.common import add_config, settings_of
from gateway.domain.call import Role
from gateway.domain.emergency import EmergencyHit
from gateway.domain.errors import OurMistake
from routing.conversation import Conversation, Turn
from routing.decide import Understander, Understanding
from routing.emergency import Detector
from routing.lexicon import Lexicons
from routing.measures import Counts, macro_f1, per_class
from routing.noise import misheard

NOTHING = "-"
"""Stands for a class where nothing was decided."""
_LEXICONS = Path(lexicons.__file__).parent / "lexicons"
_MARKS = re.compile(r"[\W_]+")

Figures = dict[str, Any]


def add_to(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("task", choices=tuple(TRUTHS), help="what is to be understood")
    parser.add_argument(
        "file", type=Path, metavar="FILE", help="a JSON object a line: text, and the truth (see docs/understanding.md)"
    )
    parser.add_argument(
        "--model",
        default=models.RULES,
        metavar="M",
        help=f"what understands: `{models.RULES}` (default), or a version of `jiesu learn` before them",
    )
    parser.add_argument("--json", action="store_true", help="the figures as one JSON object instead of tables")
    parser.add_argument(
        "--asr-noise", type=_share, default=0.0, metavar="RATE", help="first misrecognise this share of characters"
    )
    parser.add_argument("--seed", type=int, default=1, help="makes the errors of --asr-noise (default: 1)")
    parser.add_argument("--profile", help="the city whose categories count (default: the configuration's)")
    add_config(parser)
    parser.set_defaults(main=main)


def main(arguments: argparse.Namespace) -> int:
    """Print the figures."""
    if arguments.model != models.RULES and arguments.task not in models.TASKS:
        raise OurMistake(f"--model {arguments.model}: {arguments.task} is understood by {models.RULES} only")
    words = lexicons.load(_LEXICONS)
    if arguments.task == "emergency":
        examples = _heard(arguments, read_truths(arguments.file, arguments.task), words)
        figures = emergency_figures(examples, Detector(words.emergency).look)
    else:
        figures = _understanding(arguments, words)
    figures = {"task": arguments.task, "model": arguments.model, "asr_noise": arguments.asr_noise, **figures}
    if arguments.json:
        print(json.dumps(figures, ensure_ascii=False))
    else:
        _show(figures)
    return 0


def _share(text: str) -> float:
    try:
        rate = float(text)
    except ValueError:
        rate = -1.0
    if not 0 <= rate <= 1:
        raise argparse.ArgumentTypeError(f"{text}: expected a share from 0 to 1")
    return rate


def _heard(arguments: argparse.Namespace, examples: Sequence[Example], words: Lexicons) -> list[Example]:
    """Return *examples* as a recogniser writes them that errs as often as the command line says."""
    random = Random(arguments.seed)
    sounds = words.emergency.sounds
    return [replace(each, text=misheard(each.text, arguments.asr_noise, sounds, random)) for each in examples]


def _understanding(arguments: argparse.Namespace, words: Lexicons) -> Figures:
    settings = settings_of(arguments)
    profile = profiles.load(profiles.find(arguments.profile or settings.node.profile), datetime.now(UTC))
    units = tuple(line_parts.units(settings).values())
    learned = models.learned(settings, arguments.model)
    understand = Understander(words, units, profile, learned=learned)
    names: dict[str, Mapping[str, str]] = {
        "category": _names((each.id, each.name) for each in words.categories),
        "class": _names((each.id, each.name) for each in words.matters),
        "unit": _names((each.id, each.name) for each in units),
    }
    outcomes: dict[str, Callable[[Understanding], str]] = {
        "category": lambda understood: understood.category.outcome,
        "class": lambda understood: understood.matter.outcome,
        "unit": lambda understood: understood.unit.outcome,
    }
    task = arguments.task
    if task in models.TASKS and (model := learned.models.get(models.TASKS[task])) is not None:
        names[task] = {**{label: label for label in model.labels}, **names[task]}
    examples = _heard(arguments, read_truths(arguments.file, task, names.get(task)), words)
    said = [Conversation(turns=(Turn(role=Role.CITIZEN, text=each.text),)) for each in examples]
    if task == "elements":
        return element_figures(examples, [asdict(understand(each).elements) for each in said])
    return label_figures(examples, [outcomes[task](understand(each)) or NOTHING for each in said])


def _names(pairs: Any) -> Mapping[str, str]:
    return {key: identity for identity, name in pairs for key in (name, identity)}


def emergency_figures(examples: Sequence[Example], look: Callable[[str], Sequence[EmergencyHit]]) -> Figures:
    """Return how well *look* tells emergencies and their lines; an emergency is found when all its lines are."""
    hits = [look(each.text) for each in examples]
    pairs = [
        (each.lines, frozenset(str(hit.line) for hit in found)) for each, found in zip(examples, hits, strict=True)
    ]
    lines = per_class(pairs)
    urgent = sum(bool(true) for true, _ in pairs)
    found = sum(bool(true) and true <= guessed for true, guessed in pairs)
    alarmed = sum(bool(true) and bool(guessed) for true, guessed in pairs)
    false = sum(not true and bool(guessed) for true, guessed in pairs)
    right = found + sum(not true and not guessed for true, guessed in pairs)
    told = list(zip(examples, pairs, hits, strict=True))
    return {
        "n": len(pairs),
        "emergencies": urgent,
        "ordinary": len(pairs) - urgent,
        "accuracy": _share_of(right, len(pairs)),
        "macro_f1": round(macro_f1(lines.values()), 4),
        "recall": _share_of(found, urgent),
        "recall_any_line": _share_of(alarmed, urgent),
        "precision": _share_of(alarmed, alarmed + false),
        "false_alarms": false,
        "false_per_1000": None if urgent == len(pairs) else round(1000 * false / (len(pairs) - urgent), 1),
        "classes": _classes(lines),
        "misses": [_case(each, pair, found) for each, pair, found in told if pair[0] and not pair[0] <= pair[1]],
        "false_alarm_cases": [_case(each, pair, found) for each, pair, found in told if not pair[0] and pair[1]],
    }


def label_figures(examples: Sequence[Example], guesses: Sequence[str]) -> Figures:
    """Return how well *guesses* agree with the labels; `NOTHING` is a guess that is never right."""
    pairs = [(frozenset({each.label}), frozenset({guess})) for each, guess in zip(examples, guesses, strict=True)]
    classes = {name: counts for name, counts in per_class(pairs).items() if name != NOTHING}
    right = sum(true == guessed for true, guessed in pairs)
    undecided = sum(guess == NOTHING for guess in guesses)
    return {
        "n": len(pairs),
        "accuracy": _share_of(right, len(pairs)),
        "macro_f1": round(macro_f1(classes.values()), 4),
        "undecided": undecided,
        "precision": _share_of(right, len(pairs) - undecided),
        "classes": _classes(classes),
        "misses": [
            {"line": each.number, "text": each.text, "true": each.label, "guessed": guess}
            for each, guess in zip(examples, guesses, strict=True)
            if guess != each.label
        ],
    }


def element_figures(examples: Sequence[Example], found: Sequence[Mapping[str, str]]) -> Figures:
    """Return how well *found* agrees with the elements that the truth names, punctuation aside.

    A value is right if it is the true one or contains it; ``exact`` counts the former alone. An element that the truth
    leaves out or empty is to stay empty.
    """
    counts: dict[str, list[int]] = {}
    misses: list[Figures] = []
    exact = total = agreed = 0
    for each, values in zip(examples, found, strict=True):
        truth = each.elements or {}
        for name, value in values.items():
            if name not in truth:
                continue
            true, guessed = _MARKS.sub("", truth[name]), _MARKS.sub("", value)
            is_right = bool(true) and true in guessed
            tally = counts.setdefault(name, [0, 0, 0])
            tally[0] += bool(true)
            tally[1] += bool(guessed)
            tally[2] += is_right
            total += 1
            exact += true == guessed
            agreed += is_right or true == guessed
            if not is_right and true != guessed:
                misses.append(
                    {"line": each.number, "text": each.text, "element": name, "true": truth[name], "guessed": value}
                )
    classes = {name: Counts(true=t, guessed=g, right=r) for name, (t, g, r) in sorted(counts.items())}
    return {
        "n": len(examples),
        "values": total,
        "accuracy": _share_of(agreed, total),
        "exact": _share_of(exact, total),
        "macro_f1": round(macro_f1(classes.values()), 4),
        "classes": _classes(classes),
        "misses": misses,
    }


def _classes(classes: Mapping[str, Counts]) -> Figures:
    return {
        name: {
            "n": counts.true,
            "guessed": counts.guessed,
            "precision": _rounded(counts.precision),
            "recall": _rounded(counts.recall),
            "f1": round(counts.f1, 4),
        }
        for name, counts in classes.items()
    }


def _case(each: Example, pair: tuple[frozenset[str], frozenset[str]], hits: Sequence[EmergencyHit]) -> Figures:
    evidence = [
        {"line": str(hit.line), "rule": hit.rule, "phrase": hit.phrase, "meant": hit.meant, "weight": hit.weight}
        for hit in hits
    ]
    return {
        "line": each.number,
        "text": each.text,
        "true": sorted(pair[0]),
        "guessed": sorted(pair[1]),
        "evidence": evidence,
    }


def _share_of(part: int, whole: int) -> float | None:
    return round(part / whole, 4) if whole else None


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 4)


def _show(figures: Figures) -> None:
    console = Console()
    for name, value in figures.items():
        if not isinstance(value, list | dict):
            console.print(f"{name:16} {value}", highlight=False)
    table = Table("class")
    for title in ("n", "guessed", "precision", "recall", "f1"):
        table.add_column(title, justify="right")
    for name, row in figures["classes"].items():
        table.add_row(name, *(NOTHING if value is None else str(value) for value in row.values()))
    console.print(table)
    for title, key in (("missed", "misses"), ("false alarm", "false_alarm_cases")):
        for case in figures.get(key, ()):
            print(f"{title}: line {case['line']}: {_told(case)}")


def _told(case: Figures) -> str:
    evidence = "; ".join(
        f"{hit['line']} {hit['rule']} {hit['phrase']}"
        + (f" (sounds like {hit['meant']}, weight {hit['weight']})" if hit["meant"] else "")
        for hit in case.get("evidence", ())
    )
    element = f"{case['element']}: " if "element" in case else ""
    true, guessed = (
        "+".join(value) or NOTHING if isinstance(value, list) else value for value in (case["true"], case["guessed"])
    )
    return f"{case['text']} [{element}true {true}, guessed {guessed}]" + (f" {evidence}" if evidence else "")
