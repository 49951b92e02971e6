"""Telephone numbers as China writes and dials them: the one place where their many forms become one (RFC 3966, E.164).

Pure and digit-true: no digit of the subscriber, the area or the extension is ever dropped, added or changed; only
prefixes (+86, 0086, 86, the trunk 0) and separators come and go. What was dialled stays beside it as it was dialled.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import unquote

from channels.sip.uri import Uri

CHINA = "86"

_separators = re.compile(r"[\s\-.()/]++")
_extension = re.compile(r"(?:;ext=|转|[xX]|,|p(?=[0-9]))([0-9*#]{1,8})$").search
_hyphen_extension = re.compile(r"^(.*[0-9]{7,})-([0-9]{1,6})$").match
_mobile = re.compile(r"1[3-9][0-9]{9}").fullmatch
_two_digit_area = re.compile(r"(10|2[0-57-9])([0-9]{7,8}|1[0-9]{2,5}|9[56][0-9]{3,4})").fullmatch
_three_digit_area = re.compile(r"([3-9][0-9]{2})([0-9]{7,8}|1[0-9]{2,5}|9[56][0-9]{3,4})").fullmatch
_paid_by_callee = re.compile(r"[48]00[0-9]{7}").fullmatch


@dataclass(frozen=True, slots=True, kw_only=True)
class Number:
    """One telephone number.

    ``dialled`` is how it came. ``country`` is "86" for a number of China's plan and "" where no country is said;
    ``area`` is without its 0, "" for mobiles, short codes and what has none. ``subscriber`` is the rest.
    """

    dialled: str
    country: str
    area: str
    subscriber: str
    extension: str = ""

    @property
    def canonical(self) -> str:
        """The form for comparison: ``+864768123456``, a short code or an unknown plan's digits as they are."""
        number = f"+{self.country}{self.area}{self.subscriber}" if self.country else self.subscriber
        return f"{number};ext={self.extension}" if self.extension else number

    @property
    def national(self) -> str:
        """As people here read and dial it: ``04768123456``, ``13800138000``, ``12345``, ``0012025550100``."""
        if self.country not in ("", CHINA):
            return f"00{self.country}{self.subscriber}"
        return f"0{self.area}{self.subscriber}" if self.area else self.subscriber

    def is_same_as(self, other: Number) -> bool:
        """Whether both ring the same telephone; a short code without an area is everybody's own."""
        if self.extension != other.extension:
            return False
        if self.is_short and other.is_short and not (self.area and other.area):
            return self.subscriber == other.subscriber
        return self.canonical == other.canonical

    @property
    def is_short(self) -> bool:
        """Whether it is a service's short code (119, 12345, 95598), with or without an area."""
        return self.country in ("", CHINA) and len(self.subscriber) <= 6 and self.subscriber.isdigit()


def number_of(uri: Uri, *, home_area: str = "") -> Number:
    """Read the number a `tel:` or SIP URI names; ``phone-context`` says where a local one is at home (RFC 3966 5.1.5).

    A SIP user that is no number (``alice``) is its own subscriber. *home_area* is the area of numbers that say none.
    """
    user = unquote(uri.user or "")
    if uri.scheme != "tel":
        user = user.partition(":")[0]
    number, _, parameters = user.partition(";")
    context = uri.params.get("phone-context") or _parameter(parameters, "phone-context")
    extension = uri.params.get("ext") or _parameter(parameters, "ext")
    if context.startswith(f"+{CHINA}"):
        home_area = _digits(context)[len(CHINA) :]
    read = read_number(f"{number};ext={extension}" if extension else number, home_area=home_area)
    return Number(
        dialled=uri.user or "",
        country=read.country,
        area=read.area,
        subscriber=read.subscriber,
        extension=read.extension,
    )


def read_number(text: str, *, home_area: str = "") -> Number:
    """Read a number as somebody wrote or dialled it. Nothing raises: what is no number stays as it is."""
    home_area = home_area.lstrip("0")
    written, extension = _without_extension(text.strip())
    is_global = written.startswith("+")
    digits = _separators.sub("", written.removeprefix("+"))
    if not (digits.isascii() and digits.isdigit()):
        return Number(dialled=text, country="", area="", subscriber=_separators.sub("", written), extension=extension)
    country, area, subscriber = _parts(digits, is_global=is_global, home_area=home_area)
    return Number(dialled=text, country=country, area=area, subscriber=subscriber, extension=extension)


def _parts(digits: str, *, is_global: bool, home_area: str) -> tuple[str, str, str]:
    """Return country, area, subscriber of bare digits."""
    if not is_global and digits.startswith("00") and len(digits) > 5:
        is_global, digits = True, digits[2:]
    if is_global:
        if digits.startswith(CHINA):
            return _chinese(digits[len(CHINA) :].removeprefix("0"))
        return digits[:1], "", digits[1:]
    if digits.startswith(CHINA) and len(digits) >= 12 and _is_chinese(digits[2:]):
        return _chinese(digits[2:])
    if digits.startswith("0") and _is_chinese(digits[1:]):
        return _chinese(digits[1:])
    if _mobile(digits) or _paid_by_callee(digits):
        return CHINA, "", digits
    if len(digits) in (7, 8) and home_area and digits[0] not in "019":
        return CHINA, home_area, digits
    return "", "", digits


def _chinese(digits: str) -> tuple[str, str, str]:
    """Return country, area, subscriber of a number of China's plan without its trunk 0."""
    if _mobile(digits) or _paid_by_callee(digits):
        return CHINA, "", digits
    with_area = _two_digit_area(digits) or _three_digit_area(digits)
    if with_area and len(digits) > 6:
        return CHINA, with_area[1], with_area[2]
    return (CHINA, "", digits) if len(digits) > 6 else ("", "", digits)


def _is_chinese(digits: str) -> bool:
    return bool(_mobile(digits) or (len(digits) > 5 and (_two_digit_area(digits) or _three_digit_area(digits))))


def _without_extension(text: str) -> tuple[str, str]:
    found = _extension(text)
    if found:
        return text[: found.start()], found[1]
    hyphenated = _hyphen_extension(text)
    if hyphenated and len(_digits(hyphenated[1])) >= 10:  # 0476-8123456-801, but not 0476-8123456
        return hyphenated[1], hyphenated[2]
    return text, ""


def _parameter(parameters: str, name: str) -> str:
    for each in parameters.split(";"):
        key, _, value = each.partition("=")
        if key.lower() == name:
            return value
    return ""


def _digits(text: str) -> str:
    return "".join(sign for sign in text if sign in "0123456789")
