"""Long texts cut into pieces that a platform takes, at the end of a line or a sentence where there is one."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

_ENDS = (re.compile(r"\n"), re.compile(r"[。！？；.!?;]"), re.compile(r"[，、, ]"))
"""Where a text may be cut, the best first; the cut comes behind the character."""


def utf16_units(text: str) -> int:
    """Return the length as Telegram counts it: characters beyond the basic plane are two."""
    return len(text) + sum(character > "\uffff" for character in text)


def utf8_octets(text: str) -> int:
    """Return the length as WeChat counts it."""
    return len(text.encode("utf-8", "surrogatepass"))


def pieces(text: str, limit: int, length: Callable[[str], int]) -> Iterator[str]:
    """Yield *text* in pieces of at most *limit* by *length*; all of them together are *text*, but for blank pieces.

    *limit* must hold the longest character, and no character is shorter than 1.
    """
    while len(text) > limit or length(text) > limit:
        cut = _longest(text, limit, length)
        head = text[:cut]
        for end in _ENDS:
            if (last := _last(end, head)) > cut // 2:
                cut = last
                break
        if text[:cut].strip():
            yield text[:cut]
        text = text[cut:]
    if text.strip():
        yield text


def _longest(text: str, limit: int, length: Callable[[str], int]) -> int:
    """Return how many characters from the start are within *limit*."""
    low, high = 1, min(len(text), limit)
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if length(text[:middle]) <= limit else (low, middle - 1)
    return low


def _last(end: re.Pattern[str], text: str) -> int:
    return max((match.end() for match in end.finditer(text)), default=0)
