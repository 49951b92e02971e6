"""docs/sip.md and docs/interop.md name tests that exist."""

from __future__ import annotations

import re
from pathlib import Path

PAGES = "".join(Path(page).read_text(encoding="utf-8") for page in ("docs/sip.md", "docs/interop.md"))
CELLS = [line.rsplit("|", 2)[1] for line in PAGES.splitlines() if line.startswith("| ") and "---" not in line]


def named() -> list[tuple[str, str]]:
    """Every (file, test) of the pages; a name that begins with ``::`` is in the file before it."""
    found: list[tuple[str, str]] = []
    for cell in CELLS:
        file = ""
        for name in re.findall(r"`([^`]+)`", cell):
            before, _, test = name.partition("::")
            file = before or file
            found.append((file, test))
    return found


def test_every_test_on_the_pages_exists() -> None:
    assert len(named()) > 40
    for file, test in named():
        path = Path("tests") / file
        assert path.is_file(), file
        assert not test or f"def {test}(" in path.read_text(encoding="utf-8"), f"{file}::{test}"
