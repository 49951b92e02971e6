"""The demonstration's own gateway: embedded defaults, free ports of this machine, invented numbers and passwords."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Final

from config.channels import Citizen, Public
from config.chat import Telegram
from config.mail import Mail, Smarthost
from config.sections import Node, Web
from config.settings import Settings
from config.sms import Cmpp
from config.telephone_line import ChainLink, Desk, EmergencyLine, Media, Sip, Telephone, Trunk, Unit
from config.values import Duration, Secret
from gateway.demo.neighbours import MAILBOX, SMS_NUMBER, Neighbours
from gateway.demo.stories import FIRE_LINE, WATER_COMPANY

HOST: Final = "127.0.0.1"
HOTLINE: Final = "12345"
AGENT: Final = "8001"
UNIT_NUMBER: Final = "9001"
WRAP_UP: Final = timedelta(seconds=2)


@dataclass(frozen=True, slots=True)
class Passwords:
    """Made anew for every demonstration."""

    agent: str
    desk: str
    unit: str

    @classmethod
    def fresh(cls) -> Passwords:
        """Make them."""
        return cls(*(secrets.token_urlsafe(12) for _ in range(3)))


def settings_for(data: Path, passwords: Passwords, around: Neighbours, *, carrier: str, page_port: int) -> Settings:
    """Return the settings of a gateway that keeps everything in *data*; *carrier* is the trunk's address."""
    centre = around.centre
    return Settings(
        node=Node(name="demo", data=str(data)),
        sip=Sip(listen=(f"udp:{HOST}:0",), hotline_number=HOTLINE),
        desk=Desk(wrap_up_limit=Duration(seconds=WRAP_UP.total_seconds())),
        media=Media(ports=(0, 0)),
        web=Web(listen=f"{HOST}:{page_port}"),
        trunk=(Trunk(name="citizens", address=carrier),),
        telephone=(
            Telephone(user=AGENT, password=Secret(passwords.agent), name="一号坐席", role="agent", agent=AGENT),
            Telephone(user=FIRE_LINE, password=Secret(passwords.desk), name="消防指挥中心值班台", role="emergency"),
            Telephone(user=UNIT_NUMBER, password=Secret(passwords.unit), name="自来水公司", role="unit"),
        ),
        emergency_line=(
            EmergencyLine(
                line=FIRE_LINE,
                name="火警",
                chain=(ChainLink(number=FIRE_LINE),),
                webhook=around.desk.url,
                secret=Secret(around.desk.secret),
            ),
        ),
        unit=(Unit(id=WATER_COMPANY, name="自来水公司", number=UNIT_NUMBER, duties=("water_supply",)),),
        public=Public(listen=f"{HOST}:0"),
        citizen=Citizen(open=True),
        cmpp=(
            Cmpp(
                name="centre",
                address=f"{HOST}:{centre.port}",
                number=SMS_NUMBER,
                source=centre.source,
                secret=Secret(centre.secret),
            ),
        ),
        mail=Mail(addresses=(MAILBOX,), hostname="mail.city.example", listen=(f"{HOST}:0",), checks=False),
        smarthost=Smarthost(server=f"{HOST}:{around.smarthost.port}", encryption="none", sender=MAILBOX),
        telegram=Telegram(token=Secret(around.telegram.token), api=around.telegram.url),
    )
