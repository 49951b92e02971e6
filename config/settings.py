"""The one configuration file of a node: its sections, their defaults, and what must agree between them.

`config/gateway.example.toml` documents every key. Durations are written ``"8s"``, ``"500ms"``, ``"30min"`` and read
as `timedelta`. Paths are relative to the folder of the file. Nothing here opens a socket or looks for a model: that a
port is free or a profile exists is found out by those who use them.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from config.agreement import disagreements
from config.channels import App, Citizen, Inlet, Open311, Public, Written
from config.chat import Telegram, WeChat
from config.mail import HostedMailbox, Mail, Smarthost
from config.sections import Asr, Casework, Log, Node, Partner, Understanding, Web
from config.sms import CloudSms, Cmpp, Smpp
from config.telephone_line import Desk, EmergencyLine, Handoff, Media, MergedLine, Sip, Telephone, Trunk, Unit
from config.toml_file import Key, TomlFile
from config.values import Duration, Secret, Section

T = TypeVar("T", bound=Section)


class Settings(Section, frozen=True, kw_only=True):
    """The whole file. `Settings()` is a node with every default and nobody to talk to."""

    node: Node = Node()
    sip: Sip = Sip()
    desk: Desk = Desk()
    handoff: Handoff = Handoff()
    media: Media = Media()
    asr: Asr = Asr()
    understanding: Understanding = Understanding()
    web: Web = Web()
    casework: Casework = Casework()
    public: Public = Public()
    written: Written = Written()
    citizen: Citizen = Citizen()
    open311: Open311 = Open311()
    mail: Mail = Mail()
    smarthost: Smarthost = Smarthost()
    telegram: Telegram = Telegram()
    wechat: WeChat = WeChat()
    log: Log = Log()
    trunk: tuple[Trunk, ...] = ()
    telephone: tuple[Telephone, ...] = ()
    emergency_line: tuple[EmergencyLine, ...] = ()
    unit: tuple[Unit, ...] = ()
    merged_line: tuple[MergedLine, ...] = ()
    partner: tuple[Partner, ...] = ()
    cmpp: tuple[Cmpp, ...] = ()
    smpp: tuple[Smpp, ...] = ()
    cloud_sms: tuple[CloudSms, ...] = ()
    mailbox: tuple[HostedMailbox, ...] = ()
    app: tuple[App, ...] = ()
    inlet: tuple[Inlet, ...] = ()


def load(path: Path) -> Settings:
    """Read the settings file at *path*: passwords read in, paths absolute. Raises `SettingsError`, one line."""
    file = TomlFile(path)
    settings = file.convert(Settings, _read)
    for key, reason in disagreements(settings):
        raise file.error(key, reason)
    return _settled(settings, file)


def _read(kind: type, value: Any) -> Any:
    if kind is Duration:
        return Duration.parse(value)
    if not isinstance(value, str):
        raise ValueError(f"expected str, got {type(value).__name__}")
    return kind(value)


def _settled(settings: Settings, file: TomlFile) -> Settings:
    """Return *settings* with passwords in their place and every path absolute."""

    def absolute(path: str) -> str:
        return str((file.path.parent / path).resolve()) if path else ""

    def with_password(table: str, owners: Iterable[Any], name: str = "password") -> tuple[Any, ...]:
        return tuple(
            msgspec.structs.replace(
                owner,
                **{name: _password(file, (table, index, f"{name}_file"), absolute(getattr(owner, f"{name}_file")))},
            )
            if getattr(owner, f"{name}_file")
            else owner
            for index, owner in enumerate(owners)
        )

    def with_secrets(table: str, section: T, *names: str) -> T:
        files = {name: getattr(section, f"{name}_file") for name in names}
        secrets = {
            name: _password(file, (table, f"{name}_file"), absolute(path)) for name, path in files.items() if path
        }
        return msgspec.structs.replace(section, **secrets)

    replace = msgspec.structs.replace
    return replace(
        settings,
        node=replace(settings.node, data=absolute(settings.node.data)),
        asr=replace(settings.asr, model=absolute(settings.asr.model)),
        understanding=replace(
            settings.understanding,
            gazetteer=absolute(settings.understanding.gazetteer),
            models=absolute(settings.understanding.models),
        ),
        sip=replace(
            settings.sip,
            tls_certificate=absolute(settings.sip.tls_certificate),
            tls_key=absolute(settings.sip.tls_key),
            tls_authorities=absolute(settings.sip.tls_authorities),
        ),
        written=replace(settings.written, answers=absolute(settings.written.answers)),
        media=replace(settings.media, prompts=absolute(settings.media.prompts)),
        trunk=with_password("trunk", settings.trunk),
        telephone=with_password("telephone", settings.telephone),
        emergency_line=with_password("emergency_line", settings.emergency_line, "secret"),
        partner=with_password("partner", with_password("partner", settings.partner, "api_key"), "secret"),
        telegram=with_secrets("telegram", settings.telegram, "token"),
        wechat=with_secrets("wechat", settings.wechat, "app_secret", "token", "aes_key"),
        inlet=with_password("inlet", settings.inlet, "secret"),
        cmpp=with_password("cmpp", settings.cmpp, "secret"),
        smpp=tuple(
            replace(link, tls_authorities=absolute(link.tls_authorities))
            for link in with_password("smpp", settings.smpp)
        ),
        mailbox=tuple(
            replace(mailbox, tls_authorities=absolute(mailbox.tls_authorities))
            for mailbox in with_password("mailbox", settings.mailbox)
        ),
        mail=replace(
            settings.mail,
            tls_certificate=absolute(settings.mail.tls_certificate),
            tls_key=absolute(settings.mail.tls_key),
        ),
        smarthost=replace(
            settings.smarthost,
            tls_authorities=absolute(settings.smarthost.tls_authorities),
            dkim_key=absolute(settings.smarthost.dkim_key),
            password=_password(file, ("smarthost", "password_file"), absolute(settings.smarthost.password_file))
            if settings.smarthost.password_file
            else settings.smarthost.password,
        ),
        cloud_sms=with_password("cloud_sms", with_password("cloud_sms", settings.cloud_sms, "key_secret"), "token"),
    )


def _password(file: TomlFile, key: Key, path: str) -> Secret:
    try:
        password = Path(path).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise file.error(key, f"cannot be read: {error}") from error
    if not password:
        raise file.error(key, "the file is empty")
    return Secret(password)
