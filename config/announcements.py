"""The announcements (语音提示) that callers hear: a folder of WAV files with ``prompts.toml`` saying which is which."""

from __future__ import annotations

from pathlib import Path

import msgspec

from config.toml_file import TomlFile

CATALOGUE = "prompts.toml"
DEFAULT_FOLDER = Path(__file__).parent / "prompts"
PLACE = "place_"
"""What the ids of place names begin with, which each city records for itself and none must have."""


class Prompt(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One announcement: its file beside the catalogue, and the Chinese words or the kind of sound in it."""

    id: str
    file: str
    words: str = ""
    sound: str = ""


class Catalogue(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a folder's ``prompts.toml`` says; *voice* is the speaker of those that were synthesised."""

    prompt: tuple[Prompt, ...] = ()
    voice: dict[str, str | int] = msgspec.field(default_factory=dict)


class Announcements:
    """The WAV file and the Chinese words of each announcement, by id."""

    def __init__(self, folder: Path) -> None:
        """Read *folder*. Raises `SettingsError` for a bad catalogue or a file that is not there."""
        source = TomlFile(folder / CATALOGUE)
        catalogue = source.convert(Catalogue)
        for index, prompt in enumerate(catalogue.prompt):
            if not (folder / prompt.file).is_file():
                raise source.error(("prompt", index, "file"), "no such file in this folder")
        self.files = {prompt.id: folder / prompt.file for prompt in catalogue.prompt}
        self.words = {prompt.id: prompt.words for prompt in catalogue.prompt}


def catalogue_of(folder: Path) -> Catalogue:
    """Return what *folder* lists, nothing where it has no catalogue. Raises `SettingsError` for a bad one."""
    path = folder / CATALOGUE
    return TomlFile(path).convert(Catalogue) if path.exists() else Catalogue()


def needed() -> dict[str, Prompt]:
    """Return what every city must have, by id: all that is delivered with the gateway but the names of places."""
    return {prompt.id: prompt for prompt in catalogue_of(DEFAULT_FOLDER).prompt if not prompt.id.startswith(PLACE)}
