"""The sections of the written ways in: what each channel needs to know of its peer."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta

from config.values import Duration, Identifier, Name, Secret, Section, span

Asking = Literal["hidden", "optional", "required"]
Often = Annotated[int, Meta(ge=1, le=1_000_000)]
CONSENT = (
    "您填写的内容和上传的附件仅用于受理、转办、答复您的诉求，按规定期限保存，不作他用。"
    "承办单位可以看到诉求内容；您可以要求不公开姓名。"
)


class Public(Section, frozen=True, kw_only=True):
    """The public door: where citizens and peers reach us over HTTP, and under which address they know it."""

    listen: str = ""
    url: str = ""
    trusted_proxies: tuple[str, ...] = ()


class Written(Section, frozen=True, kw_only=True):
    """What holds for everything written, whatever way it comes."""

    longest_text: Annotated[int, Meta(ge=100, le=1_000_000)] = 20_000
    most_files: Annotated[int, Meta(ge=0, le=100)] = 20
    file_megabytes: Annotated[int, Meta(ge=1, le=1000)] = 25
    all_files_megabytes: Annotated[int, Meta(ge=1, le=1000)] = 50
    conversation_silence: Duration = span("72h")
    sender_limit: bool = True
    sender_burst: Annotated[int, Meta(ge=1, le=10_000)] = 20
    sender_pause: Duration = span("15s")
    sent_per_second: Annotated[float, Meta(ge=0, le=10_000)] = 0.0
    quiet_hours: tuple[str, ...] = ()
    answers: str = ""
    scanner: str = ""


class Inlet(Section, frozen=True, kw_only=True):
    """Another system of the city's that posts what people wrote to it, signed."""

    name: Identifier
    channel: Literal["sms", "web", "app", "wechat", "platform"] = "app"
    secret: Secret = Secret()
    secret_file: str = ""
    answers_to: str = ""


class Citizen(Section, frozen=True, kw_only=True):
    """The citizens' page: what its form asks for, and how much one address may do."""

    open: bool = False
    title: Name = "12345 政务服务便民热线"
    consent: Name = CONSENT
    name: Asking = "optional"
    telephone: Asking = "optional"
    emergency_sms: str = "12110"
    files: Annotated[int, Meta(ge=0, le=20)] = 9
    file_megabytes: Annotated[int, Meta(ge=1, le=25)] = 8
    embed_origins: tuple[str, ...] = ()
    matters_per_hour: Often = 60
    enquiries_per_hour: Often = 120
    words_per_minute: Often = 120


class Open311(Section, frozen=True, kw_only=True):
    """Open311 GeoReport v2: who we are to its clients, and the SHA-256 of the keys that may report."""

    jurisdiction: Annotated[str, Meta(pattern=r"^[A-Za-z0-9.-]{0,200}$")] = ""
    contact: str = ""
    api_keys_sha256: tuple[Annotated[str, Meta(pattern=r"^[0-9a-f]{64}$")], ...] = ()
    requests_per_minute: Often = 600


class App(Section, frozen=True, kw_only=True):
    """A city's own app, and the SHA-256 of the key that it proves itself with."""

    id: Identifier
    api_key_sha256: Annotated[str, Meta(pattern=r"^[0-9a-f]{64}$")]
    requests_per_minute: Often = 600
