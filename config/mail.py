"""The sections of e-mail: our addresses and server, hosted mailboxes, the smarthost; and what must agree in them."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Annotated, Any, Literal

from msgspec import Meta

from config.toml_file import Key
from config.values import Address, Duration, FarAddress, Identifier, Name, Secret, Section, span

if TYPE_CHECKING:
    from config.settings import Settings

Encryption = Literal["tls", "starttls", "none"]
Mailbox = Annotated[str, Meta(pattern=r"^[^@\s<>,;]{1,64}@[^@\s<>,;]{1,253}$")]
Ours = Annotated[str, Meta(pattern=r"^[^@\s<>,;]{0,64}@[^@\s<>,;]{1,253}$")]
Many = Annotated[int, Meta(ge=0, le=1_000_000)]
Domain = Annotated[str, Meta(pattern=r"^([A-Za-z0-9-]{1,63}\.)*[A-Za-z0-9-]{0,63}$")]


class Mail(Section, frozen=True, kw_only=True):
    """E-mail: which addresses are ours, the server that takes mail for them, and what is found out about senders."""

    addresses: tuple[Ours, ...] = ()
    hostname: Domain = ""
    bounces: Annotated[str, Meta(pattern=r"^([^@\s<>,;+]{1,31}@[^@\s<>,;]{1,253})?$")] = ""
    listen: tuple[str, ...] = ()
    tls_certificate: str = ""
    tls_key: str = ""
    needs_tls: bool = False
    largest_megabytes: Annotated[int, Meta(ge=1, le=100)] = 25
    max_connections: Many = 200
    max_connections_of_peer: Many = 20
    max_messages_of_peer: Many = 60
    idle_limit: Duration = span("5min")
    relays: tuple[str, ...] = ()
    checks: bool = True
    check_limit: Duration = span("3s")
    nameservers: tuple[str, ...] = ()


class HostedMailbox(Section, frozen=True, kw_only=True):
    """A mailbox at somebody else's server, watched over IMAP."""

    name: Identifier
    address: Mailbox
    server: str
    encryption: Encryption = "tls"
    tls_authorities: str = ""
    username: str = ""
    password: Secret = Secret()
    password_file: str = ""
    folder: Name = "INBOX"
    done_folder: str = ""
    check_every: Duration = span("1min")
    limit: Duration = span("30s")


class Smarthost(Section, frozen=True, kw_only=True):
    """The server that takes the mail we send."""

    server: str = ""
    encryption: Encryption = "starttls"
    tls_authorities: str = ""
    username: str = ""
    password: Secret = Secret()
    password_file: str = ""
    sender: Annotated[str, Meta(pattern=r"^([^@\s<>,;]{1,64}@[^@\s<>,;]{1,253})?$")] = ""
    sender_name: str = "12345政务服务便民热线"
    dkim_domain: Domain = ""
    dkim_selector: Annotated[str, Meta(pattern=r"^[A-Za-z0-9._-]{0,63}$")] = ""
    dkim_key: str = ""
    limit: Duration = span("1min")


def disagreements_of_mail(settings: Settings) -> Iterator[tuple[Key, str]]:
    """Yield what no single key of these sections can tell."""
    mail, smarthost = settings.mail, settings.smarthost
    for index, text in enumerate(mail.listen):
        yield from _refused(("mail", "listen", index), Address.parse, text)
    for index, text in enumerate(mail.relays):
        yield from _refused(("mail", "relays", index), ipaddress.ip_network, text)
    for index, text in enumerate(mail.nameservers):
        yield from _refused(("mail", "nameservers", index), Address.parse, text)
    if mail.listen and not mail.addresses:
        yield ("mail", "addresses"), "is missing; mail.listen takes mail for nobody"
    if bool(mail.tls_certificate) != bool(mail.tls_key):
        yield ("mail", "tls_certificate"), "tls_certificate and tls_key belong together"
    if mail.needs_tls and not mail.tls_certificate:
        yield ("mail", "needs_tls"), "needs tls_certificate and tls_key"
    names = [each.name for each in settings.mailbox]
    for index, each in enumerate(settings.mailbox):
        place: Key = ("mailbox", index)
        if each.name in names[:index]:
            yield (*place, "name"), "is there twice"
        yield from _refused((*place, "server"), FarAddress.parse, each.server)
        yield from _one_password(place, each)
        if not each.password and not each.password_file:
            yield (*place, "password"), "is missing; give password or password_file"
    if smarthost.server:
        yield from _refused(("smarthost", "server"), FarAddress.parse, smarthost.server)
        yield from _one_password(("smarthost",), smarthost)
        if not smarthost.sender:
            yield ("smarthost", "sender"), "is missing; it is the mailbox that we write from"
        if bool(smarthost.username) != bool(smarthost.password or smarthost.password_file):
            yield ("smarthost", "username"), "username and password belong together"
        if smarthost.username and smarthost.encryption == "none":
            yield ("smarthost", "encryption"), "a password needs encryption"
    if len({bool(smarthost.dkim_domain), bool(smarthost.dkim_selector), bool(smarthost.dkim_key)}) > 1:
        yield ("smarthost", "dkim_key"), "dkim_domain, dkim_selector and dkim_key belong together"


def _one_password(place: Key, owner: HostedMailbox | Smarthost) -> Iterator[tuple[Key, str]]:
    if owner.password and owner.password_file:
        yield (*place, "password_file"), "give password or password_file, not both"


def _refused(place: Key, parse: Callable[[str], Any], text: str) -> Iterator[tuple[Key, str]]:
    try:
        parse(text)
    except ValueError as error:
        yield place, str(error)
