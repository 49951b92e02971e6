"""Writes docs/regulations.md: row by row of the five regulations, by which rule it is kept and which test shows it.

``python -m scripts.regulations_table`` writes it; ``--check`` says whether it is current (exit 1 if not).
"""

from __future__ import annotations

import argparse
import dataclasses
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from config import phrases
from config.profiles import FOLDER, ProfileFile, read_file
from config.toml_file import TomlFile
from gateway.domain.rules import KINDS, ClosingTime, Span

ROOT = Path(__file__).resolve().parent.parent
TABLE = ROOT / "docs" / "regulations.md"
NOTES = ROOT / "docs" / "regulations.toml"
STORIES = Path("tests/scenario/regulations")
PROFILES = ("chifeng-2022", "suzhou-2018", "zhuhai-2023", "neimenggu-2021", "pingli-2018")

HEAD = """\
# The regulations, row by row

Written by `python -m scripts.regulations_table` from `config/profiles/`, the stories under
`tests/scenario/regulations/` and `docs/regulations.toml`; a test holds it current. `jiesu profile show NAME` prints the
rules with the articles' words.

A row is *kept* when a rule of the profile says it and a test shows it (what of it only people can keep stands beside
it), *in part* where the note says what is missing, and *not yet* where software could keep it and jiesu does not. The
casebook (`routing/casebook/`) reads the rules; those whose key begins with `duty`, `merging` or `notice` are read by
services: reports, the exchange, the directory of units, the line.
"""


def main() -> int:
    """Write the table, or say whether it is current."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 if the table is not current")
    table = written()
    if parser.parse_args().check:
        return 0 if TABLE.read_text(encoding="utf-8") == table else 1
    TABLE.write_text(table, encoding="utf-8")
    return 0


def written() -> str:
    """Return the page as it should be."""
    notes = TomlFile(NOTES).convert(dict[str, dict[str, list[str] | str]])
    files = [read_file(FOLDER / f"{name}.toml") for name in PROFILES]
    sections = ["\n".join(_section(file, notes)) for file in files]
    rows = [row for file in files for row in file.citations]
    late = [row for row in rows if row in notes["not_yet"]]
    part = [row for row in rows if row in notes["partly"]]
    summary = f"{len(rows)} rows: {len(rows) - len(late) - len(part)} kept, {len(part)} in part, {len(late)} not yet.\n"
    return "\n".join([HEAD, summary, *sections, *_kinds()])


def _kinds() -> Iterator[str]:
    """Yield what a rule can be about, for whoever writes a profile."""
    yield "## Kinds of rule\n"
    yield "`*` stands for what `gateway/domain/rules/` lists there; a period's and a stage's last part, a category or"
    yield "an urgency, may be left out. Fields in brackets may be left out.\n"
    yield "| key | 中文 | value |"
    yield "| --- | --- | --- |"
    for kind in KINDS:
        yield f"| `{kind.name}{'.*' * len(kind.parts)}` | {phrases.about(kind.name)} | {_shape(kind.type)} |"
    yield ""


def _shape(kind: Any) -> str:
    if kind is ClosingTime:
        return "a closing time such as `17:30`; without the rule 24:00"
    if not dataclasses.is_dataclass(kind) or kind is Span:
        return {bool: "true", str: "a Chinese name", Span: "a span such as `5 working days`"}.get(kind, "a list")
    fields = dataclasses.fields(kind)
    return ", ".join(f"`{each.name}`" if each.default is dataclasses.MISSING else f"[`{each.name}`]" for each in fields)


def _section(file: ProfileFile, notes: dict[str, dict[str, list[str] | str]]) -> Iterator[str]:
    yield f"## {file.name}: {file.document}\n"
    yield "| row | article | state | rules | shown by |"
    yield "| --- | --- | --- | --- | --- |"
    for row, citation in file.citations.items():
        keys = [clause.ruling.key for clause in file.clauses if row in clause.ruling.rows]
        yield " | ".join(
            (
                f"| {row}",
                citation.article,
                _state(row, notes),
                ", ".join(f"`{key}`" for key in dict.fromkeys(keys)),
                f"{', '.join(_shown_by(file.id, row, notes)) or '-'} |",
            )
        )
    yield ""


def _state(row: str, notes: dict[str, dict[str, list[str] | str]]) -> str:
    for name, word in (("not_yet", "not yet"), ("partly", "in part")):
        if row in notes[name]:
            return f"{word}: {notes[name][row]}"
    return f"kept; {notes['people'][row]}" if row in notes["people"] else "kept"


def _shown_by(profile: str, row: str, notes: dict[str, dict[str, list[str] | str]]) -> Iterator[str]:
    path = STORIES / profile / f"{row}.jsonl"
    if (ROOT / path).is_file():
        count = sum(line.startswith('{"case"') for line in (ROOT / path).read_text(encoding="utf-8").splitlines())
        yield f"[{count} stories](../{path})" if count > 1 else f"[1 story](../{path})"
    for place in notes["elsewhere"].get(row, []):
        yield f"[{Path(place).name}](../{place})"


if __name__ == "__main__":
    sys.exit(main())
