"""What an official account answers a push with (被动回复用户消息): XML, encrypted where the push was."""

from __future__ import annotations

from channels.wechat.crypto import Envelope, signature
from channels.wechat.reading import Push

NOTHING = b"success"
"""Says that a push has arrived and that there is nothing to say."""


def reply(push: Push, text: str, moment: int) -> bytes:
    """Return a text to the sender of *push*; *moment* in seconds since 1970."""
    return (
        f"<xml><ToUserName>{_quoted(push.sender)}</ToUserName><FromUserName>{_quoted(push.account)}</FromUserName>"
        f"<CreateTime>{moment}</CreateTime><MsgType><![CDATA[text]]></MsgType><Content>{_quoted(text)}</Content></xml>"
    ).encode()


def sealed(answer: bytes, envelope: Envelope, token: str, moment: int, nonce: str, random: bytes) -> bytes:
    """Return *answer* encrypted and signed; *random* is 16 octets that nobody can guess."""
    encrypted = envelope.sealed(answer, random)
    signed = signature(token, str(moment), nonce, encrypted)
    return (
        f"<xml><Encrypt>{_quoted(encrypted)}</Encrypt><MsgSignature>{_quoted(signed)}</MsgSignature>"
        f"<TimeStamp>{moment}</TimeStamp><Nonce>{_quoted(nonce)}</Nonce></xml>"
    ).encode()


def _quoted(text: str) -> str:
    """Return *text* as CDATA, without what XML cannot say."""
    allowed = "".join(
        c for c in text if c in "\t\n\r" or " " <= c <= "\ud7ff" or "\ue000" <= c <= "\ufffd" or c > "\uffff"
    )
    return f"<![CDATA[{allowed.replace(']]>', ']]]]><![CDATA[>')}]]>"
