"""`jiesu knowledge`: take in what units hand in, search, list what is stale, export; also while `jiesu run` serves."""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import Awaitable, Callable
from datetime import tzinfo
from pathlib import Path

from config.knowledge import load, to_csv
from gateway.city_parts import SystemClock, open_library
from gateway.commands.common import add_config, database_of, settings_of
from gateway.domain.knowledge import Article, ArticleKind, Submission
from gateway.services.knowledge import Librarian
from gateway.storage.store import SqlStore

BY = "jiesu knowledge"
"""Who the journal says did it."""
_KINDS = {ArticleKind.GUIDE: "知识", ArticleKind.DUTY_ROSTER: "值班", ArticleKind.CONSTRUCTION: "施工"}


def add_to(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    actions = parser.add_subparsers(title="actions", metavar="ACTION", required=True)

    importing = actions.add_parser("import", help="take in articles; the same file again changes nothing")
    importing.add_argument("file", type=Path, nargs="+", metavar="FILE", help="a .toml or .csv file of articles")
    importing.add_argument("--draft", action="store_true", help="keep them as drafts; otherwise they are published")
    add_config(importing)
    importing.set_defaults(main=_import)

    searching = actions.add_parser("search", help="find published articles that are valid today")
    searching.add_argument("words", nargs="+", metavar="WORDS", help="what a citizen asks, as it is said")
    searching.add_argument("--limit", type=int, default=5, help="how many (default: 5)")
    add_config(searching)
    searching.set_defaults(main=_search)

    listing = actions.add_parser("list", help="list the articles")
    listing.add_argument(
        "--stale", action="store_true", help="only those that nobody confirmed for longer than allowed"
    )
    listing.add_argument("--ask", action="store_true", help="with --stale: raise a check ticket with each one's owner")
    add_config(listing)
    listing.set_defaults(main=_list)

    exporting = actions.add_parser("export", help="write all articles as CSV that `import` reads back")
    exporting.add_argument("file", type=Path, nargs="?", metavar="FILE", help="where to (default: standard output)")
    add_config(exporting)
    exporting.set_defaults(main=_export)


def _import(arguments: argparse.Namespace) -> int:
    submissions = [submission for file in arguments.file for submission in load(file)]

    async def work(librarian: Librarian) -> int:
        done = await librarian.take_in(submissions, by=BY, publish=not arguments.draft)
        print(f"{done.new} new, {done.changed} changed, {done.unchanged} unchanged")
        for article_id in done.late:
            print(f"late: {article_id} was reported later than the city's rules allow (ZH-20)")
        return 0

    return _with_library(arguments, work)


def _search(arguments: argparse.Namespace) -> int:
    async def work(librarian: Librarian) -> int:
        hits = await librarian.search(" ".join(arguments.words), limit=arguments.limit)
        for hit in hits:
            content = hit.version.content
            name = f"{hit.version.article_id}@{hit.version.number}"
            print(f"{hit.score:6.2f}  {_KINDS[content.kind]}  {content.title}  [{name}]")
            print(f"        {content.unit}；命中：{'、'.join(hit.evidence) or '读音或事项'}")
        if not hits:
            print("没有找到")
        return 0 if hits else 1

    return _with_library(arguments, work)


def _list(arguments: argparse.Namespace) -> int:
    async def work(librarian: Librarian) -> int:
        for article in await (librarian.stale() if arguments.stale else librarian.all_articles()):
            print(_line(article, librarian.zone))
        if arguments.stale:
            rule = librarian.freshness
            basis = f"{rule.citation.document}{rule.citation.article}" if rule.citation else "the city's text sets none"
            ours = ", a number of ours" if rule.is_ours else ""
            print(f"confirmed no later than {rule.span} ago{ours} ({basis})", file=sys.stderr)
        if arguments.ask:
            for check in await librarian.ask_owners(by=BY):
                print(f"asked: {check.id}  {check.unit}  {check.article_id}")
        return 0

    return _with_library(arguments, work)


def _export(arguments: argparse.Namespace) -> int:
    async def work(librarian: Librarian) -> int:
        zone = librarian.zone
        text = to_csv(
            [
                Submission(
                    id=article.id,
                    content=article.latest.content,
                    confirmed_on=article.confirmed_at.astimezone(zone).date(),
                )
                for article in await librarian.all_articles()
            ]
        )
        if arguments.file is None:
            sys.stdout.write(text)
        else:
            arguments.file.write_text(text, encoding="utf-8-sig")
        return 0

    return _with_library(arguments, work)


def _line(article: Article, zone: tzinfo) -> str:
    latest, content = article.latest, article.latest.content
    until = f" 至 {content.valid_until}" if content.valid_until else ""
    return (
        f"{article.id:<32} v{latest.number} {latest.state.value:<9} {content.unit:<16} "
        f"{article.confirmed_at.astimezone(zone):%Y-%m-%d}  {_KINDS[content.kind]}  {content.title}{until}"
    )


def _with_library(arguments: argparse.Namespace, work: Callable[[Librarian], Awaitable[int]]) -> int:
    settings = settings_of(arguments)

    async def run() -> int:
        clock = SystemClock()
        async with SqlStore(database_of(settings), clock=clock) as store:
            return await work(open_library(settings, store, clock))

    return asyncio.run(run())
