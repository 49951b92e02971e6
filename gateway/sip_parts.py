"""What the SIP user agent and call control are made of, out of the settings."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from channels.sip.admission import LoadLimits, StrangerLimits
from channels.sip.call_control import CallSettings
from channels.sip.connections import ListenAddress, Target
from channels.sip.digest import Credentials
from channels.sip.numbers import Number, read_number
from channels.sip.registrar import Expiry
from channels.sip.sdes import Srtp
from channels.sip.session_timer import TimerPolicy
from channels.sip.tls import Tls
from channels.sip.transaction import Timers
from channels.sip.user_agent import Trunk, UserAgentSettings
from config.settings import Settings
from config.telephone_line import Sip
from config.telephone_line import Trunk as ConfiguredTrunk
from config.values import Address, FarAddress
from config.values import ListenAddress as ConfiguredAddress
from gateway.domain.emergency import EmergencyLine


class Directory:
    """The numbers that calls may leave to: the units' and the emergency lines', each at its trunk or telephone."""

    def __init__(self, settings: Settings) -> None:
        self._area = settings.sip.area_code
        places = [(link.trunk, link.number) for line in settings.emergency_line for link in line.chain]
        for unit in settings.unit:
            places += [(unit.trunk, unit.number), *((each.trunk, each.number) for each in (*unit.further, *unit.duty))]
        self._numbers = [(trunk, number, read_number(number, home_area=self._area)) for trunk, number in places]

    def find(self, trunk: str, number: Number) -> str | None:
        """Return *number* as it is dialled at this trunk ("": one of our telephones); None if it is not in here."""
        wanted = read_number(number.canonical, home_area=self._area)
        found = (text for place, text, known in self._numbers if place == trunk and known.is_same_as(wanted))
        return next(found, None)


class EmergencyPeers:
    """Which calls come from an emergency line: over its own link, from its telephone here, or by one of its numbers."""

    def __init__(self, settings: Settings) -> None:
        self._area = settings.sip.area_code
        self._links = {trunk.name: trunk.emergency_line for trunk in settings.trunk if trunk.emergency_line}
        self._believed = {trunk.name for trunk in settings.trunk if trunk.trust_identity}
        self._numbers = [
            (link.trunk, read_number(link.number, home_area=self._area), line.line)
            for line in settings.emergency_line
            for link in line.chain
        ]

    def line_of(self, peer: str, caller: str) -> EmergencyLine | None:
        """Return the line that calls as *caller* from *peer*, a trunk's name or a telephone's; None for anybody else.

        A number counts only where it is the line's own, and over a trunk that is believed whom it says is calling.
        """
        if peer in self._links:
            return EmergencyLine(self._links[peer])
        number = read_number(caller, home_area=self._area)
        for trunk, known, line in self._numbers:
            is_telephone = not trunk and peer == known.dialled
            if is_telephone or (trunk and trunk == peer in self._believed and number.is_same_as(known)):
                return EmergencyLine(line)
        return None


def user_agent_settings(settings: Settings) -> UserAgentSettings:
    """Return what the SIP user agent is made of."""
    sip = settings.sip
    return UserAgentSettings(
        listen=[ListenAddress(*ConfiguredAddress.parse(text)) for text in sip.listen],
        advertise=sip.advertise or None,
        trunks=[trunk_of(trunk) for trunk in settings.trunk],
        telephones={telephone.user: telephone.password for telephone in settings.telephone},
        realm=sip.realm,
        digest=sip.digest,
        expiry=Expiry(least=int(sip.registration_min.total_seconds()), most=int(sip.registration_max.total_seconds())),
        timers=Timers(t1=sip.t1.total_seconds(), t2=sip.t2.total_seconds(), t4=sip.t4.total_seconds()),
        session_timer=TimerPolicy(
            interval=int(sip.session_interval.total_seconds()), least=int(sip.session_interval_min.total_seconds())
        ),
        hang_up_limit=sip.hang_up_limit.total_seconds(),
        tls=_tls(sip),
        nameservers=[Address.parse(text) for text in sip.nameservers],
        fail_over_after=sip.fail_over_after.total_seconds(),
        strangers=StrangerLimits(
            rate=sip.stranger_rate, burst=sip.stranger_burst, silence=sip.stranger_silence.total_seconds()
        ),
        find_number=Directory(settings).find,
    )


def call_settings(settings: Settings, prompts: Mapping[str, Path]) -> CallSettings:
    """Return what call control is made of."""
    sip = settings.sip
    return CallSettings(
        hotline_number=sip.hotline_number,
        home_area=sip.area_code,
        hotline_numbers={trunk.name: _hotline_numbers(trunk, sip) for trunk in settings.trunk},
        merged_numbers=[line.number for line in settings.merged_line],
        line_of=EmergencyPeers(settings).line_of,
        sends_location={trunk.name for trunk in settings.trunk if trunk.sends_location},
        late_offers={trunk.name for trunk in settings.trunk if trunk.late_offer},
        codecs=settings.media.codecs,
        comfort_noise=settings.media.comfort_noise,
        srtp={trunk.name: Srtp(trunk.srtp) for trunk in settings.trunk},
        prompts=prompts,
        load=LoadLimits(
            calls=sip.max_calls,
            excess=sip.max_excess_calls,
            calls_a_second=sip.max_calls_per_second,
            calls_of_one_caller=sip.max_calls_per_caller,
            calls_of_trunk={trunk.name: trunk.max_calls for trunk in settings.trunk},
            retry_after=max(1, int(sip.overload_retry.total_seconds())),
        ),
        silence_limit=settings.media.silence_limit.total_seconds(),
        check_interval=sip.trunk_check_interval.total_seconds(),
        check_limit=sip.trunk_check_limit.total_seconds(),
    )


def trunk_of(trunk: ConfiguredTrunk) -> Trunk:
    """Return a trunk as the user agent knows it."""
    return Trunk(
        name=trunk.name,
        target=_target(trunk.transport, trunk.address, trunk.tls_name),
        sources=trunk.sources,
        same_port=trunk.same_port,
        keeps_way=trunk.keeps_way,
        credentials=Credentials(user=trunk.username, password=trunk.password) if trunk.username else None,
        proxy=_target(trunk.transport, trunk.proxy, trunk.tls_name) if trunk.proxy else None,
        believes=trunk.trust_identity,
        asserts=trunk.identity,
        is_private=trunk.private,
        registers=trunk.register,
    )


def _hotline_numbers(trunk: ConfiguredTrunk, sip: Sip) -> tuple[str, ...]:
    """Return what reaches the agents over a trunk; one where we register calls us by the name we registered."""
    numbers = trunk.hotline_numbers or (sip.hotline_number,)
    return (*numbers, trunk.username) if trunk.register else numbers


def _target(transport: str, text: str, name: str) -> Target:
    host, port = FarAddress.parse(text)
    return Target(transport, host, port, name)


def _tls(sip: Sip) -> Tls | None:
    if not sip.tls_certificate:
        return None
    return Tls(
        certificate=Path(sip.tls_certificate),
        key=Path(sip.tls_key),
        authorities=Path(sip.tls_authorities) if sip.tls_authorities else None,
        asks_clients=sip.tls_client_certificates,
    )
