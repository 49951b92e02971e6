"""How characters sound (读音): syllables without tones, and which of them ears and recognisers mix up.

`Sounds` knows both; what it knows stands in ``config/lexicons/pinyin.toml``, where a city adds its dialect.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from types import MappingProxyType

COMMON_UNTIL = 0xD8
"""Where GB 2312 ends its level 1, the 3755 common characters, and begins its level 2: the first byte."""


@dataclass(frozen=True, kw_only=True)
class Sounds:
    """The readings of characters, the most frequent first, and the syllables that are taken for one another.

    ``starts`` and ``ends`` are pairs such as (zh, z) and (ng, n): a syllable that begins or ends with the one may be
    heard with the other. They are applied in their order. ``ordinary`` are words that people say and that only sound
    like an emergency: 拿到 is not 拿刀.
    """

    readings: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    starts: Sequence[tuple[str, str]] = ()
    ends: Sequence[tuple[str, str]] = ()
    ordinary: frozenset[str] = frozenset()

    def folded(self, syllable: str) -> str:
        """Return what all syllables have in common that *syllable* is mixed up with."""
        for one, other in self.starts:
            if syllable.startswith(one):
                syllable = other + syllable.removeprefix(one)
        for one, other in self.ends:
            if syllable.endswith(one):
                syllable = syllable.removesuffix(one) + other
        return syllable

    @cached_property
    def folds(self) -> Mapping[str, tuple[str, ...]]:
        """The folded readings of each character."""
        known = {syllable: self.folded(syllable) for readings in self.readings.values() for syllable in readings}
        return MappingProxyType(
            {
                char: tuple(dict.fromkeys(known[syllable] for syllable in readings))
                for char, readings in self.readings.items()
            }
        )

    @cached_property
    def common(self) -> Mapping[str, tuple[str, ...]]:
        """The common characters of each syllable: what a recogniser writes that misheard nothing but the word."""
        found: dict[str, list[str]] = {}
        for char, readings in self.readings.items():
            if is_common(char):
                found.setdefault(readings[0], []).append(char)
        return MappingProxyType({syllable: tuple(chars) for syllable, chars in found.items()})

    @cached_property
    def near(self) -> Mapping[str, tuple[str, ...]]:
        """The other syllables with common characters that each syllable is mixed up with."""
        groups: dict[str, list[str]] = {}
        for syllable in self.common:
            groups.setdefault(self.folded(syllable), []).append(syllable)
        return MappingProxyType(
            {
                syllable: tuple(other for other in group if other != syllable)
                for group in groups.values()
                for syllable in group
            }
        )

    def alike(self, one: str, other: str) -> bool:
        """Tell whether two characters have a reading in common."""
        return not set(self.readings.get(one, ())).isdisjoint(self.readings.get(other, ()))


def is_common(char: str) -> bool:
    """Tell whether *char* is one of the 3755 common characters of GB 2312."""
    try:
        return char.encode("gb2312")[0] < COMMON_UNTIL
    except UnicodeEncodeError:
        return False
