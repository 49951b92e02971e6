"""The place of a matter (地点) as far as it was said: names of areas, roads and estates, and what stands after them.

Without a gazetteer a place is what was said. With one, a name that it knows becomes the official one, with its area
before it: 长青小去三号楼 becomes 松山区长青小区三号楼.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from gateway.domain.decision import Decision, DecisionKind, Reason
from routing.gazetteer import Found, Gazetteer, PlaceKind
from routing.numbers_zh import digits
from routing.pattern import PUNCTUATION

SURE = 0.6
"""Below this confidence a place's area is not told: another might be meant."""

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
_ENDS_ROAD, _ENDS_ESTATE = re.compile(f"{_ROAD}$"), re.compile(f"{_ESTATE}$")
_COUNT = "(?:[零〇一二两三四五六七八九十百]|[0-9]){1,6}"
_DETAIL = re.compile(
    f"(?:{_COUNT}(?:号楼|栋|幢|座|单元|层|楼|室|号院|号|户)|(?<=单元){_COUNT}|[A-Da-d][座栋]|[东南西北]门口?|(?:十字|高速|丁字)?路口|大门口|门口|楼道|电梯里|厨房"
    "|地下室|车库|楼顶)"
)
_LANDMARK = re.compile(
    "十字路口|高速路口|火车站|汽车站|机场|体育馆|图书馆|人民广场|时代广场|万达广场|市政府|市民中心|步行街|菜市场|地铁站|医院门口|学校门口|小区门口"
    "|公园|大桥|商场|工地"
)
_NOT_A_NAME = frozenset("小本社地景学市辖园全各马公铁道走新农同山城线电思逛上大菜老超停") | {
    "高速公", "一条", "步行", "整个", "当地", "超级",
}  # fmt: skip
_JOINED = re.compile("[的，, 和与]?[的，, ]?")
_FILLERS = re.compile("[的，, ]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A place as one utterance says it: pieces of text in order, and the gazetteer's entries among them."""

    pieces: tuple[str | Found, ...]
    parts: int

    @property
    def found(self) -> tuple[Found, ...]:
        """What the gazetteer knows of it."""
        return tuple(piece for piece in self.pieces if isinstance(piece, Found))


@dataclass(frozen=True, slots=True, kw_only=True)
class Located:
    """A place as it stands on the ticket: its text; if the gazetteer has it, the narrowest entry.

    ``areas`` are all names of the areas that it lies in, official or not.
    """

    text: str = ""
    found: Found | None = None
    areas: tuple[str, ...] = ()

    @property
    def decision(self) -> Decision:
        """Which place of the gazetteer it was taken for, by which words, and how surely; empty if for none."""
        if self.found is None:
            return Decision(kind=DecisionKind.PLACE, outcome="", reasons=())
        name = f"{self.found.area}{self.found.name}" if self.found.confidence >= SURE else self.found.name
        evidence = f"{self.found.words} {self.found.confidence:.2f}"
        reason = Reason(rule=f"gazetteer.{self.found.kind.value}", evidence=evidence)
        return Decision(kind=DecisionKind.PLACE, outcome=name, reasons=(reason,))


def places(text: str, gazetteer: Gazetteer | None = None) -> Iterable[Place]:
    """Yield each run of adjoining place names and details that begins with a name: 人民路 三号楼 厨房."""
    known = {(each.begin, each.end): each for each in gazetteer.heard(text)} if gazetteer is not None else {}
    names = {span for span in _names(text) if not any(_gives_way(span, other) for other in known)}
    known = {span: each for span, each in known.items() if not any(_overlap(span, name) for name in names)}
    details = {match.span() for match in _DETAIL.finditer(text)}
    run: list[tuple[int, int]] = []
    for span in sorted({*names, *known, *details}, key=lambda span: (span[0], -span[1])):
        if run and span[0] < run[-1][1]:
            continue
        if run and _JOINED.fullmatch(text, run[-1][1], span[0]):
            run.append(span)
            continue
        if run:
            yield _place(text, run, known)
        run = [span] if span in names or span in known else []
    if run:
        yield _place(text, run, known)


def best(said: Sequence[Place], gazetteer: Gazetteer | None = None) -> Located:
    """Return the place with the most parts; of equals the last said, since people correct themselves.

    Areas named in any of *said* settle which of several places of one name is meant.
    """
    if not said:
        return Located()
    chosen = max(reversed(said), key=lambda place: place.parts)
    if gazetteer is None or not chosen.found:
        return Located(text=_text(chosen.pieces))
    named = {each.name for place in said for each in place.found if each.kind is PlaceKind.AREA}
    pieces = tuple(gazetteer.settled(each, named) if isinstance(each, Found) else each for each in chosen.pieces)
    found = [piece for piece in pieces if isinstance(piece, Found)]
    narrowest = max(found, key=lambda each: (each.kind is not PlaceKind.AREA, each.confidence))
    if narrowest.confidence < SURE:
        return Located(text=_text(pieces), found=narrowest)
    areas = gazetteer.areas_of(narrowest.area)
    if narrowest.kind is PlaceKind.AREA:
        areas = (narrowest.name, *areas)
    text = _text(pieces)
    before = "".join(area for area in reversed(areas) if area not in text)
    names = tuple(name for area in areas for name in gazetteer.names_of(area))
    return Located(text=before + text, found=narrowest, areas=names)


@dataclass(frozen=True, slots=True, kw_only=True)
class NarrowNames:
    """The names in a place that say where in a district it is."""

    roads: frozenset[str] = frozenset()
    estates: frozenset[str] = frozenset()


def narrow_names(place: str) -> NarrowNames:
    """Return the roads and estates that *place*, as it stands on a ticket, names."""
    names = [place[slice(*span)].removesuffix("路口") for span in sorted(_named(place))]
    return NarrowNames(
        roads=frozenset(name for name in names if _ENDS_ROAD.search(name)),
        estates=frozenset(name for name in names if _ENDS_ESTATE.search(name)),
    )


def _place(text: str, run: Sequence[tuple[int, int]], known: dict[tuple[int, int], Found]) -> Place:
    """Return the place of *run*; a place of the gazetteer that is more than an area counts as two parts."""
    pieces: list[str | Found] = []
    at = run[0][0]
    for span in run:
        pieces += [text[at : span[0]], known.get(span, text[slice(*span)])]
        at = span[1]
    weight = sum(2 if span in known and known[span].kind is not PlaceKind.AREA else 1 for span in run)
    return Place(pieces=tuple(pieces), parts=weight)


def _text(pieces: Iterable[str | Found]) -> str:
    said = "".join(piece.name if isinstance(piece, Found) else _FILLERS.sub("", piece) for piece in pieces)
    return digits(said)


def _overlap(one: tuple[int, int], other: tuple[int, int]) -> bool:
    return one[0] < other[1] and other[0] < one[1]


def _gives_way(name: tuple[int, int], known: tuple[int, int]) -> bool:
    """Say whether a name told by its ending gives way to a known one: but for a short one that it begins with."""
    is_start = name[0] == known[0] and known[1] < name[1]
    return _overlap(name, known) and not (is_start and known[1] - known[0] == 2)


def _names(text: str) -> set[tuple[int, int]]:
    return {*_named(text), *(match.span() for match in _LANDMARK.finditer(text))}


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
