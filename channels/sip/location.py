"""Where an emergency is, as a document (PIDF-LO: RFC 3863, 4119, 5139), and reading it where another line sends one.

Pure. A place that somebody named in his own words goes into ``LOC``, the civic element for what no other one says: what
is not known to be a district, a road or a number is not made one.
"""

from __future__ import annotations

from datetime import UTC, datetime
from xml.etree import ElementTree

PIDF = "application/pidf+xml"
MOST_OCTETS = 20_000
MOST_CHARACTERS = 500

_PRESENCE = "urn:ietf:params:xml:ns:pidf"
_GEOPRIV = "urn:ietf:params:xml:ns:pidf:geopriv10"
_CIVIC = "urn:ietf:params:xml:ns:pidf:geopriv10:civicAddr"
_SPOKEN = (
    "A1",
    "A2",
    "A3",
    "A4",
    "A5",
    "A6",
    "RD",
    "STS",
    "HNO",
    "HNS",
    "LMK",
    "NAM",
    "BLD",
    "UNIT",
    "FLR",
    "ROOM",
    "LOC",
)
"""The elements of a civic address in the order in which Chinese says them: from the province to the room."""


def location_document(place: str, *, entity: str, at: datetime) -> bytes:
    """Return a PIDF-LO that says that *entity* (a URI) is at *place*, in its caller's words, at *at*."""
    root = ElementTree.Element(f"{{{_PRESENCE}}}presence", entity=entity)
    tuple_ = ElementTree.SubElement(root, f"{{{_PRESENCE}}}tuple", id="caller")
    status = ElementTree.SubElement(tuple_, f"{{{_PRESENCE}}}status")
    geopriv = ElementTree.SubElement(status, f"{{{_GEOPRIV}}}geopriv")
    information = ElementTree.SubElement(geopriv, f"{{{_GEOPRIV}}}location-info")
    civic = ElementTree.SubElement(information, f"{{{_CIVIC}}}civicAddress")
    ElementTree.SubElement(civic, f"{{{_CIVIC}}}country").text = "CN"
    ElementTree.SubElement(civic, f"{{{_CIVIC}}}LOC").text = printable(place)
    ElementTree.SubElement(geopriv, f"{{{_GEOPRIV}}}usage-rules")
    ElementTree.SubElement(geopriv, f"{{{_GEOPRIV}}}method").text = "Manual"
    stamp = at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    ElementTree.SubElement(tuple_, f"{{{_PRESENCE}}}timestamp").text = stamp
    return xml_octets(root, {"": _PRESENCE, "gp": _GEOPRIV, "ca": _CIVIC})


def place_in(document: bytes) -> str:
    """Return the place that a PIDF-LO names, its civic parts one after the other; "" for one that names none."""
    if len(document) > MOST_OCTETS or b"<!" in document:  # neither DOCTYPE nor entities: nothing that could grow
        return ""
    try:
        root = ElementTree.fromstring(document)
    except ElementTree.ParseError:
        return ""
    civic = root.find(f".//{{{_CIVIC}}}civicAddress")
    if civic is None:
        return ""
    parts = [(civic.findtext(f"{{{_CIVIC}}}{name}") or "").strip() for name in _SPOKEN]
    return "".join(parts)[:MOST_CHARACTERS]


def printable(text: str) -> str:
    """Return *text* on one line, without what XML 1.0 cannot hold."""
    plain = "".join(sign if sign.isprintable() else " " for sign in text)
    return " ".join(plain.split())


def xml_octets(root: ElementTree.Element, prefixes: dict[str, str]) -> bytes:
    """Write a document; *prefixes* are its namespaces, one of them without a prefix."""
    for element in root.iter():
        namespace, _, name = element.tag[1:].partition("}")
        prefix = next(known for known, uri in prefixes.items() if uri == namespace)
        element.tag = f"{prefix}:{name}" if prefix else name
    for prefix, uri in prefixes.items():
        root.set(f"xmlns:{prefix}" if prefix else "xmlns", uri)
    octets: bytes = ElementTree.tostring(root, encoding="utf-8", xml_declaration=True)
    return octets
