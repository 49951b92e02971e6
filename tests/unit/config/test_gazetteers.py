from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.gazetteers import GazetteerError, read, write
from routing.gazetteer import Entry, PlaceKind

AREA = Entry(name="松山区", kind=PlaceKind.AREA, aliases=("松山",), point=(42.2862, 118.9163))


def file(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def collection(*features: Any) -> str:
    return json.dumps({"type": "FeatureCollection", "features": features})


@pytest.mark.parametrize(
    "heading",
    [
        "name,kind,area,aliases,lat,lng",
        "名称,类型,所属区域,别名,纬度,经度",
        "地名,地名类别,所属行政区,俗称,latitude,Longitude",
    ],
)
def test_a_csv_is_read_by_the_names_of_its_columns(tmp_path: Path, heading: str) -> None:
    text = f"\ufeff{heading},备注\n松山区,区域,,松山,42.2862,118.9163,x\n\n长青小区,,松山区,长青园|长青苑,,,\n"

    assert read(file(tmp_path, "places.csv", text)) == (
        AREA,
        Entry(name="长青小区", kind=PlaceKind.ESTATE, area="松山区", aliases=("长青园", "长青苑")),
    )


def test_a_geojson_is_read_by_its_properties_and_the_middle_of_its_corners(tmp_path: Path) -> None:
    text = collection(
        {
            "properties": {"name": "松山区", "alias": ["松山"]},
            "geometry": {"type": "Point", "coordinates": [118.9163, 42.2862]},
        },
        {
            "properties": {"名称": "中山路", "所属区域": "松山区", "width": 12},
            "geometry": {"type": "LineString", "coordinates": [[118.0, 42.0], [119.0, 43.0]]},
        },
        {"properties": {"name": "人民广场"}, "geometry": None},
    )

    assert read(file(tmp_path, "places.geojson", text)) == (
        AREA,
        Entry(name="中山路", kind=PlaceKind.ROAD, area="松山区", point=(42.5, 118.5)),
        Entry(name="人民广场", kind=PlaceKind.LANDMARK),
    )


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("a.csv", "kind\narea\n", "a.csv:1: column name is missing"),
        ("a.csv", "name,名称\na,b\n", "a.csv:1: column name stands twice"),
        ("a.csv", "name,kind\n松山区\n", "a.csv:2: 1 fields; expected 2"),
        ("a.csv", "name,kind\n松山区,城堡\n", "a.csv:2: kind = '城堡': expected area、road、estate、landmark"),
        ("a.csv", "name,area\n中山路,松山区\n", "a.csv:2: area = '松山区': there is no area of this name"),
        ("a.csv", "name\n松山区\n松山区\n", "a.csv:3: name = '松山区': stands at"),
        ("a.csv", "name\n区\n", "a.csv:2: name = '区': expected 2 to 20 characters"),
        ("a.csv", "name,aliases\n松山区,松\n", "a.csv:2: aliases = '松': expected 2 to 20 characters"),
        ("a.csv", "name,lat,lng\n松山区,142,118\n", "a.csv:2: lat = 142: expected degrees from -90 to 90"),
        ("a.csv", "name,lat,lng\n松山区,42,东\n", "a.csv:2: lng = '东': expected degrees"),
        ("a.csv", "name,lat,lng\n松山区,42,\n", "a.csv:2: lng = '': expected degrees"),
        ("a.csv", "name,lat,lng\n松山区,nan,nan\n", "a.csv:2: lat = nan: expected degrees from -90 to 90"),
        ("a.csv", "name\n", "a.csv: has no places"),
        ("a.csv", "", "a.csv:1: column name is missing"),
        ("a.csv", 'name\n"松山区\n', "is not CSV"),
        ("a.geojson", "[", "a.geojson:1: is not JSON"),
        ("a.geojson", "[]", "a.geojson: features: expected a FeatureCollection"),
        ("a.geojson", collection(7), "a.geojson: features[1].properties: expected an object"),
        ("a.geojson", collection({"properties": {"name": 7}}), "a.geojson: features[1]: name = 7: expected text"),
        (
            "a.geojson",
            collection({"properties": {"name": "松山区"}, "geometry": {"coordinates": ["x"]}}),
            "a.geojson: features[1].geometry.coordinates: expected positions",
        ),
        (
            "a.geojson",
            collection({"properties": {"name": "松山区"}, "geometry": 5}),
            "a.geojson: features[1].geometry: expected an object",
        ),
        ("a.json", "{}", "a.json: is no gazetteer of ours"),
        ("a.json", '{"version":2,"places":[]}', "a.json: version = 2: expected 1"),
        ("a.txt", "", "a.txt: expected a file that ends in .csv, .geojson or .json"),
    ],
)
def test_what_is_wrong_is_said_with_its_place_and_field(tmp_path: Path, name: str, text: str, message: str) -> None:
    with pytest.raises(GazetteerError) as refused:
        read(file(tmp_path, name, text))

    assert message in str(refused.value)
    assert "\n" not in str(refused.value)


def test_a_file_that_is_not_there_or_no_text_is_said_so(tmp_path: Path) -> None:
    with pytest.raises(GazetteerError, match="cannot be read"):
        read(tmp_path / "none.csv")
    (tmp_path / "gbk.csv").write_bytes("名称\n松山区\n".encode("gbk"))
    with pytest.raises(GazetteerError, match="is not UTF-8"):
        read(tmp_path / "gbk.csv")
    (tmp_path / "file").touch()
    with pytest.raises(GazetteerError, match="cannot be written"):
        write(tmp_path / "file" / "out.json", [AREA])


words = st.text(alphabet="松山红区路街小园东西", min_size=2, max_size=8)
entries = st.builds(
    Entry,
    name=words,
    kind=st.sampled_from(PlaceKind),
    aliases=st.lists(words, max_size=3).map(tuple),
    point=st.none() | st.tuples(st.floats(-90, 90), st.floats(-180, 180)),
)


@given(st.lists(entries, min_size=1, max_size=8, unique_by=lambda entry: entry.name))
def test_what_is_written_is_read_back(tmp_path_factory: pytest.TempPathFactory, places: list[Entry]) -> None:
    path = tmp_path_factory.mktemp("gazetteer") / "var" / "gazetteer.json"
    write(path, places)

    assert read(path) == tuple(places)
