"""What every cloud vendor's interface comes down to: a request to send, the answer to it, and two kinds of calls."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol, TypeAlias, TypeVar

import msgspec

from channels.sms.words import Receipt, Verdict

Json: TypeAlias = "bool | int | float | str | Sequence[Json] | Mapping[str, Json] | None"
T = TypeVar("T")


class BadCall(ValueError):
    """A body that is not what the vendor's documentation says."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """Who we are at a vendor: key, approved signature and template, and the name of the template's one variable."""

    key_id: str
    key_secret: str = field(repr=False)
    signature: str
    template: str
    field: str = "content"
    app: str = ""
    region: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class CloudRequest:
    """A POST to the vendor's root; ``headers`` have lower-case names and hold the signature."""

    query: str = ""
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(default=b"", repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class CloudAnswer:
    """What the vendor says to a request of ours."""

    verdict: Verdict
    sent_id: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """What a petitioner wrote; ``id`` is the same whenever the vendor tells it again."""

    id: str
    sender: str
    extension: str
    text: str


class Vendor(Protocol):
    """One vendor's way to say it. Nothing here is signed by the vendor: the address that it calls is the secret."""

    @property
    def url(self) -> str:
        """The public address."""
        ...

    def request(self, host: str, to: str, text: str, key: str, at: datetime) -> CloudRequest:
        """Ask for *text* to be sent to the E.164 number *to* (with plus); *key* comes back in reports, if at all."""
        ...

    def answer(self, status: int, body: bytes) -> CloudAnswer:
        """Understand the answer. Never raises."""
        ...

    def written(self, body: bytes) -> Sequence[Written]:
        """Understand a call that brings what petitioners wrote. Raises `BadCall`."""
        ...

    def receipts(self, body: bytes) -> Sequence[Receipt]:
        """Understand a call that brings receipts. Raises `BadCall`."""
        ...

    def said(self, reason: str = "") -> Mapping[str, Json]:
        """Return what a call is answered with: all is well, or *reason* why not."""
        ...


def several(body: bytes, kind: type[T]) -> list[T]:
    """Read a JSON array of *kind*, or one alone. Raises `BadCall`."""
    try:
        if body.lstrip()[:1] == b"[":
            return msgspec.json.decode(body, type=list[kind])  # type: ignore[valid-type]
        return [msgspec.json.decode(body, type=kind)]
    except (msgspec.MsgspecError, RecursionError) as error:
        raise BadCall(str(error)) from error


def compact(value: Json) -> str:
    """Return JSON without spaces, in ASCII."""
    return json.dumps(value, separators=(",", ":"))
