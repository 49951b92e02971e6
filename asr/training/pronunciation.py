"""How a word is pronounced, and how pronunciations are numbered: phones, their states, transition ids.

A syllable is an initial (1 state) and a final (2 states). Each phone exists in four word positions (B, E, I, S: begin,
end, inside, singleton) that share their states; without the positions Vosk could not tell where a word ends.
"""

from __future__ import annotations

from pypinyin import Style, lazy_pinyin, load_phrases_dict
from pypinyin.contrib.tone_convert import to_finals, to_initials

_INITIALS = "b p m f d t n l g k h j q x zh ch sh r z c s"
_FINALS = (
    "a o e i u v ii iii er ai ei ao ou an en ang eng ong ia ie iao iou ian in iang ing iong "
    "ua uo uai uei uan uen uang ueng ve van vn"
)
INITIALS = _INITIALS.split()
FINALS = _FINALS.split()
SILENCE = "SIL"
PHONES = [SILENCE, *INITIALS, *FINALS]
POSITIONS = {"B": "begin", "E": "end", "I": "internal", "S": "singleton"}

load_phrases_dict({"着火": [["zháo"], ["huǒ"]], "着火了": [["zháo"], ["huǒ"], ["le"]]})


def _number_states() -> dict[str, list[int]]:
    states: dict[str, list[int]] = {}
    count = 0
    for phone in PHONES:
        states[phone] = list(range(count, count + (2 if phone in FINALS else 1)))
        count += len(states[phone])
    return states


STATES = _number_states()
"""Acoustic states (Kaldi's pdfs) of each phone."""
STATE_COUNT = sum(map(len, STATES.values()))

PLACED = [SILENCE, *(f"{phone}_{position}" for phone in PHONES[1:] for position in POSITIONS)]
PHONE_ID = {name: number for number, name in enumerate(PLACED, start=1)}
STATES_OF_ID = [STATES[name.split("_")[0]] for name in PLACED]
"""Acoustic states of phone ids 1, 2, ..."""


def _number_transitions() -> dict[int, list[int]]:
    """Number as Kaldi does: state tuple i (from 0) has its self-loop at 2i+1 and its way forward at 2i+2."""
    forward: dict[int, list[int]] = {}
    count = 0
    for phone_id, states in enumerate(STATES_OF_ID, start=1):
        forward[phone_id] = [2 * (count + offset) + 2 for offset in range(len(states))]
        count += len(states)
    return forward


FORWARD = _number_transitions()
"""Transition ids leading forward out of each state of a phone id."""
TRANSITION_COUNT = 2 * sum(map(len, STATES_OF_ID))


def syllables(word: str) -> list[str]:
    """Return *word* as pinyin with tone digits, 5 for the neutral tone."""
    return list(lazy_pinyin(word, style=Style.TONE3, v_to_u=False, neutral_tone_with_five=True))


def phones_of(syllable: str) -> list[str]:
    """Split a pinyin syllable into its initial, if any, and its final. Tones are not told apart."""
    plain = syllable.rstrip("12345")
    initial = to_initials(plain, strict=True)
    final = to_finals(plain, strict=True, v_to_u=False).replace("ü", "v")
    if final == "i" and initial in ("zh", "ch", "sh", "r"):
        final = "iii"
    elif final == "i" and initial in ("z", "c", "s"):
        final = "ii"
    elif final == "ê":
        final = "ie"
    return [initial, final] if initial else [final]


def pronounce(word: str) -> list[str]:
    """Return the phones of *word*."""
    return [phone for syllable in syllables(word) for phone in phones_of(syllable)]


def is_pronounceable(word: str) -> bool:
    """Tell whether all phones of *word* are known."""
    return all(phone in STATES for phone in pronounce(word))


def placed(word: str) -> list[str]:
    """Return the phones of *word* with their positions in it."""
    phones = pronounce(word)
    if len(phones) == 1:
        return [f"{phones[0]}_S"]
    return [f"{phones[0]}_B", *(f"{phone}_I" for phone in phones[1:-1]), f"{phones[-1]}_E"]
