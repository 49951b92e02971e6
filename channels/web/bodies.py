"""What citizens and apps send and are told, as JSON; and what becomes of it: an `IncomingMessage`, or a problem."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated

import msgspec
from msgspec import Meta

from channels.web.terms import LONGEST_MATTER, LONGEST_WORDS, Asking, Terms
from gateway.domain.contact import Attachment, ChannelKind, Point
from gateway.domain.json import Json
from gateway.http_api.problems import Problem
from gateway.http_api.routes import MOST_FILES
from gateway.ports.intake import ChatLine, IncomingMessage, Part, Progress, Taken

SAID = r"[^\s\x00-\x1f\x7f]"
"""There is something to read."""
_UNKEPT = dict.fromkeys([*range(9), 11, 12, *range(14, 32), 127])
"""Control characters that no store keeps and nobody reads."""
_BASE64 = "^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$"
Key = Annotated[str, Meta(pattern=r"^[A-Za-z0-9_-]{8,64}$")]
TICKET_NUMBER = r"^[0-9A-Za-z-]{1,40}$"
TicketNumber = Annotated[str, Meta(pattern=TICKET_NUMBER)]
QueryCode = Annotated[str, Meta(pattern=r"^[0-9A-Za-z]{1,16}$")]


class Sent(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Anything sent to us."""


class PointSent(Sent, frozen=True):
    """A place on the earth, WGS 84, degrees."""

    latitude: Annotated[float, Meta(ge=-90, le=90)]
    longitude: Annotated[float, Meta(ge=-180, le=180)]


class FileSent(Sent, frozen=True):
    """A file; ``content`` is base64."""

    name: Annotated[str, Meta(max_length=200)]
    content: Annotated[bytes, Meta(extra_json_schema={"pattern": _BASE64})]
    media_type: Annotated[str, Meta(max_length=100)] = "application/octet-stream"

    @property
    def part(self) -> Part:
        """The file as intake takes it."""
        return Part(name=cleaned(self.name), declared_type=self.media_type, content=self.content)


class MatterSent(Sent, frozen=True):
    """A matter: what happened, where, who says so; all but the first may stay empty."""

    text: Annotated[str, Meta(max_length=LONGEST_MATTER, pattern=SAID)]
    place: Annotated[str, Meta(max_length=200)] = ""
    point: PointSent | None = None
    name: Annotated[str, Meta(max_length=50)] = ""
    telephone: Annotated[str, Meta(pattern=r"^(\+?[0-9][0-9 -]{4,24})?$")] = ""
    is_text_only: bool = False
    files: Annotated[list[FileSent], Meta(max_length=MOST_FILES)] = []


class FormSent(MatterSent, frozen=True):
    """A matter from the page, whose writer has read what becomes of his data."""

    consent: bool = False


class WordsSent(Sent, frozen=True):
    """A line of a conversation; ``wants_person`` when no assistant shall answer."""

    text: Annotated[str, Meta(max_length=LONGEST_WORDS, pattern=SAID)]
    is_text_only: bool = False
    wants_person: bool = False
    files: Annotated[list[FileSent], Meta(max_length=MOST_FILES)] = []


class NumberSent(Sent, frozen=True):
    """The number of the last line that has arrived; JSON does not tell 5 from 5.0."""

    number: Annotated[float, Meta(ge=0, le=2**53, multiple_of=1)]


class EnquirySent(Sent, frozen=True):
    """Which ticket, and the code that was given with it."""

    ticket_id: TicketNumber
    query_code: QueryCode


class AddressSent(Sent, frozen=True):
    """A mobile number or a mailbox that somebody says is his."""

    to: Annotated[str, Meta(min_length=5, max_length=254)]


class CodeSent(Sent, frozen=True):
    """The code that was sent there."""

    code: Annotated[str, Meta(pattern=r"^[0-9]{6}$")]


class KeyHeader(Sent, frozen=True):
    """``Idempotency-Key``: the same at every attempt; what comes again under it is the same matter or line."""

    idempotency_key: Key


class MessageTaken(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a matter or a line. ``told`` is to be shown at once; ``emergencies`` are the lines to call."""

    ticket_id: str
    query_code: str
    conversation: str
    opened: bool
    is_repeated: bool
    told: str
    emergencies: list[str]


class FileView(msgspec.Struct, frozen=True, kw_only=True):
    """A file in a conversation; ``shown`` is the hash of the copy to show, empty when there is none."""

    sha256: str
    name: str
    media_type: str
    size: int
    shown: str


class LineView(msgspec.Struct, frozen=True, kw_only=True):
    """A line of a conversation: ``by`` is citizen, house or assistant."""

    number: int
    id: str
    by: str
    text: str
    at: datetime
    ticket_id: str | None
    source: str
    emergencies: list[str]
    files: list[FileView]


class LinesView(msgspec.Struct, frozen=True):
    """Lines in order."""

    lines: list[LineView]


class StepView(msgspec.Struct, frozen=True):
    """One thing that happened to a ticket."""

    at: datetime
    text: str


class ProgressView(msgspec.Struct, frozen=True, kw_only=True):
    """How a ticket stands."""

    ticket_id: str
    received_at: datetime
    state: str
    steps: list[StepView]


def cleaned(text: str) -> str:
    """Return *text* without control characters but tabs and line ends, and without blanks around it."""
    return text.replace("\r\n", "\n").translate(_UNKEPT).strip()


def checked_parts(files: Sequence[FileSent], parts: Sequence[Part], terms: Terms) -> tuple[Part, ...]:
    """Return all files of a request, however they came. Raises `Problem` for too many or too large ones."""
    found = (*(file.part for file in files), *parts)
    if len(found) > terms.files:
        raise Problem(422, "too_many_files", f"附件最多 {terms.files} 个", field="files")
    for part in found:
        if len(part.content) > terms.file_size:
            most = terms.file_size // (1024 * 1024)
            raise Problem(413, "file_too_large", f"“{part.name}”太大，每个附件最大 {most} MB", field="files")
    return found


def check_form(form: FormSent, terms: Terms) -> None:
    """Refuse a form that lacks what the operator asks for. Raises `Problem` naming the field."""
    if not form.consent:
        raise Problem(422, "consent", "请先阅读并同意个人信息处理说明", field="consent")
    if terms.name is Asking.REQUIRED and not cleaned(form.name):
        raise Problem(422, "missing", "请填写您的称呼", field="name")
    if terms.telephone is Asking.REQUIRED and not form.telephone and not form.is_text_only:
        raise Problem(422, "missing", "请填写联系电话；不便接电话的，请勾选“请不要给我打电话”", field="telephone")


def matter_message(
    matter: MatterSent,
    *,
    channel: ChannelKind,
    conversation: str,
    key: str,
    addressee: str,
    at: datetime,
    parts: tuple[Part, ...],
    values: Mapping[str, Json],
) -> IncomingMessage:
    """Return *matter* for intake. A place that was only typed stands in the text."""
    text, place, point = cleaned(matter.text), cleaned(matter.place), matter.point
    return IncomingMessage(
        channel=channel,
        external_id=f"{conversation}:{key}",
        sender=conversation,
        addressee=addressee,
        received_at=at,
        text=f"{text}\n地点：{place}" if place else text,
        sender_name=cleaned(matter.name),
        parts=parts,
        point=Point(latitude=point.latitude, longitude=point.longitude, name=place) if point else None,
        is_proven=True,
        telephone=matter.telephone.replace(" ", "").replace("-", ""),
        is_text_only=matter.is_text_only,
        values=values,
    )


def words_message(
    words: WordsSent,
    *,
    channel: ChannelKind,
    conversation: str,
    key: str,
    addressee: str,
    at: datetime,
    parts: tuple[Part, ...],
) -> IncomingMessage:
    """Return a line of a conversation for intake."""
    return IncomingMessage(
        channel=channel,
        external_id=f"{conversation}:{key}",
        sender=conversation,
        addressee=addressee,
        received_at=at,
        text=cleaned(words.text),
        parts=parts,
        is_proven=True,
        is_text_only=words.is_text_only,
        values={"wants_person": words.wants_person},
    )


def taken_view(taken: Taken, conversation: str) -> MessageTaken:
    """Return what became of a message as its sender is told."""
    return MessageTaken(
        ticket_id=taken.ticket_id,
        query_code=taken.query_code,
        conversation=conversation,
        opened=taken.opened,
        is_repeated=taken.is_repeated,
        told=taken.told,
        emergencies=list(taken.emergencies),
    )


def line_view(line: ChatLine) -> LineView:
    """Return a line as the citizen's side is told."""
    return LineView(
        number=line.number,
        id=line.id,
        by=line.by.value,
        text=line.text,
        at=line.at,
        ticket_id=line.ticket_id,
        source=line.source,
        emergencies=list(line.emergencies),
        files=[_file_view(file) for file in line.files],
    )


def progress_view(progress: Progress) -> ProgressView:
    """Return how a ticket stands as its citizen is told."""
    return ProgressView(
        ticket_id=progress.ticket_id,
        received_at=progress.received_at,
        state=progress.state_zh,
        steps=[StepView(at=at, text=text) for at, text in progress.steps],
    )


def _file_view(file: Attachment) -> FileView:
    return FileView(sha256=file.sha256, name=file.name, media_type=file.media_type, size=file.size, shown=file.shown)
