"""Tencent Cloud's short messages (腾讯云短信): SendSms of 2021-01-11, replies and status over HTTP.

Replies come one at a time, status reports as a JSON array (cloud.tencent.com, documents 382/43548 and 382/43547).
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import msgspec

from channels.sms.cloud.signing import tc3_authorization
from channels.sms.cloud.vendor import Account, CloudAnswer, CloudRequest, Json, Written, compact, several
from channels.sms.words import Fate, Receipt, Verdict

LATER = ("InternalError", "LimitExceeded", "FailedOperation.InsufficientBalanceInSmsPackage", "ResourceInsufficient")
"""How codes begin that another attempt may not meet; every other refuses the message."""
BUSY = "RequestLimitExceeded"


class _Reply(msgspec.Struct):
    mobile: str
    text: str
    time: int
    nationcode: str = "86"
    extend: str | None = None


class _Status(msgspec.Struct):
    sid: str
    report_status: str
    errmsg: str = ""


class _Error(msgspec.Struct):
    code: str = msgspec.field(name="Code")


class _Sent(msgspec.Struct):
    code: str = msgspec.field(name="Code")
    sent_id: str = msgspec.field(name="SerialNo", default="")


class _Response(msgspec.Struct):
    error: _Error | None = msgspec.field(name="Error", default=None)
    sent: list[_Sent] = msgspec.field(name="SendStatusSet", default_factory=list)


class _Answer(msgspec.Struct):
    response: _Response = msgspec.field(name="Response")


@dataclass(frozen=True, slots=True, kw_only=True)
class Tencent:
    """`Vendor` for Tencent Cloud."""

    account: Account

    @property
    def url(self) -> str:
        """The public address."""
        return "https://sms.tencentcloudapi.com"

    def request(self, host: str, to: str, text: str, key: str, at: datetime) -> CloudRequest:
        """SendSms with the template's one parameter."""
        account = self.account
        body = compact(
            {
                "PhoneNumberSet": [to],
                "SmsSdkAppId": account.app,
                "SignName": account.signature,
                "TemplateId": account.template,
                "TemplateParamSet": [text],
                "SessionContext": key[:500],
            }
        ).encode()
        signed = {"content-type": "application/json; charset=utf-8", "host": host, "x-tc-action": "sendsms"}
        authorization = tc3_authorization(
            account.key_id,
            account.key_secret,
            service="sms",
            at=at,
            method="POST",
            path="/",
            query="",
            headers=signed,
            body=body,
        )
        headers = {
            **signed,
            "x-tc-action": "SendSms",
            "x-tc-timestamp": str(int(at.timestamp())),
            "x-tc-version": "2021-01-11",
            "x-tc-region": account.region or "ap-guangzhou",
            "authorization": authorization,
        }
        return CloudRequest(headers=headers, body=body)

    def answer(self, status: int, body: bytes) -> CloudAnswer:
        """One status for the one number, or an error of the whole request."""
        try:
            response = msgspec.json.decode(body, type=_Answer).response
        except (msgspec.MsgspecError, RecursionError):
            return CloudAnswer(verdict=Verdict.LATER, reason=f"HTTP {status}")
        if response.error is None and response.sent and response.sent[0].code == "Ok":
            return CloudAnswer(verdict=Verdict.ACCEPTED, sent_id=response.sent[0].sent_id)
        code = response.error.code if response.error else response.sent[0].code if response.sent else f"HTTP {status}"
        if code.startswith(BUSY):
            return CloudAnswer(verdict=Verdict.BUSY, reason=code)
        is_later = code.startswith((*LATER, "HTTP"))
        return CloudAnswer(verdict=Verdict.LATER if is_later else Verdict.NEVER, reason=code)

    def written(self, body: bytes) -> Sequence[Written]:
        """A reply has no id of its own: number, instant and words are it."""
        return [
            Written(
                id=hashlib.sha256(
                    "\0".join((each.nationcode, each.mobile, str(each.time), each.extend or "", each.text)).encode()
                ).hexdigest(),
                sender=f"+{each.nationcode.removeprefix('+')}{each.mobile}",
                extension=each.extend or "",
                text=each.text,
            )
            for each in several(body, _Reply)
        ]

    def receipts(self, body: bytes) -> Sequence[Receipt]:
        """Status reports."""
        return [
            Receipt(
                centre_id=each.sid,
                fate=Fate.DELIVERED if each.report_status == "SUCCESS" else Fate.FAILED,
                reason=each.errmsg,
            )
            for each in several(body, _Status)
        ]

    def said(self, reason: str = "") -> Mapping[str, Json]:
        """Result 0, or 1 with a reason."""
        return {"result": 1 if reason else 0, "errmsg": reason or "OK"}
