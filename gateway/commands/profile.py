"""`jiesu profile`: read a city's rules back in plain Chinese, compare two cities or two dates, find mistakes.

A profile is named as NAME, NAME@DAY or a .toml file; without a day the rules of today are meant.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from datetime import date, datetime
from pathlib import Path
from typing import Any

from config import phrases
from config.profiles import FOLDER, ProfileError, find, read_file
from gateway.domain.profile import Profile, Ruling


def add_to(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    actions = parser.add_subparsers(title="actions", metavar="ACTION", required=True)
    show = actions.add_parser("show", help="what a regulation says, rule by rule, with its articles")
    show.add_argument("profile", metavar="NAME[@DAY]")
    show.set_defaults(main=_show)
    diff = actions.add_parser("diff", help="where two cities, or two days of one city, differ")
    diff.add_argument("left", metavar="NAME[@DAY]")
    diff.add_argument("right", metavar="NAME[@DAY]")
    diff.set_defaults(main=_diff)
    lint = actions.add_parser("lint", help="check profiles; all that are shipped unless some are named")
    lint.add_argument("profiles", metavar="NAME", nargs="*")
    lint.set_defaults(main=_lint)


def _show(arguments: argparse.Namespace) -> int:
    profile = _profile(arguments.profile)
    print(f"{profile.name}　{profile.document}")
    for ruling in profile.rules.values():
        print(f"\n{phrases.ruling_words(ruling)}\n  {ruling.key}　依据 {_basis(ruling)}")
    return 0


def _diff(arguments: argparse.Namespace) -> int:
    left, right = _profile(arguments.left), _profile(arguments.right)
    names = (left.name, right.name) if left.name != right.name else (arguments.left, arguments.right)
    differences = list(_differences(names, left, right))
    for difference in differences:
        print(difference)
    if not differences:
        print("没有差别")
    return 0


def _differences(names: tuple[str, str], left: Profile, right: Profile) -> Iterator[str]:
    """Yield what differs, rule by rule, in the order of *left*."""
    for key in dict.fromkeys((*left.rules, *right.rules)):
        sides = (left.rules.get(key), right.rules.get(key))
        if _said(sides[0]) != _said(sides[1]):
            yield f"{phrases.about(key)}\n" + "\n".join(
                f"  {name}：{_said(side)}{f'（{_rows(side)}）' if side else ''}"
                for name, side in zip(names, sides, strict=True)
            )


def _said(ruling: Ruling[Any] | None) -> str:
    return "无规定" if ruling is None else phrases.value_words(ruling.value) or "有规定"


def _rows(ruling: Ruling[Any]) -> str:
    return "、".join(ruling.rows)


def _basis(ruling: Ruling[Any]) -> str:
    return "；".join(f"{each.obligation} {each.article}：“{each.words}”" for each in ruling.citations)


def _lint(arguments: argparse.Namespace) -> int:
    """Say of each profile whether it can be used; exit 1 if one cannot."""
    paths = [find(name) for name in arguments.profiles] or sorted(FOLDER.glob("*.toml"))
    failures = 0
    for path in paths:
        finding = _finding(path)
        failures += finding is not None
        print(finding or f"{path}：{len(read_file(path).clauses)}条规则，没有问题")
    return 1 if failures else 0


def _finding(path: Path) -> str | None:
    try:
        file = read_file(path)
    except ProfileError as error:
        return str(error)
    cited = {row for clause in file.clauses for row in clause.ruling.rows}
    if idle := [row for row in file.citations if row not in cited]:
        return f"{path}: citation: no rule cites {', '.join(idle)}"
    return None


def _profile(text: str) -> Profile:
    """Return the rules that NAME or NAME@DAY means. Raises `ProfileError`."""
    name, at, day = text.partition("@")
    file = read_file(find(name))
    try:
        return file.on(date.fromisoformat(day) if at else datetime.now(file.zone).date())
    except ValueError as error:
        raise ProfileError(f"{text}: {day!r} is not a day such as 2026-03-02") from error
