"""What no single key of the settings can tell: whether they agree with one another."""

from __future__ import annotations

import ipaddress
import re
import zoneinfo
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from config.channels import Inlet
from config.chat import disagreements_of_chat
from config.mail import disagreements_of_mail
from config.opening_hours import opening_hours
from config.sections import Partner
from config.sms import CloudSms, Cmpp, Smpp
from config.telephone_line import EmergencyLine, MergedLine, Telephone, Trunk, Unit
from config.toml_file import Key
from config.values import SHORTEST_KEY, Address, Duration, FarAddress, ListenAddress, span

if TYPE_CHECKING:
    from config.settings import Settings

_ORIGIN = re.compile(r"https?://[A-Za-z0-9.-]+(:[0-9]{1,5})?")

LONGEST_SMPP_PASSWORD = 8
"""Characters of a password in a bind (SMPP 3.4 4.1)."""


def disagreements(settings: Settings) -> Iterator[tuple[Key, str]]:
    """Yield what no single key can tell, the first mistake first."""
    yield from _bad_node(settings)
    yield from _repeated("trunk", [trunk.name for trunk in settings.trunk], "name")
    yield from _repeated("telephone", [telephone.user for telephone in settings.telephone], "user")
    yield from _repeated("telephone", [telephone.agent for telephone in settings.telephone], "agent")
    yield from _repeated("emergency_line", [line.line for line in settings.emergency_line], "line")
    yield from _repeated("unit", [unit.id for unit in settings.unit], "id")
    yield from _repeated("partner", [partner.id for partner in settings.partner], "id")
    yield from _repeated("app", [app.id for app in settings.app], "id")
    yield from _bad_public_door(settings)
    lines = {line.line for line in settings.emergency_line}
    for index, trunk in enumerate(settings.trunk):
        yield from _bad_trunk(("trunk", index), trunk)
        if trunk.emergency_line and trunk.emergency_line not in lines:
            yield ("trunk", index, "emergency_line"), "no [[emergency_line]] has this line"
    for index, telephone in enumerate(settings.telephone):
        yield from _bad_telephone(("telephone", index), telephone)
    for index, line in enumerate(settings.emergency_line):
        yield from _bad_webhook(("emergency_line", index), line)
        for position, link in enumerate(line.chain):
            place: Key = ("emergency_line", index, "chain", position)
            yield from _bad_number(place, link.number, link.trunk, "emergency", settings)
    for index, unit in enumerate(settings.unit):
        yield from _bad_number(("unit", index), unit.number, unit.trunk, "unit", settings)
        yield from _bad_unit(("unit", index), unit, settings)
        if unit.authority and unit.authority not in {each.id for each in settings.unit if each.id != unit.id}:
            yield ("unit", index, "authority"), f"expected another unit's id, not {unit.authority!r}"
    units = {unit.id for unit in settings.unit}
    yield from _repeated("merged_line", [line.number for line in settings.merged_line], "number")
    for index, merged in enumerate(settings.merged_line):
        yield from _bad_merged_line(("merged_line", index), merged, settings)
    yield from _repeated("inlet", [inlet.name for inlet in settings.inlet], "name")
    for index, inlet in enumerate(settings.inlet):
        yield from _bad_inlet(("inlet", index), inlet)
    for index, partner in enumerate(settings.partner):
        yield from _bad_partner(("partner", index), partner, units)
    yield from _bad_sms(settings)
    yield from disagreements_of_mail(settings)
    yield from disagreements_of_chat(settings)


def _bad_node(settings: Settings) -> Iterator[tuple[Key, str]]:
    sip, media = settings.sip, settings.media
    for index, text in enumerate(sip.listen):
        yield from _refused(("sip", "listen", index), ListenAddress.parse, text)
    yield from _repeated("sip", list(sip.listen), "listen")
    yield from _repeated("sip", list(sip.digest), "digest")
    yield from _refused(("web", "listen"), Address.parse, settings.web.listen)
    for index, network in enumerate(settings.web.trusted_proxies):
        yield from _refused(("web", "trusted_proxies", index), ipaddress.ip_network, network)
    yield from _refused(("node", "timezone"), _zone, settings.node.timezone)
    yield from _refused(("desk", "office_hours"), opening_hours, settings.desk.office_hours)
    if settings.node.database and not settings.node.database.startswith(("postgresql://", "postgres://")):
        yield ("node", "database"), 'expected postgresql://USER@HOST/DATABASE, or "" for SQLite in node.data'
    if sip.registration_min > sip.registration_max:
        yield ("sip", "registration_min"), "is longer than sip.registration_max"
    for index, text in enumerate(sip.nameservers):
        yield from _refused(("sip", "nameservers", index), _name_server, text)
    if sip.session_interval_min > sip.session_interval:
        yield ("sip", "session_interval_min"), "is longer than sip.session_interval"
    if bool(sip.tls_certificate) != bool(sip.tls_key):
        yield ("sip", "tls_certificate"), "tls_certificate and tls_key belong together"
    speaks_tls = any(text.startswith("tls:") for text in sip.listen)
    if speaks_tls and not sip.tls_certificate:
        yield ("sip", "tls_certificate"), "is missing; sip.listen speaks TLS"
    if not speaks_tls and any(trunk.transport == "tls" for trunk in settings.trunk):
        yield ("sip", "listen"), 'a [[trunk]] has transport = "tls"; name a tls:ADDRESS:PORT too'
    if sip.t1 > sip.t2:
        yield ("sip", "t1"), "is longer than sip.t2"
    low, high = media.ports
    if (low, high) != (0, 0) and (low < 1024 or low % 2 or high - low < 7):
        yield (
            ("media", "ports"),
            "expected [LOW, HIGH], LOW even and from 1024, room for four legs of two ports; or [0, 0]",
        )
    if settings.casework.sweep_interval > span("60s"):
        yield ("casework", "sweep_interval"), "is longer than 60s: deadlines must not fire later"
    if media.silence_alert > media.silence_limit:
        yield ("media", "silence_alert"), "is longer than media.silence_limit"
    yield from _repeated("media", list(media.codecs), "codecs")
    if media.keep_recordings:
        yield from _refused(("media", "keep_recordings"), Duration.parse, media.keep_recordings)


def _bad_public_door(settings: Settings) -> Iterator[tuple[Key, str]]:
    public, citizen = settings.public, settings.citizen
    if public.listen:
        yield from _refused(("public", "listen"), Address.parse, public.listen)
    if settings.written.quiet_hours:
        yield from _refused(("written", "quiet_hours"), _hours, settings.written.quiet_hours)
    for index, text in enumerate(public.trusted_proxies):
        yield from _refused(("public", "trusted_proxies", index), ipaddress.ip_network, text)
    for index, origin in enumerate(citizen.embed_origins):
        if not _ORIGIN.fullmatch(origin):
            yield ("citizen", "embed_origins", index), "expected an origin such as https://www.example.gov.cn"
    if settings.open311.jurisdiction and not public.listen:
        yield ("open311", "jurisdiction"), "needs public.listen"
    if citizen.open and not public.listen:
        yield ("citizen", "open"), "needs public.listen"


def _bad_trunk(place: Key, trunk: Trunk) -> Iterator[tuple[Key, str]]:
    yield from _refused((*place, "address"), FarAddress.parse, trunk.address)
    if trunk.proxy:
        yield from _refused((*place, "proxy"), FarAddress.parse, trunk.proxy)
    if trunk.srtp != "off" and trunk.transport != "tls":
        yield (*place, "srtp"), 'needs transport = "tls": the keys travel in the signalling'
    if trunk.register and not trunk.username:
        yield (*place, "register"), "needs username and password"
    for index, source in enumerate(trunk.sources):
        yield from _refused((*place, "sources", index), ipaddress.ip_network, source)
    if trunk.password and trunk.password_file:
        yield (*place, "password_file"), "give password or password_file, not both"
    if bool(trunk.username) != bool(trunk.password or trunk.password_file):
        yield (*place, "username"), "username and password belong together"


def _bad_telephone(place: Key, telephone: Telephone) -> Iterator[tuple[Key, str]]:
    if telephone.password and telephone.password_file:
        yield (*place, "password_file"), "give password or password_file, not both"
    if not telephone.password and not telephone.password_file:
        yield (*place, "password"), "is missing; give password or password_file"
    has_person = telephone.role in ("agent", "supervisor")
    if has_person and not telephone.agent:
        yield (*place, "agent"), f'is missing; a telephone with role = "{telephone.role}" belongs to one'
    if not has_person and telephone.agent:
        yield (*place, "agent"), 'only a telephone with role = "agent" or "supervisor" has one'


def _bad_unit(place: Key, unit: Unit, settings: Settings) -> Iterator[tuple[Key, str]]:
    for name in ("further", "duty"):
        for position, number in enumerate(getattr(unit, name)):
            yield from _bad_number((*place, name, position), number.number, number.trunk, "unit", settings)
    yield from _refused((*place, "office_hours"), opening_hours, unit.office_hours)


def _bad_merged_line(place: Key, line: MergedLine, settings: Settings) -> Iterator[tuple[Key, str]]:
    if (line.agents or line.unit) and line.merging != "sub_centre":
        yield (*place, "merging"), 'only a line with merging = "sub_centre" has agents or a unit of its own'
    known = {telephone.agent for telephone in settings.telephone if telephone.role == "agent"}
    for position, agent in enumerate(line.agents):
        if agent not in known:
            yield (*place, "agents", position), 'no [[telephone]] with role = "agent" belongs to this agent'
    if line.unit and line.unit not in {unit.id for unit in settings.unit}:
        yield (*place, "unit"), "no [[unit]] has this id"


def _bad_inlet(place: Key, inlet: Inlet) -> Iterator[tuple[Key, str]]:
    yield from _bad_key(place, "secret", inlet.secret, inlet.secret_file)
    if not inlet.secret and not inlet.secret_file:
        yield (*place, "secret"), "is missing; give secret or secret_file"
    if inlet.answers_to and not inlet.answers_to.startswith(("https://", "http://")):
        yield (*place, "answers_to"), "expected an address such as https://app.example/answers"


def _bad_partner(place: Key, partner: Partner, units: set[str]) -> Iterator[tuple[Key, str]]:
    if partner.unit and partner.unit not in units:
        yield (*place, "unit"), f"there is no unit {partner.unit!r}; known are {', '.join(sorted(units)) or 'none'}"
    if partner.master and (partner.unit or not partner.webhook):
        yield (*place, "master"), "expected false; a master is a platform (no unit) with a webhook for our commands"
    yield from _bad_key(place, "api_key", partner.api_key, partner.api_key_file)
    yield from _bad_webhook(place, partner)
    if not partner.webhook and not partner.api_key and not partner.api_key_file:
        yield (*place, "api_key"), "is missing; a partner has an api_key, a webhook, or both"


def _bad_webhook(place: Key, owner: Partner | EmergencyLine) -> Iterator[tuple[Key, str]]:
    yield from _bad_key(place, "secret", owner.secret, owner.secret_file)
    if owner.webhook and not owner.webhook.startswith(("https://", "http://")):
        yield (*place, "webhook"), "expected an address such as https://unit.example/jiesu"
    if bool(owner.webhook) != bool(owner.secret or owner.secret_file):
        yield (*place, "webhook"), "webhook and secret belong together"


def _bad_key(place: Key, name: str, given: str, file: str) -> Iterator[tuple[Key, str]]:
    if given and file:
        yield (*place, f"{name}_file"), f"give {name} or {name}_file, not both"
    if given and len(given) < SHORTEST_KEY:
        yield (*place, name), f"expected at least {SHORTEST_KEY} characters, such as `openssl rand -hex 32` makes"


def _bad_sms(settings: Settings) -> Iterator[tuple[Key, str]]:
    links: list[tuple[Key, Cmpp | Smpp | CloudSms]] = [
        ((table, index), link)
        for table in ("cmpp", "smpp", "cloud_sms")
        for index, link in enumerate(getattr(settings, table))
    ]
    names: set[str] = set()
    for place, link in links:
        if link.name in names:
            yield (*place, "name"), "is there twice; links of short messages share their names"
        names.add(link.name)
        if isinstance(link, CloudSms):
            yield from _one_secret(place, link, "key_secret")
            yield from _one_secret(place, link, "token")
            if link.token and len(link.token) < SHORTEST_KEY:
                yield (*place, "token"), f"expected at least {SHORTEST_KEY} characters, such as `openssl rand -hex 32`"
            if link.url and not link.url.startswith(("https://", "http://")):
                yield (*place, "url"), "expected an address such as https://sms.example"
            if link.vendor == "tencent" and not link.app:
                yield (*place, "app"), 'is missing; vendor = "tencent" needs the SDK AppID'
        else:
            yield from _refused((*place, "address"), _centre, link.address)
            yield from _one_secret(place, link, "secret" if isinstance(link, Cmpp) else "password")
            if isinstance(link, Smpp) and len(link.password) > LONGEST_SMPP_PASSWORD:
                yield (*place, "password"), f"SMPP 3.4 has no password beyond {LONGEST_SMPP_PASSWORD} characters"


def _one_secret(place: Key, owner: Any, name: str) -> Iterator[tuple[Key, str]]:
    given, file = getattr(owner, name), getattr(owner, f"{name}_file")
    if given and file:
        yield (*place, f"{name}_file"), f"give {name} or {name}_file, not both"
    if not given and not file:
        yield (*place, name), f"is missing; give {name} or {name}_file"


def _bad_number(place: Key, number: str, trunk: str, role: str, settings: Settings) -> Iterator[tuple[Key, str]]:
    """Check one number that may be rung: at a trunk that exists, or at a telephone that has the right role."""
    if trunk:
        if trunk not in {known.name for known in settings.trunk}:
            yield (*place, "trunk"), "no [[trunk]] has this name"
        return
    roles = {telephone.role for telephone in settings.telephone if telephone.user == number}
    if not roles:
        yield (*place, "number"), "no [[telephone]] has this user; name the trunk that leads there"
    elif role not in roles:
        yield (*place, "number"), f'this telephone has role = "{roles.pop()}", not "{role}"'


def _repeated(table: str, names: list[str], key: str) -> Iterator[tuple[Key, str]]:
    for index, name in enumerate(names):
        if name and name in names[:index]:
            place: Key = (table, key, index) if table in ("sip", "media") else (table, index, key)
            yield place, "is there twice"


def _refused(key: Key, parse: Any, text: Any) -> Iterator[tuple[Key, str]]:
    try:
        parse(text)
    except ValueError as error:
        yield key, str(error)


def _centre(text: str) -> None:
    host, port = FarAddress.parse(text)
    if port == 0:
        raise ValueError(f"expected a port, too, such as {host}:2775")


def _name_server(text: str) -> None:
    if Address.parse(text).port == 0:
        raise ValueError("expected a port above 0")


def _hours(text: tuple[str, ...]) -> None:
    if len(text) != 2 or not all(re.fullmatch("([01][0-9]|2[0-3]):[0-5][0-9]", each) for each in text):
        raise ValueError('expected two times of day, such as ["22:00", "07:00"]')


def _zone(text: str) -> None:
    try:
        zoneinfo.ZoneInfo(text)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ValueError("no such time zone on this machine") from error
