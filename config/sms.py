"""The sections of short messages: the centres and clouds that carry them."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta

from config.values import Duration, Identifier, Name, Secret, Section, span

ServiceNumber = Annotated[str, Meta(pattern=r"^[0-9]{3,20}$")]
PerSecond = Annotated[float, Meta(ge=0.0, le=10_000.0)]
Window = Annotated[int, Meta(ge=1, le=256)]


class Cmpp(Section, frozen=True, kw_only=True):
    """A CMPP gateway of China Mobile (ISMG), and who we are there."""

    name: Identifier
    address: str
    number: ServiceNumber
    source: Annotated[str, Meta(pattern=r"^[A-Za-z0-9]{1,6}$")]
    secret: Secret = Secret()
    secret_file: str = ""
    version: Literal["2.0", "3.0"] = "3.0"
    service_id: Annotated[str, Meta(pattern=r"^[A-Za-z0-9_-]{0,10}$")] = ""
    chinese: Literal["ucs2", "gbk"] = "ucs2"
    per_second: PerSecond = 0.0
    window: Window = 16
    answer_within: Duration = span("60s")
    attempts: Annotated[int, Meta(ge=1, le=10)] = 3
    keep_alive: Duration = span("3min")
    part_wait: Duration = span("60s")
    repeated_within: Duration = span("5min")


class Smpp(Section, frozen=True, kw_only=True):
    """An SMPP 3.4 centre, and who we are there."""

    name: Identifier
    address: str
    number: ServiceNumber
    system_id: Annotated[str, Meta(pattern=r"^[!-~]{1,15}$")]
    password: Secret = Secret()
    password_file: str = ""
    system_type: Annotated[str, Meta(pattern=r"^[!-~]{0,12}$")] = ""
    alphabet: Literal["gsm", "ascii", "latin-1"] = "gsm"
    long_messages: Literal["parts", "whole"] = "parts"
    decimal_receipts: bool = False
    tls: bool = False
    tls_authorities: str = ""
    per_second: PerSecond = 0.0
    window: Window = 10
    answer_within: Duration = span("30s")
    keep_alive: Duration = span("30s")
    part_wait: Duration = span("60s")
    repeated_within: Duration = span("5min")


class CloudSms(Section, frozen=True, kw_only=True):
    """A cloud vendor's short messages over HTTP: what proves us there, and what proves the vendor here."""

    name: Identifier
    vendor: Literal["aliyun", "tencent"]
    key_id: Name
    key_secret: Secret = Secret()
    key_secret_file: str = ""
    token: Secret = Secret()
    token_file: str = ""
    signature: Name
    template: Name
    field: Name = "content"
    app: str = ""
    region: str = ""
    url: str = ""
    number: str = ""
    per_second: PerSecond = 0.0
