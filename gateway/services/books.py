"""Whose rules hold for which case (规则版本): those in force where and when its matter was received, to its end."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, tzinfo
from threading import Lock

from gateway.domain.casework import CaseRecord
from gateway.domain.profile import Profile
from routing.casebook import Casebook
from routing.working_time import Calendar


class Books:
    """The casebooks of a hotline.

    *profile_id* is the city whose rules new matters are under; *rules* gives a city's rules as they were on a day, and
    may be asked from any thread. Old cases keep theirs, whatever city or rules the hotline has now.
    """

    def __init__(
        self, profile_id: str, zone: tzinfo, rules: Callable[[str, date], Profile], calendar: Calendar
    ) -> None:
        self.profile_id = profile_id
        self._zone = zone
        self._rules = rules
        self._calendar = calendar
        self._books: dict[tuple[str, date], Casebook] = {}
        self._lock = Lock()

    def use(self, calendar: Calendar) -> bool:
        """Count on *calendar* from now on; say whether it is another one."""
        with self._lock:
            if calendar == self._calendar:
                return False
            self._calendar = calendar
            self._books.clear()
            return True

    def day_of(self, instant: datetime) -> date:
        """Return the day whose rules hold for what was received at *instant*."""
        return instant.astimezone(self._zone).date()

    def at(self, instant: datetime) -> Casebook:
        """Return the casebook of what is received at *instant*."""
        return self.on(self.profile_id, self.day_of(instant))

    def of(self, record: CaseRecord) -> Casebook:
        """Return the casebook of a case."""
        return self.on(record.profile, record.rules_of)

    def on(self, profile_id: str, day: date) -> Casebook:
        """Return the casebook of a city as its rules were on *day*."""
        with self._lock:
            book = self._books.get((profile_id, day))
            if book is None:
                book = self._books[profile_id, day] = Casebook(self._rules(profile_id, day), self._calendar, seals=True)
            return book
