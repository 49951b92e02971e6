"""The sections of the chat platforms: the Telegram bot and the WeChat official account; and what must agree in them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Any, Literal

from msgspec import Meta

from config.toml_file import Key
from config.values import Secret, Section

if TYPE_CHECKING:
    from config.settings import Settings

Url = Annotated[str, Meta(pattern=r"^https?://[^/?#\s]+(/[^?#\s]*)?$")]

_PRIVACY = "您发送的内容仅用于受理、转办、答复您的诉求，按规定期限保存，不作他用。"
_EMERGENCIES = "紧急情况请直接拨打110、119或120。"
TELEGRAM_GREETING = (
    "您好，这里是12345政务服务便民热线。请直接发送文字、图片、语音或位置说明您的诉求，办理情况会在这里答复。"
    f"{_PRIVACY}{_EMERGENCIES}"
)
WECHAT_GREETING = (
    "欢迎关注12345政务服务便民热线。请直接发送文字、图片、语音或位置说明您的诉求，办理情况会在这里答复。"
    f"{_PRIVACY}{_EMERGENCIES}"
)


class Telegram(Section, frozen=True, kw_only=True):
    """The Telegram bot that people write to."""

    token: Secret = Secret()
    token_file: str = ""
    api: Url = "https://api.telegram.org"
    delivery: Literal["polling", "webhook"] = "polling"
    greeting: str = TELEGRAM_GREETING


class WeChat(Section, frozen=True, kw_only=True):
    """The WeChat official account that people write to."""

    app_id: str = ""
    app_secret: Secret = Secret()
    app_secret_file: str = ""
    token: Secret = Secret()
    token_file: str = ""
    aes_key: Secret = Secret()
    aes_key_file: str = ""
    api: Url = "https://api.weixin.qq.com"
    greeting: str = WECHAT_GREETING
    notice_template: str = ""
    notice_number: str = ""
    notice_text: str = ""
    notice_time: str = ""
    notice_url: str = ""


def disagreements_of_chat(settings: Settings) -> Iterator[tuple[Key, str]]:
    """Yield what no single key of these sections can tell."""
    telegram, wechat, public = settings.telegram, settings.wechat, settings.public
    yield from _given_twice("telegram", telegram, "token")
    if telegram.delivery == "webhook" and (telegram.token or telegram.token_file):
        if not public.url.startswith("https://"):
            yield ("telegram", "delivery"), "a webhook needs public.url, and Telegram only takes https://"
        if not public.listen:
            yield ("telegram", "delivery"), "a webhook needs public.listen"
    for name in ("app_secret", "token", "aes_key"):
        yield from _given_twice("wechat", wechat, name)
    if wechat.app_id:
        for name in ("app_secret", "token"):
            if not getattr(wechat, name) and not getattr(wechat, f"{name}_file"):
                yield ("wechat", name), f"is missing; give {name} or {name}_file"
        if not public.listen:
            yield ("wechat", "app_id"), "WeChat brings messages to public.listen, which is missing"
        if wechat.aes_key and len(wechat.aes_key) != 43:
            yield ("wechat", "aes_key"), "expected the EncodingAESKey of the account's console, 43 characters"
    if wechat.notice_template and not (wechat.notice_number or wechat.notice_text):
        yield ("wechat", "notice_template"), "needs notice_number or notice_text: the variables that it has"
    if wechat.notice_url and not wechat.notice_url.startswith(("https://", "http://")):
        yield ("wechat", "notice_url"), "expected an address such as https://12345.example"


def _given_twice(table: str, section: Any, name: str) -> Iterator[tuple[Key, str]]:
    if getattr(section, name) and getattr(section, f"{name}_file"):
        yield (table, f"{name}_file"), f"give {name} or {name}_file, not both"
