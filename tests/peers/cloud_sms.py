"""Stand-ins for the cloud vendors' SendSms, written from their documents: each checks the request's signature."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
from collections.abc import Mapping
from typing import Any, Self
from urllib.parse import parse_qsl

from aiohttp import web
from aiohttp.test_utils import TestServer

KEY_ID, SECRET = "an-id", "a-secret"


class CloudCentre:
    """Takes messages at ``url``. ``answers`` are given to the next requests instead of a good one: status and body."""

    def __init__(self) -> None:
        self.sent: asyncio.Queue[Mapping[str, Any]] = asyncio.Queue()
        self.answers: list[tuple[int, Any]] = []
        self._count = 0
        application = web.Application()
        application.router.add_post("/", self._take)
        self._server = TestServer(application)

    @property
    def url(self) -> str:
        return str(self._server.make_url("")).rstrip("/")

    async def __aenter__(self) -> Self:
        await self._server.start_server()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._server.close()

    async def _take(self, request: web.Request) -> web.Response:
        body = await request.read()
        if not self.is_signed(request, body):
            return web.json_response(self.unsigned(), status=400)
        if self.answers:
            status, answer = self.answers.pop(0)
            return web.Response(status=status, text=answer if isinstance(answer, str) else json.dumps(answer))
        self._count += 1
        self.sent.put_nowait(self.read(request, body))
        return web.json_response(self.taken(f"cloud-{self._count}"))

    def is_signed(self, request: web.Request, body: bytes) -> bool:
        raise NotImplementedError

    def unsigned(self) -> Any:
        raise NotImplementedError

    def read(self, request: web.Request, body: bytes) -> Mapping[str, Any]:
        raise NotImplementedError

    def taken(self, sent_id: str) -> Any:
        raise NotImplementedError


def _authorization(request: web.Request) -> tuple[str, dict[str, str]]:
    scheme, _, rest = request.headers["Authorization"].partition(" ")
    return scheme, dict(part.strip().split("=", 1) for part in rest.split(","))


def _canonical(request: web.Request, names: str, body: bytes, lowered: frozenset[str] = frozenset()) -> str:
    values = {name: request.headers[name] for name in names.split(";")}
    lines = [f"{name}:{value.lower() if name in lowered else value}" for name, value in values.items()]
    query = "&".join(sorted(request.query_string.split("&"))) if request.query_string else ""
    digest = hashlib.sha256(body).hexdigest()
    text = "\n".join(["POST", "/", request.raw_path.partition("?")[2] or query, *lines, "", names, digest])
    return hashlib.sha256(text.encode()).hexdigest()


class AliyunCentre(CloudCentre):
    """Alibaba Cloud: everything in the query, ACS3-HMAC-SHA256."""

    def is_signed(self, request: web.Request, body: bytes) -> bool:
        scheme, parts = _authorization(request)
        must = {"host", "x-acs-action", "x-acs-content-sha256", "x-acs-date", "x-acs-signature-nonce", "x-acs-version"}
        if "Content-Type" in request.headers:
            must.add("content-type")
        text = f"ACS3-HMAC-SHA256\n{_canonical(request, parts['SignedHeaders'], body)}"
        return (
            scheme == "ACS3-HMAC-SHA256"
            and parts["Credential"] == KEY_ID
            and set(parts["SignedHeaders"].split(";")) == must
            and request.headers["x-acs-content-sha256"] == hashlib.sha256(body).hexdigest()
            and request.headers["x-acs-action"] == "SendSms"
            and request.headers["x-acs-version"] == "2017-05-25"
            and parts["Signature"] == hmac.new(SECRET.encode(), text.encode(), "sha256").hexdigest()
        )

    def unsigned(self) -> Any:
        return {"Code": "SignatureDoesNotMatch", "Message": "-", "RequestId": "r"}

    def read(self, request: web.Request, body: bytes) -> Mapping[str, Any]:
        parameters = dict(parse_qsl(request.query_string))
        return {
            "to": parameters["PhoneNumbers"],
            "text": json.loads(parameters["TemplateParam"])["content"],
            "signature": parameters["SignName"],
            "template": parameters["TemplateCode"],
        }

    def taken(self, sent_id: str) -> Any:
        return {"Code": "OK", "Message": "OK", "BizId": sent_id, "RequestId": "r"}


class TencentCentre(CloudCentre):
    """Tencent Cloud: JSON, TC3-HMAC-SHA256."""

    def is_signed(self, request: web.Request, body: bytes) -> bool:
        scheme, parts = _authorization(request)
        key_id, day, service, end = parts["Credential"].split("/")
        digest = _canonical(request, parts["SignedHeaders"], body, frozenset({"x-tc-action"}))
        text = f"TC3-HMAC-SHA256\n{request.headers['X-TC-Timestamp']}\n{day}/{service}/{end}\n{digest}"
        key = b"TC3" + SECRET.encode()
        for step in (day, "sms", "tc3_request"):
            key = hmac.new(key, step.encode(), "sha256").digest()
        return (
            scheme == "TC3-HMAC-SHA256"
            and key_id == KEY_ID
            and {"content-type", "host"} <= set(parts["SignedHeaders"].split(";"))
            and request.headers["X-TC-Action"] == "SendSms"
            and request.headers["X-TC-Version"] == "2021-01-11"
            and parts["Signature"] == hmac.new(key, text.encode(), "sha256").hexdigest()
        )

    def unsigned(self) -> Any:
        return {"Response": {"Error": {"Code": "AuthFailure.SignatureFailure", "Message": "-"}, "RequestId": "r"}}

    def read(self, request: web.Request, body: bytes) -> Mapping[str, Any]:
        parameters = json.loads(body)
        assert parameters["SmsSdkAppId"] == "1400006666"
        return {
            "to": parameters["PhoneNumberSet"][0],
            "text": parameters["TemplateParamSet"][0],
            "signature": parameters["SignName"],
            "template": parameters["TemplateId"],
        }

    def taken(self, sent_id: str) -> Any:
        status = {"SerialNo": sent_id, "PhoneNumber": "-", "Fee": 1, "Code": "Ok", "Message": "send success"}
        return {"Response": {"SendStatusSet": [status], "RequestId": "r"}}
