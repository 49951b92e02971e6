"""Recognition errors, made on purpose (识别错误): what a text becomes when telephone speech is recognised badly.

An error hits one Chinese character: most are written with another character of the same sound, some with one that
sounds nearly alike (n/l, zh/z, in/ing), some are lost, some said or recognised twice.
"""

from __future__ import annotations

from random import Random

from routing.sounds import Sounds

SAME_SOUND, NEAR_SOUND, LOST = 0.55, 0.20, 0.15
"""The shares of errors; what is left is doubled. After the error tables of Mandarin telephone recognisers, in which
substitutions are about three quarters of all errors."""


def misheard(text: str, rate: float, sounds: Sounds, random: Random) -> str:
    """Return *text* with each of its Chinese characters in error at the probability *rate* (0 to 1)."""
    return "".join(
        _error(char, sounds, random) if char in sounds.readings and random.random() < rate else char for char in text
    )


def _error(char: str, sounds: Sounds, random: Random) -> str:
    kind = random.random()
    if kind >= SAME_SOUND + NEAR_SOUND:
        return "" if kind < SAME_SOUND + NEAR_SOUND + LOST else char * 2
    syllable = random.choice(sounds.readings[char])
    if kind >= SAME_SOUND and (near := sounds.near.get(syllable)):
        syllable = random.choice(near)
    others = [other for other in sounds.common.get(syllable, ()) if other != char]
    return random.choice(others) if others else char * 2
