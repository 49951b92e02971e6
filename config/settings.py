"""The one configuration file of a node: its sections, their defaults, and what must agree between them.

`config/gateway.example.toml` documents every key. Durations are written ``"8s"``, ``"500ms"``, ``"30min"`` and read
as `timedelta`. Paths are relative to the folder of the file. Nothing here opens a socket or looks for a model: that a
port is free or a profile exists is found out by those who use them.
"""

from __future__ import annotations

import ipaddress
import re
import zoneinfo
from collections.abc import Iterable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple

import msgspec
from msgspec import Meta

from config.toml_file import Key, SettingsError, TomlFile

_UNITS = {"ms": 0.001, "s": 1.0, "min": 60.0, "h": 3600.0, "d": 86400.0}
_DURATION = re.compile(r"([0-9]{1,6}(?:\.[0-9]{1,6})?) ?(ms|s|min|h|d)")


class Duration(timedelta):
    """A time span above zero, written as a number and its unit."""

    @classmethod
    def parse(cls, text: object) -> Duration:
        """Read ``"8s"``, ``"500ms"``, ``"1.5h"``. Raises `ValueError`."""
        match = _DURATION.fullmatch(text) if isinstance(text, str) else None
        if match is None:
            raise ValueError('expected a duration such as "8s", "500ms", "30min", "12h" or "7d"')
        span = cls(seconds=float(match[1]) * _UNITS[match[2]])
        if not span:
            raise ValueError("expected a duration above zero")
        return span


class Secret(str):
    """A password; it does not show itself in a representation or a traceback."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "Secret(...)"


class Address(NamedTuple):
    """A host and a port; port 0 lets the system choose."""

    host: str
    port: int

    @classmethod
    def parse(cls, text: str) -> Address:
        """Read ``10.0.0.1:5060``, ``[::1]:5060`` or ``0.0.0.0:0``. Raises `ValueError`."""
        host, colon, port = text.rpartition(":")
        if not colon or not port.isascii() or not port.isdigit() or int(port) > 65535:
            raise ValueError("expected an IP address and a port, such as 10.0.0.1:5060 or [::1]:5060")
        if host.startswith("[") and host.endswith("]"):
            return cls(str(ipaddress.IPv6Address(host[1:-1])), int(port))
        return cls(str(ipaddress.IPv4Address(host)), int(port))


class ListenAddress(NamedTuple):
    """Where SIP is spoken: the transport (``udp``, ``tcp`` or ``tls``), the host and the port."""

    transport: str
    host: str
    port: int

    @classmethod
    def parse(cls, text: str) -> ListenAddress:
        """Read ``udp:0.0.0.0:5060``. Raises `ValueError`."""
        transport, _, address = text.partition(":")
        if transport not in ("udp", "tcp", "tls"):
            raise ValueError("expected udp:ADDRESS:PORT, tcp:ADDRESS:PORT or tls:ADDRESS:PORT")
        return cls(transport, *Address.parse(address))


_HOST_NAME = re.compile(
    r"(?=.{1,253}$)(?:[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9])?\.)*[A-Za-z][A-Za-z0-9-]{0,62}"
)


class FarAddress(NamedTuple):
    """A far end by IP address and port, or by name; port 0 for a domain whose servers the DNS knows (SRV)."""

    host: str
    port: int

    @classmethod
    def parse(cls, text: str) -> FarAddress:
        """Read ``192.0.2.1:5060``, ``[2001:db8::1]:5060``, ``sbc.example.net:5060`` or a name. Raises `ValueError`."""
        name, colon, port = text.partition(":")
        if _HOST_NAME.fullmatch(name):
            if not colon:
                return cls(name.lower(), 0)
            if port.isascii() and port.isdigit() and 0 < int(port) <= 65535:
                return cls(name.lower(), int(port))
            raise ValueError("expected a name and a port above 0, such as sbc.example.net:5060")
        address = Address.parse(text)
        if address.port == 0:
            raise ValueError("expected a port above 0")
        return cls(*address)


def _span(text: str) -> Duration:
    return Duration.parse(text)


SHORTEST_KEY = 32
"""Characters of a key that machines share."""

Name = Annotated[str, Meta(min_length=1)]
Number = Annotated[str, Meta(pattern=r"^\+?[0-9*#]{1,20}$")]
Identifier = Annotated[str, Meta(pattern=r"^[A-Za-z0-9._-]{1,64}$")]
Port = Annotated[int, Meta(ge=0, le=65535)]
Transport = Literal["udp", "tcp", "tls"]
AreaCode = Annotated[str, Meta(pattern=r"^(0?[1-9][0-9]{1,2})?$")]


class _Section(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A table of the file; a key that it does not know is an error."""


class Node(_Section, frozen=True, kw_only=True):
    """This gateway itself."""

    name: Identifier = "jiesu"
    data: Name = "var"
    database: Secret = Secret()
    profile: Identifier = "chifeng-2022"
    timezone: Name = "Asia/Shanghai"


class Sip(_Section, frozen=True, kw_only=True):
    """Signalling."""

    listen: Annotated[tuple[str, ...], Meta(min_length=1)] = ("udp:0.0.0.0:5060", "tcp:0.0.0.0:5060")
    advertise: str = ""
    hotline_number: Number = "12345"
    realm: Name = "jiesu"
    digest: Annotated[tuple[Literal["SHA-256", "MD5"], ...], Meta(min_length=1, max_length=2)] = ("MD5",)
    registration_min: Duration = _span("60s")
    registration_max: Duration = _span("1h")
    hang_up_limit: Duration = _span("5s")
    trunk_check_interval: Duration = _span("30s")
    trunk_check_limit: Duration = _span("4s")
    t1: Duration = _span("500ms")
    t2: Duration = _span("4s")
    t4: Duration = _span("5s")
    session_interval: Duration = _span("30min")
    session_interval_min: Duration = _span("90s")
    area_code: AreaCode = ""
    tls_certificate: str = ""
    tls_key: str = ""
    tls_authorities: str = ""
    tls_client_certificates: bool = False
    nameservers: tuple[str, ...] = ()
    fail_over_after: Duration = _span("2s")
    max_calls: Annotated[int, Meta(ge=1, le=10_000)] = 200
    max_calls_per_second: Annotated[float, Meta(ge=0, le=1000)] = 0.0
    max_calls_per_caller: Annotated[int, Meta(ge=0, le=1000)] = 0
    overload_retry: Duration = _span("10s")
    stranger_rate: Annotated[float, Meta(gt=0, le=10_000)] = 10.0
    stranger_burst: Annotated[int, Meta(ge=1, le=100_000)] = 100
    stranger_silence: Duration = _span("60s")


class Trunk(_Section, frozen=True, kw_only=True):
    """A carrier's link (中继)."""

    name: Identifier
    address: str
    transport: Transport = "udp"
    sources: tuple[str, ...] = ()
    same_port: bool = False
    keeps_way: bool = False
    username: str = ""
    password: Secret = Secret()
    password_file: str = ""
    hotline_numbers: tuple[Number, ...] = ()
    max_calls: Annotated[int, Meta(ge=0, le=10_000)] = 0
    proxy: str = ""
    tls_name: str = ""
    register: bool = False
    trust_identity: bool = True
    identity: Annotated[str, Meta(pattern=r"^(\+?[0-9*#]{1,20})?$")] = ""
    private: bool = False


class Telephone(_Section, frozen=True, kw_only=True):
    """A desk telephone of the hotline's own, that registers here."""

    user: Identifier
    password: Secret = Secret()
    password_file: str = ""
    name: Name
    role: Literal["agent", "emergency", "unit"]
    agent: Annotated[str, Meta(pattern=r"^[A-Za-z0-9._-]{0,64}$")] = ""


class ChainLink(_Section, frozen=True, kw_only=True):
    """One number of an emergency line, with how long it may ring."""

    number: Identifier
    trunk: str = ""
    ring_limit: Duration = _span("8s")


class EmergencyLine(_Section, frozen=True, kw_only=True):
    """An emergency line (110, 119, 120, 122) and the numbers to try, in this order."""

    line: Number
    name: Name
    chain: Annotated[tuple[ChainLink, ...], Meta(min_length=1)]


class Unit(_Section, frozen=True, kw_only=True):
    """A unit (承办单位) that calls may be transferred to, with the categories it answers for."""

    id: Identifier
    name: Name
    number: Identifier
    trunk: str = ""
    duties: tuple[Name, ...] = ()


class Desk(_Section, frozen=True, kw_only=True):
    """Agents, and citizens who wait for them or for a unit."""

    agent_ring_limit: Duration = _span("20s")
    no_answer_rest: Duration = _span("30s")
    queue_limit: Duration = _span("3min")
    unit_ring_limit: Duration = _span("30s")
    consult_limit: Duration = _span("2min")
    wrap_up_limit: Duration = _span("10s")
    call_limit: Duration = _span("1h")


class Handoff(_Section, frozen=True, kw_only=True):
    """The technical limits of an emergency hand-off; whom to ask, and how long, is the profile's."""

    brief_limit: Duration = _span("8s")
    accept_limit: Duration = _span("30s")


class Media(_Section, frozen=True, kw_only=True):
    """Sound."""

    ports: tuple[Port, Port] = (16384, 18383)
    port_rest: Duration = _span("3s")
    laws: Annotated[tuple[Literal["PCMA", "PCMU"], ...], Meta(min_length=1, max_length=2)] = ("PCMA", "PCMU")
    silence_alert: Duration = _span("5s")
    silence_limit: Duration = _span("60s")
    greeting: bool = True
    prompts: str = ""


class Asr(_Section, frozen=True, kw_only=True):
    """Speech recognition."""

    model: str = ""


class Web(_Section, frozen=True, kw_only=True):
    """The page, the JSON interface, and the health check."""

    listen: str = "127.0.0.1:8345"
    session_lifetime: Duration = _span("12h")
    secure_cookies: bool = False


class Casework(_Section, frozen=True, kw_only=True):
    """Tickets on their way through the closed loop."""

    takes_calls: bool = True
    sweep_interval: Duration = _span("15s")
    digest_age: Duration = _span("2h")


class Partner(_Section, frozen=True, kw_only=True):
    """Another system that exchanges tickets with us: a unit's own, or without a unit a platform above."""

    id: Identifier
    unit: str = ""
    api_key: Secret = Secret()
    api_key_file: str = ""
    webhook: str = ""
    secret: Secret = Secret()
    secret_file: str = ""


class Log(_Section, frozen=True, kw_only=True):
    """The technical log; the journal is elsewhere and always on."""

    level: Literal["debug", "info", "warning", "error"] = "info"
    format: Literal["console", "json"] = "console"


class Settings(_Section, frozen=True, kw_only=True):
    """The whole file. `Settings()` is a node with every default and nobody to talk to."""

    node: Node = Node()
    sip: Sip = Sip()
    desk: Desk = Desk()
    handoff: Handoff = Handoff()
    media: Media = Media()
    asr: Asr = Asr()
    web: Web = Web()
    casework: Casework = Casework()
    log: Log = Log()
    trunk: tuple[Trunk, ...] = ()
    telephone: tuple[Telephone, ...] = ()
    emergency_line: tuple[EmergencyLine, ...] = ()
    unit: tuple[Unit, ...] = ()
    partner: tuple[Partner, ...] = ()


def load(path: Path) -> Settings:
    """Read the settings file at *path*: passwords read in, paths absolute. Raises `SettingsError`, one line."""
    file = TomlFile(path)
    settings = file.convert(Settings, _read)
    for key, reason in _disagreements(settings):
        raise file.error(key, reason)
    return _settled(settings, file)


def _read(kind: type, value: Any) -> Any:
    if kind is Duration:
        return Duration.parse(value)
    if not isinstance(value, str):
        raise ValueError(f"expected str, got {type(value).__name__}")
    return kind(value)


def _disagreements(settings: Settings) -> Iterator[tuple[Key, str]]:
    """Yield what no single key can tell, the first mistake first."""
    yield from _bad_node(settings)
    yield from _repeated("trunk", [trunk.name for trunk in settings.trunk], "name")
    yield from _repeated("telephone", [telephone.user for telephone in settings.telephone], "user")
    yield from _repeated("telephone", [telephone.agent for telephone in settings.telephone], "agent")
    yield from _repeated("emergency_line", [line.line for line in settings.emergency_line], "line")
    yield from _repeated("unit", [unit.id for unit in settings.unit], "id")
    yield from _repeated("partner", [partner.id for partner in settings.partner], "id")
    for index, trunk in enumerate(settings.trunk):
        yield from _bad_trunk(("trunk", index), trunk)
    for index, telephone in enumerate(settings.telephone):
        yield from _bad_telephone(("telephone", index), telephone)
    for index, line in enumerate(settings.emergency_line):
        for position, link in enumerate(line.chain):
            place: Key = ("emergency_line", index, "chain", position)
            yield from _bad_number(place, link.number, link.trunk, "emergency", settings)
    for index, unit in enumerate(settings.unit):
        yield from _bad_number(("unit", index), unit.number, unit.trunk, "unit", settings)
    units = {unit.id for unit in settings.unit}
    for index, partner in enumerate(settings.partner):
        yield from _bad_partner(("partner", index), partner, units)


def _bad_node(settings: Settings) -> Iterator[tuple[Key, str]]:
    sip, media = settings.sip, settings.media
    for index, text in enumerate(sip.listen):
        yield from _refused(("sip", "listen", index), ListenAddress.parse, text)
    yield from _repeated("sip", list(sip.listen), "listen")
    yield from _repeated("sip", list(sip.digest), "digest")
    yield from _refused(("web", "listen"), Address.parse, settings.web.listen)
    yield from _refused(("node", "timezone"), _zone, settings.node.timezone)
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
    if settings.casework.sweep_interval > _span("60s"):
        yield ("casework", "sweep_interval"), "is longer than 60s: deadlines must not fire later"
    if media.silence_alert > media.silence_limit:
        yield ("media", "silence_alert"), "is longer than media.silence_limit"
    yield from _repeated("media", list(media.laws), "laws")


def _bad_trunk(place: Key, trunk: Trunk) -> Iterator[tuple[Key, str]]:
    yield from _refused((*place, "address"), FarAddress.parse, trunk.address)
    if trunk.proxy:
        yield from _refused((*place, "proxy"), FarAddress.parse, trunk.proxy)
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
    if telephone.role == "agent" and not telephone.agent:
        yield (*place, "agent"), 'is missing; a telephone with role = "agent" belongs to one'
    if telephone.role != "agent" and telephone.agent:
        yield (*place, "agent"), 'only a telephone with role = "agent" has one'


def _bad_partner(place: Key, partner: Partner, units: set[str]) -> Iterator[tuple[Key, str]]:
    if partner.unit and partner.unit not in units:
        yield (*place, "unit"), f"there is no unit {partner.unit!r}; known are {', '.join(sorted(units)) or 'none'}"
    for name in ("api_key", "secret"):
        given, file = getattr(partner, name), getattr(partner, f"{name}_file")
        if given and file:
            yield (*place, f"{name}_file"), f"give {name} or {name}_file, not both"
        if given and len(given) < SHORTEST_KEY:
            yield (*place, name), f"expected at least {SHORTEST_KEY} characters, such as `openssl rand -hex 32` makes"
    if partner.webhook and not partner.webhook.startswith(("https://", "http://")):
        yield (*place, "webhook"), "expected an address such as https://unit.example/jiesu"
    if bool(partner.webhook) != bool(partner.secret or partner.secret_file):
        yield (*place, "webhook"), "webhook and secret belong together"
    if not partner.webhook and not partner.api_key and not partner.api_key_file:
        yield (*place, "api_key"), "is missing; a partner has an api_key, a webhook, or both"


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


def _refused(key: Key, parse: Any, text: str) -> Iterator[tuple[Key, str]]:
    try:
        parse(text)
    except ValueError as error:
        yield key, str(error)


def _name_server(text: str) -> None:
    if Address.parse(text).port == 0:
        raise ValueError("expected a port above 0")


def _zone(text: str) -> None:
    try:
        zoneinfo.ZoneInfo(text)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ValueError("no such time zone on this machine") from error


def _settled(settings: Settings, file: TomlFile) -> Settings:
    """Return *settings* with passwords in their place and every path absolute."""

    def absolute(path: str) -> str:
        return str((file.path.parent / path).resolve()) if path else ""

    def with_password(table: str, owners: Iterable[Any], name: str = "password") -> tuple[Any, ...]:
        return tuple(
            msgspec.structs.replace(
                owner,
                **{name: _password(file, (table, index, f"{name}_file"), absolute(getattr(owner, f"{name}_file")))},
            )
            if getattr(owner, f"{name}_file")
            else owner
            for index, owner in enumerate(owners)
        )

    replace = msgspec.structs.replace
    return replace(
        settings,
        node=replace(settings.node, data=absolute(settings.node.data)),
        asr=replace(settings.asr, model=absolute(settings.asr.model)),
        sip=replace(
            settings.sip,
            tls_certificate=absolute(settings.sip.tls_certificate),
            tls_key=absolute(settings.sip.tls_key),
            tls_authorities=absolute(settings.sip.tls_authorities),
        ),
        media=replace(settings.media, prompts=absolute(settings.media.prompts)),
        trunk=with_password("trunk", settings.trunk),
        telephone=with_password("telephone", settings.telephone),
        partner=with_password("partner", with_password("partner", settings.partner, "api_key"), "secret"),
    )


def _password(file: TomlFile, key: Key, path: str) -> Secret:
    try:
        password = Path(path).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise file.error(key, f"cannot be read: {error}") from error
    if not password:
        raise file.error(key, "the file is empty")
    return Secret(password)


__all__ = ["Address", "ListenAddress", "Settings", "SettingsError", "load"]
