"""What a writer wrote himself, apart from the history and the signature that his program added.

Knows how Outlook, Foxmail, QQ, 163, Apple Mail and Gmail mark what is quoted, in Chinese and in English. History is cut
from answers only: in a message that was forwarded it is the matter itself. Whatever would be left empty stays whole.
"""

from __future__ import annotations

import re

LONGEST_MARK = 300
"""Characters of a line that may be a mark; longer ones are somebody's words."""

_RULED = re.compile(
    r"^\W{0,6}[-_=—]{2,}\s*(?:原始邮件|原始郵件|回复的原邮件|回复的邮件|原邮件|原文|原件|转发邮件信息|转发的邮件|"
    r"Original(?: Message| Email)?|Forwarded message|Reply message|Replied Message)\s*[-_=—]{2,}\s*$",
    re.IGNORECASE,
)
_FROM = re.compile(r"^[>*\s]{0,6}(?:发件人|發件人|寄件者|寄件人|From)\**\s*[:：]", re.IGNORECASE)
_FURTHER = re.compile(
    r"^[>*\s]{0,6}(?:发送时间|发送日期|發送時間|傳送時間|寄件日期|发件时间|日期|时间|收件人|收件者|抄送|主题|主題|主旨|"
    r"Sent|Date|To|Cc|Subject)\**\s*[:：]",
    re.IGNORECASE,
)
_WROTE = re.compile(r"(?:\bwrote|写道|寫道|来信说|のメール)\s*[:：]?\s*$")
_WROTE_BEGINS = re.compile(
    r"^\W{0,3}(?:On\b|在|于|\d{4}\s*[-/年]|[^\s@]{1,40}\s*[<(][^<>()\s]{1,80}@|.{1,60}\s于\s?\d{4}年)"
)
_RULE = re.compile(r"^(?:[\s_\-=—*]{8,}|[\s|]+)$")
_QUOTED = re.compile(r"^\s{0,3}>")
_WORDS = "手机|手機|平板|邮箱|邮件|华为|荣耀|小米|红米|三星|魅族|网易|新浪|移动|联通|电信"
_MAKE = rf"iPhone|iPad|Android|Windows|Outlook|Foxmail|Yahoo|HUAWEI|OPPO|vivo|QQ|139|189|{_WORDS}"
_DEVICE = re.compile(
    r"^\W{0,4}(?:"
    rf"(?:发自|發自|来自|從|从)\s*(?:我的)?\s*(?:{_MAKE})(?:[A-Za-z0-9 .+-]|{_WORDS}|大师|客户端|版|发送|發送){{0,24}}"
    r"|Sent (?:from|via|with) .{1,40}|Get Outlook for .{1,20}"
    r"|获取\s*(?:适用于)?\s*(?:iOS|Android)?\s*(?:的)?\s*Outlook.{0,14}"
    r")\W{0,4}$",
    re.IGNORECASE,
)
"""A line that says what somebody wrote on, and nothing else: his own last words may begin in the same way."""


def own_words(text: str, *, is_answer: bool) -> str:
    """Return *text* without signature, and for an answer without history."""
    lines = text.split("\n")
    if is_answer:
        lines = _without_history(lines)
    kept = "\n".join(_without_signature(lines)).strip()
    return kept or text.strip()


def _without_history(lines: list[str]) -> list[str]:
    for index, line in enumerate(lines):
        if end := _mark(lines, index, line):
            rest = lines[end:]
            if any(map(_QUOTED.match, rest)):  # what stands between or below marked lines is the writer's
                rest = [each for each in rest if not _QUOTED.match(each)]
                return [*_trimmed(lines[:index]), *_without_history(rest)]
            return _trimmed(lines[:index])
    return [line for line in lines if not _QUOTED.match(line)]


def _mark(lines: list[str], index: int, line: str) -> int:
    """Return the line after the mark of a history that begins at *index*; 0 for none."""
    if not line.strip() or len(line) > LONGEST_MARK:
        return 0
    if _RULED.match(line):
        return index + 1
    if _FROM.match(line):
        following = [each for each in lines[index + 1 : index + 9] if each.strip()][:5]
        return index + 1 if sum(bool(_FURTHER.match(each[:LONGEST_MARK])) for each in following) >= 2 else 0
    if _WROTE_BEGINS.match(line):
        joined = line
        for end in range(index + 1, min(index + 4, len(lines) + 1)):
            if _WROTE.search(joined[-40:]) and _names_somebody(joined):
                return end
            joined += lines[end][:LONGEST_MARK] if end < len(lines) else ""
    return 0


def _names_somebody(line: str) -> bool:
    """Tell whether a line that ends in "wrote" has a date or an address in it, as programs write it."""
    return "@" in line or re.search(r"\d{4}|\d{1,2}:\d{2}", line) is not None


def _trimmed(lines: list[str]) -> list[str]:
    end = len(lines)
    while end and (not lines[end - 1].strip() or _RULE.match(lines[end - 1])):
        end -= 1
    return lines[:end]


def _without_signature(lines: list[str]) -> list[str]:
    for index, line in enumerate(lines):
        if line.rstrip() == "--" and index and len(lines) - index <= 16:
            lines = lines[:index]
            break
    lines = _trimmed(lines)
    while lines and len(lines[-1]) < 80 and _DEVICE.match(lines[-1].strip()):
        lines = _trimmed(lines[:-1])
    return lines
