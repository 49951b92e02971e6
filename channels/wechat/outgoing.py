"""What petitioners are told on WeChat after the passive reply: customer-service messages (客服消息).

They may be sent for 48 hours after somebody wrote, and only so many; beyond that `Refused` says so, and another way
out must be found.
"""

from __future__ import annotations

from channels import wording
from channels.partly_sent import PartlySent
from channels.pieces import pieces, utf8_octets
from channels.wechat.api import WeChatApi
from gateway.domain.contact import Attachment
from gateway.ports.intake import Files, OutgoingMessage

LONGEST_TEXT = 2048
"""Octets of a text."""
LARGEST_IMAGE = 10_000_000
"""Octets of an image (上传临时素材: 10M)."""
IMAGES = ("image/bmp", "image/png", "image/jpeg", "image/gif")


class WeChatWayOut:
    """`gateway.ports.intake.WayOut` to followers by open id. WeChat gives these messages no ids."""

    def __init__(self, api: WeChatApi, files: Files) -> None:
        self._api = api
        self._files = files
        self._sent = PartlySent[str]()

    async def send(self, message: OutgoingMessage) -> str:
        """Send *message*, in as many of WeChat's as it takes; return ""."""
        sent = self._sent.of(message.key)
        texts = list(pieces(message.text, LONGEST_TEXT, utf8_octets))
        for text in texts[len(sent) :]:
            await self._api.send(message.to, "text", {"content": text})
            sent.append("text")
        for file in message.files[len(sent) - len(texts) :]:
            await self._send_file(message.to, file)
            sent.append("file")
        self._sent.is_whole(message.key)
        return ""

    async def _send_file(self, open_id: str, file: Attachment) -> None:
        if file.media_type in IMAGES and file.size <= LARGEST_IMAGE:
            content = await self._files.read(file.sha256)
            media_id = await self._api.upload_image(content, file.name, file.media_type)
            await self._api.send(open_id, "image", {"media_id": media_id})
        else:
            await self._api.send(open_id, "text", {"content": f"{wording.NOT_SENT} {file.name}"})
