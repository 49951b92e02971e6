"""What goes along with a call to an emergency line: the place (RFC 6442) and the story (RFC 7852) in its body.

Pure. Both are carried by value: parts of a multipart body beside the offer, named by ``cid:`` URIs in Geolocation and
Call-Info. A far end that understands none of it is called again without (`session_out`).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from xml.etree import ElementTree

from channels.sip.bodies import BodyPart
from channels.sip.location import PIDF, location_document, printable, xml_octets

_COMMENT = "urn:ietf:params:xml:ns:EmergencyCallData:Comment"
_PROVIDER = "urn:ietf:params:xml:ns:EmergencyCallData:ProviderInfo"
DOMAIN = "jiesu.invalid"
"""Makes ids of parts whole; nothing is looked up by them."""
MOST_WORDS = 200
"""Characters of a comment: the INVITE may have to go in one datagram."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Along:
    """What goes along with an INVITE beside its offer: parts of the body, and the headers that name them."""

    parts: tuple[BodyPart, ...] = ()
    headers: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class EmergencyData:
    """What is known: ``reference`` is our ticket, ``provider`` our number, ``contact`` the URI that reaches us."""

    reference: str
    provider: str
    contact: str
    caller: str
    place: str
    words: str
    at: datetime


def along(data: EmergencyData) -> Along:
    """Return the parts and headers that say *data*; nothing about a place that nobody named."""
    reference = f"{data.reference}@{DOMAIN}"
    is_number = data.caller.isascii() and data.caller.isdigit()
    entity = f"tel:{data.caller};phone-context=+86" if is_number else "sip:anonymous@anonymous.invalid"
    parts, headers = [], []
    if printable(data.place):
        document = location_document(data.place, entity=entity, at=data.at)
        parts.append(BodyPart(kind=PIDF, content_id=f"place.{reference}", octets=document, disposition="by-reference"))
        headers += [("Geolocation", f"<cid:place.{reference}>"), ("Geolocation-Routing", "no")]
    blocks = [("ProviderInfo", _provider(data, reference))]
    if printable(data.words):
        blocks.append(("Comment", _comment(data.words, reference)))
    for name, octets in blocks:
        content_id = f"{name.lower()}.{reference}"
        kind = f"application/EmergencyCallData.{name}+xml"
        parts.append(BodyPart(kind=kind, content_id=content_id, octets=octets, disposition="by-reference"))
        headers.append(("Call-Info", f"<cid:{content_id}>;purpose=EmergencyCallData.{name}"))
    return Along(parts=tuple(parts), headers=tuple(headers))


def _provider(data: EmergencyData, reference: str) -> bytes:
    """Say who tells this (RFC 7852 4.1)."""
    root = ElementTree.Element(f"{{{_PROVIDER}}}EmergencyCallData.ProviderInfo")
    for name, text in (
        ("DataProviderReference", reference),
        ("DataProviderString", f"{data.provider}政务服务便民热线"),
        ("TypeOfProvider", "Other"),
        ("ContactURI", data.contact),
        ("Language", "zh"),
    ):
        ElementTree.SubElement(root, f"{{{_PROVIDER}}}{name}").text = printable(text)
    return xml_octets(root, {"": _PROVIDER})


def _comment(words: str, reference: str) -> bytes:
    """Say what it is about (RFC 7852 4.5)."""
    root = ElementTree.Element(f"{{{_COMMENT}}}EmergencyCallData.Comment")
    ElementTree.SubElement(root, f"{{{_COMMENT}}}DataProviderReference").text = reference
    comment = ElementTree.SubElement(root, f"{{{_COMMENT}}}Comment", {"xml:lang": "zh"})
    comment.text = printable(words)[:MOST_WORDS]
    return xml_octets(root, {"": _COMMENT})
