"""The lines of conversations (在线对话记录) on the database: a part of `gateway.storage.correspondence`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import msgspec
import sqlalchemy as sa

from gateway.domain.contact import Attachment
from gateway.domain.ticket import TicketId
from gateway.ports.intake import ChatLine, Speaker
from gateway.storage.schema import chat_lines, chats

_LINE = sa.select(chat_lines).where(
    chat_lines.c.conversation == sa.bindparam("of"), chat_lines.c.id == sa.bindparam("line_id")
)
_LAST = sa.select(sa.func.max(chat_lines.c.number)).where(chat_lines.c.conversation == sa.bindparam("of"))
_AFTER = (
    sa.select(chat_lines)
    .where(chat_lines.c.conversation == sa.bindparam("of"), chat_lines.c.number > sa.bindparam("after"))
    .order_by(chat_lines.c.number)
)
_CONFIRMED = sa.select(chats.c.confirmed).where(chats.c.conversation == sa.bindparam("of"))


def add_line(connection: sa.Connection, conversation: str, line: ChatLine) -> ChatLine:
    """Append *line* and return it with its number; one of a known id, as it stands there."""
    known = connection.execute(_LINE, {"of": conversation, "line_id": line.id}).one_or_none()
    if known is not None:
        return _line_from(known)
    numbered = replace(line, number=(connection.scalar(_LAST, {"of": conversation}) or 0) + 1)
    connection.execute(sa.insert(chat_lines), _line_row(conversation, numbered))
    return numbered


def lines_after(connection: sa.Connection, conversation: str, after: int) -> list[ChatLine]:
    """Return the lines numbered above *after*, in order."""
    return [_line_from(row) for row in connection.execute(_AFTER, {"of": conversation, "after": after})]


def confirmed(connection: sa.Connection, conversation: str) -> int:
    """Return the number up to which the citizen's side has the lines, 0 at first."""
    return connection.scalar(_CONFIRMED, {"of": conversation}) or 0


def confirm(connection: sa.Connection, conversation: str, number: int) -> None:
    """Keep that his side has all lines up to *number*; a lower one than before changes nothing."""
    known = connection.scalar(_CONFIRMED, {"of": conversation})
    if known is None:
        connection.execute(sa.insert(chats), {"conversation": conversation, "confirmed": number})
    elif number > known:
        connection.execute(sa.update(chats).where(chats.c.conversation == conversation).values(confirmed=number))


def _line_row(conversation: str, line: ChatLine) -> dict[str, Any]:
    return {
        "conversation": conversation,
        "number": line.number,
        "id": line.id,
        "by": line.by.value,
        "text": line.text,
        "at": line.at,
        "ticket_id": line.ticket_id or "",
        "source": line.source,
        "emergencies": list(line.emergencies),
        "files": msgspec.to_builtins(line.files),
    }


def _line_from(row: sa.Row[Any]) -> ChatLine:
    files: Sequence[Attachment] = msgspec.convert(row.files, tuple[Attachment, ...])
    return ChatLine(
        id=row.id,
        by=Speaker(row.by),
        text=row.text,
        at=row.at,
        number=row.number,
        ticket_id=TicketId(row.ticket_id) if row.ticket_id else None,
        source=row.source,
        emergencies=tuple(row.emergencies),
        files=tuple(files),
    )
