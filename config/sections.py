"""The sections of a node itself, of its page, its tickets, and the systems it exchanges them with."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta

from config.values import Duration, Identifier, Name, Secret, Section, span

Probability = Annotated[float, Meta(ge=0.5, le=1.0)]


class Node(Section, frozen=True, kw_only=True):
    """This gateway itself."""

    name: Identifier = "jiesu"
    data: Name = "var"
    database: Secret = Secret()
    profile: Identifier = "chifeng-2022"
    timezone: Name = "Asia/Shanghai"


class Asr(Section, frozen=True, kw_only=True):
    """Speech recognition."""

    model: str = ""


class Understanding(Section, frozen=True, kw_only=True):
    """What is made of words."""

    gazetteer: str = ""
    models: str = ""
    threshold: Probability = 0.7


class Web(Section, frozen=True, kw_only=True):
    """The page, the JSON interface, and the health check."""

    listen: str = "127.0.0.1:8345"
    session_lifetime: Duration = span("12h")
    secure_cookies: bool = False
    trusted_proxies: tuple[str, ...] = ()


class Casework(Section, frozen=True, kw_only=True):
    """Tickets on their way through the closed loop."""

    takes_calls: bool = True
    sweep_interval: Duration = span("15s")
    digest_age: Duration = span("2h")


class Partner(Section, frozen=True, kw_only=True):
    """Another system that exchanges tickets with us: a unit's own, or without a unit a platform above."""

    id: Identifier
    unit: str = ""
    master: bool = False
    api_key: Secret = Secret()
    api_key_file: str = ""
    webhook: str = ""
    secret: Secret = Secret()
    secret_file: str = ""


class Log(Section, frozen=True, kw_only=True):
    """The technical log; the journal is elsewhere and always on."""

    level: Literal["debug", "info", "warning", "error"] = "info"
    format: Literal["console", "json"] = "console"
