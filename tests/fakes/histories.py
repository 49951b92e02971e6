"""Invented decided tickets: sentences put together from pieces, each with the category, matter and unit it is about."""

from __future__ import annotations

import csv
import random
from pathlib import Path

PLACES = (
    "幸福路",
    "解放街",
    "东风小区",
    "阳光花园",
    "人民广场",
    "河西村",
    "青年公寓",
    "火车站旁",
    "老菜市场",
    "二中门口",
)
SINCE = ("昨天晚上开始", "已经三天了", "从上个月起", "一直", "今天早上", "半个月了", "最近天天", "过年以后")
WISHES = {
    "求助": ("请尽快派人来看看", "麻烦帮忙解决一下", "盼着早点恢复"),
    "投诉": ("找了好几回都推来推去", "没有一个人出面", "实在让人气愤"),
    "咨询": ("想了解该怎么办", "请告诉我要带哪些材料", "不清楚找谁办"),
    "建议": ("能不能考虑改一改", "要是能添上就好了", "盼望早日安排"),
}
MATTERS = {
    "供水": ("自来水公司", ("水龙头不出水", "家里水压很小", "水管裂了往外喷", "出来的水发黄")),
    "供热": ("热力公司", ("暖气片冰凉", "屋里只有十四度", "供暖管子漏了", "交了采暖费还是冷")),
    "欠薪": ("人社局", ("工地的工钱没给", "干了半年没发工资", "老板拖着加班费", "包工头跑了没结账")),
    "噪音": ("生态环境局", ("工地半夜还在打桩", "楼下歌厅吵得睡不着", "广场舞音响太响", "空调外机嗡嗡响")),
    "环境卫生": ("环卫处", ("垃圾堆得老高", "公厕没有人打扫", "垃圾车不来收", "路边满地纸屑")),
    "道路与市政设施": ("市政处", ("路灯不亮", "井盖没了", "路面塌了个坑", "人行道砖都翘了")),
}
MISTAKEN = 0.08
"""The share of tickets that people put under any matter at all."""
HEADER = ("工单编号", "诉求内容", "诉求类型", "诉求分类", "承办单位")


def rows(count: int = 600, *, seed: int = 1) -> list[tuple[str, ...]]:
    """Return *count* invented tickets in the order of `HEADER`; the same *seed* gives the same."""
    chance = random.Random(seed)
    return [_row(number, chance) for number in range(1, count + 1)]


def write(
    path: Path, tickets: list[tuple[str, ...]], *, header: tuple[str, ...] = HEADER, coding: str = "utf-8"
) -> Path:
    """Write *tickets* as a CSV file and return its path."""
    with path.open("w", encoding=coding, newline="") as file:
        csv.writer(file).writerows([header, *tickets])
    return path


def _row(number: int, chance: random.Random) -> tuple[str, ...]:
    matter, (unit, complaints) = chance.choice(list(MATTERS.items()))
    category, wishes = chance.choice(list(WISHES.items()))
    pieces = [f"{chance.choice(PLACES)}{chance.choice(SINCE)}", chance.choice(complaints), chance.choice(wishes)]
    if chance.random() < 0.3:
        pieces.append(chance.choice(complaints))
    if chance.random() < MISTAKEN:
        matter, (unit, _) = chance.choice(list(MATTERS.items()))
    return (str(number), "，".join(pieces), category, matter, unit)
