"""A Dockerfile read as data: stages of instructions, as much of the language as this project's Dockerfile uses.

What it does not know it refuses, so that a proof built on it cannot silently skip a line. The rules for the build
context (.dockerignore) are here too: one pattern a line, the last match wins, ``!`` lets back in.
"""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

KNOWN = {
    "FROM", "RUN", "COPY", "ENV", "WORKDIR", "USER", "VOLUME", "EXPOSE", "HEALTHCHECK", "ENTRYPOINT", "CMD",
}  # fmt: skip


class BadDockerfile(Exception):
    """An instruction that this reader does not know."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Instruction:
    """One instruction: its line, its word, its ``--flags`` and what follows them."""

    line: int
    word: str
    flags: dict[str, str]
    rest: str

    def __str__(self) -> str:
        return f"{self.word} {self.rest}"

    def words(self) -> list[str]:
        """Return what follows as words: a JSON array's, or a shell's."""
        if self.rest.startswith("["):
            return [str(word) for word in json.loads(self.rest)]
        return shlex.split(self.rest)


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """What one FROM begins."""

    base: str
    name: str
    steps: list[Instruction] = field(default_factory=list)

    def last(self, word: str) -> Instruction:
        """Return the instruction *word* that counts. Raises `BadDockerfile` when there is none."""
        for step in reversed(self.steps):
            if step.word == word:
                return step
        raise BadDockerfile(f"stage {self.name} has no {word}")


def read(text: str) -> list[Stage]:
    """Return the stages of a Dockerfile. Raises `BadDockerfile`."""
    stages: list[Stage] = []
    for step in _instructions(text):
        if step.word not in KNOWN:
            raise BadDockerfile(f"line {step.line}: {step.word} is not known here")
        if step.word == "FROM":
            base, *name = re.split(r"\s+as\s+", step.rest, flags=re.IGNORECASE)
            stages.append(Stage(base=base, name=name[0] if name else str(len(stages))))
        elif stages:
            stages[-1].steps.append(step)
        else:
            raise BadDockerfile(f"line {step.line}: {step.word} before FROM")
    return stages


def _instructions(text: str) -> Iterator[Instruction]:
    whole, start = "", 0
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        start = start if whole else number
        if line.rstrip().endswith("\\"):
            whole += line.rstrip()[:-1] + " "
            continue
        word, _, rest = (whole + line).strip().partition(" ")
        whole, flags, rest = "", {}, rest.strip()
        while flag := re.match(r"--([a-z-]+)=(\S+)\s+", rest):
            flags[flag[1]] = flag[2]
            rest = rest[flag.end() :]
        yield Instruction(line=start, word=word.upper(), flags=flags, rest=rest)
    if whole:
        raise BadDockerfile(f"line {start}: ends with a backslash")


class Context:
    """The folder that COPY takes from, without what .dockerignore leaves out."""

    def __init__(self, root: Path) -> None:
        """Read *root*'s .dockerignore."""
        self.root = root
        lines = (root / ".dockerignore").read_text(encoding="utf-8").splitlines()
        rules = [line.strip() for line in lines if line.strip() and not line.startswith("#")]
        self._rules = [(rule.startswith("!"), _matcher(rule.removeprefix("!").strip("/"))) for rule in rules]

    def files(self, source: str) -> list[Path]:
        """Return the files at or below *source*, relative to the root. Raises `BadDockerfile` when there are none."""
        top = self.root / source
        found = [top] if top.is_file() else [path for path in top.rglob("*") if path.is_file()]
        kept = sorted(path.relative_to(self.root) for path in found if self._is_kept(path.relative_to(self.root)))
        if not kept:
            raise BadDockerfile(f"COPY {source}: nothing there, or .dockerignore leaves it out")
        return kept

    def _is_kept(self, path: Path) -> bool:
        kept = True
        places = [path, *path.parents][:-1]
        for lets_in, pattern in self._rules:
            if any(pattern.fullmatch(place.as_posix()) for place in places):
                kept = lets_in
        return kept


def _matcher(rule: str) -> re.Pattern[str]:
    text = re.escape(rule).replace(r"\*\*/", "(?:.*/)?").replace(r"\*\*", ".*").replace(r"\*", "[^/]*")
    return re.compile(text.replace(r"\?", "[^/]"))
