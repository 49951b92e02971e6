"""Vosk's own download against a small model server on this machine."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from zipfile import ZipFile

import pytest
import vosk

from asr.download import fetch, list_models
from asr.models import DEMO_MODEL, choose
from gateway.domain.errors import Refused, Unavailable

NAME = "vosk-model-small-cn-0.22"
ENTRY = {"name": NAME, "lang": "cn", "size_text": "42M", "type": "small", "obsolete": "false", "md5": "unused"}


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


@pytest.fixture
def published(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder served where Vosk looks for its models."""
    folder = tmp_path / "published"
    folder.mkdir()
    entries = [ENTRY, {**ENTRY, "name": "vosk-model-cn-0.1", "obsolete": "true"}, {**ENTRY, "name": "x", "lang": "ru"}]
    (folder / "model-list.json").write_text(json.dumps(entries))
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder))) as server:
        address = f"http://127.0.0.1:{server.server_port}/"
        monkeypatch.setenv("no_proxy", "127.0.0.1")
        monkeypatch.setattr(vosk, "MODEL_PRE_URL", address)
        monkeypatch.setattr(vosk, "MODEL_LIST_URL", address + "model-list.json")
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield folder
        server.shutdown()
        thread.join()


def test_the_list_has_the_chinese_models_that_are_not_obsolete(published: Path) -> None:
    assert [(model.name, model.size) for model in list_models()] == [(NAME, "42M")]


def test_a_fetched_model_is_the_one_that_listens_next(published: Path, tmp_path: Path) -> None:
    with ZipFile(published / f"{NAME}.zip", "w") as archive:
        for file in DEMO_MODEL.rglob("*"):
            archive.write(file, Path(NAME, file.relative_to(DEMO_MODEL)))
    told: list[tuple[int, int | None]] = []

    path = fetch(NAME, lambda done, of: told.append((done, of)), tmp_path / "cache")

    assert choose(None, [tmp_path / "cache"]).path == path
    assert told[-1][1] == (published / f"{NAME}.zip").stat().st_size
    assert list((tmp_path / "cache").iterdir()) == [path]


def test_a_broken_archive_leaves_nothing_behind(published: Path, tmp_path: Path) -> None:
    (published / f"{NAME}.zip").write_bytes(b"not a zip")

    with pytest.raises(Unavailable, match=NAME):
        fetch(NAME, lambda done, of: None, tmp_path / "cache")

    assert list((tmp_path / "cache").iterdir()) == []


def test_a_name_that_nobody_publishes_is_refused(published: Path, tmp_path: Path) -> None:
    with pytest.raises(Refused, match="vosk-model-cn-9"):
        fetch("vosk-model-cn-9", lambda done, of: None, tmp_path)


def test_a_network_that_refuses_is_named(published: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vosk, "MODEL_LIST_URL", vosk.MODEL_LIST_URL + ".absent")

    with pytest.raises(Unavailable, match=r"model-list\.json\.absent"):
        list_models()
