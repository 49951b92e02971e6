"""What petitioners are told on WeChat after the passive reply: customer-service messages, and later notices.

Customer-service messages (客服消息) may be sent for 48 hours after somebody wrote, and only so many. What is decided
about a matter is mostly decided later: where the account has a template (模板消息) for it, a notice says that there is
news and opens the page where it is to be read. Without one `Refused` says so, and another way out must be found.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from channels import wording
from channels.partly_sent import PartlySent
from channels.pieces import pieces, utf8_octets
from channels.wechat.api import Closed, WeChatApi
from gateway.domain.contact import Attachment
from gateway.ports.intake import Means, OutgoingMessage

LONGEST_TEXT = 2048
"""Octets of a text."""
LARGEST_IMAGE = 10_000_000
"""Octets of an image (上传临时素材: 10M)."""
IMAGES = ("image/bmp", "image/png", "image/jpeg", "image/gif")
LONGEST_VALUE = 20
"""Characters of a ``thing`` in a template."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """A template of the account's and the page that it opens.

    ``number``, ``text`` and ``time`` are the names of its variables for the ticket's number, the beginning of the text
    and the time; "" where it has none.
    """

    template: str
    number: str = ""
    text: str = ""
    time: str = ""
    url: str = ""

    def values(self, message: OutgoingMessage, now: datetime) -> dict[str, str]:
        """Return what the variables say about *message*; *now* is in people's own time."""
        line = " ".join(message.text.split())
        said = {
            self.number: str(message.ticket_id or ""),
            self.text: line if len(line) <= LONGEST_VALUE else f"{line[: LONGEST_VALUE - 1]}…",
            self.time: f"{now:%Y年%m月%d日 %H:%M}",
        }
        return {name: value for name, value in said.items() if name}


class WeChatWayOut:
    """`gateway.ports.intake.WayOut` to followers by open id. Of what we send only notices have ids."""

    def __init__(self, api: WeChatApi, means: Means, notice: Notice | None = None) -> None:
        self._api = api
        self._means = means
        self._notice = notice
        self._sent = PartlySent[str]()

    async def send(self, message: OutgoingMessage) -> str:
        """Send *message*, in as many of WeChat's as it takes; return "", or the id of the notice that went instead."""
        sent = self._sent.of(message.key)
        texts = list(pieces(message.text, LONGEST_TEXT, utf8_octets))
        sent_id = ""
        try:
            for text in texts[len(sent) :]:
                await self._api.send(message.to, "text", {"content": text})
                sent.append("text")
            for file in message.files[len(sent) - len(texts) :]:
                await self._send_file(message.to, file)
                sent.append("file")
        except Closed:
            if self._notice is None or message.ticket_id is None:
                raise
            values = self._notice.values(message, self._means.clock.now().astimezone(self._means.zone))
            sent_id = await self._api.send_notice(message.to, self._notice.template, self._notice.url, values)
        self._sent.is_whole(message.key)
        return sent_id

    async def _send_file(self, open_id: str, file: Attachment) -> None:
        if file.media_type in IMAGES and file.size <= LARGEST_IMAGE:
            content = await self._means.files.read(file.sha256)
            media_id = await self._api.upload_image(content, file.name, file.media_type)
            await self._api.send(open_id, "image", {"media_id": media_id})
        else:
            await self._api.send(open_id, "text", {"content": f"{wording.NOT_SENT} {file.name}"})
