"""The six elements (六要素, SZ-4.1) as far as they were said: time, place, person, cause, course, outcome.

Conservative: an element that was not plainly said stays empty. Values are the petitioner's own words; only runs of
spoken digits become Arabic ones (三零二室 is 302室).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from gateway.domain.ticket import Elements
from routing.numbers_zh import NUMBER, digits
from routing.pattern import PUNCTUATION

COURSE_LIMIT = 160
"""Characters of the course; what is longer stands in the transcript."""

_CLAUSE = f"[^{re.escape(PUNCTUATION)}]"
_PART = "(?:早上|早晨|清晨|上午|中午|下午|傍晚|晚上|夜里|夜间|凌晨|半夜)"
_DAY = (
    "(?:大前天|前天|昨天|昨日|昨晚|今天|今早|今晚|今日|刚才|刚刚|上个?周末?|这个?周末?|上个?月|这个?月|前几天|最近|去年|前年"
    f"|每天|每晚|国庆节|春节|(?:上个?|这个?)?(?:星期|礼拜|周)[一二三四五六日天]|{NUMBER}{{1,3}}月{NUMBER}{{1,3}}[号日])"
)
_CLOCK = f"{NUMBER}{{1,3}}点(?:钟|半|多|左右|{NUMBER}{{1,3}}分?)?"
_SPAN = f"(?:好几|{NUMBER}{{1,4}})个?多?(?:天|星期|礼拜|月|年|小时|钟头|分钟)"
_TIME = re.compile(
    f"{_DAY}(?:的?{_PART})?(?:{_CLOCK})?|{_PART}{_CLOCK}|(?:已经|都|停|断|坏|等|拖|欠|超过|有){{1,2}}了?({_SPAN})|({_SPAN})(?:了|没|前|多了)"
    f"|工资({_SPAN})"
)

# A name may begin after any of these, never contain them: speech has no punctuation to show where it begins.
_NOT_IN_NAME = (
    "我们|你们|他们|我家|我的|住在|位于|地址|你好|您好|请问|这里|那里|这边|今天|昨天|前天|晚上|早上|刚才|就是|快点|有人|发生|知道|一个|旁边"
    "|没有|什么|怎么|不是|投诉|反映|咨询|举报|附近|救命|来人|整个|对面|隔壁|最近|每天|上午|下午|中午|半夜|凌晨|一下|前面|后面|十字|高速"
)
_STOP = f"{_NOT_IN_NAME}|[我你他她在是到去从的了住有说这那喂叫个往离给跟被把吗呢啊呀们快]"
_STOP += f"|和(?![谐平睦顺])|[{re.escape(PUNCTUATION)}\\s]"
_AREA = "(?:新区|区|县|旗|镇|街道)"
_ROAD = "(?:大道|大街|路|街|巷|胡同)"
_ESTATE = "(?:小区|花园|家园|广场|公寓|新村|大厦|嘉园|雅苑|苑|社区|世纪城|碧水湾|村|工业园|市场)"
_HAN = "[\u4e00-\u9fff]"
_BEGINS_NAME = re.compile(_STOP)
_NAMED = re.compile(f"((?:(?!{_STOP}){_HAN}){{1,6}}?)({_AREA}|{_ROAD}|{_ESTATE})(路口)?")
_COUNT = "(?:[零〇一二两三四五六七八九十百]|[0-9]){1,6}"
_DETAIL = re.compile(
    f"(?:{_COUNT}(?:号楼|栋|幢|座|单元|层|楼|室|号院|号|户)|(?<=单元){_COUNT}|[A-Da-d][座栋]|[东南西北]门口?|(?:十字|高速|丁字)?路口|大门口|门口|楼道|电梯里|厨房"
    "|地下室|车库|楼顶)"
)
_LANDMARK = re.compile(
    "十字路口|高速路口|火车站|汽车站|机场|体育馆|图书馆|人民广场|时代广场|万达广场|市政府|市民中心|步行街|菜市场|地铁站|医院门口|学校门口|小区门口"
    "|公园|大桥|商场|工地"
)
_NOT_A_NAME = frozenset(
    [
        "小",
        "本",
        "社",
        "地",
        "景",
        "学",
        "市",
        "辖",
        "园",
        "全",
        "各",
        "马",
        "公",
        "铁",
        "道",
        "高速公",
        "走",
        "一条",
        "新",
        "农",
        "同",
        "山",
        "城",
        "线",
        "电",
        "思",
        "逛",
        "上",
        "大",
        "菜",
        "步行",
        "整个",
        "老",
        "超",
        "停",
        "当地",
        "超级",
    ]
)
_JOINED = re.compile("[的，, 和与]?[的，, ]?")
_FILLERS = re.compile("[的，, ]")

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
class _Place:
    """A place as said, with how many of its parts were named."""

    text: str
    parts: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What one utterance says by itself."""

    text: str
    times: tuple[str, ...]
    places: tuple[_Place, ...]
    persons: tuple[str, ...]
    cause: str
    outcome: str


def read(text: str) -> Facts:
    """Return what *text*, one utterance of the petitioner, says by itself."""
    return Facts(
        text=text,
        times=tuple(_times(text)),
        places=tuple(_places(text)),
        persons=tuple(_persons(text)),
        cause=_cause(text),
        outcome=_wish(text),
    )


def elements(said: Sequence[Facts], subject: Sequence[str] = ()) -> Elements:
    """Return what the petitioner's utterances *said* tell together, the earliest first.

    *subject* holds the words that gave the matter away (停水, 着火): utterances with them make the course, and the
    first of them is the cause (事由) where none is stated.
    """
    course = "，".join(_distinct(facts.text for facts in said if any(word in facts.text for word in subject)))
    return Elements(
        time=_listed(time for facts in said for time in facts.times),
        place=_best([place for facts in said for place in facts.places]),
        person=_listed(person for facts in said for person in facts.persons),
        cause=next((facts.cause for facts in said if facts.cause), subject[0] if subject else ""),
        course=digits(course)[:COURSE_LIMIT],
        outcome=next((facts.outcome for facts in reversed(said) if facts.outcome), ""),
    )


def _times(text: str) -> Iterable[str]:
    for match in _TIME.finditer(text):
        yield next((group for group in match.groups() if group), match[0])


def _persons(text: str) -> Iterable[str]:
    if match := _CALLER.search(text):
        surname, title, full, only = match.groups()
        yield full or (f"{surname}{title}" if surname else f"姓{only}")
    yield from _PEOPLE.findall(text)


def _cause(text: str) -> str:
    match = _CAUSE.search(text)
    return _CAUSE_END.split(match[1])[0] if match else ""


def _wish(text: str) -> str:
    for match in _WISH.finditer(text):
        wish = _THANKS.sub("", next(group for group in match.groups() if group))
        if _DEED.search(wish) or match[3]:
            return wish
    return ""


def _best(places: Sequence[_Place]) -> str:
    """Return the place with the most parts; of equals the last said, since people correct themselves."""
    return max(reversed(places), key=lambda place: place.parts).text if places else ""


def _places(text: str) -> Iterable[_Place]:
    """Yield each run of adjoining place names and details that begins with a name: 人民路 三号楼 厨房."""
    names = {*_named(text), *(match.span() for match in _LANDMARK.finditer(text))}
    details = {match.span() for match in _DETAIL.finditer(text)}
    begin, end, parts = 0, 0, 0
    for span in sorted(names | details, key=lambda span: (span[0], -span[1])):
        if parts and span[0] < end:
            continue
        if parts and _JOINED.fullmatch(text, end, span[0]):
            end, parts = span[1], parts + 1
            continue
        if parts:
            yield _place(text[begin:end], parts)
        begin, end, parts = *span, int(span in names)
    if parts:
        yield _place(text[begin:end], parts)


def _place(said: str, parts: int) -> _Place:
    return _Place(text=digits(_FILLERS.sub("", said)), parts=parts)


def _named(text: str) -> Iterable[tuple[int, int]]:
    """Yield names of areas, roads and estates that begin where a name can: after a word that is none, or a name."""
    at, may_begin = 0, True
    while at < len(text):
        if may_begin and (name := _NAMED.match(text, at)):
            if name[1] not in _NOT_A_NAME:
                yield name.span()
            at = name.end()
        elif detail := _DETAIL.match(text, at):
            at, may_begin = detail.end(), True
        elif stop := _BEGINS_NAME.match(text, at):
            at, may_begin = stop.end(), True
        else:
            at, may_begin = at + 1, False


def _listed(found: Iterable[str]) -> str:
    return "、".join(_distinct(found)[:4])


def _distinct(texts: Iterable[str]) -> list[str]:
    """Return the texts without repetitions, leaving out those that a longer one contains."""
    kept: list[str] = []
    for text in texts:
        if not any(text in other for other in kept):
            kept = [other for other in kept if other not in text] + [text]
    return kept
