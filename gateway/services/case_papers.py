"""The papers that come of a case (台账登记): what its facts open, answer and close in the hotline's registers."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from gateway.domain.case import Fact, Publication
from gateway.domain.casework import CaseRecord
from gateway.domain.json import Json
from gateway.domain.register import Paper, PaperState, Register
from gateway.domain.rules import PUBLICATION
from gateway.domain.ticket import Ticket
from gateway.ports.registers import RegisterWrites
from gateway.services.case_messages import plain
from routing.casebook import Casebook
from routing.masking import mask


class Papers:
    """Keeps what happened to a case in the registers, within its unit of work."""

    def __init__(self, writes: RegisterWrites, book: Casebook, now: datetime) -> None:
        self._writes = writes
        self._book = book
        self._now = now

    def keep(self, record: CaseRecord, ticket: Ticket | None, facts: Iterable[Fact]) -> None:
        """Open, change and close the papers that *facts* speak of."""
        facts = list(facts)
        dues = {fact.details["kind"]: fact for fact in facts if fact.name == "due"}
        for fact in facts:
            said = plain(fact.details)
            match fact.name:
                case "ordered":
                    due = dues.get("order")
                    self._open(Register.SUPERVISION, record, fact, said, due=due.details["due"] if due else None)
                case "order_answered":
                    self._settle(Register.SUPERVISION, record, PaperState.ANSWERED, {"answer": said["text"]})
                case "submitted":
                    self._open(Register.SUBMISSION, record, fact, said)
                case "instructed":
                    self._settle(Register.SUBMISSION, record, PaperState.ANSWERED, {"instruction": said["text"]})
                case "stage" if said["stage"] in ("closed", "answered"):
                    self._draft(record, ticket, fact)
                case "published":
                    self._published(record, ticket, fact, said)
                case "withdrawn":
                    self._settle(Register.PUBLICATION, record, PaperState.WITHDRAWN, {})
                case "withheld":
                    self._settle(Register.PUBLICATION, record, PaperState.WITHHELD, {})
                case "wish" if not fact.details["publish"] and record.case.publication is not Publication.WITHDRAWN:
                    self._settle(Register.PUBLICATION, record, PaperState.WITHHELD, {})
                case "archived":
                    kept = {**said, "inventory": self._inventory(record, ticket)}
                    self._open(
                        Register.ARCHIVE,
                        record,
                        fact,
                        kept,
                        state=PaperState.ARCHIVED,
                        due=fact.details.get("keep_until"),
                    )
                case "due" if said["kind"] == "restrict_until":
                    self._restriction(record, fact, facts)
                case "restriction_appealed":
                    self._settle(
                        Register.RESTRICTION, record, PaperState.APPEALED, {"appeal": said["text"]}, ends=False
                    )
                case "tell" if said["what"] == "restriction_upheld":
                    self._settle(Register.RESTRICTION, record, PaperState.OPEN, {"upheld": said["reason"]}, ends=False)

    def _open(
        self,
        register: Register,
        record: CaseRecord,
        fact: Fact,
        values: Mapping[str, Json],
        *,
        state: PaperState = PaperState.OPEN,
        due: datetime | None = None,
    ) -> None:
        year = fact.at.astimezone(self._book.profile.zone).year
        self._writes.save(
            Paper(
                register=register,
                number=self._writes.next_number(register, year),
                case_id=record.id,
                unit=record.case.unit,
                state=state,
                opened_at=fact.at,
                due=due,
                rows=fact.rows,
                values=values,
            )
        )

    def _settle(
        self, register: Register, record: CaseRecord, state: PaperState, more: Mapping[str, Json], *, ends: bool = True
    ) -> None:
        paper = self._writes.latest(register, record.id)
        if paper is not None:
            closed = self._now if ends else None
            self._writes.save(replace(paper, state=state, closed_at=closed, values={**paper.values, **more}))

    def _draft(self, record: CaseRecord, ticket: Ticket | None, fact: Fact) -> None:
        """Lay question and answer, masked, before whoever publishes."""
        rule = self._book.profile.ruling(PUBLICATION)
        if rule is None or ticket is None or not self._book.may_be_published(record.case):
            return
        values = shown(record, ticket, ticket.summary or record.case.matter, str(record.reply.get("result", "")))
        known = self._writes.latest(Register.PUBLICATION, record.id)
        if known is not None and known.state is PaperState.DRAFT:
            self._writes.save(replace(known, values=values))
            return
        self._open(Register.PUBLICATION, record, replace(fact, rows=rule.rows), values, state=PaperState.DRAFT)

    def _published(self, record: CaseRecord, ticket: Ticket | None, fact: Fact, said: Mapping[str, Json]) -> None:
        known = self._writes.latest(Register.PUBLICATION, record.id)
        values = {**shown(record, ticket, "", ""), "question": said["question"], "answer": said["answer"]}
        if known is None or known.state is not PaperState.DRAFT:
            self._open(Register.PUBLICATION, record, fact, values, state=PaperState.PUBLISHED)
        else:
            self._writes.save(replace(known, state=PaperState.PUBLISHED, closed_at=self._now, values=values))

    def _inventory(self, record: CaseRecord, ticket: Ticket | None) -> dict[str, Json]:
        """Return what of a sealed case lies where: the call with its recordings, papers by number, the last reply."""
        case = record.case
        latest = {
            each.value: self._writes.latest(each, record.id) for each in (Register.SUBMISSION, Register.SUPERVISION)
        }
        return {
            "category": case.category,
            "matter": case.matter,
            "stage": case.stage.value,
            "revision": record.revision,
            "call": str(ticket.call_id or "") if ticket is not None else "",
            "reply": bool(record.reply),
            "article": case.article,
            **{name: str(paper.number) for name, paper in latest.items() if paper is not None},
        }

    def _restriction(self, record: CaseRecord, fact: Fact, facts: Iterable[Fact]) -> None:
        reasons = [str(each.details.get("reason", "")) for each in facts if each.name == "tell"]
        refused = [str(each.details["kind"]) for each in facts if each.name == "stage" and "kind" in each.details]
        reason = next((each for each in (*reasons, *refused) if each), "")
        if fact.details["due"] is None:
            self._settle(Register.RESTRICTION, record, PaperState.ENDED, {"lifted": reason})
        else:
            self._open(Register.RESTRICTION, record, fact, {"reason": reason}, due=fact.details["due"])


def shown(record: CaseRecord, ticket: Ticket | None, question: str, answer: str) -> dict[str, Json]:
    """Return what the public may read of a case: nothing that tells who asked or who answered."""
    return {
        "category": record.case.category,
        "matter": masked_for(record, ticket, record.case.matter),
        "question": masked_for(record, ticket, question),
        "answer": masked_for(record, ticket, answer),
    }


def masked_for(record: CaseRecord, ticket: Ticket | None, text: str) -> str:
    """Return *text* masked, with everybody's name that the case knows (SZ-6)."""
    return mask(text, names=_names(record, ticket)).text


def _names(record: CaseRecord, ticket: Ticket | None) -> Iterator[str]:
    reply: Mapping[str, Any] = record.reply
    yield from (str(reply.get(name, "")) for name in ("handler", "approver", "telephone", "secrecy_checked_by"))
    yield record.case.petitioner
    if ticket is not None:
        yield ticket.caller
