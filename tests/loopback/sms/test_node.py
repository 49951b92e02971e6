"""A node with its real store, and a CMPP gateway: what a petitioner is told goes back the way he came."""

from __future__ import annotations

import asyncio
import sqlite3
from pathlib import Path

from tests.contract.channels.drivers import Outcome
from tests.contract.channels.sms_drivers import CmppDriver
from tests.contract.channels.test_channels import WATER, Node


async def test_a_short_message_is_answered_by_one_and_its_receipt_is_on_the_ticket(tmp_path: Path) -> None:
    node = Node(tmp_path, CmppDriver)
    peer = node.peer
    assert isinstance(peer, CmppDriver)
    async with peer.running(), node.running():
        taken = await node.deliver(1, WATER)
        async with asyncio.timeout(60):
            sent = await peer.centre.sent.get()
        reported = await peer.centre.report(sent.message_id, b"DELIVRD")

    ((ticket_id, _),) = node.kept()
    with sqlite3.connect(node.database) as database:
        notes = database.execute("SELECT channel, sent_id, ticket_id, state FROM sent").fetchall()
    assert (taken, reported) == (Outcome.TAKEN, 0)
    assert (sent.sender, sent.terminal) == ("10612345", "13800000001")
    assert ticket_id in sent.content.decode("utf-16-be")
    assert notes == [("sms", f"mobile:{sent.message_id:016x}", ticket_id, "delivered")]
