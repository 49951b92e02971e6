"""Alibaba Cloud's short messages (阿里云短信服务): SendSms of 2017-05-25, SmsUp and SmsReport over HTTP.

SmsUp and SmsReport come as JSON arrays and are told again after 1, 5 and 10 minutes unless the answer is 200
(help.aliyun.com, documents 60127 and 101867).
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import msgspec

from channels.sms.cloud.signing import acs3_authorization, canonical_query
from channels.sms.cloud.vendor import Account, CloudAnswer, CloudRequest, Json, Written, compact, several
from channels.sms.words import Fate, Receipt, Verdict

BUSY = frozenset({"Throttling", "Throttling.User", "Throttling.Api", "isv.BUSINESS_LIMIT_CONTROL"})
LATER = frozenset(
    {
        "isp.SYSTEM_ERROR",
        "isp.GATEWAY_ERROR",
        "InternalError",
        "ServiceUnavailable",
        "isv.DAY_LIMIT_CONTROL",
        "isv.MONTH_LIMIT_CONTROL",
        "isv.AMOUNT_NOT_ENOUGH",
        "isv.OUT_OF_SERVICE",
    }
)
"""Codes that another attempt may not meet; every other refuses the message."""


class _Up(msgspec.Struct):
    phone_number: str
    content: str
    sequence_id: int | str
    dest_code: str = ""


class _Report(msgspec.Struct):
    biz_id: str
    success: bool
    err_code: str = ""


class _Answer(msgspec.Struct):
    code: str = msgspec.field(name="Code")
    sent_id: str = msgspec.field(name="BizId", default="")


@dataclass(frozen=True, slots=True, kw_only=True)
class Aliyun:
    """`Vendor` for Alibaba Cloud."""

    account: Account

    @property
    def url(self) -> str:
        """The public address."""
        return "https://dysmsapi.aliyuncs.com"

    def request(self, host: str, to: str, text: str, key: str, at: datetime) -> CloudRequest:
        """SendSms; Chinese numbers are written without country."""
        account = self.account
        query = canonical_query(
            {
                "PhoneNumbers": to.removeprefix("+86").removeprefix("+"),
                "SignName": account.signature,
                "TemplateCode": account.template,
                "TemplateParam": compact({account.field: text}),
                "OutId": key[:256],
            }
        )
        headers = {
            "host": host,
            "x-acs-action": "SendSms",
            "x-acs-content-sha256": hashlib.sha256(b"").hexdigest(),
            "x-acs-date": at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "x-acs-signature-nonce": hashlib.sha256(f"{key} {at.timestamp():.6f}".encode()).hexdigest()[:32],
            "x-acs-version": "2017-05-25",
        }
        authorization = acs3_authorization(
            account.key_id, account.key_secret, method="POST", path="/", query=query, headers=headers, body=b""
        )
        return CloudRequest(query=query, headers={**headers, "authorization": authorization})

    def answer(self, status: int, body: bytes) -> CloudAnswer:
        """Code OK and a BizId, or another code."""
        try:
            answer = msgspec.json.decode(body, type=_Answer)
        except (msgspec.MsgspecError, RecursionError):
            return CloudAnswer(verdict=Verdict.LATER, reason=f"HTTP {status}")
        if answer.code == "OK":
            return CloudAnswer(verdict=Verdict.ACCEPTED, sent_id=answer.sent_id)
        if answer.code in BUSY or status == 429:
            return CloudAnswer(verdict=Verdict.BUSY, reason=answer.code)
        is_later = answer.code in LATER or status >= 500
        return CloudAnswer(verdict=Verdict.LATER if is_later else Verdict.NEVER, reason=answer.code)

    def written(self, body: bytes) -> Sequence[Written]:
        """SmsUp: the vendor's sequence number and the words are its id."""
        return [
            Written(
                id=f"{each.sequence_id}:{_digest(each)}",
                sender=each.phone_number,
                extension=each.dest_code,
                text=each.content,
            )
            for each in several(body, _Up)
        ]

    def receipts(self, body: bytes) -> Sequence[Receipt]:
        """SmsReport."""
        return [
            Receipt(
                centre_id=each.biz_id,
                fate=Fate.DELIVERED if each.success else Fate.FAILED,
                reason=each.err_code,
            )
            for each in several(body, _Report)
        ]

    def said(self, reason: str = "") -> Mapping[str, Json]:
        """Code 0, or 1 with a reason."""
        return {"code": 1 if reason else 0, "msg": reason or "接收成功"}


def _digest(up: _Up) -> str:
    return hashlib.sha256("\0".join((up.phone_number, up.dest_code, up.content)).encode()).hexdigest()
