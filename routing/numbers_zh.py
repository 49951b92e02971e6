"""Chinese numbers as they are spoken: digit by digit (一三八, 幺幺零) and counted (两百零五).

Digits stay true: nothing is guessed, rounded or filled in.
"""

from __future__ import annotations

import re

_DIGITS = {
    **{char: str(value) for value, char in enumerate("零一二三四五六七八九")},
    **{str(value): str(value) for value in range(10)},
    **{chr(0xFF10 + value): str(value) for value in range(10)},
    **{"〇": "0", "洞": "0", "幺": "1", "妖": "1", "两": "2"},
}
_UNITS = {"十": 10, "百": 100, "千": 1000}
_MYRIADS = {"万": 10**4, "亿": 10**8}

_SPOKEN_RUN = re.compile("[零〇一二三四五六七八九幺0-9\uff10-\uff19]{3,}")
_PAUSED_RUN = re.compile(
    "[零〇洞一二三四五六七八九幺0-9\uff10-\uff19](?:[ ，,、-]{0,2}[零〇洞一二三四五六七八九幺0-9\uff10-\uff19])+"
)
_CARD = re.compile(r"(?<![0-9])[0-9]{14,18}[0-9Xx叉](?![0-9])")
_TELEPHONE = re.compile(r"1[3-9]\d{9}|0\d{2,3}[2-9]\d{6,7}|[2-9]\d{6,7}|400\d{7}")

NUMBER = "[零〇一二两三四五六七八九十百千万半0-9]"
"""One character of a counted number, for the expressions of other modules."""


def digits(text: str) -> str:
    """Return *text* with each run of three or more spoken digits in Arabic digits: 三零二室 becomes 302室.

    Shorter runs stay as said: 三三两两 is no number, and 三号楼 is what the sign says.
    """
    return _SPOKEN_RUN.sub(lambda run: _spelled(run[0]), text)


def telephone(text: str) -> str:
    """Return the first Chinese telephone number spoken or written in *text*, its digits only; empty if there is none.

    Mobile numbers have 11 digits, fixed ones 7 or 8 with or without area code. Pauses between groups may show as
    blanks, commas or hyphens.
    """
    for run in _PAUSED_RUN.finditer(text):
        spelled = "".join(_DIGITS.get(char, "") for char in run[0])
        if _TELEPHONE.fullmatch(spelled):
            return spelled
    return ""


def normal(text: str) -> str:
    """Return *text* with its telephone numbers in one run of digits, however they were said, and `digits` for the rest.

    幺三八，零零幺三，八零零零 becomes one number of 11 digits: a pause within a number does not part it.
    """
    return digits(_PAUSED_RUN.sub(_whole_number, text))


def covered(text: str) -> str:
    """Return *text*, whose digits are Arabic, with the numbers of identity and bank cards hidden but for their end."""
    return _CARD.sub(lambda card: f"***{card[0][-4:]}", text)


def _whole_number(run: re.Match[str]) -> str:
    spelled = "".join(_DIGITS.get(char, "") for char in run[0])
    return spelled if _TELEPHONE.fullmatch(spelled) else run[0]


def value(text: str) -> int | None:
    """Return what a counted number is worth: 两百零五 is 205, 三千五 is 3500; None for anything else."""
    if not text:
        return None
    if all(char in _DIGITS for char in text):
        return int(_spelled(text))
    total, section, digit, unit = 0, 0, None, 1
    for char in text:
        if char in _DIGITS:
            if digit:
                return None
            digit = int(_DIGITS[char])
            unit = 1 if char in "零〇" else unit
        elif char in _UNITS:
            unit = _UNITS[char]
            section += (1 if digit is None else digit) * unit
            digit = None
        elif char in _MYRIADS:
            total = (total + section + (digit or 0)) * _MYRIADS[char]
            section, digit, unit = 0, None, _MYRIADS[char]
        else:
            return None
    # 三千五 leaves the last unit unsaid, 三千零五 does not.
    return total + section + (digit or 0) * max(unit // 10, 1)


def _spelled(run: str) -> str:
    return "".join(_DIGITS[char] for char in run)
