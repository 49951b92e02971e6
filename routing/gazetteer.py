"""The places of a city (地名库), found in what people say: areas, roads, estates and landmarks. Pure.

A recogniser writes names by ear, so they are found by how they sound: every syllable is folded into what many do not
tell apart, and a name's first two syllables lead to the few names that could stand there. What fits is then weighed
character by character: the same character, the same sound, one easily taken for it, another. The longest name wins;
of names that several areas have, the one whose area is named as well.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from enum import Enum

from routing.sounds import Sounds

LONGEST_NAME = 20
"""Characters of a name or alias."""
SAME_SOUND, NEAR_SOUND, FAR_SOUND, WRONG = 0.06, 0.12, 0.4, 1.0
"""What a character costs that only sounds the same, that many cannot tell apart, that is a bit alike, that is not."""
MOST_COST = 0.14
"""The cost per character at which a name is no longer taken to be there: one slip in three characters, no more."""
SHORTEST_BY_SOUND = 3
"""Characters that a name needs to be found by its sound; a shorter one has to stand there as it is written."""
UNDECIDED = 0.5
"""What the confidence is multiplied by when several areas have a place of this name and none of them is named."""

_FAR = (("p", "b"), ("t", "d"), ("k", "g"), ("q", "j"), ("x", "j"), ("c", "z"), ("s", "z"), ("r", "l"), ("h", "f"))


class PlaceKind(Enum):
    """What sort of place it is, from the widest to the narrowest."""

    AREA = "area"
    ROAD = "road"
    ESTATE = "estate"
    LANDMARK = "landmark"


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A place of the gazetteer: its official name, the ``area`` it lies in, what people call it besides.

    ``point`` is latitude and longitude in degrees (WGS 84), None where unknown.
    """

    name: str
    kind: PlaceKind
    area: str = ""
    aliases: tuple[str, ...] = ()
    point: tuple[float, float] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A place in a text: ``text[begin:end]`` are its ``words``; ``confidence`` is above 0 and at most 1.

    ``entries`` are the places it may be, all of one name; more than one where several areas have it.
    """

    begin: int
    end: int
    words: str
    entries: tuple[Entry, ...]
    confidence: float

    @property
    def name(self) -> str:
        """The official name."""
        return self.entries[0].name

    @property
    def kind(self) -> PlaceKind:
        """What sort of place it is."""
        return self.entries[0].kind

    @property
    def area(self) -> str:
        """The area it lies in; empty where that is not settled."""
        areas = {entry.area for entry in self.entries}
        return areas.pop() if len(areas) == 1 else ""

    @property
    def point(self) -> tuple[float, float] | None:
        """Latitude and longitude; None where unknown or not settled."""
        return self.entries[0].point if len(self.entries) == 1 else None


@dataclass(frozen=True, slots=True)
class _Name:
    """One way to say a place's name."""

    text: str
    sounds: tuple[str, ...]
    far: tuple[str, ...]
    entries: tuple[Entry, ...]


class Gazetteer:
    """The places of a city, by the *sounds* of its people."""

    def __init__(self, entries: Iterable[Entry], sounds: Sounds) -> None:
        self.entries = tuple(entries)
        self._raw = {character: readings[0] for character, readings in sounds.readings.items()}
        near = {syllable: sounds.folded(syllable) for syllable in set(self._raw.values())}
        self._near = {character: near[syllable] for character, syllable in self._raw.items()}
        self._far = {character: _coarse(near) for character, near in self._near.items()}
        self._areas = {entry.name: entry for entry in self.entries if entry.kind is PlaceKind.AREA}
        named: dict[str, list[Entry]] = defaultdict(list)
        for entry in self.entries:
            for name in dict.fromkeys((entry.name, *entry.aliases)):
                named[name].append(entry)
        self._starts: dict[tuple[str, str], list[_Name]] = defaultdict(list)
        for name, those in named.items():
            if len(name) >= 2:
                far = self._coarsely(name)
                sound = tuple(self._near.get(character, character) for character in name)
                self._starts[far[0], far[1]].append(_Name(name, sound, far, tuple(those)))
        for names in self._starts.values():
            names.sort(key=lambda name: -len(name.text))

    def find(self, text: str, context: str = "") -> list[Found]:
        """Return the places in *text* from left to right, none within another.

        *context* is what else was said: the areas named there settle which of several places of one name is meant.
        """
        found = list(self.heard(text))
        named = {each.name for each in found if each.kind is PlaceKind.AREA}
        if context and any(len(each.entries) > 1 for each in found):
            named |= {each.name for each in self.heard(context) if each.kind is PlaceKind.AREA}
        return [self.settled(each, named) for each in found]

    def areas_of(self, entry: Entry | str) -> tuple[str, ...]:
        """Return the areas that a place, or an area by its name, lies in, the closest first."""
        name = entry if isinstance(entry, str) else entry.area
        chain: list[str] = []
        while name and name not in chain:
            chain.append(name)
            name = self._areas[name].area if name in self._areas else ""
        return tuple(chain)

    def names_of(self, area: str) -> tuple[str, ...]:
        """Return what an area is called, officially first."""
        return (area, *self._areas[area].aliases) if area in self._areas else (area,)

    def settled(self, found: Found, named: set[str]) -> Found:
        """Return *found* with only those of its places that lie in one of the areas *named*.

        If none does, all remain, and the confidence falls where areas were named or several places have the name.
        """
        inside = tuple(entry for entry in found.entries if named.intersection(self.areas_of(entry)))
        if inside:
            return replace(found, entries=inside, confidence=found.confidence if len(inside) == 1 else UNDECIDED)
        is_elsewhere = bool(named) and found.kind is not PlaceKind.AREA and any(e.area for e in found.entries)
        if len(found.entries) > 1 or is_elsewhere:
            return replace(found, confidence=round(found.confidence * UNDECIDED, 3))
        return found

    def heard(self, text: str) -> Iterator[Found]:
        """Yield the names in *text* from left to right, each with all places that bear it."""
        coarse = self._coarsely(text)
        at = 0
        while at < len(text) - 1:
            names = self._starts.get((coarse[at], coarse[at + 1]), ())
            if (best := self._best(text, coarse, at, names)) is None:
                at += 1
                continue
            name, cost = best
            end = at + len(name.text)
            confidence = round(1 - cost / len(name.text), 3)
            yield Found(begin=at, end=end, words=text[at:end], entries=_alike(name.entries), confidence=confidence)
            at = end

    def _best(self, text: str, coarse: Sequence[str], at: int, names: Iterable[_Name]) -> tuple[_Name, float] | None:
        """Return which of *names*, the longest first, stands in *text* at *at*, and what it costs to say so."""
        best: tuple[_Name, float] | None = None
        for name in names:
            length = len(name.text)
            if best is not None and length < len(best[0].text):
                break
            if text.startswith(name.text, at):
                return name, 0.0
            if length < SHORTEST_BY_SOUND or at + length > len(text):
                continue
            cost = self._cost(text, coarse, at, name)
            if cost <= MOST_COST * length and (best is None or cost < best[1]):
                best = name, cost
        return best

    def _cost(self, text: str, coarse: Sequence[str], at: int, name: _Name) -> float:
        """Return what it costs to read the characters of *text* from *at* as *name*."""
        cost, most = 0.0, MOST_COST * len(name.text)
        for index, character in enumerate(name.text):
            said = text[at + index]
            if said == character:
                continue
            raw = self._raw.get(said)
            if raw is not None and raw == self._raw.get(character):
                cost += SAME_SOUND
            elif raw is not None and self._near[said] == name.sounds[index]:
                cost += NEAR_SOUND
            else:
                cost += FAR_SOUND if coarse[at + index] == name.far[index] else WRONG
            if cost > most:
                break
        return cost

    def _coarsely(self, text: str) -> tuple[str, ...]:
        return tuple([self._far.get(character, character) for character in text])


def _alike(entries: tuple[Entry, ...]) -> tuple[Entry, ...]:
    """Return those of *entries* that bear the first one's name: an alias may be that of differently named places."""
    return tuple(entry for entry in entries if entry.name == entries[0].name)


def _coarse(near: str) -> str:
    """Return a folded syllable with the differences gone that a poor line takes away: aspiration, r/l, f/h."""
    for one, other in _FAR:
        if near.startswith(one):
            return other + near.removeprefix(one)
    return near
