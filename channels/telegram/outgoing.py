"""What petitioners are told on Telegram: texts in pieces of 4096 UTF-16 units, then the files."""

from __future__ import annotations

from channels.partly_sent import PartlySent
from channels.pieces import pieces, utf16_units
from channels.telegram.api import TelegramApi
from channels.telegram.incoming import message_id, number_in
from gateway.domain.errors import Refused
from gateway.ports.intake import Files, OutgoingMessage

LONGEST_TEXT = 4096
"""UTF-16 units of a message (sendMessage: "1-4096 characters after entities parsing")."""


class TelegramWayOut:
    """`gateway.ports.intake.WayOut` to private chats."""

    def __init__(self, api: TelegramApi, files: Files) -> None:
        self._api = api
        self._files = files
        self._sent = PartlySent[int]()

    async def send(self, message: OutgoingMessage) -> str:
        """Send *message*, in as many of Telegram's as it takes; return the id of the first."""
        try:
            chat = int(message.to)
        except ValueError:
            raise Refused("not the id of a Telegram chat") from None
        sent = self._sent.of(message.key)
        texts = list(pieces(message.text, LONGEST_TEXT, utf16_units))
        for text in texts[len(sent) :]:
            answers = None if sent else self._answers(message, chat)
            sent.append(await self._api.send_text(chat, text, answers))
        for file in message.files[len(sent) - len(texts) :]:
            content = await self._files.read(file.sha256)
            sent.append(await self._api.send_file(chat, content, file.name, file.media_type))
        self._sent.is_whole(message.key)
        return message_id(chat, sent[0]) if sent else ""

    @staticmethod
    def _answers(message: OutgoingMessage, chat: int) -> int | None:
        numbers = (number_in(external, chat) for external in message.answers)
        return next((number for number in numbers if number is not None), None)
