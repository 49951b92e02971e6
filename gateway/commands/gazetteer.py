"""`jiesu gazetteer import FILE`, `lookup TEXT` and `measure`: the places of a city (地名库)."""

from __future__ import annotations

import argparse
import random
import time
from collections import Counter
from pathlib import Path

from config import gazetteers
from config.gazetteers import FILE_NAME
from config.sounds import load_sounds
from gateway.commands.common import add_config, settings_of
from gateway.domain.errors import OurMistake
from routing.elements import place_of, read
from routing.gazetteer import Entry, Gazetteer, PlaceKind

LEXICONS = Path(gazetteers.__file__).with_name("lexicons")
ROUNDS = 200
_COMMON = "阳光和平新华建设人民幸福文化长青滨河锦绣丽水东西南北中大小红松山平金玉龙凤安康兴盛桥园湖江春"
_TEXT = (
    "我住在松山区和平路长清小去三号楼二单元三零二室昨天晚上开始就停水了到现在也没有人来管我们打了物业电话说是自来水公司的问题"
    "自来水公司又说是物业的水泵坏了我们这里有好多老人孩子都没水喝希望你们尽快处理谢谢"
)
"""A hundred characters that name an area, a road that two areas have, and an estate that was misheard."""


def add_to(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    actions = parser.add_subparsers(title="actions", metavar="ACTION", required=True)
    importing = actions.add_parser("import", help="check a city's CSV or GeoJSON and make the file that a node reads")
    add_config(importing)
    importing.add_argument(
        "file", type=Path, metavar="FILE", help="ends in .csv or .geojson; columns: docs/gazetteer.md"
    )
    importing.add_argument("--output", type=Path, metavar="FILE", help=f"default: {FILE_NAME} below node.data")
    importing.set_defaults(main=_import)
    lookup = actions.add_parser("lookup", help="say which places a text names")
    add_config(lookup)
    lookup.add_argument("text", metavar="TEXT")
    lookup.add_argument("--file", type=Path, metavar="FILE", help="default: the one of understanding.gazetteer")
    lookup.set_defaults(main=_lookup)
    measure = actions.add_parser("measure", help="time the finding of places in a text of a hundred characters")
    measure.add_argument("--places", type=int, default=5000, metavar="N", help="how many invented places (5000)")
    measure.set_defaults(main=_measure)


def _import(arguments: argparse.Namespace) -> int:
    output = arguments.output or Path(settings_of(arguments).node.data) / FILE_NAME
    entries = gazetteers.read(arguments.file)
    gazetteers.write(output, entries)
    kinds = Counter(entry.kind for entry in entries)
    counted = ", ".join(f"{kinds[kind]} {kind.value}" for kind in PlaceKind)
    print(f"{output}: {len(entries)} places ({counted})")
    print(f'to use it: gazetteer = "{output}" in [understanding]')
    return 0


def _lookup(arguments: argparse.Namespace) -> int:
    path = arguments.file or settings_of(arguments).understanding.gazetteer
    if not path:
        raise OurMistake("no gazetteer: name one by --file, or by understanding.gazetteer in the configuration")
    gazetteer = gazetteers.load(Path(path), LEXICONS)
    found = gazetteer.find(arguments.text)
    for each in found:
        areas = "".join(reversed(gazetteer.areas_of(each.area)))
        point = f"{each.point[0]},{each.point[1]}" if each.point else "-"
        print(f"{each.words}\t{each.name}\t{each.kind.value}\t{areas or '-'}\t{point}\t{each.confidence:.2f}")
    print(f"地点：{place_of([read(arguments.text, gazetteer)], gazetteer).text or '-'}")
    return 0 if found else 1


def _measure(arguments: argparse.Namespace) -> int:
    chance = random.Random(12345)
    entries = [Entry(name="松山区", kind=PlaceKind.AREA), Entry(name="红山区", kind=PlaceKind.AREA)]
    entries += [Entry(name="和平路", kind=PlaceKind.ROAD, area=area.name) for area in entries[:2]]
    entries.append(Entry(name="长青小区", kind=PlaceKind.ESTATE, area="松山区"))
    endings = {"路": PlaceKind.ROAD, "街": PlaceKind.ROAD, "小区": PlaceKind.ESTATE, "家园": PlaceKind.ESTATE}
    while len(entries) < arguments.places:
        name, ending = "".join(chance.choices(_COMMON, k=chance.choice((2, 3)))), chance.choice(list(endings))
        entries.append(Entry(name=name + ending, kind=endings[ending], area=chance.choice(("松山区", "红山区"))))
    started = time.perf_counter()
    gazetteer = Gazetteer(entries, load_sounds(LEXICONS / "pinyin.toml"))
    print(f"{len(entries)} places: ready in {(time.perf_counter() - started) * 1000:.0f} ms")
    started = time.perf_counter()
    for _ in range(ROUNDS):
        gazetteer.find(_TEXT)
    each = (time.perf_counter() - started) / ROUNDS
    print(f"a text of {len(_TEXT)} characters: {each * 1000:.3f} ms, {1 / each:.0f} texts a second on one core")
    return 0
