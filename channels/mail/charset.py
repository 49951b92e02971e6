"""Octets to characters, whatever their label says (RFC 2045, and how Chinese mail is labelled in fact).

GB2312 on the label is GBK or GB18030 inside, Big5 is HKSCS, and not a few programs label everything ISO-8859-1 or
nothing at all. A label is believed when its octets make sense under it: when enough of what is not ASCII are characters
that are common in Chinese. Otherwise the likeliest of UTF-8, GB18030 and Big5 is taken, if it makes more sense.
Nothing here fails.
"""

from __future__ import annotations

import codecs
import re
from functools import lru_cache

SAMPLE = 4096
"""Octets, or characters, by which a guess is made."""
BELIEVABLE = 0.25
"""Share of common characters among those beyond ASCII from which a label is believed without a second look."""
NEEDED_GAIN = 0.2
"""How much larger that share must be for another reading than the label's."""

_SUPERSETS = {
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "gb18030": "gb18030",
    "big5": "big5hkscs",
    "big5hkscs": "big5hkscs",
    "cp950": "big5hkscs",
    "shift_jis": "cp932",
    "euc_kr": "cp949",
    "utf-8": "utf-8-sig",
}
_NAMES = {
    "gb231280": "gb18030",
    "xgbk": "gb18030",
    "ms936": "gb18030",
    "chinese": "gb18030",
    "xxbig5": "big5hkscs",
    "utf8mb4": "utf-8-sig",
    "cputf8": "utf-8-sig",
    "unicode11utf7": "utf-7",
}
_SAYS_NOTHING = {"", "ascii", "iso8859-1", "cp1252", "latin_1"}
_CODECS = re.compile(
    r"ascii|utf|gb|hz|big5|iso8859|iso2022|latin|cp\d|windows|koi8|mac|tis|shift_jis|euc|johab|kz|ptcp|viscii"
)
_SEVEN_BITS = ("hz", "iso2022", "utf_7", "utf-7")


_COMMON = frozenset(
    "的一是不了在人有我他这个们中来上大为和国地到以说时要就出会可也你对生能而子那得于着下自之年过发后作里用道行所然家种事成方多"
    "经么去法学如都同现当没动面起看定天分还进好小部其些主样理心她本前开但因只从想实日者意无力它与长把机十民第公此已工使情明性知"
    "全三又关点正业外将两高间由问很最重并物手应向头文体政美相见被利什二等产或新己制身果加西月话合回特代内信表化老给世位次度门任"
    "常先海通教儿原东声提立及比员解水名真论处走各入几口认条平系气题活更别打女变四总何电数安少报才结反受目太量再感建务做接必场件"
    "计管期市直资命山金指许统区保至形社便空决治展马科五基书非则听白却达光放强即像难且完设式色路记南品住告类求据程北边张该交规万"
    "取望觉术领共确传清今切院让带导运请您谢修灯坏车站停楼街镇村县省供热暖噪音垃圾投诉举映局房租费卡号八九六七百千早晚午夜半"
    "這個們來為國說時會對後過發學動當沒還進樣開從實無與長機關點業將兩間問應頭體見產東車電話謝請幫燈壞區樓聲資費報訴處條氣題別"
    "變總數結務場計統決書聽達強難設記類據邊張該規萬領確傳讓帶導運裡於樣經麼現給門員論認幾記縣鎮號"
    "，。、；：？！（）“”《》【】　"
)
"""What about every second character of a Chinese letter is, in either script."""
_LATIN = frozenset(map(chr, range(0xC0, 0x180)))


def decode(octets: bytes, declared: str = "") -> str:
    """Return the text of *octets*, which call themselves *declared*; what cannot be read becomes U+FFFD."""
    codec = _codec(declared[:40])
    if octets.isascii():
        return octets.decode(codec, "replace") if codec.startswith(_SEVEN_BITS) else octets.decode("ascii")
    if octets.startswith((b"\xff\xfe", b"\xfe\xff")) or codec.startswith(("utf_16", "utf-16", "utf_32", "utf-32")):
        return octets.decode(codec if codec.startswith("utf") and codec[3:4] in "_-" else "utf-16", "replace")
    declared_text = _strictly(octets, codec) if codec not in _SAYS_NOTHING else None
    if declared_text is not None and (codec == "utf-8-sig" or common(declared_text) >= BELIEVABLE):
        return declared_text
    text = _strictly(octets, "utf-8-sig")
    if text is not None and (len(octets) > 4 or declared_text is None):  # two characters of GBK may happen to be UTF-8
        return text
    return octets.decode(_likeliest(octets, codec, is_strict=declared_text is not None), "replace")


def common(text: str) -> float:
    """Return which share of the characters of *text* beyond ASCII is common in Chinese; 1.0 when there are none."""
    beyond = [character for character in text[:SAMPLE] if character > "\x7f"]
    return sum(character in _COMMON for character in beyond) / len(beyond) if beyond else 1.0


@lru_cache(maxsize=256)
def _codec(declared: str) -> str:
    """Return Python's name for the label, or for its superset; "" for one that is unknown or no text."""
    label = declared.strip().strip("\"'").lower()
    if (known := _NAMES.get(re.sub(r"[^a-z0-9]", "", label))) is not None:
        return known
    try:
        name = codecs.lookup(label.removeprefix("x-")).name
    except (LookupError, ValueError):
        return ""
    return _SUPERSETS.get(name, name) if _CODECS.match(name) else ""


def _strictly(octets: bytes, codec: str) -> str | None:
    try:
        return octets.decode(codec)
    except (UnicodeError, LookupError):
        return None


def _likeliest(octets: bytes, codec: str, *, is_strict: bool) -> str:
    """Return the codec under which a sample of *octets* reads best; another than the declared one needs a reason."""
    sample = octets[:SAMPLE]
    scores = {
        name: common(sample.decode(name, "replace")) + (0.1 if _strictly(octets, name) is not None else 0.0)
        for name in ("gb18030", "big5hkscs", "utf-8")
    }
    best = max(scores, key=lambda name: scores[name])
    if codec not in _SAYS_NOTHING and (is_strict or codec != "utf-8-sig"):
        own = common(sample.decode(codec, "replace"))
        return best if scores[best] > max(own + NEEDED_GAIN, NEEDED_GAIN) or not (is_strict or own) else codec
    if scores[best] < NEEDED_GAIN and not re.search(rb"[\x80-\xff]{3}", sample):
        letters = [character for character in sample.decode("cp1252", "replace") if character > "\x7f"]
        if sum(letter in _LATIN for letter in letters) > len(letters) / 2:
            return "cp1252"
    return best
