"""What a hotline's user agent is made of, as configuration gives it."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from channels.sip.admission import StrangerLimits
from channels.sip.digest import Algorithm
from channels.sip.numbers import Number
from channels.sip.registrar import Expiry
from channels.sip.session_timer import TimerPolicy
from channels.sip.target import ListenAddress
from channels.sip.tls import Tls
from channels.sip.transaction import Timers
from channels.sip.trunk import Trunk
from channels.sip.uri import Uri


@dataclass(frozen=True, slots=True, kw_only=True)
class UserAgentSettings:
    """What a user agent is made of; times in seconds.

    ``digest``: the algorithms offered to telephones; MD5 alone unless asked for more, because baresip 1.0 and others
    give up at a challenge they do not know, whatever else is offered beside it.
    ``advertise``: the host to name in Via and Contact. ``telephones``: user to password. ``nonce_key`` signs the
    registrar's nonces; without one they do not outlive the process. ``hang_up_limit``: how long ``hang_up`` waits.
    ``nameservers`` (address, port) are asked for trunks' names, none meaning this machine's. ``fail_over_after``: how
    long one of a trunk's several servers may say nothing at all to an INVITE before the next one gets it.
    ``find_number``: the directory, asked before a 3xx or REFER is followed: given a trunk ("" for our telephones) and a
    number it returns that number as it is to be dialled there, or None for a number that is not ours to call.
    ``is_hotline``: whether a peer (a trunk's name or a telephone's) who points to this URI means the hotline itself.
    """

    listen: Sequence[ListenAddress]
    advertise: str | None = None
    user_agent: str = "jiesu"
    trunks: Sequence[Trunk] = ()
    telephones: Mapping[str, str] = field(default_factory=dict, repr=False)
    realm: str = "jiesu"
    digest: Sequence[Algorithm] = ("MD5",)
    nonce_key: bytes = field(default_factory=lambda: secrets.token_bytes(32), repr=False)
    expiry: Expiry = field(default_factory=Expiry)
    timers: Timers = field(default_factory=Timers)
    session_timer: TimerPolicy = field(default_factory=TimerPolicy)
    hang_up_limit: float = 2.0
    tls: Tls | None = None
    nameservers: Sequence[tuple[str, int]] = ()
    fail_over_after: float = 2.0
    strangers: StrangerLimits = field(default_factory=StrangerLimits)
    find_number: Callable[[str, Number], str | None] = lambda trunk, number: None
    is_hotline: Callable[[str, Uri], bool] = lambda peer, uri: False
