"""Which of many phrases can stand in a text at all, told from its characters alone.

A phrase of the pattern language needs each character that is written in it outside of groups, sets and ``?``, and of
each group or set one of the alternatives. Looking that up costs a fraction of matching, and most texts need most
lists not to be matched.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from routing.pattern import alternatives, closing

Need = frozenset[str]
"""Characters one of which has to be there."""


def needs(phrase: str, sets: Mapping[str, Sequence[str]]) -> frozenset[Need]:
    """Return what *phrase* (see `routing.pattern`) cannot match without."""
    return frozenset(_needs(phrase, sets))


def _needs(phrase: str, sets: Mapping[str, Sequence[str]]) -> Iterator[Need]:
    at = 0
    while at < len(phrase):
        char, start = phrase[at], at
        at += 1
        choice: Sequence[str] = (char,)
        if char == "(":
            at = closing(phrase, start) + 1
            choice = alternatives(phrase[start + 1 : at - 1])
        elif char == "{":
            at = phrase.index("}", start) + 1
            choice = sets[phrase[start + 1 : at - 1]]
        elif char in "~$":
            continue
        if phrase[at : at + 1] == "?":
            at += 1
        elif len(choice) == 1 and choice[0] == char:
            yield frozenset(char)
        else:
            yield from _one_of(choice, sets)


def _one_of(choice: Sequence[str], sets: Mapping[str, Sequence[str]]) -> Iterator[Need]:
    """Yield the characters of which one is in whatever alternative matches; none if one of them needs nothing."""
    characters: set[str] = set()
    for alternative in choice:
        of_it = needs(alternative, sets)
        if not of_it:
            return
        characters |= min(of_it, key=lambda need: (len(need), sorted(need)))
    yield frozenset(characters)


class Sieve:
    """An index over phrases, each known by its position. *sets* are those that phrases may name."""

    def __init__(self, phrases: Sequence[str], sets: Mapping[str, Sequence[str]]) -> None:
        wanted = [(index, needs(phrase, sets)) for index, phrase in enumerate(phrases)]
        often = Counter(char for _, of_it in wanted for need in of_it for char in need)
        self._always = frozenset(index for index, of_it in wanted if not of_it)
        self._by_rarest: dict[str, list[tuple[int, frozenset[Need]]]] = {}
        for index, of_it in wanted:
            if of_it:
                rarest = min(of_it, key=lambda need: (sum(often[char] for char in need), sorted(need)))
                for char in rarest:
                    self._by_rarest.setdefault(char, []).append((index, of_it - {rarest}))

    def possible(self, text: str) -> list[int]:
        """Return the phrases that may stand in *text*, by their position; all others do not."""
        characters = set(text)
        found = set(self._always)
        for char in self._by_rarest.keys() & characters:
            for index, further in self._by_rarest[char]:
                if index in found:
                    continue
                for need in further:
                    if need.isdisjoint(characters):
                        break
                else:
                    found.add(index)
        return sorted(found)
