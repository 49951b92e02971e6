"""The announcements (语音提示) that callers hear: a folder of WAV files with ``prompts.toml`` saying which is which."""

from __future__ import annotations

from pathlib import Path

import msgspec

from config.toml_file import TomlFile

DEFAULT_FOLDER = Path(__file__).parent / "prompts"


class _Prompt(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    id: str
    file: str
    words: str = ""
    sound: str = ""


class _Catalogue(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    prompt: tuple[_Prompt, ...]
    voice: dict[str, str | int] = msgspec.field(default_factory=dict)


class Announcements:
    """The WAV file and the Chinese words of each announcement, by id."""

    def __init__(self, folder: Path) -> None:
        """Read *folder*. Raises `SettingsError` for a bad catalogue or a file that is not there."""
        source = TomlFile(folder / "prompts.toml")
        catalogue = source.convert(_Catalogue)
        for index, prompt in enumerate(catalogue.prompt):
            if not (folder / prompt.file).is_file():
                raise source.error(("prompt", index, "file"), "no such file in this folder")
        self.files = {prompt.id: folder / prompt.file for prompt in catalogue.prompt}
        self.words = {prompt.id: prompt.words for prompt in catalogue.prompt}
