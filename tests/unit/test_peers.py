"""Tests that need an independent program: skipped by name where it is absent, failed where it must be met."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

LONELY = """
import pytest

@pytest.mark.peer("sipp")
def test_a_call(): ...

@pytest.mark.peer("sipp", "baresip")
def test_a_longer_call(): ...
"""


def run_pytest(folder: Path, *, required: bool) -> subprocess.CompletedProcess[str]:
    """Run pytest with this project's conftest on a machine without any peer."""
    shutil.copy("tests/conftest.py", folder)
    (folder / "test_lonely.py").write_text(LONELY)
    (folder / "pytest.ini").write_text("[pytest]\nmarkers = peer(name): needs it\n")
    environment = {"PATH": str(folder), "PYTHONPATH": os.getcwd(), "JIESU_REQUIRE_PEERS": "1" if required else "0"}
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "--import-mode=importlib"]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=60)


@pytest.mark.parametrize(("required", "exit_code", "verb"), [(False, 0, "skipped"), (True, 1, "failed")])
def test_a_missing_peer_is_named_with_its_tests(tmp_path: Path, required: bool, exit_code: int, verb: str) -> None:
    done = run_pytest(tmp_path, required=required)

    assert done.returncode == exit_code
    assert f"peers missing, so tests were {verb}: sipp (2 tests), baresip (1 test)" in done.stdout
