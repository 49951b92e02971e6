"""The librarian (知识库管理): writes, publishes and finds articles, and asks their owners about them.

Every change is one unit of work with its fact in the journal. What readers are given is what was published last, on the
days on which it is valid.
"""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import replace
from datetime import date, datetime, time, tzinfo
from functools import partial

from gateway.domain.errors import Conflict, Refused
from gateway.domain.events import Fact
from gateway.domain.json import Json
from gateway.domain.knowledge import (
    Article,
    ArticleEvent,
    ArticleId,
    ArticleState,
    Check,
    CheckId,
    CheckKind,
    CheckOutcome,
    Content,
    Imported,
    Submission,
    Version,
    answered,
    confirmed,
    first_version,
    moved,
    written,
)
from gateway.domain.profile import Profile
from gateway.domain.ticket import Ticket, TicketId
from gateway.ports.clock import Clock
from gateway.ports.knowledge import KnowledgeBase
from gateway.ports.memory import Store, Transaction
from gateway.services.feed import Feed, TicketChanged
from gateway.services.tickets import save_change, with_decisions
from routing.deadlines import Reckoning
from routing.direct_answer import direct_answer
from routing.freshness import Freshness, answer_by, freshness, reported_late, stale_from, unconfirmed_since
from routing.search import Hit, Indexer
from routing.working_time import day_of

CANDIDATES = 50
"""Articles that the index proposes to the ranking."""
AT_ONCE = 100
"""Articles that one unit of work takes in, so that nobody else's waits long."""
PAGE = 200
ASKING = "请确认这条知识是否仍然有效，有变化的请更新。"
"""What an owner is asked about an article that nobody has confirmed for long."""


Answers = Callable[[Transaction, Ticket, str], list[Fact]]
"""What `Casework.answered` is to answers: lets one reach the ticket's case, and returns what the feed is to show."""


class Librarian:
    """The knowledge base at work, under the rules of *profile*, days counted by *reckoning*."""

    def __init__(
        self,
        *,
        store: Store,
        base: KnowledgeBase,
        indexer: Indexer,
        profile: Profile,
        reckoning: Reckoning,
        clock: Clock,
        feed: Feed,
        answers: Answers | None = None,
    ) -> None:
        self._store = store
        self._answers = answers
        self._indexer = indexer
        self._profile = profile
        self._reckoning = reckoning
        self._clock = clock
        self._feed = feed
        self.base = base

    @property
    def freshness(self) -> Freshness:
        """How long an article may go unconfirmed."""
        return freshness(self._profile)

    @property
    def zone(self) -> tzinfo:
        """The zone of the city's days."""
        return self._reckoning.zone

    def today(self) -> date:
        """Return the city's day."""
        return day_of(self._clock.now(), self._reckoning.zone)

    # -- writing -------------------------------------------------------------------------------------------------

    async def write(
        self, article_id: ArticleId, content: Content, *, seen: int, by: str, note: str = "", publish: bool = False
    ) -> Article:
        """Keep *content* as the next version; *seen* is the version the writer started from, 0 for a new article.

        Raises `Conflict` when another version was made meanwhile, `Refused` when the content cannot be kept.
        """
        now = self._clock.now()

        def work(tx: Transaction) -> Article:
            known = tx.knowledge.article(article_id)
            if seen == 0 and known is not None:
                raise Conflict(f"article {article_id} is there already, at version {known.latest.number}")
            if seen == 0:
                article = first_version(article_id, content, at=now, by=by, note=note, publish=publish)
            else:
                article = written(_known(tx, article_id), content, seen=seen, at=now, by=by, note=note, publish=publish)
            self._save(tx, article, "knowledge.written", by, published=publish)
            return article

        return await self._store.commit(work)

    async def publish(self, article_id: ArticleId, *, seen: int, by: str, note: str = "") -> Article:
        """Let readers have the latest version."""
        return await self._move(article_id, ArticleEvent.PUBLISHED, seen, by, note)

    async def withdraw(self, article_id: ArticleId, *, seen: int, by: str, note: str = "") -> Article:
        """Take the article away from readers."""
        return await self._move(article_id, ArticleEvent.WITHDRAWN, seen, by, note)

    async def confirm(self, article_id: ArticleId, *, by: str) -> Article:
        """Note that the owner says it still holds; a question about that is answered with it."""

        def work(tx: Transaction) -> Article:
            return self._confirm(tx, _known(tx, article_id), by)

        return await self._store.commit(work)

    async def take_in(self, submissions: Sequence[Submission], *, by: str, publish: bool = True) -> Imported:
        """Keep what units handed in; who hands in the same words again changes nothing but the confirmation's day."""
        done = Imported()
        for at in range(0, len(submissions), AT_ONCE):
            batch = submissions[at : at + AT_ONCE]
            outcomes = await self._store.commit(partial(self._take_all, batch, by, publish))
            fresh = [one for one, outcome in zip(batch, outcomes, strict=True) if outcome != "unchanged"]
            done = Imported(
                new=done.new + outcomes.count("new"),
                changed=done.changed + outcomes.count("changed"),
                unchanged=done.unchanged + outcomes.count("unchanged"),
                late=(*done.late, *(one.id for one in fresh if self.is_late(one.content))),
            )
        return done

    def is_late(self, content: Content) -> bool:
        """Say whether a notice that is reported now comes later than the city allows (ZH-20)."""
        return reported_late(content, self._clock.now(), self._profile, self._reckoning) is not None

    # -- finding -------------------------------------------------------------------------------------------------

    async def search(self, words: str, *, matter: str = "", unit: str = "", limit: int = 10) -> list[Hit]:
        """Return the published articles valid today that answer *words* best; notices that match stand first."""
        question = self._indexer.question(words, matter=matter, unit=unit)
        found = await self.base.search(question.weights.keys(), question.weigh, day=self.today(), limit=CANDIDATES)
        return self._indexer.ranked(question, found, limit)

    async def suggestions(self, ticket: Ticket, limit: int = 5) -> list[Hit]:
        """Return what may help whoever talks about *ticket*: by its words, its matter and its unit."""
        return await self.search(ticket.summary, matter=ticket.matter, unit=ticket.unit, limit=limit)

    async def public(self, article_id: ArticleId) -> Version | None:
        """Return what readers are given of an article today, None when they are given nothing."""
        article = await self.base.article(article_id)
        if article is None or article.published is None:
            return None
        version = await self.base.version(article_id, article.published)
        return version if version is not None and version.content.is_valid_on(self.today()) else None

    async def all_articles(self) -> list[Article]:
        """Return every article, by id."""
        return [article async for article in self.each()]

    # -- asking the owners ---------------------------------------------------------------------------------------

    async def stale(self, limit: int = 1000) -> list[Article]:
        """Return the articles that nobody has confirmed for longer than the city allows, by id."""
        now, rule = self._clock.now(), self.freshness
        found: list[Article] = []
        async for article in self.each(published=True, confirmed_before=unconfirmed_since(rule, now)):
            if stale_from(article, rule, self._reckoning) <= now:
                found.append(article)
            if len(found) == limit:
                break
        return found

    def is_stale(self, article: Article) -> bool:
        """Say whether nobody has confirmed *article* for longer than the city allows."""
        return article.published is not None and (
            stale_from(article, self.freshness, self._reckoning) <= self._clock.now()
        )

    async def ask_owners(self, *, by: str) -> list[Check]:
        """Ask the owner of each stale article, unless a question is open already; return the new questions."""
        stale = await self.stale()
        asked: list[Check] = []
        for at in range(0, len(stale), AT_ONCE):
            asked += await self._store.commit(partial(self._ask, stale[at : at + AT_ONCE], by))
        return asked

    async def raise_check(self, article_id: ArticleId, words: str, *, by: str) -> Check:
        """Send the owner a check ticket (核查单) about what is wrong in the published article (ZH-19)."""

        def work(tx: Transaction) -> Check:
            article = _known(tx, article_id)
            if article.published is None:
                raise Refused(f"article {article_id} is not published")
            check = self._new_check(article, CheckKind.CORRECTION, words, by)
            self._save_check(tx, check, "knowledge.check_raised", by)
            return check

        return await self._store.commit(work)

    async def answer_check(self, check_id: CheckId, outcome: CheckOutcome, words: str, *, by: str) -> Check:
        """Keep the owner's answer; one who finds nothing wrong has confirmed the article. Raises `Refused`."""

        def work(tx: Transaction) -> Check:
            check = tx.knowledge.check(check_id)
            if check is None:
                raise Refused(f"there is no check {check_id}")
            article = _known(tx, check.article_id)
            done = answered(check, article, outcome, words, at=self._clock.now(), by=by)
            self._save_check(tx, done, "knowledge.check_answered", by)
            if outcome is CheckOutcome.CONFIRMED and article.published is not None:
                self._confirm(tx, article, by)
            return done

        return await self._store.commit(work)

    async def overdue(self, *, unit: str = "", limit: int = PAGE) -> Sequence[Check]:
        """Return the check tickets that wait for their answer although it is due, the newest first."""
        return await self.base.checks(unit=unit, waiting=True, due_before=self._clock.now(), limit=limit)

    # -- answering citizens --------------------------------------------------------------------------------------

    async def answer(self, ticket_id: TicketId, article_id: ArticleId, number: int, *, by: str) -> Ticket:
        """Keep that a ticket was answered at once from version *number* of an article (CF-4a, ZH-8a, PL-8a).

        Raises `Refused` for an unknown ticket, or a version that readers are not given today.
        """
        version = await self.public(article_id)
        if version is None or version.number != number:
            raise Refused(f"version {number} of article {article_id} is not what readers are given today")
        decision = direct_answer(self._profile, version)
        followed: list[Fact] = []

        def work(tx: Transaction) -> Ticket:
            ticket = save_change(
                tx, ticket_id, lambda ticket: replace(ticket, decisions=with_decisions(ticket.decisions, [decision]))
            )
            if ticket is None:
                raise Refused(f"there is no ticket {ticket_id}")
            values: dict[str, Json] = {"by": by, "article": article_id, "version": number}
            tx.append(self._fact("ticket.answered", values, ticket))
            if self._answers is not None:
                followed[:] = self._answers(tx, ticket, by)
            return ticket

        ticket = await self._store.commit(work)
        self._feed.publish(TicketChanged(ticket=ticket))
        for fact in followed:
            self._feed.publish(fact)
        return ticket

    # -- within a unit of work -----------------------------------------------------------------------------------

    async def _move(self, article_id: ArticleId, event: ArticleEvent, seen: int, by: str, note: str) -> Article:
        now = self._clock.now()

        def work(tx: Transaction) -> Article:
            article = moved(_known(tx, article_id), event, seen=seen, at=now, by=by, note=note)
            self._save(tx, article, f"knowledge.{event.value}", by)
            return article

        return await self._store.commit(work)

    def _take_all(self, batch: Sequence[Submission], by: str, publish: bool, tx: Transaction) -> list[str]:
        return [self._take(tx, submission, by, publish) for submission in batch]

    def _take(self, tx: Transaction, submission: Submission, by: str, publish: bool) -> str:
        known, now = tx.knowledge.article(submission.id), self._clock.now()
        if known is not None and known.latest.content == submission.content:
            if publish and known.latest.state is ArticleState.DRAFT:
                done = moved(known, ArticleEvent.PUBLISHED, seen=known.latest.number, at=now, by=by)
                self._save(tx, self._as_confirmed(done, submission), "knowledge.published", by)
                return "changed"
            if submission.confirmed_on is not None and known.published is not None:
                tx.knowledge.save_article(self._as_confirmed(known, submission))
            return "unchanged"
        if known is None:
            article = first_version(submission.id, submission.content, at=now, by=by, publish=publish)
        else:
            seen = known.latest.number
            article = written(known, submission.content, seen=seen, at=now, by=by, publish=publish)
        self._save(tx, self._as_confirmed(article, submission), "knowledge.written", by, published=publish)
        return "new" if known is None else "changed"

    def _as_confirmed(self, article: Article, submission: Submission) -> Article:
        if submission.confirmed_on is None:
            return article
        at = datetime.combine(submission.confirmed_on, time.min, tzinfo=self._reckoning.zone)
        return replace(article, confirmed_at=at)

    def _confirm(self, tx: Transaction, article: Article, by: str) -> Article:
        now = self._clock.now()
        fresh = confirmed(article, at=now, by=by)
        self._save(tx, fresh, "knowledge.confirmed", by)
        return fresh

    def _save(self, tx: Transaction, article: Article, kind: str, by: str, **values: Json) -> None:
        """Keep an article, found by its published words, with its fact; an open question about its age is answered."""
        latest = article.latest
        impacts = None
        if article.published is None:
            impacts = {}
        elif article.published == latest.number:
            impacts = self._indexer.impacts(latest.content)
        tx.knowledge.save_article(article, impacts)
        tx.append(self._fact(kind, {"by": by, "article": article.id, "version": latest.number, **values}))
        question = tx.knowledge.open_check(article.id, CheckKind.FRESHNESS)
        if question is not None and article.published is not None and article.confirmed_at > question.raised_at:
            same = article.published == question.version
            outcome = CheckOutcome.CONFIRMED if same else CheckOutcome.CORRECTED
            done = answered(question, article, outcome, "", at=self._clock.now(), by=by)
            self._save_check(tx, done, "knowledge.check_answered", by)

    def _ask(self, stale: Sequence[Article], by: str, tx: Transaction) -> list[Check]:
        asked = []
        for article in stale:
            if tx.knowledge.open_check(article.id, CheckKind.FRESHNESS) is None:
                check = self._new_check(article, CheckKind.FRESHNESS, ASKING, by)
                self._save_check(tx, check, "knowledge.check_raised", by)
                asked.append(check)
        return asked

    def _new_check(self, article: Article, kind: CheckKind, words: str, by: str) -> Check:
        now = self._clock.now()
        due, citation = answer_by(self._profile, self._reckoning, now)
        return Check(
            id=CheckId(f"K{now.astimezone(self.zone):%Y%m%d-%H%M%S}-{secrets.token_hex(3)}"),
            kind=kind,
            article_id=article.id,
            version=article.published or article.latest.number,
            unit=article.latest.content.unit,
            words=words,
            raised_at=now,
            raised_by=by,
            due=due.at if due else None,
            provisional=due is not None and due.provisional,
            citation=citation,
        )

    def _save_check(self, tx: Transaction, check: Check, kind: str, by: str) -> None:
        tx.knowledge.save_check(check)
        values: dict[str, Json] = {"by": by, "check": check.id, "article": check.article_id, "version": check.version}
        if check.outcome is not None:
            values["outcome"] = check.outcome.value
        tx.append(self._fact(kind, values))

    def _fact(self, kind: str, values: dict[str, Json], ticket: Ticket | None = None) -> Fact:
        return Fact(
            kind=kind,
            at=self._clock.now(),
            call_id=ticket.call_id if ticket else None,
            ticket_id=ticket.id if ticket else None,
            values=values,
        )

    async def each(
        self, *, published: bool = False, confirmed_before: datetime | None = None
    ) -> AsyncIterator[Article]:
        """Yield articles by id; each condition that is given narrows them."""
        after = ""
        while True:
            page = await self.base.articles(
                published=published, confirmed_before=confirmed_before, after=after, limit=PAGE
            )
            for article in page:
                yield article
            if len(page) < PAGE:
                return
            after = page[-1].id


def _known(tx: Transaction, article_id: ArticleId) -> Article:
    article = tx.knowledge.article(article_id)
    if article is None:
        raise Refused(f"there is no article {article_id}")
    return article
