"""The six elements (六要素, SZ-4.1) as far as they were said: time, place, person, cause, course, outcome.

Conservative: an element that was not plainly said stays empty. Values are the petitioner's own words; only runs of
spoken digits become Arabic ones (三零二室 is 302室), a time that is plain is told by the calendar as well, and a place
that the gazetteer has bears its official name.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo

from gateway.domain.ticket import Elements
from routing.elements_place import Located, Place, best, places
from routing.gazetteer import Gazetteer
from routing.numbers_zh import covered, normal, telephone
from routing.pattern import PUNCTUATION
from routing.times import PLAIN, resolve, times_in

_MOST_LISTED = 4
COURSE_LIMIT = 160
"""Characters of the course; what is longer stands in the transcript."""

_CLAUSE = f"[^{re.escape(PUNCTUATION)}]"
_SURNAMES = (
    "王李张刘陈杨赵黄周吴徐孙胡朱高林何郭马罗梁宋郑谢韩唐冯于董萧程曹袁邓许傅沈曾彭吕苏卢蒋蔡贾丁魏薛叶阎余潘杜戴夏钟汪田任姜范方石姚谭廖邹熊金陆郝孔"
    "白崔康毛邱秦江史顾侯邵孟龙万段雷钱汤尹黎易常武乔贺赖龚文"
)
_GIVEN = "(?:(?!先生|女士|小姐|住|家|今天|电话|手机|想|[我你他她在是的这要有叫号])[\u4e00-\u9fff])"
_CALLER = re.compile(
    f"我(?:是)?([{_SURNAMES}])(先生|女士|小姐|师傅|阿姨)|我?(?:的)?(?:名字)?叫(?:做)?([{_SURNAMES}]{_GIVEN}{{1,2}}|[{_SURNAMES}](?:先生|女士|小姐))"
    f"|(?:我|免贵|本人)姓([{_SURNAMES}])"
)
_PEOPLE = re.compile(
    "(?:(?:[一二两三四五六七八九十几]|好几|[0-9]{1,3})(?:个|名|位))(?:人|老人|小孩|孩子|工人|学生|老太太|老头|乘客|女孩|男孩)"
    "|我(?:妈妈?|爸爸?|爷爷|奶奶|外婆|外公|姥姥|姥爷|老公|老婆|儿子|女儿|孩子|邻居|媳妇|丈夫|妻子)|孕妇|农民工|老人(?!家)|老太太|小孩(?!子)"
)
_OWN_NUMBER = re.compile(
    "(?:我的?|本人|联系|联系我的?)(?:电话|手机|手机号|方式)(?:号码?)?|(?:回|打)我(?:的?(?:电话|手机))?"
)
_CAUSE = re.compile(f"(?:因为|由于|起因是|原因是)({_CLAUSE}{{2,30}})")
_CAUSE_END = re.compile("所以|导致|现在|希望|请你们")
_WISH = re.compile(
    f"(?:希望|要求|请求|恳请|请(?!问|等|说|讲|稍)|麻烦(?!你了|问))(?:你们|政府|有关部门|相关部门|领导|帮我|帮忙)?({_CLAUSE}{{2,24}})"
    f"|((?:尽快|马上|立刻|赶紧|赶快|快点|及时)(?:来人|派人|安排|处理|解决|修|救|恢复|退|发|给)(?:{_CLAUSE}{{0,8}}))"
    f"|((?:我要|想要|我想)(?:退款|退钱|退货|赔偿|回工资|道歉|说法)(?:{_CLAUSE}{{0,6}}))"
    "|(什么时候(?:能|可以|才能)?(?:来水|来电|供暖|来气|通气|恢复|修好|解决|处理|到账|发))"
)
_THANKS = re.compile("谢谢.*$|麻烦(?:你|了).*$")
_DEED = re.compile(
    "来|派|修|处理|解决|退|赔|恢复|安排|救|给|查|管|发|停止|整改|答复|回复|清理|更换|加快|协调|道歉|催|管管|供|装|换|回电|联系"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What one utterance says by itself; ``at`` is when it was said, None where that is not known."""

    text: str
    times: tuple[str, ...]
    places: tuple[Place, ...]
    persons: tuple[str, ...]
    cause: str
    outcome: str
    at: datetime | None = None


def read(text: str, gazetteer: Gazetteer | None = None) -> Facts:
    """Return what *text*, one utterance of the petitioner, says by itself; *gazetteer* knows the city's places."""
    return Facts(
        text=text,
        times=tuple(times_in(text)),
        places=tuple(places(text, gazetteer)),
        persons=tuple(_persons(text)),
        cause=_cause(text),
        outcome=_wish(text),
    )


def place_of(said: Sequence[Facts], gazetteer: Gazetteer | None = None) -> Located:
    """Return the place that the petitioner's utterances *said* tell together."""
    return best([place for facts in said for place in facts.places], gazetteer)


def elements(
    said: Sequence[Facts], subject: Sequence[str] = (), *, place: str | None = None, zone: tzinfo = UTC
) -> Elements:
    """Return what the petitioner's utterances *said* tell together, the earliest first.

    *subject* holds the words that gave the matter away (停水, 着火): utterances with them make the course, and the
    first of them is the cause (事由) where none is stated. *place* is that of `place_of`, without a gazetteer unless
    given; times are told by the clock of *zone*.
    """
    course = "，".join(_distinct(facts.text for facts in said if any(word in facts.text for word in subject)))
    return Elements(
        time=_dated(said, zone),
        place=place_of(said).text if place is None else place,
        person=_listed(person for facts in said for person in facts.persons),
        cause=next((facts.cause for facts in said if facts.cause), subject[0] if subject else ""),
        course=covered(normal(course))[:COURSE_LIMIT],
        outcome=next((facts.outcome for facts in reversed(said) if facts.outcome), ""),
    )


def _dated(said: Sequence[Facts], zone: tzinfo) -> str:
    """Return the times as they were said, each with what it means by the calendar where that is plain."""
    at = {time: facts.at for facts in reversed(said) for time in facts.times}
    listed = _distinct(time for facts in said for time in facts.times)[:_MOST_LISTED]
    meant = {time: resolve(time, when, zone) if when is not None else None for time, when in at.items()}
    return "、".join(
        f"{time}（{span.shown}）" if (span := meant[time]) is not None and span.confidence >= PLAIN else time
        for time in listed
    )


def _persons(text: str) -> Iterable[str]:
    if match := _CALLER.search(text):
        surname, title, full, only = match.groups()
        yield full or (f"{surname}{title}" if surname else f"姓{only}")
    yield from _PEOPLE.findall(text)
    if (at := _OWN_NUMBER.search(text)) and (number := telephone(text[at.end() :])):
        yield f"电话{number}"


def _cause(text: str) -> str:
    match = _CAUSE.search(text)
    return _CAUSE_END.split(match[1])[0] if match else ""


def _wish(text: str) -> str:
    for match in _WISH.finditer(text):
        wish = _THANKS.sub("", next(group for group in match.groups() if group))
        if _DEED.search(wish) or match[3]:
            return wish
    return ""


def _listed(found: Iterable[str]) -> str:
    return "、".join(_distinct(found)[:_MOST_LISTED])


def _distinct(texts: Iterable[str]) -> list[str]:
    """Return the texts without repetitions, leaving out those that a longer one contains."""
    kept: list[str] = []
    for text in texts:
        if not any(text in other for other in kept):
            kept = [other for other in kept if other not in text] + [text]
    return kept
