"""A Bot API server (https://core.telegram.org/bots/api): the methods the channel uses, as strict as the real one.

Written from the published reference and what api.telegram.org answers: names of methods in any case, parameters as
a form, as multipart or as JSON, the descriptions of errors word for word. Only times are shorter here.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import re
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import aiohttp
from aiohttp import web

LARGEST_DOWNLOAD = 20 * 1024 * 1024
LONGEST_TEXT = 4096
LONGEST_CAPTION = 1024
RETRY_PAUSE = 0.02
"""Seconds after which a webhook that failed is tried again; the real one takes longer."""

Json = dict[str, Any]
Method = Callable[[Json], Awaitable[Any]]


class Wrong(Exception):
    """A request that the Bot API refuses."""

    def __init__(self, code: int, description: str, **parameters: int) -> None:
        super().__init__(description)
        self.code = code
        self.description = description
        self.parameters = parameters


@dataclass
class Citizen:
    """Somebody who writes to the bot in a private chat."""

    server: BotApiServer
    id: int
    first_name: str = "测试"
    has_blocked: bool = False
    heard: list[Json] = field(default_factory=list)

    @property
    def user(self) -> Json:
        """Return the sender as updates name him."""
        return {"id": self.id, "is_bot": False, "first_name": self.first_name, "language_code": "zh-hans"}

    def message(self, **content: Any) -> Json:
        """Return a message of his with *content*, as an update has it."""
        chat = {"id": self.id, "type": "private", "first_name": self.first_name}
        number = self.server.next_message(self.id)
        return {"message_id": number, "from": self.user, "chat": chat, "date": 1795312800 + number, **content}

    def sends(self, **content: Any) -> int:
        """Send a message; return the number of its update."""
        return self.server.push(message=self.message(**content))

    def sends_photo(self, octets: bytes, **content: Any) -> int:
        """Send a picture in two sizes; return the number of its update."""
        large, small = self.server.keep(octets), self.server.keep(octets[:1])
        sizes = [
            {"file_id": small, "file_unique_id": "s", "width": 90, "height": 60, "file_size": 1},
            {"file_id": large, "file_unique_id": "l", "width": 1280, "height": 853, "file_size": len(octets)},
        ]
        return self.sends(photo=sizes, **content)

    def sends_file(self, kind: str, octets: bytes, **described: Any) -> int:
        """Send a file as *kind* (``voice``, ``document`` ...); return the number of its update."""
        number = self.server.keep(octets)
        file = {"file_id": number, "file_unique_id": "u", "file_size": len(octets), **described}
        return self.sends(**{kind: file})


class BotApiServer:
    """The server; `url` is what a bot gives as its ``base_url``, without ``/bot``."""

    def __init__(self, token: str) -> None:
        self.token = token
        self.url = ""
        self.citizens: dict[int, Citizen] = {}
        self.waiting: list[Json] = []
        self.offsets: list[int] = []
        self.webhook: Json = {"url": ""}
        self.deliveries: list[tuple[int, int]] = []
        self.calls: list[str] = []
        self.files_asked = 0
        self.turned_away = 0
        self.throttled_for = 0
        self.is_down = False
        self.are_files_away = False
        self._files: dict[str, bytes] = {}
        self._updates = itertools.count(770_001)
        self._messages: dict[int, Any] = {}
        self._known: set[tuple[int, int]] = set()
        self._changed = asyncio.Condition()
        self._poll: asyncio.Event | None = None
        self._tasks: asyncio.TaskGroup
        self._client: aiohttp.ClientSession
        self._methods: dict[str, Method] = {
            "getme": self._get_me,
            "getupdates": self._get_updates,
            "setwebhook": self._set_webhook,
            "deletewebhook": self._delete_webhook,
            "getwebhookinfo": self._webhook_info,
            "sendmessage": self._send_message,
            "sendphoto": self._send_file,
            "senddocument": self._send_file,
            "getfile": self._get_file,
        }

    @asynccontextmanager
    async def running(self, port: int = 0) -> AsyncIterator[BotApiServer]:
        """Serve on the loopback inside the block."""
        application = web.Application(client_max_size=60 * 1024 * 1024)
        application.router.add_route("*", "/bot{token}/{method}", self._call)
        application.router.add_get("/file/bot{token}/{path:.+}", self._download)
        runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.1)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", port).start()
        host, port = runner.addresses[0][:2]
        self.url = f"http://{host}:{port}"
        try:
            async with aiohttp.ClientSession() as self._client, asyncio.TaskGroup() as self._tasks:
                delivering = self._tasks.create_task(self._deliver())
                try:
                    yield self
                finally:
                    delivering.cancel()
        finally:
            await runner.cleanup()

    # -- what citizens do --------------------------------------------------------------------------

    def citizen(self, number: int) -> Citizen:
        """Return the citizen of that chat."""
        return self.citizens.setdefault(number, Citizen(self, number))

    def next_message(self, chat: int) -> int:
        """Return the number of the next message in *chat*."""
        number: int = next(self._messages.setdefault(chat, itertools.count(1)))
        self._known.add((chat, number))
        return number

    def keep(self, octets: bytes) -> str:
        """Keep a file; return the id that getFile wants."""
        name = f"AgAC-{len(self._files)}"
        self._files[name] = octets
        return name

    def push(self, **content: Any) -> int:
        """Queue an update; return its number."""
        number = next(self._updates)
        self.waiting.append({"update_id": number, **content})
        self._tasks.create_task(self._tell())
        return number

    async def until(self, is_so: Callable[[], bool]) -> None:
        """Wait until *is_so*, which is asked again whenever something happened here."""
        async with self._changed:
            await self._changed.wait_for(is_so)

    async def acknowledged(self, update: int) -> None:
        """Wait until the bot has acknowledged an update."""
        await self.until(lambda: all(waiting["update_id"] != update for waiting in self.waiting))

    async def _tell(self) -> None:
        async with self._changed:
            self._changed.notify_all()

    # -- the protocol ----------------------------------------------------------------------------------------

    async def _call(self, request: web.Request) -> web.Response:
        if self.is_down:
            self.turned_away += 1
            await self._tell()
            return web.Response(status=502, text="<html>Bad Gateway</html>")
        try:
            if request.match_info["token"] != self.token:
                raise Wrong(401, "Unauthorized")
            name = request.match_info["method"]
            if (method := self._methods.get(name.lower())) is None:
                raise Wrong(404, "Not Found")
            self.calls.append(name)
            result = await method(await _parameters(request))
        except Wrong as wrong:
            answer: Json = {"ok": False, "error_code": wrong.code, "description": wrong.description}
            if wrong.parameters:
                answer["parameters"] = wrong.parameters
            return web.json_response(answer, status=wrong.code)
        finally:
            await self._tell()
        return web.json_response({"ok": True, "result": result})

    async def _get_me(self, given: Json) -> Json:
        return {"id": 123456, "is_bot": True, "first_name": "12345热线", "username": "hotline_12345_bot"}

    async def _get_updates(self, given: Json) -> list[Json]:
        if self.webhook["url"]:
            raise Wrong(409, "Conflict: can't use getUpdates method while webhook is active; use deleteWebhook first")
        if self._poll is not None:
            self._poll.set()
        self._poll = ended = asyncio.Event()
        offset = int(given.get("offset", 0))
        self.offsets.append(offset)
        if offset > 0:
            self.waiting = [update for update in self.waiting if update["update_id"] >= offset]
        await self._tell()
        limit = min(max(int(given.get("limit", 100)), 1), 100)
        kinds = json.loads(given["allowed_updates"]) if "allowed_updates" in given else []
        try:
            async with asyncio.timeout(min(float(given.get("timeout", 0)), 50.0)):
                await self.until(lambda: bool(self._asked_for(kinds)) or ended.is_set())
        except TimeoutError:
            pass
        if ended.is_set():
            raise Wrong(
                409, "Conflict: terminated by other getUpdates request; make sure that only one bot instance runs"
            )
        self._poll = None
        return self._asked_for(kinds)[:limit]

    def _asked_for(self, kinds: list[str]) -> list[Json]:
        return [update for update in self.waiting if not kinds or any(kind in update for kind in kinds)]

    async def _set_webhook(self, given: Json) -> bool:
        url, secret = given.get("url", ""), given.get("secret_token", "")
        if not re.fullmatch(r"https?://[^/?#]+(/.*)?", url):  # plain HTTP as a Bot API server of one's own allows it
            raise Wrong(400, "Bad Request: bad webhook: An HTTPS URL must be provided for webhook")
        if not re.fullmatch(r"[A-Za-z0-9_-]{0,256}", secret):
            raise Wrong(400, "Bad Request: secret token contains unallowed characters")
        self.webhook = {"url": url, "secret_token": secret, "allowed_updates": given.get("allowed_updates")}
        return True

    async def _delete_webhook(self, given: Json) -> bool:
        self.webhook = {"url": ""}
        return True

    async def _webhook_info(self, given: Json) -> Json:
        info = {"url": self.webhook["url"], "has_custom_certificate": False, "pending_update_count": len(self.waiting)}
        if self.webhook.get("failed"):
            info |= {"last_error_date": int(time.time()), "last_error_message": self.webhook["failed"]}
        return info

    async def _send_message(self, given: Json) -> Json:
        text = given.get("text", "")
        citizen = self._addressed(given)
        if not text.strip():
            raise Wrong(400, "Bad Request: message text is empty")
        if len(text.encode("utf-16-le")) // 2 > LONGEST_TEXT:
            raise Wrong(400, "Bad Request: message is too long")
        return self._said(citizen, given, text=text)

    async def _send_file(self, given: Json) -> Json:
        citizen = self._addressed(given)
        file = given.get("photo") or given.get("document")
        if isinstance(file, str) and file.startswith("attach://"):
            file = given.get(file.removeprefix("attach://"))
        if not isinstance(file, web.FileField):
            raise Wrong(400, "Bad Request: there is no photo or document in the request")
        octets = file.file.read()
        file.file.close()
        stored = {"file_id": self.keep(octets), "file_unique_id": "x", "file_size": len(octets)}
        if "photo" in given:
            if not octets.startswith((b"\xff\xd8", b"\x89PNG")):
                raise Wrong(400, "Bad Request: IMAGE_PROCESS_FAILED")
            return self._said(citizen, given, photo=[{**stored, "width": 1, "height": 1}])
        return self._said(citizen, given, document={**stored, "file_name": file.filename})

    def _addressed(self, given: Json) -> Citizen:
        if self.throttled_for:
            raise Wrong(429, f"Too Many Requests: retry after {self.throttled_for}", retry_after=self.throttled_for)
        try:
            citizen = self.citizens[int(given["chat_id"])]
        except (KeyError, ValueError):
            raise Wrong(400, "Bad Request: chat not found") from None
        if citizen.has_blocked:
            raise Wrong(403, "Forbidden: bot was blocked by the user")
        return citizen

    def _said(self, citizen: Citizen, given: Json, **content: Any) -> Json:
        chat = {"id": citizen.id, "type": "private", "first_name": citizen.first_name}
        if reply := json.loads(given.get("reply_parameters", "null")):
            known = (citizen.id, reply["message_id"]) in self._known
            if not known and not reply.get("allow_sending_without_reply"):
                raise Wrong(400, "Bad Request: message to be replied not found")
            if known:
                content["reply_to_message"] = {"message_id": reply["message_id"], "date": 1795312800, "chat": chat}
        number = self.next_message(citizen.id)
        message = {
            "message_id": number,
            "from": {"id": 123456, "is_bot": True, "first_name": "12345热线"},
            "chat": chat,
        }
        message |= {"date": 1795312800 + number, **content}
        citizen.heard.append(message)
        return message

    async def _get_file(self, given: Json) -> Json:
        name = str(given.get("file_id", ""))
        if name not in self._files:
            raise Wrong(400, "Bad Request: wrong file_id or the file is temporarily unavailable")
        if len(self._files[name]) > LARGEST_DOWNLOAD:
            raise Wrong(400, "Bad Request: file is too big")
        return {"file_id": name, "file_unique_id": "u", "file_size": len(self._files[name]), "file_path": f"f/{name}"}

    async def _download(self, request: web.Request) -> web.Response:
        self.files_asked += 1
        octets = self._files.get(request.match_info["path"].removeprefix("f/"))
        if self.is_down or self.are_files_away:
            await self._tell()
            return web.Response(status=502)
        if request.match_info["token"] != self.token or octets is None:
            return web.json_response({"ok": False, "error_code": 404, "description": "Not Found"}, status=404)
        return web.Response(body=octets, content_type="application/octet-stream")

    async def _deliver(self) -> None:
        """Bring updates to the webhook, side by side, again and again until each is answered with 2xx."""
        under_way: set[int] = set()
        while True:
            await self.until(lambda: self.webhook["url"] and any(u["update_id"] not in under_way for u in self.waiting))
            for update in self.waiting:
                if update["update_id"] not in under_way:
                    under_way.add(update["update_id"])
                    self._tasks.create_task(self._bring(update, under_way))

    async def _bring(self, update: Json, under_way: set[int]) -> None:
        headers = {"X-Telegram-Bot-Api-Secret-Token": self.webhook["secret_token"]}
        status = 0
        try:
            async with self._client.post(self.webhook["url"], json=update, headers=headers) as answer:
                status = answer.status
        except aiohttp.ClientError:
            pass
        self.deliveries.append((update["update_id"], status))
        if 200 <= status < 300:
            self.waiting.remove(update)
        else:
            self.webhook["failed"] = f"Wrong response from the webhook: {status}"
            await asyncio.sleep(RETRY_PAUSE)
        under_way.discard(update["update_id"])
        await self._tell()


async def _parameters(request: web.Request) -> Json:
    if request.content_type == "application/json":
        return dict(await request.json())
    return {**request.query, **await request.post()}
