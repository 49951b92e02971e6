"""The lock files hold what pyproject.toml names, at the same versions; `make lock` writes them."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest


def pins(text: str) -> set[str]:
    """Every ``name==version`` at the start of a line, names spelled as packaging normalises them."""
    found = re.findall(r"^([A-Za-z0-9._-]+)==([^\s;\\]+)", text, flags=re.MULTILINE)
    return {f"{re.sub(r'[-_.]+', '-', name).lower()}=={version}" for name, version in found}


@pytest.mark.parametrize(
    ("lock", "extras"), [("requirements.lock", ["demo"]), ("requirements-dev.lock", ["demo", "learn", "dev"])]
)
def test_a_lock_holds_every_dependency_that_is_named(lock: str, extras: list[str]) -> None:
    project = tomllib.loads(Path("pyproject.toml").read_text(encoding="utf-8"))["project"]
    named = [*project["dependencies"], *(name for extra in extras for name in project["optional-dependencies"][extra])]

    missing = pins("\n".join(named)) - pins(Path(lock).read_text(encoding="utf-8"))

    assert len(pins("\n".join(named))) == len(named)
    assert not missing, "make lock"


def test_the_tests_run_with_the_versions_that_serve() -> None:
    serving, testing = (pins(Path(name).read_text()) for name in ("requirements.lock", "requirements-dev.lock"))

    assert serving <= testing
