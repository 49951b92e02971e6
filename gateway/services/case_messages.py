"""What goes out when something happens to a case (告知): from facts to messages for people and for other systems.

Pure. What is older than a configured age when it becomes known (the node was down for a weekend) is not told one by
one: it is counted, and each unit gets one digest.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta, tzinfo
from typing import Any

from gateway.domain.case import Fact
from gateway.domain.casework import DIGEST, CaseRecord, Channel, Message, Partner
from gateway.domain.decision import Citation
from gateway.domain.json import Json
from gateway.domain.profile import Profile
from gateway.domain.rules import DUTY
from gateway.ports.casework import CaseWrites

LISTED = 500
"""Tickets that a digest names; of further ones only the number is told."""

CHANGED = "case.changed"
"""The kind of message by which another system is told that a case is not as it was."""


class Words:
    """What casework says in Chinese, made from the phrase book by whoever puts the gateway together."""

    def __init__(
        self,
        fact: Callable[[Fact, Profile], str],
        quote: Callable[[Iterable[Citation]], str],
        word: Callable[[str], str],
        command: Callable[[str], str],
    ) -> None:
        self.fact = fact
        self.quote = quote
        self.word = word
        self.command = command

    def told(self, fact: Fact, profile: Profile) -> str:
        """Return what a message about *fact* says: the ticket, the sentence, and the articles in their own words."""
        quoted = self.quote(cited(fact, profile))
        sentence = f"工单{fact.case}：{self.fact(fact, profile)}。"
        return f"{sentence}依据：{quoted}" if quoted else sentence

    def digest(self, counts: Mapping[str, int], total: int, since: str, until: str) -> str:
        """Return what a digest says."""
        parts = "、".join(f"{self.word(kind)}{n}件" for kind, n in sorted(counts.items()))
        return f"补报：{since}至{until}期间有{total}件工单发生变化（{parts}），请逐件查看。"


def cited(fact: Fact, profile: Profile) -> list[Citation]:
    """Return the articles that *fact* rests on."""
    return [profile.citations[row] for row in fact.rows if row in profile.citations]


@dataclass(slots=True)
class _Late:
    zone: tzinfo
    counts: Counter[str] = field(default_factory=Counter)
    cases: dict[str, None] = field(default_factory=dict)
    times: list[datetime] = field(default_factory=list)


@dataclass(slots=True)
class Post:
    """The messages of one unit of work on their way to the outbox."""

    words: Words
    partners: Sequence[Partner]
    now: datetime
    digest_age: timedelta
    authorities: Mapping[str, str] = field(default_factory=dict)
    ready: list[Message] = field(default_factory=list)
    _late: dict[tuple[Channel, str], _Late] = field(default_factory=dict)
    _told: Counter[tuple[str, datetime]] = field(default_factory=Counter)

    def add(self, record: CaseRecord, before: CaseRecord | None, facts: Iterable[Fact], profile: Profile) -> None:
        """Take in what happened to a case in one change, with the case as it was before and as it is now."""
        facts = list(facts)
        for fact in facts:
            for channel, to, kind in _addressees(fact, record):
                if channel is not Channel.PETITIONER and self._is_late(fact.at):
                    self._count(channel, to, kind, fact, profile.zone)
                else:
                    self.ready.append(self._message(channel, to, kind, fact, record, profile))
            if fact.name == "stage" and fact.details["stage"] == "closed":
                self._report_to_authority(fact, record, profile)
        concerned = [
            partner
            for partner in self.partners
            if partner.id != record.case.master
            and (partner.has_part_in(record) or (before is not None and partner.has_part_in(before)))
        ]
        latest = max((fact.at for fact in facts), default=self.now)
        for partner in concerned:
            if self._is_late(latest):
                self._count(Channel.PARTNER, partner.id, CHANGED, facts[-1], profile.zone)
            else:
                self.ready.append(_changed(partner, record, self.now))

    def _report_to_authority(self, fact: Fact, record: CaseRecord, profile: Profile) -> None:
        """Tell the authority of a public utility's industry how a ticket was handled (NM-2.2d)."""
        authority = self.authorities.get(record.case.unit)
        duty = profile.ruling(DUTY, "utilities")
        if not authority or duty is None or "authority_report" not in duty.value:
            return
        result = str(record.reply.get("result", ""))
        told = self._message(
            Channel.UNIT, authority, "authority_report", replace(fact, rows=duty.rows), record, profile
        )
        values = {**told.values, "unit": record.case.unit, "matter": record.case.matter, "result": result}
        self.ready.append(replace(told, text=f"{told.text}办理结果：{result}", values=values))

    def put(self, writes: CaseWrites) -> None:
        """Write everything into the outbox; what is late joins the digest that still waits, if there is one."""
        for message in self.ready:
            writes.save_message(message)
        for (channel, to), late in self._late.items():
            writes.save_message(self._digest(writes.open_digest(channel, to), channel, to, late))

    def _is_late(self, at: datetime) -> bool:
        return self.now - at > self.digest_age

    def _count(self, channel: Channel, to: str, kind: str, fact: Fact, zone: tzinfo) -> None:
        late = self._late.setdefault((channel, to), _Late(zone))
        late.counts[kind] += 1
        late.cases[fact.case] = None
        late.times.append(fact.at)

    def _message(
        self, channel: Channel, to: str, kind: str, fact: Fact, record: CaseRecord, profile: Profile
    ) -> Message:
        whom = channel.value if channel is Channel.PETITIONER else f"{channel.value}:{to}"  # no number in a key
        slot = (f"{fact.case}:{whom}:{kind}", fact.at)
        self._told[slot] += 1
        return Message(
            key=f"{slot[0]}:{record.revision}:{self._told[slot]}:{fact.at.timestamp():.6f}",
            channel=channel,
            to=to,
            kind=kind,
            case_id=fact.case,
            text=self.words.told(fact, profile) + _content(fact, channel, record),
            at=fact.at,
            due=self.now,
            values={"rows": list(fact.rows), **plain(fact.details)},
        )

    def _digest(self, known: Message | None, channel: Channel, to: str, late: _Late) -> Message:
        values: Mapping[str, Any] = known.values if known else {}
        counts = Counter(values.get("counts", {})) + late.counts
        listed = list(dict.fromkeys((*values.get("cases", ()), *late.cases)))
        fresh = len(late.cases.keys() - set(values.get("cases", ())))
        total = int(values.get("total", 0)) + fresh
        times = [*late.times, *(datetime.fromisoformat(values[name]) for name in ("since", "until") if name in values)]
        since, until = min(times).astimezone(late.zone), max(times).astimezone(late.zone)
        told: dict[str, Json] = {
            "counts": dict(counts),
            "cases": listed[:LISTED],
            "total": total,
            "since": since.isoformat(),
            "until": until.isoformat(),
        }
        text = self.words.digest(counts, total, f"{since:%Y-%m-%d %H:%M}", f"{until:%Y-%m-%d %H:%M}")
        if known is not None:
            return replace(known, values=told, text=text)
        key = f"{DIGEST}:{channel.value}:{to}:{self.now.timestamp():.6f}:{listed[0]}"
        return Message(
            key=key, channel=channel, to=to, kind=DIGEST, case_id="", text=text, at=self.now, due=self.now, values=told
        )


def _content(fact: Fact, channel: Channel, record: CaseRecord) -> str:
    """Return what the unit reported, for the petitioner who is told the result."""
    if channel is not Channel.PETITIONER or fact.details["what"] != "result" or not record.reply.get("result"):
        return ""
    return f"办理结果：{record.reply['result']}"


def _addressees(fact: Fact, record: CaseRecord) -> Iterator[tuple[Channel, str, str]]:
    """Yield who is told of *fact*, and under which word."""
    details, unit = fact.details, record.case.unit
    match fact.name:
        case "tell":
            who = Channel(details["who"])
            to = unit if who is Channel.UNIT else record.case.petitioner if who is Channel.PETITIONER else ""
            if to or who is not Channel.UNIT:
                yield who, to, str(details["what"])
        case "stage" if details["stage"] == "dispatched":
            for each in (unit, *record.case.assist):
                yield Channel.UNIT, each, "dispatched"
        case "card" if unit:
            yield Channel.UNIT, unit, str(details["colour"])
        case "supervise":
            yield Channel.HOTLINE, "", str(details["trigger"])
            if unit:
                yield Channel.UNIT, unit, str(details["trigger"])
        case "missed" if details["kind"] in ("dispatch", "phone_unit", "reply_sms"):
            yield Channel.HOTLINE, "", str(details["kind"])
        case "missed" if unit and details["kind"] == "order":
            yield Channel.HOTLINE, "", "order"
            yield Channel.UNIT, unit, "order"
        case "master_denied":
            yield (Channel.UNIT, unit, "master_denied") if unit else (Channel.HOTLINE, "", "master_denied")
        case "mirrored" if unit:
            yield Channel.UNIT, unit, str(details["stage"])
        case "due" if unit and "because" in details:
            yield Channel.UNIT, unit, str(details["kind"])
        case "missed" if unit and details["kind"] in ("sign", "contact"):
            yield Channel.UNIT, unit, str(details["kind"])


def _changed(partner: Partner, record: CaseRecord, now: datetime) -> Message:
    return Message(
        key=f"{record.id}:{CHANGED}:{partner.id}:{record.revision}",
        channel=Channel.PARTNER,
        to=partner.id,
        kind=CHANGED,
        case_id=record.id,
        text="",
        at=now,
        due=now,
        values={"revision": record.revision},
    )


def plain(details: Mapping[str, Any]) -> dict[str, Json]:
    """Return details of a fact as JSON can carry them: instants as ISO 8601 text."""
    return {
        key: value.isoformat() if isinstance(value, datetime) else list(value) if isinstance(value, tuple) else value
        for key, value in details.items()
    }
