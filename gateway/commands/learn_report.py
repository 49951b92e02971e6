"""What `jiesu learn` says of a model: figures, a line per label, what is taken for what, and the worst mistakes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
from rich.console import Console
from rich.table import Table

from config.models import Manifest
from routing.measuring import Judged, Measured
from routing.scores import Scores

TASK_WORDS = {"category": "诉求类别", "class": "诉求事项", "unit": "承办单位"}
MATRIX_UP_TO = 10
"""With more labels than this, only the pairs that are confused most are shown."""
_PAIRS = 15
_SHOWN_TEXT = 60
UNDECIDED = "（未定）"


def show(
    console: Console, manifest: Manifest, result: Measured, by_rules: float, strange: Sequence[str], worst: int
) -> None:
    """Print the report for people. *strange* labels are learnt, but never decided."""
    metrics = manifest.metrics
    console.rule(f"{TASK_WORDS[manifest.task]}  {manifest.version}")
    console.print(
        f"训练 {manifest.train} 件，留出 {manifest.held_out} 件；准确率 {metrics.accuracy:.1%}，"
        f"仅用规则 {by_rules:.1%}；宏平均F1 {metrics.macro_f1:.3f}",
        soft_wrap=True,
    )
    console.print(
        f"概率不低于 {metrics.threshold:.2f} 的占 {metrics.decided:.1%}，其中准确 {metrics.accuracy_decided:.1%}；"
        f"校准误差 {metrics.calibration_error:.3f}",
        soft_wrap=True,
    )
    if manifest.too_rare:
        console.print(f"样本太少而未学：{'、'.join(manifest.too_rare)}", soft_wrap=True, markup=False)
    if strange:
        console.print(f"本机没有设置，因而不会据以判定：{'、'.join(strange)}", soft_wrap=True, markup=False)
    console.print(table_of_labels(result.scores))
    if result.scores.confusions:
        console.print(table_of_confusions(result.scores))
    if result.worst[:worst]:
        console.print("错得最有把握的：")
        for each in result.worst[:worst]:
            evidence = f"（{'、'.join(each.guess.evidence)}）" if each.guess and each.guess.evidence else ""
            here = f"{each.label or UNDECIDED} {each.probability:.2f}{evidence}"
            say(console, each.example.line, each.example.label, here, each.example.text)


def table_of_labels(figures: Scores) -> Table:
    """Return precision, recall and F1 of every label."""
    table = Table("标签")
    for title in ("件数", "精确率", "召回率", "F1"):
        table.add_column(title, justify="right")
    for label, counts in figures.labels.items():
        table.add_row(label, str(counts.true), _percent(counts.precision), _percent(counts.recall), f"{counts.f1:.3f}")
    return table


def table_of_confusions(figures: Scores) -> Table:
    """Return the confusion table; with many labels the pairs that are confused most."""
    if len(figures.labels) > MATRIX_UP_TO:
        pairs = Table("人工判为", "此处判为", "件数")
        for truth, guess, count in figures.confusions[:_PAIRS]:
            pairs.add_row(truth, guess or UNDECIDED, str(count))
        return pairs
    counts = {(truth, guess): count for truth, guess, count in figures.confusions}
    counts |= {(label, label): each.right for label, each in figures.labels.items()}
    guesses = [*figures.labels]
    guesses += [""] if any(not guess for _, guess in counts) else []
    table = Table("人工 × 此处", *(guess or UNDECIDED for guess in guesses))
    for label, each in figures.labels.items():
        if each.true:
            table.add_row(label, *(str(counts.get((label, guess), "")) for guess in guesses))
    return table


def report_json(
    manifest: Manifest, result: Measured, by_rules: float, strange: Sequence[str], worst: int
) -> dict[str, Any]:
    """Return the report for programs."""
    return {
        **msgspec.to_builtins(manifest),
        "rules_accuracy": round(by_rules, 4),
        "never_decided": list(strange),
        **scores_json(result.scores),
        "worst": [_worst_json(each) for each in result.worst[:worst]],
    }


def scores_json(figures: Scores) -> dict[str, Any]:
    """Return figures as plain values: n, accuracy, macro_f1, classes, confusions."""
    return {
        "n": figures.n,
        "accuracy": round(figures.accuracy, 4),
        "macro_f1": round(figures.macro_f1, 4),
        "classes": {
            label: {
                "n": each.true,
                "guessed": each.guessed,
                "precision": _rounded(each.precision),
                "recall": _rounded(each.recall),
                "f1": round(each.f1, 4),
            }
            for label, each in figures.labels.items()
        },
        "confusions": [{"true": truth, "guessed": guess, "n": count} for truth, guess, count in figures.confusions],
    }


def say(console: Console, line: int, by_people: str, here: str, text: str) -> None:
    """Print one disagreement in two lines: what was decided by people and here, and the beginning of the text."""
    short = " ".join(text.split())
    short = short if len(short) <= _SHOWN_TEXT else short[: _SHOWN_TEXT - 1] + "…"
    console.print(f"第{line}行  人工 {by_people}，此处 {here}\n    {short}", soft_wrap=True, markup=False)


def _worst_json(each: Judged) -> dict[str, Any]:
    return {
        "line": each.example.line,
        "true": each.example.label,
        "guessed": each.label,
        "probability": round(each.probability, 4),
        "evidence": list(each.guess.evidence) if each.guess else [],
        "text": each.example.text,
    }


def _percent(share: float | None) -> str:
    return "" if share is None else f"{share:.1%}"


def _rounded(share: float | None) -> float | None:
    return None if share is None else round(share, 4)
