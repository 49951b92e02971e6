"""Nobody takes himself for a node that is running."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from gateway.domain.errors import Unavailable, UnusableSetting
from gateway.storage.node_claim import claimed

HOLDER = "import sys, pathlib; from gateway.storage.node_claim import claimed\n"
HOLDER += "with claimed(pathlib.Path(sys.argv[1]), 'one'): print('held', flush=True); sys.stdin.read()"


def test_a_folder_is_one_nodes_for_as_long_as_it_lives(tmp_path: Path) -> None:
    with claimed(tmp_path, "one"), pytest.raises(UnusableSetting, match="another gateway works in this folder"):
        claimed(tmp_path, "two").__enter__()
    with claimed(tmp_path, "one"):
        pass


def test_a_node_that_was_killed_has_left_its_folder(tmp_path: Path) -> None:
    command = [sys.executable, "-c", HOLDER, str(tmp_path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == b"held\n"
        with pytest.raises(UnusableSetting):
            claimed(tmp_path, "one").__enter__()
        other.send_signal(signal.SIGKILL)
        other.wait()

        with claimed(tmp_path, "one"):
            pass


@pytest.mark.peer("postgresql")
def test_a_name_is_one_nodes_on_a_database_of_several(tmp_path: Path, postgresql_url: str) -> None:
    folders = [tmp_path / name for name in ("a", "b")]
    for folder in folders:
        folder.mkdir()
    with claimed(folders[0], "one", postgresql_url):
        with claimed(folders[1], "two", postgresql_url):
            pass
        with pytest.raises(UnusableSetting, match="another gateway of this name"):
            claimed(folders[1], "one", postgresql_url).__enter__()
    with claimed(folders[1], "one", postgresql_url):
        pass


def test_a_database_that_is_away_is_not_taken_for_a_claim(tmp_path: Path) -> None:
    with pytest.raises(Unavailable):
        claimed(tmp_path, "one", "postgresql://nobody@127.0.0.1:9/none").__enter__()
