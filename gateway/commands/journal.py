"""`jiesu journal verify` and `jiesu journal show CALL`: the evidence, checked and read, also while the gateway runs."""

from __future__ import annotations

import argparse
import json

from gateway.commands.common import add_config, database_of, settings_of
from gateway.domain.call import CallId
from gateway.storage.journal import show, verify


def add_to(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    actions = parser.add_subparsers(title="actions", metavar="ACTION", required=True)
    verifying = actions.add_parser("verify", help="follow the hash chain from its first entry; exit 1 if it is broken")
    add_config(verifying)
    verifying.set_defaults(main=_verify)
    showing = actions.add_parser("show", help="print every fact of one call, one JSON object a line")
    showing.add_argument("call", metavar="CALL", help="the call's id")
    add_config(showing)
    showing.set_defaults(main=_show)


def _verify(arguments: argparse.Namespace) -> int:
    verdict = verify(database_of(settings_of(arguments)))
    if verdict.ok:
        print(f"{verdict.entries} entries, unbroken" + (f" ({verdict.reason})" if verdict.reason else ""))
        return 0
    print(f"broken at entry {verdict.first_bad}: {verdict.reason}; {verdict.entries} entries before it are whole")
    return 1


def _show(arguments: argparse.Namespace) -> int:
    entries = show(database_of(settings_of(arguments)), CallId(arguments.call))
    for entry in entries:
        fact = entry.fact
        line = {"seq": entry.seq, "at": fact.at.isoformat(), "offset": fact.offset, "kind": fact.kind, **fact.values}
        print(json.dumps(line, ensure_ascii=False))
    if not entries:
        print(f"the journal has nothing of call {arguments.call}")
        return 1
    return 0
