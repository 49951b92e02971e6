"""The sections of the telephone line: signalling, trunks, telephones, sound, and who is called."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta

from config.values import AreaCode, Duration, Identifier, Name, Number, Port, Secret, Section, Transport, span


class Sip(Section, frozen=True, kw_only=True):
    """Signalling."""

    listen: Annotated[tuple[str, ...], Meta(min_length=1)] = ("udp:0.0.0.0:5060", "tcp:0.0.0.0:5060")
    advertise: str = ""
    hotline_number: Number = "12345"
    realm: Name = "jiesu"
    digest: Annotated[tuple[Literal["SHA-256", "MD5"], ...], Meta(min_length=1, max_length=2)] = ("MD5",)
    registration_min: Duration = span("60s")
    registration_max: Duration = span("1h")
    hang_up_limit: Duration = span("5s")
    trunk_check_interval: Duration = span("30s")
    trunk_check_limit: Duration = span("4s")
    t1: Duration = span("500ms")
    t2: Duration = span("4s")
    t4: Duration = span("5s")
    session_interval: Duration = span("30min")
    session_interval_min: Duration = span("90s")
    area_code: AreaCode = ""
    tls_certificate: str = ""
    tls_key: str = ""
    tls_authorities: str = ""
    tls_client_certificates: bool = False
    nameservers: tuple[str, ...] = ()
    fail_over_after: Duration = span("2s")
    max_calls: Annotated[int, Meta(ge=1, le=10_000)] = 200
    max_excess_calls: Annotated[int, Meta(ge=0, le=10_000)] = 0
    max_calls_per_second: Annotated[float, Meta(ge=0, le=1000)] = 0.0
    max_calls_per_caller: Annotated[int, Meta(ge=0, le=1000)] = 0
    overload_retry: Duration = span("10s")
    stranger_rate: Annotated[float, Meta(gt=0, le=10_000)] = 10.0
    stranger_burst: Annotated[int, Meta(ge=1, le=100_000)] = 100
    stranger_silence: Duration = span("60s")


class Trunk(Section, frozen=True, kw_only=True):
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
    emergency_line: Annotated[str, Meta(pattern=r"^(\+?[0-9*#]{1,20})?$")] = ""
    sends_location: bool = True
    private: bool = False
    late_offer: bool = False
    srtp: Literal["off", "offered", "required"] = "off"


class Telephone(Section, frozen=True, kw_only=True):
    """A desk telephone of the hotline's own, that registers here."""

    user: Identifier
    password: Secret = Secret()
    password_file: str = ""
    name: Name
    role: Literal["agent", "emergency", "unit", "supervisor"]
    agent: Annotated[str, Meta(pattern=r"^[A-Za-z0-9._-]{0,64}$")] = ""


class ChainLink(Section, frozen=True, kw_only=True):
    """One number of an emergency line, with how long it may ring."""

    number: Identifier
    trunk: str = ""
    ring_limit: Duration = span("8s")


class EmergencyLine(Section, frozen=True, kw_only=True):
    """An emergency line (110, 119, 120, 122) and the numbers to try, in this order."""

    line: Number
    name: Name
    chain: Annotated[tuple[ChainLink, ...], Meta(min_length=1)]
    webhook: str = ""
    secret: Secret = Secret()
    secret_file: str = ""


class UnitNumber(Section, frozen=True, kw_only=True):
    """One more number of a unit."""

    number: Identifier
    trunk: str = ""


OpeningHours = tuple[Annotated[str, Meta(pattern=r"^[0-2][0-9]:[0-5][0-9]-[0-2][0-9]:[0-5][0-9]$")], ...]


class Unit(Section, frozen=True, kw_only=True):
    """A unit (承办单位) that calls may be transferred to, with the categories it answers for."""

    id: Identifier
    name: Name
    number: Identifier
    trunk: str = ""
    further: tuple[UnitNumber, ...] = ()
    duty: tuple[UnitNumber, ...] = ()
    office_hours: OpeningHours = ()
    duties: tuple[Name, ...] = ()
    areas: tuple[Name, ...] = ()
    authority: str = ""


class MergedLine(Section, frozen=True, kw_only=True):
    """A line that was merged into the hotline (归并热线), by the number that people still dial."""

    number: Number
    name: Name
    merging: Literal["whole", "double_number", "sub_centre"]
    prompt: str = ""
    agents: tuple[str, ...] = ()
    unit: str = ""


class Desk(Section, frozen=True, kw_only=True):
    """Agents, and citizens who wait for them or for a unit."""

    agent_ring_limit: Duration = span("20s")
    no_answer_rest: Duration = span("30s")
    queue_limit: Duration = span("3min")
    queue_notice: Duration = span("30s")
    own_seats_limit: Duration = span("30s")
    unit_ring_limit: Duration = span("30s")
    office_hours: OpeningHours = ()
    consult_limit: Duration = span("2min")
    wrap_up_limit: Duration = span("10s")
    call_limit: Duration = span("1h")


class Handoff(Section, frozen=True, kw_only=True):
    """The technical limits of an emergency hand-off; whom to ask, and how long, is the profile's."""

    brief_limit: Duration = span("12s")
    accept_limit: Duration = span("30s")


class Media(Section, frozen=True, kw_only=True):
    """Sound."""

    ports: tuple[Port, Port] = (16384, 18383)
    port_rest: Duration = span("3s")
    codecs: Annotated[tuple[Literal["PCMA", "PCMU", "G722"], ...], Meta(min_length=1, max_length=3)] = (
        "PCMA",
        "PCMU",
        "G722",
    )
    comfort_noise: bool = True
    silence_alert: Duration = span("5s")
    silence_limit: Duration = span("60s")
    keep_recordings: str = ""
    greeting: bool = True
    prompts: str = ""
