"""What the terminal knows: who is on the calls, what was said and written, what happened, the tickets as they stand."""

from __future__ import annotations

from dataclasses import dataclass, field

from gateway.app import Gateway
from gateway.demo.letters import Letter
from gateway.demo.words import FIELDS, ROLES, STATES, is_alarming, sentence, warnings
from gateway.domain.call import CallId, Role
from gateway.domain.contact import ChannelKind
from gateway.domain.events import Fact
from gateway.domain.ticket import Ticket
from gateway.domain.transcript import Utterance
from gateway.services.feed import FeedItem, Said, TicketChanged


@dataclass(frozen=True, slots=True)
class Step:
    """Something that happened, at a second of the call."""

    offset: float
    words: str
    is_alarming: bool


@dataclass(slots=True)
class CallPicture:
    """One call so far. ``present`` maps a leg to whose it is, ``phrases`` are the emergency phrases heard."""

    id: CallId
    ticket: Ticket | None = None
    present: dict[str, str] = field(default_factory=dict)
    said: dict[tuple[str, int], tuple[Role, Utterance]] = field(default_factory=dict)
    steps: list[Step] = field(default_factory=list)
    phrases: list[str] = field(default_factory=list)
    is_over: bool = False

    @property
    def conversation(self) -> list[tuple[str, Utterance]]:
        """Who said what, by time; partial words too, as long as they may still become final."""
        known = [line for line in self.said.values() if line[1].is_final or not self.is_over]
        lines = sorted(known, key=lambda line: line[1].start)
        return [(ROLES[role.value], utterance) for role, utterance in lines]


@dataclass(slots=True)
class LetterPicture:
    """One written contact so far: its ticket, and its story when that is over."""

    ticket: Ticket | None = None
    letter: Letter | None = None


class Pictures:
    """All calls of the demonstration and all that was written, in their order."""

    def __init__(self) -> None:
        self.calls: dict[CallId, CallPicture] = {}
        self.letters: dict[ChannelKind, LetterPicture] = {}

    def take(self, item: FeedItem) -> Step | None:
        """Add what the feed tells; return the step it was, if it was one."""
        match item:
            case TicketChanged(ticket=ticket) if ticket.call_id:
                self._of(ticket.call_id).ticket = ticket
            case TicketChanged(ticket=ticket):
                self.letters.setdefault(ticket.channel, LetterPicture()).ticket = ticket
            case Said(call_id=call_id, role=role, utterance=Utterance() as utterance):
                self._of(call_id).said[utterance.leg_id, utterance.number] = role, utterance
            case Fact(call_id=str() as call_id):
                return self._take_fact(self._of(call_id), item)
        return None

    def close(self, letter: Letter) -> None:
        """Add a written story that is over."""
        self.letters.setdefault(letter.channel, LetterPicture()).letter = letter

    def _of(self, call_id: CallId) -> CallPicture:
        return self.calls.setdefault(call_id, CallPicture(call_id))

    def _take_fact(self, call: CallPicture, fact: Fact) -> Step | None:
        match fact.kind:
            case "call.answered":
                call.present["citizen"] = ROLES[Role.CITIZEN.value]
            case "leg.answered":
                call.present[str(fact.values["leg"])] = ROLES[str(fact.values["role"])]
            case "leg.ended":
                is_citizen = fact.values["role"] == Role.CITIZEN.value
                call.present.pop("citizen" if is_citizen else str(fact.values["leg"]), None)
            case "emergency.suspected":
                call.phrases.append(str(fact.values["phrase"]))
            case "call.ended":
                call.is_over = True
        words = sentence(fact)
        if words is None:
            return None
        step = Step(fact.offset or 0.0, words, is_alarming(fact))
        call.steps.append(step)
        return step


class Names:
    """The names that the gateway's configuration gives to ids."""

    def __init__(self) -> None:
        self._names: dict[str, str] = {}

    def learn(self, gateway: Gateway) -> None:
        """Take them from *gateway*."""
        self._names |= gateway.profile.categories
        self._names |= {topic.id: topic.name for topic in gateway.lexicons.matters}
        self._names |= {unit.id: unit.name for unit in gateway.units.values()}
        self._names |= {agent.id: f"{agent.id} {agent.name}" for agent in gateway.desk.agents}

    def of(self, id_: str) -> str:
        """Return the name of *id_*, or itself."""
        return self._names.get(id_, id_)


def subject_of(ticket: Ticket, names: Names) -> str:
    """Return category and matter, in Chinese."""
    return " · ".join(filter(None, (names.of(ticket.category), names.of(ticket.matter))))


def ticket_fields(ticket: Ticket, names: Names) -> dict[str, str]:
    """Return what is filled in on a ticket, in Chinese."""
    fields = {
        "状态": STATES[ticket.state],
        "坐席": names.of(ticket.agent),
        "类别": names.of(ticket.category),
        "事项": names.of(ticket.matter),
        "承办": names.of(ticket.unit),
        **{words: str(getattr(ticket.elements, name)) for name, words in FIELDS.items()},
    }
    return {name: value for name, value in fields.items() if value}


def letter_fields(letter: Letter, names: Names) -> dict[str, str]:
    """Return what became of something written, in Chinese."""
    ticket, reply = letter.ticket, letter.reply
    if ticket is None or reply is None:
        return {"未成": letter.failure}
    fields = {
        "工单": ticket.id,
        "类别·事项": subject_of(ticket, names),
        "注意": warnings(ticket),
        "转写": letter.transcript or "",
        "回告": reply.told,
        "后续": reply.further,
    }
    return {name: value for name, value in fields.items() if value}
