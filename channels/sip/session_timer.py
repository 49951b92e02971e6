"""Session timers (RFC 4028): who refreshes a session and how often, so that a dead far end is noticed.

Pure; all times in seconds. ``Timer`` is one side's state: what it asks for, what it answers, what was agreed.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from channels.sip.capabilities import TIMER, supports
from channels.sip.message import Request, Response

LEAST_BY_RFC = 90
"""RFC 4028 5: no Min-SE may be below it."""

Side = Literal["uac", "uas"]

_value = re.compile(r"([0-9]{1,9})[ \t]*+(;.*+)?", re.ASCII).fullmatch
_refresher = re.compile(r";[ \t]*+refresher[ \t]*+=[ \t]*+(uac|uas)\b", re.ASCII | re.IGNORECASE).search


@dataclass(frozen=True, slots=True, kw_only=True)
class TimerPolicy:
    """What we want: ``interval`` between refreshes at most, and the ``least`` interval we put up with."""

    interval: int = 1800
    least: int = LEAST_BY_RFC


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreement:
    """A session that ends unless it is refreshed every ``interval`` seconds, by us if ``we_refresh``."""

    interval: int
    we_refresh: bool

    @property
    def refresh_after(self) -> float:
        """When the refresher refreshes: half the interval (RFC 4028 10)."""
        return self.interval / 2

    @property
    def give_up_after(self) -> float:
        """When either side says BYE for want of a refresh: a little before the interval is over (RFC 4028 10)."""
        return self.interval - min(32.0, self.interval / 3)


class TooSmall(Exception):
    """The peer asks for an interval below our least: 422 with Min-SE."""

    status = 422

    def __init__(self, least: int) -> None:
        super().__init__(f"session interval below {least} s")
        self.least = least


class Timer:
    """One session's timer, ours to ask for and to answer; ``agreement`` is None while there is none."""

    def __init__(self, policy: TimerPolicy) -> None:
        self._policy = policy
        self._interval = policy.interval
        self._least = policy.least
        self.agreement: Agreement | None = None

    def request_headers(self) -> list[tuple[str, str]]:
        """Return what our INVITE or UPDATE says (RFC 4028 7.1, 7.4); a refresher once agreed stays the one it is."""
        value = str(self._interval if self.agreement is None else self.agreement.interval)
        if self.agreement is not None:
            value += f";refresher={'uac' if self.agreement.we_refresh else 'uas'}"
        return [("Session-Expires", value), ("Min-SE", str(self._least))]

    def read_answer(self, response: Response) -> None:
        """Take in the 2xx to our INVITE or UPDATE (RFC 4028 7.2); without Session-Expires the timer is off."""
        try:
            interval, refresher = parse(response.headers.get("Session-Expires") or "")
        except ValueError:
            self.agreement = None
            return
        self.agreement = Agreement(interval=max(interval, self._least), we_refresh=refresher != "uas")

    def raise_interval(self, response: Response) -> bool:
        """Take in a 422; whether asking again for its Min-SE makes sense (RFC 4028 7.3)."""
        text = response.headers.get("Min-SE") or ""
        least = text.partition(";")[0].strip()
        if not (least.isascii() and least.isdigit() and len(least) < 7 and int(least) > self._least):
            return False
        self._least = int(least)
        self._interval = max(self._interval, self._least)
        if self.agreement is not None:
            wider = max(self.agreement.interval, self._least)
            self.agreement = Agreement(interval=wider, we_refresh=self.agreement.we_refresh)
        return True

    def check(self, request: Request) -> None:
        """Raise TooSmall for an INVITE or UPDATE of the peer with an interval below our least (RFC 4028 9).

        Only who understands the timer can be asked for more; a proxy's interval that small is left unheard.
        """
        asked = _asked(request)
        if asked is not None and asked[0] < self._policy.least and supports(request, TIMER):
            raise TooSmall(self._policy.least)

    def answer(self, request: Request) -> list[tuple[str, str]]:
        """Agree with the peer's INVITE or UPDATE; return what our 2xx says (RFC 4028 9, table 2)."""
        understands = supports(request, TIMER)
        asked = _asked(request)
        if not understands and (asked is None or asked[0] < self._policy.least):
            self.agreement = None
            return []
        interval, refresher = asked or (max(self._policy.interval, _least_of(request)), None)
        interval = max(min(interval, self._policy.interval), _least_of(request))
        if not understands:
            refresher = "uas"
        elif refresher is None:
            was_ours = self.agreement is not None and self.agreement.we_refresh
            refresher = "uas" if was_ours else "uac"
        self.agreement = Agreement(interval=interval, we_refresh=refresher == "uas")
        headers = [("Session-Expires", f"{interval};refresher={refresher}")]
        if refresher == "uac":
            headers.append(("Require", TIMER))
        return headers


def parse(text: str) -> tuple[int, Side | None]:
    """Read a Session-Expires value. Raises ValueError."""
    found = _value(text.strip())
    if not found or int(found[1]) == 0:
        raise ValueError("malformed Session-Expires")
    refresher = _refresher(found[2] or "")
    if refresher is None:
        return int(found[1]), None
    return int(found[1]), "uac" if refresher[1].lower() == "uac" else "uas"


def _asked(request: Request) -> tuple[int, Side | None] | None:
    try:
        return parse(request.headers.get("Session-Expires") or "")
    except ValueError:
        return None


def _least_of(request: Request) -> int:
    text = (request.headers.get("Min-SE") or "").partition(";")[0].strip()
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else 0
