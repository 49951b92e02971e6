"""The HTTP under python-telegram-bot: its requests over aiohttp, bounded, and silent about what they carry.

The library's own transport logs addresses, which hold the token, and answers, which hold what people wrote.
"""

from __future__ import annotations

import json
import logging
from io import BytesIO
from typing import Any

import aiohttp
from telegram.error import NetworkError, TelegramError, TimedOut
from telegram.request import BaseRequest, RequestData

logging.getLogger("telegram").setLevel(logging.ERROR)  # below that it logs parameters: texts and ids of persons

LIMIT = 20.0
"""Seconds for a request whose caller sets no limit of his own."""
LARGEST_ANSWER = 32 * 1024 * 1024
"""Octets of an answer, or of a file, beyond which it is not read."""


class Throttled(TelegramError):
    """429: too many requests; ``seconds`` is how long to wait."""

    def __init__(self, seconds: float) -> None:
        super().__init__("Too Many Requests")
        self.seconds = seconds


class Wire(BaseRequest):
    """`telegram.request.BaseRequest` over one aiohttp session. `initialize` and `shutdown` open and close it."""

    def __init__(self) -> None:
        self._session: aiohttp.ClientSession | None = None

    @property
    def read_timeout(self) -> float:
        """Seconds a request may take unless its caller says otherwise."""
        return LIMIT

    async def initialize(self) -> None:
        """Open the session."""
        if self._session is None:
            self._session = aiohttp.ClientSession(headers={"User-Agent": self.USER_AGENT})

    async def shutdown(self) -> None:
        """Close the session."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def do_request(
        self,
        url: str,
        method: str,
        request_data: RequestData | None = None,
        read_timeout: Any = BaseRequest.DEFAULT_NONE,
        write_timeout: Any = BaseRequest.DEFAULT_NONE,
        connect_timeout: Any = BaseRequest.DEFAULT_NONE,
        pool_timeout: Any = BaseRequest.DEFAULT_NONE,
    ) -> tuple[int, bytes]:
        """Send a request and return status and body. Raises `TelegramError`, in whose text there is no address."""
        if self._session is None:
            raise NetworkError("the session is closed")
        limit = read_timeout if isinstance(read_timeout, int | float) else LIMIT
        try:
            async with self._session.request(
                method,
                url,
                data=_form(request_data) if request_data else None,
                timeout=aiohttp.ClientTimeout(total=limit),
                allow_redirects=False,
            ) as answer:
                body = await _bounded(answer)
        except TimeoutError as error:
            raise TimedOut from error
        except aiohttp.ClientError as error:
            raise NetworkError(type(error).__name__) from None  # its text and its cause quote the address
        if answer.status == 429:
            raise Throttled(_seconds_to_wait(body))
        return answer.status, body

    @staticmethod
    def parse_json_payload(payload: bytes) -> Any:
        """Decode an answer. Raises `TelegramError` for one that is none."""
        try:
            answer = json.loads(payload)
        except (ValueError, RecursionError):
            answer = None
        if not isinstance(answer, dict) or not ("result" in answer or answer.get("ok") is False):
            raise TelegramError("the answer is not the Bot API's")
        return answer


def _form(data: RequestData) -> aiohttp.FormData | dict[str, str]:
    if not data.contains_files:
        return data.json_parameters
    form = aiohttp.FormData(data.json_parameters, quote_fields=False)  # Telegram shows names as they are sent
    for field, (name, content, media_type) in (data.multipart_data or {}).items():
        form.add_field(
            field, BytesIO(content) if isinstance(content, bytes) else content, filename=name, content_type=media_type
        )
    return form


async def _bounded(answer: aiohttp.ClientResponse) -> bytes:
    body = bytearray()
    async for piece in answer.content.iter_chunked(1 << 16):
        body += piece
        if len(body) > LARGEST_ANSWER:
            raise NetworkError("the answer is too large")
    return bytes(body)


def _seconds_to_wait(body: bytes) -> float:
    try:
        return min(float(json.loads(body)["parameters"]["retry_after"]), 86400.0)
    except (ValueError, KeyError, TypeError, RecursionError):
        return 30.0
