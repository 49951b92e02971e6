"""Short messages put together (短信): a link for each centre and cloud in the settings, and one channel of all."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from datetime import tzinfo

from channels.sms.channel import CentreLink, SmsChannel, SmsLink
from channels.sms.cloud.aliyun import Aliyun
from channels.sms.cloud.link import CloudAddress, CloudLink
from channels.sms.cloud.tencent import Tencent
from channels.sms.cloud.vendor import Account
from channels.sms.cmpp.dialect import CmppDialect
from channels.sms.cmpp.pdu import Version
from channels.sms.coding import Coding
from channels.sms.link import Centre, Link
from channels.sms.pace import Pace
from channels.sms.receipts import Receipts
from channels.sms.receiving import Receiver, Reception
from channels.sms.sending import Delivering, Sender
from channels.sms.session import Limits
from channels.sms.smpp.dialect import SmppDialect
from channels.sms.words import Dialect
from config.settings import Settings
from config.sms import CloudSms, Cmpp, Smpp
from config.values import FarAddress
from gateway.domain.errors import UnusableSetting
from gateway.ports.clock import Clock
from gateway.ports.intake import Means, WrittenChannel

VERSIONS = {"2.0": Version.V2, "3.0": Version.V3}
ALPHABETS = {"gsm": Coding.GSM, "ascii": Coding.ASCII, "latin-1": Coding.LATIN}


def sms_channels(settings: Settings, means: Means) -> Iterator[WrittenChannel]:
    """Yield the channel of short messages, if there is any link."""
    links: list[SmsLink] = [
        *(_cmpp(section, means) for section in settings.cmpp),
        *(_smpp(section, means) for section in settings.smpp),
        *(_cloud(section, means) for section in settings.cloud_sms),
    ]
    if links:
        yield SmsChannel(links)


def centre_links(settings: Settings, clock: Clock, zone: tzinfo) -> Iterator[Link]:
    """Yield the connection to each centre. Raises `UnusableSetting` for certificates."""
    yield from (_cmpp_link(section, clock, zone) for section in settings.cmpp)
    yield from (_smpp_link(section, clock, zone) for section in settings.smpp)


def _cmpp(section: Cmpp, means: Means) -> CentreLink:
    chinese = (Coding.GBK,) if section.chinese == "gbk" else ()
    delivering = Delivering(number=section.number, codings=(Coding.ASCII, *chinese), is_national=True)
    return _centre(section, _cmpp_link(section, means.clock, means.zone), delivering, means)


def _cmpp_link(section: Cmpp, clock: Clock, zone: tzinfo) -> Link:
    dialect = CmppDialect(
        source=section.source,
        secret=section.secret,
        service_id=section.service_id,
        version=VERSIONS[section.version],
    )
    limits = Limits(
        window=section.window,
        answer_within=section.answer_within.total_seconds(),
        attempts=section.attempts,
        silence=section.keep_alive.total_seconds(),
    )
    return _link(section, dialect, limits, clock, zone)


def _smpp(section: Smpp, means: Means) -> CentreLink:
    delivering = Delivering(
        number=section.number,
        codings=(ALPHABETS[section.alphabet],),
        is_national=False,
        in_one_piece=section.long_messages == "whole",
    )
    return _centre(section, _smpp_link(section, means.clock, means.zone), delivering, means)


def _smpp_link(section: Smpp, clock: Clock, zone: tzinfo) -> Link:
    dialect = SmppDialect(
        system_id=section.system_id,
        password=section.password,
        system_type=section.system_type,
        alphabet=ALPHABETS[section.alphabet],
        has_decimal_receipts=section.decimal_receipts,
    )
    limits = Limits(
        window=section.window,
        answer_within=section.answer_within.total_seconds(),
        attempts=1,  # SMPP does not say a request twice
        silence=section.keep_alive.total_seconds(),
    )
    return _link(section, dialect, limits, clock, zone)


def _link(section: Cmpp | Smpp, dialect: Dialect, limits: Limits, clock: Clock, zone: tzinfo) -> Link:
    address = FarAddress.parse(section.address)
    tls = _tls(section) if isinstance(section, Smpp) and section.tls else None
    centre = Centre(host=address.host, port=address.port, tls=tls)
    return Link(section.name, centre, dialect, limits, Pace(section.per_second), clock, zone)


def _centre(section: Cmpp | Smpp, link: Link, delivering: Delivering, means: Means) -> CentreLink:
    receipts = Receipts(section.name, means.shared, means.clock)
    reception = Reception(link=section.name, part_wait=section.part_wait, repeated_within=section.repeated_within)
    receiver = Receiver(reception, means.shared, means.clock, receipts)
    return CentreLink(section.number, link, receiver, Sender(delivering, link.submit, receipts))


def _tls(section: Smpp) -> ssl.SSLContext:
    """Return what checks the centre's certificate. Raises `UnusableSetting`."""
    try:
        return ssl.create_default_context(cafile=section.tls_authorities or None)
    except (OSError, ssl.SSLError) as error:
        raise UnusableSetting(f"smpp.tls_authorities = {section.tls_authorities!r}: cannot be used: {error}") from error


def _cloud(section: CloudSms, means: Means) -> CloudLink:
    account = Account(
        key_id=section.key_id,
        key_secret=section.key_secret,
        signature=section.signature,
        template=section.template,
        field=section.field,
        app=section.app,
        region=section.region,
    )
    vendor = Aliyun(account=account) if section.vendor == "aliyun" else Tencent(account=account)
    address = CloudAddress(name=section.name, url=section.url, token=section.token, number=section.number)
    receipts = Receipts(section.name, means.shared, means.clock)
    return CloudLink(address, vendor, Pace(section.per_second), receipts, means.clock)
