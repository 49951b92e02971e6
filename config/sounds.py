"""How characters sound, read from ``pinyin.toml`` of a folder of lexicons.

Whatever is wrong with it is a single line: file, line, field, and what would be right.
"""

from __future__ import annotations

from pathlib import Path

import msgspec

from config.toml_file import TomlFile
from routing.sounds import Sounds


class _Confusion(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    starts: tuple[tuple[str, str], ...] = ()
    ends: tuple[tuple[str, str], ...] = ()


class _SoundFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    sounds: dict[str, str]
    also: dict[str, str] = {}
    confusion: _Confusion = _Confusion()
    ordinary: tuple[str, ...] = ()


def load_sounds(path: Path) -> Sounds:
    """Read how characters sound. Raises `SettingsError`."""
    file = TomlFile(path)
    content = file.convert(_SoundFile)
    for syllable in (*content.sounds, *content.also):
        if not syllable.isascii() or not syllable.isalpha() or not syllable.islower():
            name = "sounds" if syllable in content.sounds else "also"
            raise file.error((name, syllable), "expected a syllable in small letters without its tone, such as zhong")
    for side, pairs in (("starts", content.confusion.starts), ("ends", content.confusion.ends)):
        for at, (one, other) in enumerate(pairs):
            if not one or not other:
                raise file.error(("confusion", side, at), "expected two beginnings or endings of syllables")
    readings: dict[str, list[str]] = {}
    for table in (content.sounds, content.also):
        for syllable, characters in table.items():
            for character in characters:
                heard = readings.setdefault(character, [])
                if syllable not in heard:
                    heard.append(syllable)
    return Sounds(
        readings={character: tuple(heard) for character, heard in readings.items()},
        starts=content.confusion.starts,
        ends=content.confusion.ends,
        ordinary=frozenset(content.ordinary),
    )
