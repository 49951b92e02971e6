"""Gazetteers (地名库) as cities hand them in, CSV or GeoJSON (RFC 7946), and the one compact file that a node reads.

A CSV has a heading; its columns are known by name, English or Chinese, in any order: name 名称, kind 类型, area
所属区域, aliases 别名 (separated by ``|``, ``、`` or ``;``), lat 纬度 and lng 经度; only the name is needed. A GeoJSON
is a FeatureCollection whose features have the same names among their properties; of a geometry that is no point the
middle of its corners is taken. Without a kind the name's ending tells it. Whatever is wrong is one line: file, line
or feature, field, and what would be right.
"""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from config.sounds import load_sounds
from config.toml_file import SettingsError
from routing.gazetteer import LONGEST_NAME, Entry, Gazetteer, PlaceKind

FILE_NAME = "gazetteer.json"
"""Where `jiesu gazetteer import` puts it, below node.data."""
VERSION = 1

_HEADERS = {
    "name": ("name", "名称", "地名", "标准名称", "地名名称"),
    "kind": ("kind", "类型", "类别", "地名类别"),
    "area": ("area", "所属区域", "所在区域", "所属行政区", "所在行政区", "区域", "上级"),
    "aliases": ("aliases", "alias", "别名", "俗称", "曾用名", "简称"),
    "lat": ("lat", "latitude", "纬度"),
    "lng": ("lng", "lon", "longitude", "经度"),
}
_FIELD_OF = {header: field for field, headers in _HEADERS.items() for header in headers}
_KINDS = {
    PlaceKind.AREA: ("area", "区域", "行政区", "行政区划", "区", "镇", "街道", "旗", "县", "村", "社区"),
    PlaceKind.ROAD: ("road", "street", "道路", "街路", "路", "街", "街路巷"),
    PlaceKind.ESTATE: ("estate", "小区", "住宅区", "居民点", "楼盘"),
    PlaceKind.LANDMARK: ("landmark", "地标", "建筑物", "单位", "公园", "广场", "学校", "医院", "其他"),
}
_KIND_OF = {word: kind for kind, words in _KINDS.items() for word in words}
_ENDINGS = (
    (PlaceKind.ROAD, re.compile("(?:大道|大街|路|街|巷|胡同|桥)$")),
    (PlaceKind.ESTATE, re.compile("(?:小区|花园|家园|公寓|新村|嘉园|雅苑|苑|城|府|湾|里|庭)$")),
    (PlaceKind.AREA, re.compile("(?:市|区|县|旗|镇|乡|苏木|街道|社区|村|嘎查)$")),
)
_SEPARATORS = re.compile(r"[|、;；/]")
_MOST_ENTRIES = 200_000


class GazetteerError(SettingsError):
    """A gazetteer cannot be used; the text is one line that whoever made it can act on."""


class _Entry(msgspec.Struct, frozen=True, forbid_unknown_fields=True, array_like=True):
    name: str
    kind: PlaceKind
    area: str = ""
    aliases: tuple[str, ...] = ()
    point: tuple[float, float] | None = None


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    version: int
    places: tuple[_Entry, ...]


def read(path: Path) -> tuple[Entry, ...]:
    """Return the places of the file at *path*, by its ending CSV, GeoJSON or our own. Raises `GazetteerError`."""
    match path.suffix.lower():
        case ".csv":
            rows = _csv_rows(path, _text(path))
        case ".geojson":
            rows = _features(path, _json(path))
        case ".json":
            return _own(path)
        case _:
            raise GazetteerError(f"{path}: expected a file that ends in .csv, .geojson or .json")
    return _checked(path, [(place, _entry(path, place, row)) for place, row in rows])


def load(path: Path, lexicon_folder: Path) -> Gazetteer:
    """Return the gazetteer of the file at *path*, with the sounds of *lexicon_folder*. Raises `SettingsError`."""
    return Gazetteer(read(path), load_sounds(lexicon_folder / "pinyin.toml"))


def write(path: Path, entries: Iterable[Entry]) -> None:
    """Write *entries* as one compact file at *path*, whole or not at all. Raises `GazetteerError`."""
    places = tuple(_Entry(each.name, each.kind, each.area, each.aliases, each.point) for each in entries)
    fresh = path.with_name(f"{path.name}.new")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        fresh.write_bytes(msgspec.json.encode(_File(version=VERSION, places=places)))
        fresh.replace(path)
    except OSError as error:
        raise GazetteerError(f"{path}: cannot be written: {error.strerror}") from error


def _own(path: Path) -> tuple[Entry, ...]:
    try:
        file = msgspec.json.decode(_text(path), type=_File)
    except msgspec.DecodeError as error:
        raise GazetteerError(f"{path}: is no gazetteer of ours: {error}; make one by jiesu gazetteer import") from error
    if file.version != VERSION:
        raise GazetteerError(f"{path}: version = {file.version}: expected {VERSION}; import the city's file again")
    places = [
        (f"{path}: places[{at}]", Entry(**msgspec.structs.asdict(each))) for at, each in enumerate(file.places, 1)
    ]
    return _checked(path, places)


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise GazetteerError(f"{path}: cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise GazetteerError(f"{path}: is not UTF-8 text (byte {error.start}); save it as UTF-8") from error


def _json(path: Path) -> Any:
    try:
        return json.loads(_text(path))
    except json.JSONDecodeError as error:
        raise GazetteerError(f"{path}:{error.lineno}: is not JSON: {error.msg}") from error
    except RecursionError as error:
        raise GazetteerError(f"{path}: is nested too deeply") from error


def _csv_rows(path: Path, text: str) -> Iterator[tuple[str, dict[str, str]]]:
    """Yield each row of a CSV by our names for its columns, with its place in the file."""
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        fields = _fields(path, next(reader, []))
        for row in reader:
            if not any(cell.strip() for cell in row):
                continue
            place = f"{path}:{reader.line_num}"
            if len(row) != len(fields):
                raise GazetteerError(f"{place}: {len(row)} fields; expected {len(fields)}, as many as the heading has")
            yield place, {name: cell.strip() for name, cell in zip(fields, row, strict=True) if name}
    except csv.Error as error:
        raise GazetteerError(f"{path}:{reader.line_num}: is not CSV: {error}") from error


def _fields(path: Path, heading: Sequence[str]) -> list[str]:
    """Return our name for each column, "" for those that we do not use."""
    fields = [_FIELD_OF.get(header.strip().lower(), "") for header in heading]
    if "name" not in fields:
        raise GazetteerError(f"{path}:1: column name is missing; expected one of {'、'.join(_HEADERS['name'])}")
    twice = next((name for name in fields if name and fields.count(name) > 1), None)
    if twice:
        raise GazetteerError(f"{path}:1: column {twice} stands twice")
    return fields


def _features(path: Path, content: Any) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the properties of each feature by our names, with its place in the file."""
    features = content.get("features") if isinstance(content, dict) else None
    if not isinstance(features, list):
        raise GazetteerError(f"{path}: features: expected a FeatureCollection (RFC 7946)")
    for at, feature in enumerate(features, start=1):
        place = f"{path}: features[{at}]"
        properties = feature.get("properties") if isinstance(feature, dict) else None
        if not isinstance(properties, dict):
            raise GazetteerError(f"{place}.properties: expected an object")
        row = {_FIELD_OF[key.lower()]: value for key, value in properties.items() if key.lower() in _FIELD_OF}
        geometry = feature.get("geometry") or {}
        if not isinstance(geometry, dict):
            raise GazetteerError(f"{place}.geometry: expected an object")
        corners = list(_positions(geometry.get("coordinates") or (), place))
        if corners:
            middle = [sum(values) / len(corners) for values in zip(*corners, strict=True)]
            row |= {"lng": middle[0], "lat": middle[1]}
        yield place, row


def _positions(coordinates: Any, place: str) -> Iterator[tuple[float, float]]:
    """Yield the positions of any geometry, however deep they stand (RFC 7946, 3.1.1)."""
    pending = [coordinates]
    while pending:
        each = pending.pop()
        if not isinstance(each, list | tuple):
            raise GazetteerError(f"{place}.geometry.coordinates: expected positions of numbers")
        if len(each) >= 2 and all(isinstance(value, int | float) for value in each):
            yield float(each[0]), float(each[1])
        else:
            pending.extend(each)


def _entry(path: Path, place: str, row: Mapping[str, Any]) -> Entry:
    name = _word(place, "name", row.get("name"))
    said = _word(place, "kind", row.get("kind"))
    kind = _KIND_OF.get(said.lower()) if said else _kind_of(name)
    if kind is None:
        raise GazetteerError(f"{place}: kind = {said!r}: expected {'、'.join(words[0] for words in _KINDS.values())}")
    aliases = row.get("aliases") or ""
    listed = aliases if isinstance(aliases, list) else _SEPARATORS.split(_word(place, "aliases", aliases))
    return Entry(
        name=name,
        kind=kind,
        area=_word(place, "area", row.get("area")),
        aliases=tuple(
            dict.fromkeys(word for each in listed if (word := _word(place, "aliases", each)) and word != name)
        ),
        point=_point(place, row),
    )


def _word(place: str, field: str, value: Any) -> str:
    if value is None:
        return ""
    if not isinstance(value, str):
        raise GazetteerError(f"{place}: {field} = {value!r}: expected text")
    return value.strip()


def _kind_of(name: str) -> PlaceKind:
    return next((kind for kind, ending in _ENDINGS if ending.search(name)), PlaceKind.LANDMARK)


def _point(place: str, row: Mapping[str, Any]) -> tuple[float, float] | None:
    if row.get("lat") in (None, "") and row.get("lng") in (None, ""):
        return None
    degrees = []
    for field, most in (("lat", 90), ("lng", 180)):
        try:
            value = float(row.get(field) or "")
        except (TypeError, ValueError):
            raise GazetteerError(f"{place}: {field} = {row.get(field)!r}: expected degrees such as 42.26") from None
        if not -most <= value <= most:
            raise GazetteerError(f"{place}: {field} = {value:g}: expected degrees from {-most} to {most}")
        degrees.append(round(value, 6))
    return degrees[0], degrees[1]


def _checked(path: Path, entries: Sequence[tuple[str, Entry]]) -> tuple[Entry, ...]:
    """Return what can be used. Raises `GazetteerError` for the first that cannot."""
    if not entries:
        raise GazetteerError(f"{path}: has no places")
    if len(entries) > _MOST_ENTRIES:
        raise GazetteerError(f"{path}: {len(entries)} places; expected at most {_MOST_ENTRIES}")
    seen: dict[tuple[str, str], str] = {}
    areas = {entry.name for _, entry in entries if entry.kind is PlaceKind.AREA}
    for place, entry in entries:
        for word in (entry.name, *entry.aliases):
            if not 2 <= len(word) <= LONGEST_NAME:
                field = "name" if word == entry.name else "aliases"
                raise GazetteerError(f"{place}: {field} = {word!r}: expected 2 to {LONGEST_NAME} characters")
        if entry.area and entry.area not in areas:
            raise GazetteerError(f"{place}: area = {entry.area!r}: there is no area of this name in the file")
        if (entry.name, entry.area) in seen:
            raise GazetteerError(f"{place}: name = {entry.name!r}: stands at {seen[entry.name, entry.area]} already")
        seen[entry.name, entry.area] = place
    return tuple(entry for _, entry in entries)
