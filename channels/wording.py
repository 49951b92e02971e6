"""What chat platforms' channels say themselves, in Chinese: labels in the text of a ticket, and courtesies.

What a petitioner is told about his matter comes from the services; a channel only answers for itself.
"""

from __future__ import annotations

from gateway.ports.intake import Part

PHOTO = "[图片]"
VOICE = "[语音]"
AUDIO = "[音频]"
VIDEO = "[视频]"
DOCUMENT = "[文件]"
ALBUM = "[相册]"
LINK = "[链接]"

UNHEARD = "（未能转写，请听录音附件）"
TOO_LARGE = "[文件过大，未能接收]"
NOT_FETCHED = "[文件未能取得]"
NOT_SENT = "[附件无法在此发送，请到网页查询]"

ONLY_THESE = "暂不支持这种消息。请发送文字、图片、语音、视频、文件或位置。紧急情况请直接拨打110、119或120。"
NOT_TAKEN = "很抱歉，这条消息未能受理（附件过大、过多，或发送受限）。请拨打12345反映，紧急情况请直接拨打110、119或120。"


def place(name: str, latitude: float, longitude: float) -> str:
    """Say where somebody is; degrees."""
    where = f"北纬{latitude:.6f}，东经{longitude:.6f}"
    return f"[位置] {name}（{where}）" if name else f"[位置] {where}"


def card(name: str, number: str) -> str:
    """Say whose telephone number was shared."""
    return f"[名片] {name} {number}".strip()


def not_received(reason: str, name: str, size: int | None = None) -> str:
    """Say that a file did not come, and how large it is (octets)."""
    return f"{reason} {name}" + (f"（{size / 1e6:.1f} MB）" if size else "")


def speech(words: str) -> str:
    """Say what was said in a voice message."""
    return f"{VOICE} {words or UNHEARD}"


def link(title: str, description: str, url: str) -> str:
    """Say which page was passed on."""
    return "\n".join(line for line in (f"{LINK} {title}".strip(), description, url) if line)


def label(part: Part) -> str:
    """Name a file by its declared type, for a ticket without words."""
    kind = part.declared_type.partition("/")[0]
    return {"image": PHOTO, "audio": AUDIO, "video": VIDEO}.get(kind, DOCUMENT)
