"""GeoReport v2 answers as JSON and as XML: one list of records, written both ways."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Literal
from xml.etree import ElementTree

Format = Literal["json", "xml"]
Value = str | int | float | bool | None | Sequence[Mapping[str, "Value"]]
Record = Mapping[str, Value]

MEDIA_TYPES: Mapping[Format, str] = {"json": "application/json", "xml": "text/xml"}
_CONTROL = {code: None for code in range(32) if code not in (9, 10, 13)}


def listed(records: Sequence[Record], form: Format, *, plural: str, singular: str) -> bytes:
    """Return *records* as a JSON array, or as XML elements *singular* under *plural*."""
    if form == "json":
        return json.dumps(records, ensure_ascii=False).encode()
    root = ElementTree.Element(plural)
    for record in records:
        _fill(ElementTree.SubElement(root, singular), record)
    return _spelled(root)


def single(record: Record, form: Format, *, name: str) -> bytes:
    """Return one record as a JSON object, or as the XML element *name*."""
    if form == "json":
        return json.dumps(record, ensure_ascii=False).encode()
    root = ElementTree.Element(name)
    _fill(root, record)
    return _spelled(root)


def _fill(element: ElementTree.Element, record: Record) -> None:
    for name, value in record.items():
        child = ElementTree.SubElement(element, name)
        if isinstance(value, bool):
            child.text = "true" if value else "false"
        elif isinstance(value, str | int | float):
            child.text = str(value).translate(_CONTROL)
        elif value is not None:
            for inner in value:
                _fill(ElementTree.SubElement(child, name.removesuffix("s")), inner)


def _spelled(root: ElementTree.Element) -> bytes:
    spelled: bytes = ElementTree.tostring(root, encoding="utf-8", xml_declaration=True)
    return spelled
