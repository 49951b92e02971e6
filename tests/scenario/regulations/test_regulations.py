"""Each row of the regulations as stories: what a city's hotline does when the rule is kept, and when it is broken.

``<profile>/<row>.jsonl`` holds the stories of one obligation: ``case`` begins one with its claim, lines of a scenario
follow, ``until`` lets the clock run on, ``expect`` is a fact that must come out, resting on the row unless
it is ``loose``, and ``never`` one that must not be.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from config import calendars
from config.profiles import find, read_file
from config.scenario import read_scenario
from gateway.commands.simulate import CALENDARS, printed, run

FOLDER = Path(__file__).parent


@dataclass
class Story:
    profile: str
    row: str
    claim: str
    lines: list[str] = field(default_factory=list)
    until: str | None = None
    expected: list[dict[str, Any]] = field(default_factory=list)
    unwanted: list[dict[str, Any]] = field(default_factory=list)


def stories() -> Iterator[Story]:
    for path in sorted(FOLDER.glob("*/*.jsonl")):
        story = None
        for text in path.read_text(encoding="utf-8").splitlines():
            line = json.loads(text)
            if "case" in line:
                if story is not None:
                    yield story
                story = Story(profile=path.parent.name, row=path.stem, claim=line["case"])
            assert story is not None, path
            if "at" in line:
                story.lines.append(text)
            story.until = line.get("until", story.until)
            story.expected += [line["expect"]] if "expect" in line else []
            story.unwanted += [line["never"]] if "never" in line else []
        assert story is not None, path
        yield story


@pytest.mark.parametrize("story", [pytest.param(each, id=f"{each.row}: {each.claim}") for each in stories()])
def test_the_regulation_runs(story: Story, tmp_path: Path) -> None:
    scenario = tmp_path / "scenario.jsonl"
    scenario.write_text("\n".join(story.lines), encoding="utf-8")
    file = read_file(find(story.profile))
    until = datetime.fromisoformat(story.until) if story.until else None

    facts = [printed(fact, file.zone) for fact in run(file, calendars.load(CALENDARS), read_scenario(scenario), until)]

    told = "\n".join(map(str, facts))
    for expected in story.expected:
        row = None if expected.pop("loose", False) else story.row
        assert any(_is_like(fact, expected) and row in (None, *fact["cite"]) for fact in facts), f"{expected}\n{told}"
    for unwanted in story.unwanted:
        assert not any(_is_like(fact, unwanted) for fact in facts), f"{unwanted}\n{told}"
    assert [fact["at"] for fact in facts] == sorted(fact["at"] for fact in facts)
    assert all(file.citation(row) is not None for fact in facts for row in fact["cite"])


def _is_like(fact: dict[str, Any], wanted: dict[str, Any]) -> bool:
    return all(key in fact and fact[key] == value for key, value in wanted.items())


def test_every_story_expects_something_of_its_row() -> None:
    silent = {story.row for story in stories()} - {
        story.row for story in stories() if any(not expected.get("loose") for expected in story.expected)
    }

    assert not silent
