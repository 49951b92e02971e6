"""Official Vosk models: what there is, and fetching one into Vosk's cache, by Vosk's own download code."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from zipfile import BadZipFile

import msgspec
import requests
import vosk

from asr.models import is_model
from gateway.domain.errors import Refused, Unavailable

LIST_LIMIT = 10.0
"""Seconds to wait for the list of models."""

Progress = Callable[[int, int | None], None]
"""Called with the bytes done and in all (None: not told)."""


class OfficialModel(msgspec.Struct, frozen=True, rename={"language": "lang", "size": "size_text"}):
    """An entry of Vosk's own list; *size* in words, as published."""

    name: str
    language: str
    size: str = ""
    type: str = ""
    obsolete: str = "false"


def list_models(language: str = "cn") -> list[OfficialModel]:
    """Return the published models of a language that are not obsolete.

    Raises:
        Unavailable: the list could not be had, with the address and the reason.
    """
    try:
        response = requests.get(vosk.MODEL_LIST_URL, timeout=LIST_LIMIT)
        response.raise_for_status()
        models = msgspec.json.decode(response.content, type=list[OfficialModel])
    except (requests.RequestException, msgspec.DecodeError) as error:
        raise Unavailable(f"the list of models at {vosk.MODEL_LIST_URL} could not be read: {error}") from error
    return [model for model in models if model.language == language and model.obsolete == "false"]


def fetch(name: str, progress: Progress, folder: Path | None = None) -> Path:
    """Download model *name* into *folder* (Vosk's cache by default) and return where it lies; at once if it is there.

    Raises:
        Refused: no such model is published.
        Unavailable: the network or the archive failed; nothing is left behind.
    """
    folder = Path(vosk.MODEL_DIRS[-1]) if folder is None else folder
    if is_model(folder / name):
        return folder / name
    if name not in (model.name for model in list_models()):
        raise Refused(f"no Chinese model {name!r} is published at {vosk.MODEL_LIST_URL}")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory(dir=folder, prefix=".fetching-") as unfinished, _without_a_bar():
            _Download(progress).download_model(Path(unfinished, name))
            shutil.move(Path(unfinished, name), folder / name)
    except (OSError, BadZipFile) as error:
        raise Unavailable(f"{name} could not be fetched from {vosk.MODEL_PRE_URL}: {error}") from error
    return folder / name


@contextmanager
def _without_a_bar() -> Iterator[None]:
    """Keep Vosk's own progress bar off the terminal; progress is told to the caller instead."""
    bar = vosk.tqdm
    vosk.tqdm = partial(bar, disable=True)
    try:
        yield
    finally:
        vosk.tqdm = bar


class _Download(vosk.Model):  # type: ignore[misc]
    """Vosk's model class for its download alone: no native model is made or freed."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress

    def __del__(self) -> None:
        pass

    def download_progress_hook(self, bar: Any) -> Callable[[int, int, int], None]:
        """Return the hook of urllib's urlretrieve: (blocks, bytes per block, bytes in all or -1)."""
        return lambda blocks, size, total: self._progress(blocks * size, total if total > 0 else None)
