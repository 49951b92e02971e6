"""Trained models (学习模型) in a folder, by task and version, and which of them are in use.

    class/20260302.1/manifest.json     where it comes from, its figures, and the SHA-256 of the two other files
                     vocabulary.json   the n-grams, in the order of the rows
                     weights.npz       arrays `weights`, `bias`, `rarity` (numpy, no pickle)
    class/in_use.json                  the versions put in use so far, the current one last

Nothing in these files can run code. Whatever is wrong with one is a single line.
"""

from __future__ import annotations

import hashlib
import io
import os
import re
import shutil
import zipfile
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import TypeVar

import msgspec
import numpy as np

from config.settings import Settings
from config.toml_file import SettingsError
from gateway.domain.decision import DecisionKind
from routing.learned import Learned, LinearModel, Vocabulary

TASKS: Mapping[str, DecisionKind] = {
    "category": DecisionKind.CATEGORY,
    "class": DecisionKind.MATTER,
    "unit": DecisionKind.UNIT,
}
"""What is learnt, and what it decides."""
RULES = "rules"
"""Stands where a version could: no model, only lexicons and tables."""
FORMAT = 1
_VERSION = re.compile(r"[0-9]{8}\.[0-9]{1,6}")
_MANIFEST, _VOCABULARY, _WEIGHTS, _IN_USE = "manifest.json", "vocabulary.json", "weights.npz", "in_use.json"

T = TypeVar("T")


class ModelError(SettingsError):
    """A model cannot be used; the text is one line that an operator can act on."""


class Metrics(msgspec.Struct, frozen=True, kw_only=True):
    """What the model did on the held-out half. ``decided`` is the share at or above ``threshold``."""

    accuracy: float
    macro_f1: float
    threshold: float
    decided: float
    accuracy_decided: float
    calibration_error: float


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """Where a model comes from. ``labels`` and ``too_rare`` count the examples of each label, learnt and left out."""

    format: int = FORMAT
    task: str
    version: str
    trained_on: date
    source: str
    source_sha256: str
    train: int
    held_out: int
    labels: dict[str, int]
    too_rare: dict[str, int]
    temperature: float
    metrics: Metrics
    libraries: dict[str, str]
    files: dict[str, str] = {}


class ModelRoom:
    """The folder in which the models lie."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def versions(self, task: str) -> list[str]:
        """Return the versions of *task*, the oldest first."""
        found = (path.parent.name for path in (self.folder / task).glob(f"*/{_MANIFEST}"))
        return sorted((name for name in found if _VERSION.fullmatch(name)), key=_order)

    def next_version(self, today: date) -> str:
        """Return a version that no task has yet: the day, and a number from 1."""
        day = f"{today:%Y%m%d}"
        taken = [_order(name)[1] for task in TASKS for name in self.versions(task) if name.startswith(f"{day}.")]
        return f"{day}.{max(taken, default=0) + 1}"

    def save(self, model: LinearModel, manifest: Manifest) -> None:
        """Keep *model*: all of it or nothing. Raises `ModelError`: that version is there, or cannot be written."""
        place = self.folder / manifest.task / manifest.version
        part = place.with_name(f".{place.name}.part")
        arrays = io.BytesIO()
        np.savez(arrays, weights=model.weights, bias=model.bias, rarity=model.vocabulary.rarity)
        files = {_VOCABULARY: msgspec.json.encode(model.vocabulary.grams), _WEIGHTS: arrays.getvalue()}
        sums = {name: hashlib.sha256(content).hexdigest() for name, content in files.items()}
        complete = msgspec.structs.replace(manifest, files=sums)
        files[_MANIFEST] = msgspec.json.format(msgspec.json.encode(complete), indent=2)
        try:
            shutil.rmtree(part, ignore_errors=True)
            part.mkdir(parents=True)
            for name, content in files.items():
                (part / name).write_bytes(content)
            part.rename(place)
        except OSError as error:
            raise ModelError(f"{place}: cannot be written: {error.strerror}") from error

    def manifest(self, task: str, version: str) -> Manifest:
        """Return what is known about a model. Raises `ModelError`."""
        path = self._place(task, version) / _MANIFEST
        manifest = _decoded(path, _content(path), Manifest)
        if (manifest.format, manifest.task, manifest.version) != (FORMAT, task, version):
            raise ModelError(f"{path}: expected format {FORMAT}, task {task}, version {version}")
        return manifest

    def load(self, task: str, version: str) -> LinearModel:
        """Return a model. Raises `ModelError`: it is not there, or not as it was written."""
        place, manifest = self._place(task, version), self.manifest(task, version)
        content: dict[str, bytes] = {}
        for name in (_VOCABULARY, _WEIGHTS):
            content[name] = _content(place / name)
            if hashlib.sha256(content[name]).hexdigest() != manifest.files.get(name):
                raise ModelError(f"{place / name}: is not as it was written (SHA-256 differs from {_MANIFEST})")
        grams = _decoded(place / _VOCABULARY, content[_VOCABULARY], tuple[str, ...])
        try:
            with np.load(io.BytesIO(content[_WEIGHTS]), allow_pickle=False) as arrays:
                weights, bias, rarity = (arrays[name].astype(np.float32) for name in ("weights", "bias", "rarity"))
        except (KeyError, ValueError, OSError, zipfile.BadZipFile) as error:
            raise ModelError(f"{place / _WEIGHTS}: cannot be read: {error}") from error
        labels = tuple(manifest.labels)
        shapes = ((len(grams), len(labels)), (len(labels),), (len(grams),))
        is_sound = (weights.shape, bias.shape, rarity.shape) == shapes and len(labels) > 1 and manifest.temperature > 0
        if not is_sound or not all(np.isfinite(array).all() for array in (weights, bias, rarity)):
            raise ModelError(f"{place}: the weights do not fit the vocabulary and the labels")
        return LinearModel(
            version=version,
            labels=labels,
            vocabulary=Vocabulary(grams, rarity),
            weights=weights,
            bias=bias,
            temperature=manifest.temperature,
        )

    def in_use(self, task: str) -> str:
        """Return the version that *task* uses, `RULES` if none. Raises `ModelError`."""
        return self._history(task)[-1]

    def use(self, task: str, version: str) -> None:
        """Put a version in use, `RULES` for none, after proving that it loads. Raises `ModelError`."""
        if version != RULES:
            self.load(task, version)
        history = self._history(task)
        if history[-1] != version:
            self._write_history(task, [*history, version])

    def roll_back(self, task: str) -> str:
        """Put in use what was before, and return it. Raises `ModelError`: there was nothing before."""
        history = self._history(task)[:-1]
        if not history:
            raise ModelError(f"{self.folder / task}: nothing was in use before, so nothing can be rolled back")
        self._write_history(task, history)
        return history[-1]

    def _history(self, task: str) -> list[str]:
        path = self.folder / task / _IN_USE
        history = _decoded(path, path.read_bytes(), list[str]) if path.exists() else []
        return history if history[:1] == [RULES] else [RULES, *history]

    def _write_history(self, task: str, history: list[str]) -> None:
        path = self.folder / task / _IN_USE
        part = path.with_suffix(".part")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            part.write_bytes(msgspec.json.encode(history))
            os.replace(part, path)
        except OSError as error:
            raise ModelError(f"{path}: cannot be written: {error.strerror}") from error

    def _place(self, task: str, version: str) -> Path:
        if version not in self.versions(task):
            known = ", ".join(self.versions(task)) or "none"
            raise ModelError(f"{self.folder / task}: there is no version {version}; there are: {known}")
        return self.folder / task / version


def room_of(settings: Settings) -> ModelRoom:
    """Return where the models of a node lie."""
    configured = settings.understanding.models
    return ModelRoom(Path(configured) if configured else Path(settings.node.data) / "models" / "understanding")


def learned(settings: Settings, version: str | None = None) -> Learned:
    """Return the models in use, or those of *version*, `RULES` for none. Raises `ModelError`."""
    room, threshold = room_of(settings), settings.understanding.threshold
    if version in (None, RULES):
        chosen = {task: version or room.in_use(task) for task in TASKS}
    else:
        chosen = {task: version for task in TASKS if version in room.versions(task)}
        if not chosen:
            raise ModelError(f"{room.folder}: no task has a version {version}; see `jiesu learn --list`")
    models = {TASKS[task]: room.load(task, name) for task, name in chosen.items() if name != RULES}
    return Learned(models=models, threshold=threshold)


def _order(version: str) -> tuple[int, int]:
    day, _, number = version.partition(".")
    return int(day), int(number)


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise ModelError(f"{path}: cannot be read: {error.strerror}") from error


def _decoded(path: Path, content: bytes, kind: type[T]) -> T:
    try:
        return msgspec.json.decode(content, type=kind)
    except msgspec.DecodeError as error:
        raise ModelError(f"{path}: {error}") from error
