"""The little pattern language of the lexicons: what an operator may write in a phrase.

============  ==============================================================
``着火``       the characters themselves
``(甲|乙)``    one of several
``了?``        the character, set or group before it may be missing
``{person}``  one of a named set of the same lexicon
``~``         up to 4 characters, no punctuation; ``~~`` up to 10
``$``         the end: of the text, or before a phrase, the place where it begins
============  ==============================================================

Everything a pattern can match is bounded, so no phrase can make matching slow.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache

from gateway.domain.errors import OurMistake

PUNCTUATION = "，。！？；：、…,.!?;:\n"
"""What ends a clause in written text; a recogniser writes none of it."""

_FOREIGN = frozenset("*+.^[]\\")


class PatternError(OurMistake):
    """A phrase that is not of the pattern language."""


def compile_pattern(phrases: Sequence[str], sets: Mapping[str, Sequence[str]], gap_stops: str = "") -> re.Pattern[str]:
    """Return the expression that matches any of *phrases*; raises `PatternError` on a malformed one.

    A gap leaps over none of the characters in *gap_stops*.
    """
    return _compiled(expression(phrases, sets, gap_stops))


def expression(phrases: Sequence[str], sets: Mapping[str, Sequence[str]], gap_stops: str = "") -> str:
    """Return the expression of `compile_pattern` uncompiled, which is all that checking needs."""
    if not phrases:
        raise PatternError("no phrase is given")
    gap = f"[^{re.escape(PUNCTUATION + gap_stops)}]"
    return "|".join(_translate(phrase, sets, gap) for phrase in phrases)


@lru_cache(maxsize=4096)
def _compiled(pattern: str) -> re.Pattern[str]:
    """Compile once what several detectors of a process look for."""
    return re.compile(pattern)


def _translate(phrase: str, sets: Mapping[str, Sequence[str]], gap: str) -> str:
    if not phrase:
        raise PatternError("a phrase is empty")
    out: list[str] = []
    depth, at, repeatable = 0, 0, False
    while at < len(phrase):
        char, step = phrase[at], 1
        if char == "?" and not repeatable:
            raise PatternError(f"{phrase!r}: nothing before ? that could be missing")
        if char == "|" and not depth:
            raise PatternError(f"{phrase!r}: | stands outside of ( )")
        if char == "(":
            depth += 1
            out.append("(?:")
        elif char == ")":
            depth -= 1
            if depth < 0:
                raise PatternError(f"{phrase!r}: ) without (")
            out.append(")")
        elif char in "?|$":
            out.append(char)
        elif char == "~":
            step = 2 if phrase.startswith("~~", at) else 1
            out.append(f"{gap}{{0,{10 if step == 2 else 4}}}?")
        elif char == "{":
            name, closed, _ = phrase[at + 1 :].partition("}")
            if not closed or name not in sets:
                raise PatternError(f"{phrase!r}: there is no set {name!r}")
            out.append(f"(?:{'|'.join(_translate(member, {}, gap) for member in sets[name])})")
            step = len(name) + 2
        elif char in _FOREIGN or char == "}":
            raise PatternError(f"{phrase!r}: {char} means nothing here")
        else:
            out.append(re.escape(char))
        repeatable = char not in "(|~?$"
        at += step
    if depth:
        raise PatternError(f"{phrase!r}: ( without )")
    return "".join(out)


def closing(phrase: str, start: int) -> int:
    """Return where the group ends that begins at *start* of a phrase that was compiled before."""
    depth = 0
    for at in range(start, len(phrase)):
        depth += (phrase[at] == "(") - (phrase[at] == ")")
        if not depth:
            return at
    raise AssertionError("the phrase was compiled before")


def alternatives(inside: str) -> list[str]:
    """Split the inside of a group at its own bars."""
    found, depth = [""], 0
    for char in inside:
        depth += (char == "(") - (char == ")")
        if char == "|" and not depth:
            found.append("")
        else:
            found[-1] += char
    return found
