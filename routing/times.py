"""Times as people say them (大前天晚上, 上周三下午三点半, 半个小时前), by the calendar. Pure.

`times_in` finds them in a text; `resolve` says what stretch of time one of them means, seen from the instant at which
it was said. What lies in the past by its words never ends after that instant. Where the words leave a choice the
confidence says so: 三点 without morning or afternoon, 上周三 said on a Sunday.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, tzinfo

from routing.numbers_zh import NUMBER, value

PLAIN = 0.6
"""From this confidence on the meaning is shown beside the words."""

_PART = "(?:早上|早晨|清晨|上午|中午|下午|傍晚|晚上|夜里|夜间|凌晨|半夜)"
_WEEKDAYS = "一二三四五六日天"
_THIRD = "(?:初|上旬|中旬|下旬|底|末)"
_SEASON = "(?:春天|夏天|秋天|冬天|春季|夏季|秋季|冬季)"
_CLOCK = f"{NUMBER}{{1,3}}点(?:钟|半|多|左右|[一三]刻|{NUMBER}{{1,3}}分?)?(?:多|左右)?"
_UNIT = "(?:天|星期|礼拜|周|月|年|小时|钟头|分钟)"
_SPAN = f"(?:好几|{NUMBER}{{1,4}})个?多?{_UNIT}"
_MONTH_DAY = f"{NUMBER}{{1,3}}月{NUMBER}{{1,3}}[号日]"
_DAY = (
    f"(?:(?:上上个?|上个?|这个?|本)?(?:星期|礼拜|周)[{_WEEKDAYS}]"
    "|大前天|前天|前晚|昨天|昨日|昨晚|昨夜|今天|今日|今早|今晚|刚才|刚刚|上个?周末?|这个?周末?|前几天|最近|每天|每晚|国庆节|春节"
    f"|上上?个?月(?:{_THIRD}|{NUMBER}{{1,3}}[号日])?|(?:这个?|本)月(?:{_THIRD}|{NUMBER}{{1,3}}[号日])?"
    f"|(?:大前年|前年|去年|今年)(?:{_MONTH_DAY}|{_SEASON}|{NUMBER}{{1,3}}月份?)?"
    f"|{_MONTH_DAY})"
)
_SAID = re.compile(
    f"{_DAY}(?:的?{_PART})?(?:{_CLOCK})?|{_PART}{_CLOCK}|({_SPAN}(?:以|之)?前)"
    f"|(?:已经|都|停|断|坏|等|拖|欠|超过|有){{1,2}}了?({_SPAN})(?!以?前)|({_SPAN})(?:了|没|多了)|工资({_SPAN})"
)

_WHOLE = re.compile(f"(?P<day>{_DAY})?的?(?P<part>{_PART})?(?P<clock>{_CLOCK})?")
_AGO = re.compile(f"(?P<count>{NUMBER}{{1,4}})个?(?P<more>多)?(?P<unit>{_UNIT})(?P<ago>(?:以|之)?前)?")
_OCLOCK = re.compile(f"(?P<hour>{NUMBER}{{1,3}})点(?P<rest>.*)")
_BACK = {"大前天": 3, "前天": 2, "前晚": 2, "昨天": 1, "昨日": 1, "昨晚": 1, "昨夜": 1}
_TODAY = ("今天", "今日", "今早", "今晚")
_YEARS_BACK = {"大前年": 3, "前年": 2, "去年": 1, "今年": 0}
_HOURS = {
    "凌晨": (0, 6), "清晨": (5, 8), "早晨": (5, 9), "早上": (5, 9), "上午": (8, 12), "中午": (11, 14), "下午": (12, 18),
    "傍晚": (17, 19), "晚上": (18, 24), "夜里": (22, 29), "夜间": (22, 29), "半夜": (23, 29),
}  # fmt: skip
"""From which hour of the day to which; after 24 is the next morning."""
_SHOWN = {"早上": "早", "早晨": "早", "清晨": "晨", "晚上": "晚", "夜里": "夜", "夜间": "夜", "半夜": "夜"}
_AFTER_NOON = ("下午", "傍晚", "晚上", "夜里", "夜间", "半夜")
_AT_NIGHT = ("夜里", "夜间", "半夜")
_SEASONS = {"春": 3, "夏": 6, "秋": 9, "冬": 12}
_THIRDS = {"初": (1, 10), "上旬": (1, 10), "中旬": (11, 20), "下旬": (21, 31), "底": (21, 31), "末": (21, 31)}
_LENGTHS = {"天": timedelta(days=1), "星期": timedelta(weeks=1), "礼拜": timedelta(weeks=1), "周": timedelta(weeks=1),
            "月": timedelta(days=30), "年": timedelta(days=365), "小时": timedelta(hours=1),
            "钟头": timedelta(hours=1), "分钟": timedelta(minutes=1)}  # fmt: skip
_BY_THE_CLOCK = ("小时", "钟头", "分钟")


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """What ``words`` mean: from ``begin`` to ``end``, the same for an instant; ``shown`` is how people write it."""

    begin: datetime
    end: datetime
    shown: str
    confidence: float
    words: str


def times_in(text: str) -> Iterator[str]:
    """Yield the times that *text* names, as they stand there."""
    for match in _SAID.finditer(text):
        yield next((group for group in match.groups() if group), match[0])


def resolve(words: str, at: datetime, zone: tzinfo) -> Span | None:
    """Return what *words* meant at the instant *at* by the clock of *zone*; None if the calendar cannot tell."""
    local = at.astimezone(zone)
    try:
        if words.startswith(("刚才", "刚刚")):
            return Span(
                begin=local - timedelta(minutes=30), end=local, shown=_clock(local), confidence=0.7, words=words
            )
        if match := _AGO.fullmatch(words):
            return _ago(match, local)
        match = _WHOLE.fullmatch(words)
        return _said(match, local) if match and words else None
    except (ValueError, OverflowError):  # 十三月, 二月三十号, a thousand years ago
        return None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Days:
    """A stretch of whole days, the last included."""

    first: date
    last: date
    shown: str
    confidence: float = 0.95
    is_past: bool = True


def _ago(match: re.Match[str], local: datetime) -> Span | None:
    """Return the instant so long ago, or, for a length without "ago", the stretch since then."""
    unit = match["unit"]
    count = 0.5 if match["count"] == "半" else value(match["count"])
    if not count:
        return None
    begin = local - _LENGTHS[unit] * count
    shown = _moment(begin, local) if unit in _BY_THE_CLOCK else _day(begin.date(), local.date())
    if unit == "年":
        shown = f"{begin.year}年"
    elif unit == "月":
        shown = _month(begin, local)
    sure = 0.6 if match["more"] else 0.8
    if match["ago"]:
        return Span(begin=begin, end=begin, shown=shown, confidence=sure, words=match[0])
    return Span(begin=begin, end=local, shown=f"{shown}起", confidence=sure, words=match[0])


def _said(match: re.Match[str], local: datetime) -> Span | None:
    word, part, clock = match["day"] or "", match["part"] or "", match["clock"] or ""
    if word in ("昨晚", "前晚", "今晚") and not part:
        part = "晚上"
    elif word == "昨夜" and not part:
        part = "夜里"
    elif word == "今早" and not part:
        part = "早上"
    days = _days(word, local) if word else _nearest(part, clock, local)
    if days is None:
        return None
    if not part and not clock:
        return _clipped(days, _midnight(days.first, local), _midnight(days.last, local, 1), days.shown, 1, match, local)
    if days.first != days.last:
        return None
    if not clock:
        begin, end = (_hour(days.first, hour, local) for hour in _HOURS[part])
        return _clipped(days, begin, end, f"{days.shown}{_SHOWN.get(part, part)}", 0.95, match, local)
    return _at_the_clock(days, part, clock, match, local)


def _at_the_clock(days: _Days, part: str, clock: str, match: re.Match[str], local: datetime) -> Span | None:
    told = _OCLOCK.fullmatch(clock)
    hour = value(told["hour"]) if told else None
    if told is None or hour is None or not 0 <= hour <= 24:
        return None
    rest = told["rest"]
    minute, is_rough = _minute(rest), rest.endswith(("多", "左右"))
    if minute is None:
        return None
    sure = 0.95
    if part in _AT_NIGHT and hour < 6:
        hour, sure = hour + 24, 0.7
    elif part in _AFTER_NOON and hour <= 12:
        hour += 12 if hour < 12 or part != "下午" else 0
    elif part == "中午" and hour < 3:
        hour += 12
    elif part == "凌晨" and hour == 12:
        hour = 0
    elif not part and hour <= 12:
        hour, sure = hour + (12 if hour < 7 else 0), 0.6
    begin = _hour(days.first, hour, local, minute)
    if days.is_past and begin > local and (hour >= 24 or not part):
        begin = _hour(days.first, hour % 24 if hour >= 24 else hour % 12, local, minute)
    end = begin + timedelta(hours=1) if rest.endswith("多") else begin
    shown = f"{_day(begin.date(), local.date())}{_clock(begin)}{'许' if is_rough else ''}"
    return _clipped(days, begin, end, shown, sure, match, local)


def _clipped(
    days: _Days, begin: datetime, end: datetime, shown: str, sure: float, match: re.Match[str], local: datetime
) -> Span | None:
    """Return the span, ending now at the latest if it is past by its words; None if it had not even begun."""
    if days.is_past and begin > local:
        return None
    last = min(end, local) if days.is_past else end
    return Span(begin=begin, end=last, shown=shown, confidence=round(days.confidence * sure, 2), words=match[0])


def _days(word: str, local: datetime) -> _Days | None:
    """Return the days that *word* names."""
    today = local.date()
    if word in _BACK:
        return _one(today - timedelta(days=_BACK[word]), today)
    if word in _TODAY:
        return _one(today, today, is_past=False)
    if word[-1] in _WEEKDAYS and re.search("星期|礼拜|周", word):
        return _weekday(word, today)
    if word.endswith("周末") or re.fullmatch("[上这]个?周", word):
        return _week(word, today)
    if re.match("上|这个?月|本月", word) and "月" in word:
        return _month_named(word, today)
    if (year := next((years for name, years in _YEARS_BACK.items() if word.startswith(name)), None)) is not None:
        return _year(word, today.year - year, today)
    if "月" in word:
        return _month_day(word, today)
    return None


def _nearest(part: str, clock: str, local: datetime) -> _Days | None:
    """Return the latest day on which *part* with its *clock* has begun: 凌晨两点半 alone is last night's."""
    if not part or not clock:
        return None
    today = _one(local.date(), local.date())
    yesterday = _one(local.date() - timedelta(days=1), local.date())
    match = _WHOLE.fullmatch(part + clock)
    if part in _AT_NIGHT:
        day = yesterday
    else:
        day = today if match and _at_the_clock(today, part, clock, match, local) else yesterday
    return _Days(first=day.first, last=day.last, shown=day.shown, confidence=0.75)


def _one(day: date, today: date, *, confidence: float = 0.95, is_past: bool = True) -> _Days:
    return _Days(first=day, last=day, shown=_day(day, today), confidence=confidence, is_past=is_past)


def _weekday(word: str, today: date) -> _Days:
    """Return the day of this week or one before; a bare weekday is the latest one, today included."""
    weekday = min(_WEEKDAYS.index(word[-1]), 6)
    monday = today - timedelta(days=today.weekday())
    if word.startswith(("这", "本")):
        day = monday + timedelta(days=weekday)
        return _one(day, today, confidence=0.85, is_past=False)
    if word.startswith("上"):
        weeks = 2 if word.startswith("上上") else 1
        return _one(
            monday + timedelta(days=weekday - 7 * weeks), today, confidence=0.8 if today.weekday() == 6 else 0.9
        )
    return _one(today - timedelta(days=(today.weekday() - weekday) % 7), today, confidence=0.75)


def _week(word: str, today: date) -> _Days:
    monday = today - timedelta(days=today.weekday() + (7 if word.startswith("上") else 0))
    first, last = monday + timedelta(days=5 if word.endswith("末") else 0), monday + timedelta(days=6)
    is_past = word.startswith("上")
    return _Days(first=first, last=last, shown=_days_shown(first, last, today), confidence=0.85, is_past=is_past)


def _month_named(word: str, today: date) -> _Days:
    """Return last month, this month, its beginning, its end, or a day in it."""
    first = today.replace(day=1)
    for _ in range(word.count("上", 0, 2)):
        first = (first - timedelta(days=1)).replace(day=1)
    is_past = word.startswith("上")
    said = word[word.index("月") + 1 :]
    if said and said not in _THIRDS:
        number = value(said[:-1])
        if number is None:
            raise ValueError(said)
        return _one(first.replace(day=number), today, is_past=is_past)
    begin, end = _THIRDS.get(said, (1, 31))
    last = (
        min(first.replace(day=28) + timedelta(days=end - 28), _month_end(first)) if end > 28 else first.replace(day=end)
    )
    shown = _days_shown(first.replace(day=begin), last, today) if said else _month(first, today)
    return _Days(
        first=first.replace(day=begin), last=last, shown=shown, confidence=0.75 if said else 0.95, is_past=is_past
    )


def _year(word: str, year: int, today: date) -> _Days:
    """Return a year, a season of it (its winter ends with the next February), a month or a day."""
    is_past = year < today.year
    if season := next((name for name in _SEASONS if f"{name}天" in word or f"{name}季" in word), ""):
        first = date(year, _SEASONS[season], 1)
        last = _month_end(first + timedelta(days=70))
        sure = 0.6 if season == "冬" else 0.8
        return _Days(first=first, last=last, shown=f"{year}年{season}", confidence=sure, is_past=is_past)
    if word[-1] in "号日":
        month, day = _numbers(word[2:] if not word.startswith("大") else word[3:])
        return _one(date(year, month, day), today, is_past=is_past)
    if "月" in word:
        month = value(re.sub("^大?[前去今]年|月份?$", "", word)) or 0
        first = date(year, month, 1)
        return _Days(first=first, last=_month_end(first), shown=f"{year}年{month}月", is_past=is_past)
    return _Days(first=date(year, 1, 1), last=date(year, 12, 31), shown=f"{year}年", is_past=is_past)


def _month_day(word: str, today: date) -> _Days:
    """Return the latest such day: people complain of what has been."""
    month, day = _numbers(word)
    named = date(today.year, month, day)
    return _one(named if named <= today else date(today.year - 1, month, day), today, confidence=0.85)


def _numbers(word: str) -> tuple[int, int]:
    month, day = word[:-1].split("月")
    return value(month) or 0, value(day) or 0


def _minute(rest: str) -> int | None:
    """Return the minutes that stand after the hour; None if they are no number below 60."""
    said = re.sub("^钟|多$|左右$", "", rest)
    if said in ("半", "一刻", "三刻"):
        return {"半": 30, "一刻": 15, "三刻": 45}[said]
    minute = value(said.removesuffix("分")) if said else 0
    return minute if minute is not None and minute < 60 else None


def _midnight(day: date, local: datetime, later: int = 0) -> datetime:
    return datetime.combine(day + timedelta(days=later), time(), local.tzinfo)


def _hour(day: date, hour: int, local: datetime, minute: int = 0) -> datetime:
    """Return an hour of *day* by the clock on the wall; from 24 on it is the next day's."""
    return datetime.combine(day + timedelta(days=hour // 24), time(hour % 24, minute), local.tzinfo)


def _month_end(day: date) -> date:
    return (day.replace(day=28) + timedelta(days=4)).replace(day=1) - timedelta(days=1)


def _clock(moment: datetime) -> str:
    return f"{moment:%H:%M}"


def _moment(moment: datetime, now: datetime) -> str:
    return f"{_day(moment.date(), now.date())}{_clock(moment)}"


def _day(day: date, today: date) -> str:
    year = f"{day.year}年" if day.year != today.year else ""
    return f"{year}{day.month}月{day.day}日"


def _days_shown(first: date, last: date, today: date) -> str:
    end = f"{last.day}日" if (first.year, first.month) == (last.year, last.month) else _day(last, today)
    return f"{_day(first, today)}至{end}"


def _month(day: date, today: date) -> str:
    return f"{day.year}年{day.month}月" if day.year != today.year else f"{day.month}月"
