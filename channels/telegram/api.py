"""The Bot API as the channel uses it: python-telegram-bot's calls, their failures in our four classes.

Updates are fetched as they came, not as the library's objects: it reads a batch as a whole, so that one update it
does not understand would keep back all the others.
"""

from __future__ import annotations

from collections.abc import Awaitable, Sequence
from contextlib import suppress
from typing import Any, TypeVar

from telegram import Bot, InputFile, LinkPreviewOptions, ReplyParameters, WebhookInfo
from telegram.error import BadRequest, Conflict, Forbidden, InvalidToken, TelegramError

from channels.telegram.wire import Throttled, Wire
from gateway.domain.errors import Refused, Unavailable

KINDS = ("message", "edited_message")
"""The kinds of update that we ask for."""
LARGEST_PHOTO = 10_000_000
"""Octets of the largest photo that bots may send; larger ones go as documents."""
LARGEST_UPLOAD = 50_000_000
"""Octets of the largest file that bots may send."""

T = TypeVar("T")


class NotAlone(Unavailable):
    """Somebody else fetches this bot's updates: another node of ours, or a webhook that is still set."""


class TelegramApi:
    """One bot at one Bot API server. Use as an async context manager."""

    def __init__(self, token: str, url: str) -> None:
        """*url* is the server without a path: ``https://api.telegram.org``, or one of the city's own."""
        self._wire, self._polling_wire = Wire(), Wire()
        self._bot = Bot(
            token,
            base_url=f"{url.rstrip('/')}/bot",
            base_file_url=f"{url.rstrip('/')}/file/bot",
            request=self._wire,
            get_updates_request=self._polling_wire,
        )
        self.is_refused = False

    async def __aenter__(self) -> TelegramApi:
        """Open the connections; nothing is asked yet."""
        await self._wire.initialize()
        await self._polling_wire.initialize()
        return self

    async def __aexit__(self, *_: object) -> None:
        """Close them."""
        await self._wire.shutdown()
        await self._polling_wire.shutdown()

    async def name(self) -> str:
        """Return the bot's name, ``@...``."""
        return f"@{(await self._done(self._bot.get_me())).username}"

    async def updates(self, offset: int, wait: float) -> Sequence[Any]:
        """Return up to 100 updates from *offset* on, as decoded JSON; wait *wait* seconds for the first.

        Every update before *offset* is acknowledged by this. Raises `Unavailable`, `NotAlone` among them.
        """
        result = await self._done(
            self._bot.do_api_request(
                "getupdates",  # names of methods are case-insensitive; spelled as the library's, it warns
                {"offset": offset, "timeout": int(wait), "allowed_updates": list(KINDS)},
                read_timeout=wait + 10.0,
            )
        )
        if not isinstance(result, list):
            raise Unavailable("Telegram: updates are not a list")
        return result

    async def set_webhook(self, url: str, secret: str) -> None:
        """Have updates brought to *url*, each with *secret* in its header."""
        await self._done(self._bot.set_webhook(url, allowed_updates=list(KINDS), secret_token=secret))

    async def webhook(self) -> WebhookInfo:
        """Return what Telegram knows of the webhook: its address, and what it met there of late."""
        return await self._done(self._bot.get_webhook_info())

    async def delete_webhook(self) -> None:
        """Have updates kept until they are fetched."""
        await self._done(self._bot.delete_webhook())

    async def download(self, file_id: str) -> bytes:
        """Return a file's octets. Raises `Refused` when Telegram will not give it: too large, or gone."""
        file = await self._done(self._bot.get_file(file_id))
        if not file.file_path:
            raise Refused("Telegram: the file has no path")
        try:
            return bytes(await file.download_as_bytearray())
        except InvalidToken:  # a plain 404, as the token has just been good
            raise Refused("Telegram: the file is gone") from None
        except TelegramError as error:
            raise Unavailable(f"Telegram: {type(error).__name__}") from error

    async def send_text(self, chat: int, text: str, replies_to: int | None = None) -> int:
        """Send at most 4096 UTF-16 units and return the message's id."""
        message = await self._done(
            self._bot.send_message(
                chat,
                text,
                link_preview_options=LinkPreviewOptions(is_disabled=True),
                reply_parameters=_reply(replies_to),
            )
        )
        return message.message_id

    async def send_file(self, chat: int, content: bytes, name: str, media_type: str) -> int:
        """Send a file and return the message's id; a JPEG or PNG goes as a photo. Raises `Refused` if too large."""
        if len(content) > LARGEST_UPLOAD:
            raise Refused(f"Telegram takes files up to {LARGEST_UPLOAD} octets, this has {len(content)}")
        name = "".join(character for character in name if character.isprintable()) or "file"
        if media_type in ("image/jpeg", "image/png") and len(content) <= LARGEST_PHOTO:
            with suppress(Refused):  # sides too long, too narrow ...: nothing is wrong with it as a document
                return (await self._done(self._bot.send_photo(chat, InputFile(content, filename=name)))).message_id
        return (await self._done(self._bot.send_document(chat, InputFile(content, filename=name)))).message_id

    async def _done(self, call: Awaitable[T]) -> T:
        """Await *call* and translate its failure; what Telegram says is kept, it names nobody."""
        try:
            result = await call
        except Throttled as error:
            raise Unavailable("Telegram: 429", retry_after=error.seconds) from error
        except Conflict as error:
            raise NotAlone("Telegram: 409") from error
        except InvalidToken as error:
            self.is_refused = True
            raise Unavailable("Telegram refuses the token", retry_after=300.0) from error
        except (Forbidden, BadRequest) as error:
            raise Refused(f"Telegram: {error.message}") from error
        except TelegramError as error:
            raise Unavailable(f"Telegram: {type(error).__name__}") from error
        except (KeyError, TypeError, ValueError) as error:
            raise Unavailable("Telegram: an answer that the library does not understand") from error
        self.is_refused = False
        return result


def _reply(message: int | None) -> ReplyParameters | None:
    return None if message is None else ReplyParameters(message, allow_sending_without_reply=True)
