"""Masking (脱敏): what could tell who somebody is, taken out of a text before the public reads it (SZ-6).

Telephone and identity numbers, bank cards, mailboxes, number plates, house numbers, names. It errs on the side of
hiding; a person reads the result before it is shown all the same.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum

COVER = "***"
"""What stands where something was."""


class Hidden(Enum):
    """What was taken out."""

    NUMBER = "number"
    MAIL = "mail"
    PLATE = "plate"
    ADDRESS = "address"
    NAME = "name"


@dataclass(frozen=True, slots=True, kw_only=True)
class Masked:
    """A text without what was ``hidden``."""

    text: str
    hidden: frozenset[Hidden] = frozenset()


_DIGIT = "[0-9０-９零〇一二三四五六七八九十百]"
_SURNAMES = (
    "王李张刘陈杨黄赵吴周徐孙马朱胡郭何高林罗郑梁谢宋唐许韩冯邓曹彭曾肖田董袁潘于蒋蔡余杜叶程苏魏吕丁任沈姚卢姜崔钟谭陆汪"
    "范金石廖贾夏韦付方白邹孟熊秦邱江尹薛闫段雷侯龙史陶黎贺顾毛郝龚邵万钱严覃武戴莫孔向汤"
)
_TITLES = "先生|女士|小姐|同志|师傅|老师|大爷|大妈|大叔|阿姨|经理|主任|科长|局长|所长|书记|医生|律师|某"
_RULES: tuple[tuple[Hidden, re.Pattern[str], str], ...] = (
    (Hidden.MAIL, re.compile(r"[A-Za-z0-9._+-]+@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+"), COVER),
    (
        Hidden.PLATE,
        re.compile(r"[京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼][A-Z]·?[A-Z0-9]{5,6}"),
        COVER,
    ),
    (Hidden.NUMBER, re.compile(r"(?<![0-9])[0-9]{17}[0-9Xx](?![0-9])"), COVER),
    (Hidden.NUMBER, re.compile(r"(?<![0-9])(?:\+?86[- ]?)?1[3-9][0-9](?:[- ]?[0-9]{4}){2}(?![0-9])"), COVER),
    (Hidden.NUMBER, re.compile(r"(?<![0-9])0[0-9]{2,3}[-－—) ]?[0-9]{7,8}(?![0-9])"), COVER),
    (Hidden.NUMBER, re.compile(r"(?<![0-9.])[0-9](?:[ -]?[0-9]){6,18}(?![0-9.])"), COVER),
    (Hidden.NUMBER, re.compile(r"(?:微信|QQ|qq)(?:号)?[:：是]? ?[A-Za-z0-9_-]{5,20}"), COVER),
    (
        Hidden.ADDRESS,
        re.compile(
            rf"(?:{_DIGIT}+|[A-Za-z])(?:号楼|号院|栋|幢|座|单元|弄)(?:{_DIGIT}+(?:号楼|栋|幢|座|单元|层|楼|室|户|号))*"
        ),
        COVER,
    ),
    (Hidden.ADDRESS, re.compile(rf"{_DIGIT}+(?:室|户|门牌号?)"), COVER),
    (Hidden.ADDRESS, re.compile(rf"(?<=[路街巷道村里坊院区弄])(?:第)?{_DIGIT}+号(?!线|公路|文|令|楼)"), COVER),
    (
        Hidden.NAME,
        re.compile(
            r"((?:我叫|姓名[:：是]?|联系人[:：是]?|户主[:：是]?|名叫) ?)[\u4e00-\u9fff·]{2,4}?(?=[，。,.；;、\s]|$)"
        ),
        rf"\1{COVER}",
    ),
    (Hidden.NAME, re.compile(rf"([{_SURNAMES}])[\u4e00-\u9fff]{{1,2}}(?=(?:{_TITLES}))"), r"\1某"),
)


def mask(text: str, *, names: Iterable[str] = ()) -> Masked:
    """Return *text* without what tells who somebody is; *names* are those that are known to stand in it."""
    hidden: set[Hidden] = set()
    for name in sorted({name.strip() for name in names}, key=len, reverse=True):
        if len(name) >= 2 and name in text:
            text = text.replace(name, COVER)
            hidden.add(Hidden.NAME)
    for kind, pattern, cover in _RULES:
        text, count = pattern.subn(cover, text)
        if count:
            hidden.add(kind)
    return Masked(text=text, hidden=frozenset(hidden))
