"""Which Vosk model listens: the configured one, else an official Chinese one from Vosk's cache, else the demo model.

Nothing here loads a model; `asr.probe` tells whether one can be.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from gateway.domain.errors import OurMistake
from gateway.ports.hearing import ModelDescription

DEMO_MODEL = Path(__file__).parent / "demo_model"
TELEPHONE_RATE = 8000

_OFFICIAL = re.compile(r"vosk-model-(small-)?cn-[\w.-]+")
_ACOUSTIC_MODELS = ("am/final.mdl", "final.mdl")
_FEATURES = ("conf/mfcc.conf", "mfcc.conf")


class ModelKind(Enum):
    """How a model came to be chosen."""

    CONFIGURED = "configured"
    OFFICIAL = "official"
    DEMO = "demo"


_WORDS = {
    ModelKind.CONFIGURED: "配置指定的语音识别模型（{name}）",
    ModelKind.OFFICIAL: "Vosk 官方中文模型（{name}）",
    ModelKind.DEMO: "演示模型（仅用合成语音训练，听不准真人，不可用于真实来电）",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelChoice:
    """The folder of the model that listens, and why it is this one."""

    path: Path
    kind: ModelKind

    @property
    def description_zh(self) -> str:
        """What the console says about it."""
        return _WORDS[self.kind].format(name=self.path.name)

    @property
    def description(self) -> ModelDescription:
        """The choice as the core knows it."""
        return ModelDescription(name=self.path.name, kind=self.kind.value, words_zh=self.description_zh)


def choose(configured: Path | None = None, folders: Sequence[Path] | None = None) -> ModelChoice:
    """Choose the model. *folders* are where official ones are looked for; Vosk's own by default.

    Raises:
        OurMistake: the configured folder holds no Vosk model; a wrong path must not fall back in silence.
    """
    if configured is not None:
        if not is_model(configured):
            raise OurMistake(f"{configured} is not a folder with a Vosk model (am/final.mdl is missing)")
        return ModelChoice(path=configured, kind=ModelKind.CONFIGURED)
    for path in official_models(vosk_folders() if folders is None else folders):
        return ModelChoice(path=path, kind=ModelKind.OFFICIAL)
    return ModelChoice(path=DEMO_MODEL, kind=ModelKind.DEMO)


def official_models(folders: Sequence[Path]) -> list[Path]:
    """Return the official Chinese models in *folders*: large before small, newer names first."""
    found = [path for folder in folders for path in _subfolders(folder) if _OFFICIAL.fullmatch(path.name)]
    newest = sorted((path for path in found if is_model(path)), key=lambda path: path.name, reverse=True)
    return sorted(newest, key=lambda path: path.name.startswith("vosk-model-small-"))


def vosk_folders() -> list[Path]:
    """Return the folders that Vosk itself looks into (``VOSK_MODEL_PATH``, ``~/.cache/vosk`` ...)."""
    from vosk import MODEL_DIRS  # loads libvosk, which only this question and the recogniser process need

    return [Path(folder) for folder in MODEL_DIRS if folder is not None]


def is_model(path: Path) -> bool:
    """Tell whether *path* looks like a Vosk model, in the present layout or the one before it."""
    return any((path / name).is_file() for name in _ACOUSTIC_MODELS)


def input_rate(path: Path) -> int:
    """Return the sample rate in Hz to feed the model at *path*: 8000 where it may upsample itself, else its own.

    Kaldi refuses audio below the model's ``--sample-frequency`` unless ``--allow-upsample`` is set; without it the
    recogniser raises at the first audio.
    """
    options = {}
    for file in (path / name for name in _FEATURES):
        if file.is_file():
            options = dict(_options(file.read_text(encoding="utf-8", errors="replace")))
            break
    own = int(float(options.get("sample-frequency", "16000")))
    return TELEPHONE_RATE if own <= TELEPHONE_RATE or options.get("allow-upsample") == "true" else own


def _options(text: str) -> Iterator[tuple[str, str]]:
    """Yield the options of a Kaldi configuration: ``--name=value`` lines, ``#`` comments; a bare name is true."""
    for line in text.splitlines():
        name, _, value = line.partition("#")[0].strip().partition("=")
        if name.startswith("--"):
            yield name.removeprefix("--").strip(), value.strip() or "true"


def _subfolders(folder: Path) -> list[Path]:
    return [path for path in folder.iterdir() if path.is_dir()] if folder.is_dir() else []
