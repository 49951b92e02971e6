"""E-mail put together (电子邮件): one channel out of the server, the hosted mailboxes and the smarthost."""

from __future__ import annotations

import ipaddress
import socket
import ssl
from collections.abc import Iterator
from pathlib import Path

import dkim

from channels.mail.admission import Limits
from channels.mail.channel import CheckSettings, MailChannel
from channels.mail.identity import Identity
from channels.mail.mailbox import MailboxSettings
from channels.mail.smtp_in import ServerSettings
from channels.mail.smtp_out import DkimKey, Smarthost
from config.mail import HostedMailbox, Mail
from config.mail import Smarthost as SmarthostSection
from config.settings import Settings
from config.values import Address, FarAddress
from gateway.domain.errors import UnusableSetting
from gateway.ports.intake import Means, WrittenChannel

IMAP_PORTS = {"tls": 993, "starttls": 143, "none": 143}
SUBMISSION_PORTS = {"tls": 465, "starttls": 587, "none": 25}


def mail_channels(settings: Settings, means: Means) -> Iterator[WrittenChannel]:
    """Yield the mail channel, if there is anything of it. Raises `UnusableSetting` for certificates and keys."""
    mail, smarthost = settings.mail, settings.smarthost
    if not mail.listen and not settings.mailbox and not smarthost.server:
        return
    yield MailChannel(
        identity_of(settings),
        means,
        server=_server(mail) if mail.listen else None,
        mailboxes=list(mailboxes_of(settings)),
        smarthost=smarthost_of(settings) if smarthost.server else None,
        checks=CheckSettings(
            nameservers=[Address.parse(text) for text in mail.nameservers], limit=mail.check_limit.total_seconds()
        )
        if mail.checks
        else None,
    )


def mailboxes_of(settings: Settings) -> Iterator[MailboxSettings]:
    """Yield what is known of each hosted mailbox. Raises `UnusableSetting` for certificates."""
    yield from (_mailbox(section, settings.mail) for section in settings.mailbox)


def smarthost_of(settings: Settings) -> Smarthost:
    """Return the smarthost, which must be in the settings. Raises `UnusableSetting` for certificates and keys."""
    return _smarthost(settings.smarthost, settings.mail)


def identity_of(settings: Settings) -> Identity:
    """Return who we are in mail; our domain is that of the mailbox we write from, or of the first that is ours."""
    own = [*settings.mail.addresses, *(each.address for each in settings.mailbox)]
    own += [settings.smarthost.sender] if settings.smarthost.sender else []
    return Identity(
        addresses=frozenset(address.lower() for address in own),
        domain=(settings.smarthost.sender or own[0]).rpartition("@")[2].lower(),
        bounces=settings.mail.bounces.lower(),
    )


def _server(mail: Mail) -> ServerSettings:
    return ServerSettings(
        hostname=_hostname(mail),
        listen=[Address.parse(text) for text in mail.listen],
        tls=_certificate(mail) if mail.tls_certificate else None,
        needs_tls=mail.needs_tls,
        largest=mail.largest_megabytes * 1024 * 1024,
        idle_limit=mail.idle_limit.total_seconds(),
        limits=Limits(
            connections=mail.max_connections,
            connections_of_peer=mail.max_connections_of_peer,
            messages_of_peer=mail.max_messages_of_peer,
            relays=tuple(ipaddress.ip_network(text) for text in mail.relays),
        ),
    )


def _mailbox(section: HostedMailbox, mail: Mail) -> MailboxSettings:
    address = FarAddress.parse(section.server)
    return MailboxSettings(
        name=section.name,
        address=section.address.lower(),
        host=address.host,
        port=address.port or IMAP_PORTS[section.encryption],
        username=section.username or section.address,
        password=section.password,
        encryption=section.encryption,
        tls=_authorities("mailbox", section.tls_authorities) if section.encryption != "none" else None,
        folder=section.folder,
        done=section.done_folder,
        largest=mail.largest_megabytes * 1024 * 1024,
        limit=section.limit.total_seconds(),
        check_every=section.check_every.total_seconds(),
    )


def _smarthost(section: SmarthostSection, mail: Mail) -> Smarthost:
    address = FarAddress.parse(section.server)
    return Smarthost(
        host=address.host,
        port=address.port or SUBMISSION_PORTS[section.encryption],
        sender=section.sender.lower(),
        sender_name=section.sender_name,
        hostname=_hostname(mail),
        encryption=section.encryption,
        tls=_authorities("smarthost", section.tls_authorities) if section.encryption != "none" else None,
        username=section.username,
        password=section.password,
        dkim=_dkim_key(section) if section.dkim_key else None,
        limit=section.limit.total_seconds(),
    )


def _hostname(mail: Mail) -> str:
    return mail.hostname or socket.getfqdn()


def _certificate(mail: Mail) -> ssl.SSLContext:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    try:
        context.load_cert_chain(mail.tls_certificate, mail.tls_key)
    except (OSError, ssl.SSLError) as error:
        raise UnusableSetting(f"mail.tls_certificate = {mail.tls_certificate}: cannot be used: {error}") from error
    return context


def _authorities(table: str, path: str) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=path or None)
    except (OSError, ssl.SSLError) as error:
        raise UnusableSetting(f"{table}.tls_authorities = {path}: cannot be used: {error}") from error


def _dkim_key(section: SmarthostSection) -> DkimKey:
    try:
        pem = Path(section.dkim_key).read_bytes()
        dkim.crypto.parse_pem_private_key(pem)
    except (OSError, dkim.crypto.UnparsableKeyError) as error:
        raise UnusableSetting(f"smarthost.dkim_key = {section.dkim_key}: cannot be used: {error}") from error
    return DkimKey(domain=section.dkim_domain.lower(), selector=section.dkim_selector, pem=pem)
