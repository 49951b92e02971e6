"""WeChat's side of an official account (https://developers.weixin.qq.com/doc/offiaccount/): the interfaces that the
channel calls, and the pushes that it receives.

Written from the public documents. Encryption, signatures and the reading of replies are wechatpy's, so that ours are
judged by somebody else's. Strict: stale tokens, closed windows, long texts and unescaped JSON are refused with
WeChat's errcodes; a push that is not answered in time with what a push may be answered with comes again, three times in
all.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from xml.sax.saxutils import escape

import aiohttp
from aiohttp import web
from wechatpy.crypto import WeChatCrypto
from wechatpy.utils import WeChatSigner
from xmltodict import parse

ANSWER_WITHIN = 5.0
ATTEMPTS = 3
WINDOW = 48 * 3600.0
LONGEST_TEXT = 2048
MESSAGES_IN_WINDOW = 20
LARGEST_IMAGE = 10 * 1024 * 1024
_LONGEST = {"thing": 20, "character_string": 32, "time": 20}
"""Characters of a template's value by the kind of its variable."""

Json = dict[str, Any]


class Failed(Exception):
    """An errcode."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass
class Answer:
    """What a push was answered with, decrypted; ``text`` is None for ``success``, and for no answer."""

    statuses: list[int]
    text: str | None = None

    @property
    def is_accepted(self) -> bool:
        return bool(self.statuses) and self.statuses[-1] == 200


@dataclass
class Follower:
    """Somebody who follows the account."""

    server: WeChatServer
    open_id: str
    is_following: bool = True
    active_at: float = 0.0
    sent_since: int = 0
    heard: list[Json] = field(default_factory=list)
    notices: list[Json] = field(default_factory=list)

    async def writes(self, kind: str = "text", **content: Any) -> Answer:
        """Send a message of *kind*; return what came back."""
        return await self.server.push(self, **{"MsgType": kind, "MsgId": next(self.server.numbers), **content})

    async def does(self, event: str, **content: Any) -> Answer:
        """Do something that is told as an event."""
        return await self.server.push(self, MsgType="event", Event=event, **content)


class WeChatServer:
    """The server; ``mode`` is how it pushes: ``plain``, ``compatible`` or ``aes``."""

    def __init__(self, app_id: str, secret: str, token: str, aes_key: str, mode: str = "plain") -> None:
        self.app_id = app_id
        self.secret = secret
        self.token = token
        self.mode = mode
        self.account = "gh_0123456789ab"
        self.url = ""
        self.callback = ""
        self.answer_within = ANSWER_WITHIN
        self.numbers = itertools.count(23_000_000_000_000_001)
        self.followers: dict[str, Follower] = {}
        self.files: dict[str, tuple[bytes, str]] = {}
        self.videos: dict[str, bytes] = {}
        self.access_token = ""
        self.tokens_given: list[tuple[str, bool]] = []
        self.templates: dict[str, set[str]] = {}
        self.fail_next: list[int] = []
        self.garbles: tuple[int, str] | None = None
        self.is_token_refused = 0
        self.unanswered = asyncio.Event()
        self.clock: Callable[[], float] = time.time
        self._crypto = WeChatCrypto(token, aes_key, app_id)
        self._names = itertools.count(1)
        self._changed = asyncio.Condition()
        self._client: aiohttp.ClientSession

    @asynccontextmanager
    async def running(self, port: int = 0) -> AsyncIterator[WeChatServer]:
        application = web.Application(client_max_size=20 * 1024 * 1024)
        application.router.add_post("/cgi-bin/stable_token", self._stable_token)
        application.router.add_post("/cgi-bin/message/custom/send", self._custom_send)
        application.router.add_post("/cgi-bin/message/template/send", self._template_send)
        application.router.add_post("/cgi-bin/media/upload", self._upload)
        application.router.add_get("/cgi-bin/media/get", self._media)
        application.router.add_get("/videos/{name}", self._video)
        runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.1)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", port).start()
        host, port = runner.addresses[0][:2]
        self.url = f"http://{host}:{port}"
        try:
            async with aiohttp.ClientSession() as self._client:
                yield self
        finally:
            await runner.cleanup()

    # -- what followers and tests do -------------------------------------------------------------------------

    def follower(self, open_id: str) -> Follower:
        return self.followers.setdefault(open_id, Follower(self, open_id))

    def keep(self, octets: bytes, media_type: str) -> str:
        name = f"media-{next(self._names)}"
        self.files[name] = (octets, media_type)
        return name

    def keep_video(self, octets: bytes) -> str:
        name = f"video-{next(self._names)}"
        self.videos[name] = octets
        return name

    async def until(self, is_so: Callable[[], bool]) -> None:
        """Wait until *is_so*, which is asked again whenever an interface was called."""
        async with self._changed:
            await self._changed.wait_for(is_so)

    # -- pushes ----------------------------------------------------------------------------------------------

    async def verify(self) -> str:
        """Prove the address, as when it is entered in the console; return what it echoes."""
        async with self._client.get(self.callback, params={**self._signed(), "echostr": "5837397"}) as answer:
            return await answer.text() if answer.status == 200 else ""

    async def push(self, follower: Follower, **content: Any) -> Answer:
        """Push until it is answered as it may be, three times at most."""
        created = content.pop("CreateTime", int(self.clock()))
        if content["MsgType"] != "event" or content["Event"] in ("subscribe", "CLICK", "SCAN"):
            follower.active_at, follower.sent_since = self.clock(), 0
        said = {"ToUserName": self.account, "FromUserName": follower.open_id, "CreateTime": created, **content}
        return await self.push_raw("<xml>" + "".join(_element(*item) for item in said.items()) + "</xml>")

    async def push_raw(self, xml: str, **query: str) -> Answer:
        answer = Answer([])
        for _ in range(ATTEMPTS):
            status, body = await self._pushed_once(xml, query)
            answer.statuses.append(status)
            if status == 200:
                answer.text = self._read(body)
                break
            self.unanswered.set()
        return answer

    async def _pushed_once(self, xml: str, query: dict[str, str]) -> tuple[int, str]:
        """Push once; return 0 for no answer in time."""
        signed = self._signed()
        body = xml
        if self.mode != "plain":
            sealed = self._crypto.encrypt_message(xml, signed["nonce"], signed["timestamp"])
            parts = parse(sealed)["xml"]
            signed |= {"encrypt_type": "aes", "msg_signature": parts["MsgSignature"]}
            outer = (
                xml.removesuffix("</xml>")
                if self.mode == "compatible"
                else f"<xml>{_element('ToUserName', self.account)}"
            )
            body = f"{outer}{_element('Encrypt', parts['Encrypt'])}</xml>"
        timeout = aiohttp.ClientTimeout(total=self.answer_within)
        headers = {"Content-Type": "text/xml"}
        try:
            async with self._client.post(
                self.callback, params={**signed, **query}, data=body.encode(), headers=headers, timeout=timeout
            ) as answer:
                return answer.status, await answer.text()
        except (TimeoutError, aiohttp.ClientError):
            return 0, ""

    def _signed(self) -> dict[str, str]:
        timestamp, nonce = str(int(self.clock())), str(next(self._names) + 1_000_000)
        signer = WeChatSigner()
        signer.add_data(self.token, timestamp, nonce)
        return {"signature": signer.signature, "timestamp": timestamp, "nonce": nonce}

    def _read(self, body: str) -> str | None:
        """Read a passive reply; what is neither one nor ``success`` nor empty would show an error to the follower."""
        if body in ("", "success"):
            return None
        reply = parse(body)["xml"]
        if self.mode == "aes" or "Encrypt" in reply:
            opened = self._crypto.decrypt_message(body, reply["MsgSignature"], reply["TimeStamp"], reply["Nonce"])
            reply = parse(opened)["xml"]
        assert reply["FromUserName"] == self.account
        assert reply["ToUserName"] in self.followers
        assert reply["MsgType"] == "text"
        assert int(reply["CreateTime"]) > 0
        return str(reply["Content"])

    # -- interfaces ------------------------------------------------------------------------------------------

    async def _stable_token(self, request: web.Request) -> web.Response:
        given = await request.json()
        if self.is_token_refused:
            return await self._said({"errcode": self.is_token_refused, "errmsg": "invalid ip, not in whitelist"})
        if given.get("appid") != self.app_id:
            return await self._said({"errcode": 40013, "errmsg": "invalid appid"})
        if given.get("secret") != self.secret or given.get("grant_type") != "client_credential":
            return await self._said({"errcode": 40125, "errmsg": "invalid appsecret"})
        is_forced = bool(given.get("force_refresh"))
        if is_forced or not self.access_token:
            self.access_token = f"token-{next(self._names)}"
        self.tokens_given.append((self.access_token, is_forced))
        return await self._said({"access_token": self.access_token, "expires_in": 7200})

    async def _custom_send(self, request: web.Request) -> web.Response:
        try:
            self._check(request)
            raw = (await request.read()).decode()
            if "\\u" in raw:
                raise AssertionError("a follower would read \\uXXXX")
            given = json.loads(raw)
            follower = self.followers.get(given["touser"])
            if follower is None:
                raise Failed(40003, "invalid openid")
            if not follower.is_following:
                raise Failed(43004, "require subscribe")
            if self.clock() - follower.active_at > WINDOW:
                raise Failed(45015, "response out of time limit or subscription is canceled")
            if follower.sent_since >= MESSAGES_IN_WINDOW:
                raise Failed(45047, "out of response count limit")
            self._check_content(given)
        except Failed as failed:
            return await self._said({"errcode": failed.code, "errmsg": str(failed)})
        follower.sent_since += 1
        follower.heard.append(given)
        return await self._said({"errcode": 0, "errmsg": "ok"})

    def _check_content(self, given: Json) -> None:
        if given["msgtype"] == "text":
            if len(given["text"]["content"].encode()) > LONGEST_TEXT:
                raise Failed(45002, "content size out of limit")
        elif given[given["msgtype"]]["media_id"] not in self.files:
            raise Failed(40007, "invalid media_id")

    async def _template_send(self, request: web.Request) -> web.Response:
        try:
            self._check(request)
            given = await request.json()
            follower = self.followers.get(given["touser"])
            if follower is None:
                raise Failed(40003, "invalid openid")
            if not follower.is_following:
                raise Failed(43004, "require subscribe")
            if given["template_id"] not in self.templates:
                raise Failed(40037, "invalid template_id")
            for name, content in given["data"].items():
                if (
                    name not in self.templates[given["template_id"]]
                    or len(content["value"]) > _LONGEST[name.strip("0123456789")]
                ):
                    raise Failed(47003, f"argument invalid! data.{name}.value is invalid")
        except Failed as failed:
            return await self._said({"errcode": failed.code, "errmsg": str(failed)})
        follower.notices.append(given)
        return await self._said({"errcode": 0, "errmsg": "ok", "msgid": 200_228_331 + len(follower.notices)})

    async def _upload(self, request: web.Request) -> web.Response:
        try:
            self._check(request)
            form = await request.post()
            file = form.get("media")
            if request.query.get("type") != "image" or not isinstance(file, web.FileField):
                raise Failed(40004, "invalid media type")
            octets = file.file.read()
            file.file.close()
            if len(octets) > LARGEST_IMAGE:
                raise Failed(40009, "invalid image size")
        except Failed as failed:
            return await self._said({"errcode": failed.code, "errmsg": str(failed)})
        name = self.keep(octets, file.content_type)
        return await self._said({"type": "image", "media_id": name, "created_at": int(self.clock())})

    async def _media(self, request: web.Request) -> web.Response:
        name = request.query.get("media_id", "")
        try:
            self._check(request)
            if name in self.videos:
                return await self._said({"video_url": f"{self.url}/videos/{name}"})
            if name not in self.files:
                raise Failed(40007, "invalid media_id")
        except Failed as failed:
            return await self._said({"errcode": failed.code, "errmsg": str(failed)})
        octets, media_type = self.files[name]
        disposition = f'attachment; filename="{name}"'
        return web.Response(body=octets, content_type=media_type, headers={"Content-Disposition": disposition})

    async def _video(self, request: web.Request) -> web.Response:
        return web.Response(body=self.videos[request.match_info["name"]], content_type="video/mp4")

    def _check(self, request: web.Request) -> None:
        """Refuse a token that is not the latest, or whatever was asked to fail."""
        if self.fail_next:
            raise Failed(self.fail_next.pop(0), "as the test wants it")
        if not self.access_token or request.query.get("access_token") != self.access_token:
            raise Failed(40001, "invalid credential, access_token is invalid or not latest")

    async def _said(self, answer: Json) -> web.Response:
        async with self._changed:
            self._changed.notify_all()
        if self.garbles is not None:
            return web.Response(status=self.garbles[0], text=self.garbles[1])
        return web.Response(text=json.dumps(answer, ensure_ascii=False), content_type="text/plain")


def _element(name: str, value: Any) -> str:
    if isinstance(value, int | float):
        return f"<{name}>{value}</{name}>"
    return f"<{name}><![CDATA[{value}]]></{name}>" if "]]>" not in value else f"<{name}>{escape(value)}</{name}>"
