"""WeChat's interfaces as the channel calls them: JSON over HTTPS, the access token in the address.

No address is ever logged or put into an error. Failures are `Unavailable` or `Refused` by errcode.
"""

from __future__ import annotations

import json
import mimetypes
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import aiohttp

from channels.wechat.codes import Meaning, is_closed, meaning, pause, reason
from channels.wechat.token import AccessToken
from gateway.domain.errors import Refused, Unavailable
from gateway.ports.clock import Clock
from gateway.ports.intake import SharedValues

LIMIT = 20.0
"""Seconds for one request."""
LARGEST_FILE = 20_000_000
"""Octets of a file that is fetched; WeChat's own limits are lower (10 MB for videos)."""
LARGEST_ANSWER = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetched:
    """A file of WeChat's: its octets and the type that WeChat gives it."""

    content: bytes = field(repr=False)
    media_type: str


class TooLarge(Refused):
    """A file beyond `LARGEST_FILE`."""


class Closed(Refused):
    """Customer-service messages may not be sent until the follower writes again."""


class WeChatApi:
    """One official account at one server. Use as an async context manager."""

    def __init__(self, app_id: str, app_secret: str, url: str, shared: SharedValues, clock: Clock) -> None:
        self._app_id = app_id
        self._app_secret = app_secret
        self._url = url.rstrip("/")
        self._token = AccessToken(app_id, self._fetch_token, shared, clock)
        self._session: aiohttp.ClientSession | None = None
        self.problem = ""

    async def __aenter__(self) -> WeChatApi:
        """Be ready; nothing is asked yet."""
        self._session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=LIMIT))
        return self

    async def __aexit__(self, *_: object) -> None:
        """Let all connections go."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def send(self, open_id: str, kind: str, content: dict[str, str]) -> None:
        """Send a customer-service message (发送客服消息): ``text`` with ``content``, or ``image`` with ``media_id``.

        Raises `Closed` later than 48 hours after the follower wrote, or when too many have been sent since.
        """
        await self._call("/cgi-bin/message/custom/send", {"touser": open_id, "msgtype": kind, kind: content})

    async def send_notice(self, open_id: str, template: str, url: str, values: dict[str, str]) -> str:
        """Send a template message (发送模板消息), which opens *url* when touched; return its id."""
        body = {"touser": open_id, "template_id": template, "data": {k: {"value": v} for k, v in values.items()}}
        answer = await self._call("/cgi-bin/message/template/send", {**body, "url": url} if url else body)
        return str(answer.get("msgid", ""))

    async def upload_image(self, content: bytes, name: str, media_type: str) -> str:
        """Keep an image at WeChat for three days and return its media id."""
        form = (content, name, media_type)
        answer = await self._call("/cgi-bin/media/upload", form, type="image")
        return str(answer.get("media_id", ""))

    async def download(self, media_id: str) -> Fetched:
        """Return a temporary file (获取临时素材). Raises `TooLarge`, `Refused` when there is none, `Unavailable`."""
        token = await self._token.current()
        for is_last in (False, True):
            fetched = await self._file(f"{self._url}/cgi-bin/media/get", access_token=token, media_id=media_id)
            answer = _json(fetched) if fetched.media_type in ("application/json", "text/plain") else {}
            if (code := _code(answer)) and meaning(code) is Meaning.STALE_TOKEN and not is_last:
                token = await self._token.instead_of(token)
                continue
            _check(code)
            if address := str(answer.get("video_url", "")):
                if not address.startswith(("https://", "http://")):
                    raise Refused("WeChat: an address of a video that is none")
                return await self._file(address)
            break
        return fetched

    # -- underneath ------------------------------------------------------------------------------------------

    async def _call(self, path: str, body: Any, **query: str) -> dict[str, Any]:
        """Post *body*, JSON or a file, and return the answer; a stale token is renewed once."""
        token = await self._token.current()
        answer = await self._post(path, body, access_token=token, **query)
        if (code := _code(answer)) and meaning(code) is Meaning.STALE_TOKEN:
            answer = await self._post(path, body, access_token=await self._token.instead_of(token), **query)
        _check(_code(answer))
        return answer

    async def _fetch_token(self, renewed: bool) -> tuple[str, timedelta]:
        body = {
            "grant_type": "client_credential",
            "appid": self._app_id,
            "secret": self._app_secret,
            "force_refresh": renewed,
        }
        answer = await self._post("/cgi-bin/stable_token", body)
        token, lifetime = answer.get("access_token"), answer.get("expires_in")
        if not isinstance(token, str) or not isinstance(lifetime, int):
            self.problem = f"WeChat gives no access token: {_code(answer)}"
            raise Unavailable(self.problem, retry_after=pause(_code(answer)))
        self.problem = ""
        return token, timedelta(seconds=lifetime)

    async def _post(self, path: str, body: Any, **query: str) -> dict[str, Any]:
        if isinstance(body, tuple):
            content, name, media_type = body
            payload: Any = aiohttp.FormData()
            payload.add_field("media", content, filename=name, content_type=media_type)
        else:
            payload = json.dumps(body, ensure_ascii=False).encode("utf-8", "replace")  # \\uXXXX would be shown as it is
        return _json(await self._request("POST", self._url + path, LARGEST_ANSWER, payload, query))

    async def _file(self, url: str, **query: str) -> Fetched:
        return await self._request("GET", url, LARGEST_FILE, None, query)

    async def _request(self, method: str, url: str, largest: int, payload: Any, query: dict[str, str]) -> Fetched:
        if self._session is None:
            raise Unavailable("the channel is not running")
        try:
            async with self._session.request(method, url, params=query, data=payload, allow_redirects=False) as answer:
                if answer.status != 200:
                    raise Unavailable(f"WeChat answered {answer.status}")
                content = bytearray()
                async for piece in answer.content.iter_chunked(1 << 16):
                    content += piece
                    if len(content) > largest:
                        raise TooLarge(f"WeChat: more than {largest} octets")
                return Fetched(content=bytes(content), media_type=answer.content_type)
        except (aiohttp.ClientError, TimeoutError, ValueError) as error:
            raise Unavailable(f"WeChat: {type(error).__name__}") from None  # the cause quotes the address


def extension(media_type: str) -> str:
    """Return the usual ending of a file of *media_type*, with its dot; "" for none."""
    return {"audio/amr": ".amr", "audio/x-speex": ".spx"}.get(media_type) or mimetypes.guess_extension(media_type) or ""


def _json(fetched: Fetched) -> dict[str, Any]:
    """Read an answer; WeChat sends JSON as text/plain, and now and then an empty body."""
    try:
        answer = json.loads(fetched.content)
    except (ValueError, RecursionError):
        answer = None
    if not isinstance(answer, dict):
        raise Unavailable("WeChat: the answer is not JSON")
    return answer


def _code(answer: dict[str, Any]) -> int:
    code = answer.get("errcode", 0)
    return code if isinstance(code, int) else -1


def _check(code: int) -> None:
    """Raise what *code* means, unless it is 0."""
    if not code:
        return
    if is_closed(code):
        raise Closed(reason(code))
    if meaning(code) is Meaning.NEVER:
        raise Refused(reason(code))
    raise Unavailable(reason(code), retry_after=pause(code))
