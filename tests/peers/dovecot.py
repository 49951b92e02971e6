"""A private Dovecot: mailboxes in a folder of its own on free ports, gone without a trace afterwards.

Root's Dovecot keeps mail as ``nobody``, anybody else's as himself. Every user exists, with the password ``secret``.
"""

from __future__ import annotations

import asyncio
import grp
import imaplib
import os
import pwd
import shutil
import signal
import tempfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Self, TypeVar

from tests.peers.baresip import free_ports
from tests.peers.gateway import LIMIT, until

PASSWORD = "secret"
CERTIFICATES = Path("tests/data/tls").resolve()

T = TypeVar("T")

_CONFIG = """\
base_dir = {folder}/run
state_dir = {folder}/state
log_path = {folder}/log
protocols = imap
listen = 127.0.0.1
{users}
first_valid_uid = 1
first_valid_gid = 1
disable_plaintext_auth = no
ssl = yes
ssl_cert = <{certificates}/gateway.pem
ssl_key = <{certificates}/gateway.key
ssl_dh =
mail_location = maildir:{folder}/mail/%u
mail_fsync = never
passdb {{
  driver = static
  args = password={password}
}}
userdb {{
  driver = static
  args = uid={uid} gid={gid} home={folder}/mail/%u
}}
namespace inbox {{
  inbox = yes
  mailbox Done {{
    auto = create
  }}
}}
service imap-login {{
  chroot =
  inet_listener imap {{
    port = {plain}
  }}
  inet_listener imaps {{
    port = {tls}
    ssl = yes
  }}
}}
service anvil {{
  chroot =
}}
"""


class Dovecot:
    """A server that runs inside the block; `stop` and `start` interrupt it, its mailboxes stay."""

    def __init__(self) -> None:
        self.plain, self.tls = free_ports(2)
        self._process: asyncio.subprocess.Process | None = None

    async def __aenter__(self) -> Self:
        self.folder = Path(tempfile.mkdtemp(prefix="jiesu-dovecot-"))
        owner = pwd.getpwnam("nobody") if os.geteuid() == 0 else pwd.getpwuid(os.geteuid())
        (self.folder / "mail").mkdir()
        os.chown(self.folder / "mail", owner.pw_uid, owner.pw_gid)
        self.folder.chmod(0o755)
        users = "" if os.geteuid() == 0 else _OWN.format(user=owner.pw_name, group=grp.getgrgid(owner.pw_gid).gr_name)
        text = _CONFIG.format(
            folder=self.folder, users=users, certificates=CERTIFICATES, password=PASSWORD,
            uid=owner.pw_uid, gid=owner.pw_gid, plain=self.plain, tls=self.tls,
        )  # fmt: skip
        (self.folder / "dovecot.conf").write_text(text)
        try:
            await self.start()
        except BaseException:
            await self.__aexit__()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()
        await asyncio.to_thread(shutil.rmtree, self.folder, ignore_errors=True)

    async def start(self) -> None:
        """Run it, and wait until it lets somebody in."""
        program = shutil.which("dovecot") or "/usr/sbin/dovecot"
        self._process = await asyncio.create_subprocess_exec(
            program, "-F", "-c", str(self.folder / "dovecot.conf"),
            stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL,
        )  # fmt: skip

        async def serves() -> bool:
            with suppress(OSError, imaplib.IMAP4.error):
                return await self.at("nobody", lambda client: True)
            return False

        await until("Dovecot lets somebody in", serves)

    async def stop(self) -> None:
        """End it with all its connections."""
        if self._process is None:
            return
        with suppress(ProcessLookupError):
            self._process.send_signal(signal.SIGTERM)
        await asyncio.wait_for(self._process.wait(), LIMIT)
        self._process = None

    async def at(self, user: str, talk: Callable[[imaplib.IMAP4], T]) -> T:
        """Let *talk* speak to the mailbox of *user*, by the standard library's client, in a thread."""

        def connect() -> T:
            with imaplib.IMAP4("127.0.0.1", self.plain, timeout=LIMIT) as client:
                client.login(user, PASSWORD)
                client.select("INBOX")
                return talk(client)

        return await asyncio.to_thread(connect)

    async def bring(self, user: str, *messages: bytes) -> None:
        """Put *messages* into the mailbox of *user*."""

        def talk(client: imaplib.IMAP4) -> None:
            for message in messages:
                client.append("INBOX", "", "", message)

        await self.at(user, talk)

    async def flags(self, user: str, folder: str = "INBOX") -> list[str]:
        """Return the flags of each message in a folder."""

        def talk(client: imaplib.IMAP4) -> list[str]:
            client.select(folder)
            _, answer = client.uid("FETCH", "1:*", "(FLAGS)")
            return [line.decode().partition("FLAGS ")[2] for line in answer if isinstance(line, bytes)]

        return await self.at(user, talk)


_OWN = """\
default_internal_user = {user}
default_internal_group = {group}
default_login_user = {user}"""
