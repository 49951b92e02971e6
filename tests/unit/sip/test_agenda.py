"""The deadlines of many machines."""

from __future__ import annotations

from channels.sip.agenda import MOST_STALE, Agenda, Alarm


class Machine:
    def __init__(self, at: float | None) -> None:
        self.at = at

    def next_deadline(self) -> float | None:
        return self.at


def test_the_earliest_is_due_first_and_each_once() -> None:
    agenda: Agenda[Machine] = Agenda()
    late, early, never = Machine(3.0), Machine(1.0), Machine(None)
    for machine in (late, early, never):
        agenda.note(machine)

    assert agenda.next_deadline() == 1.0
    assert agenda.take_due(0.5) == []
    assert agenda.take_due(5.0) == [early, late]
    assert agenda.take_due(5.0) == []
    assert len(agenda) == 0


def test_the_latest_word_counts() -> None:
    agenda: Agenda[Machine] = Agenda()
    machine = Machine(1.0)
    agenda.note(machine)
    machine.at = 2.0
    agenda.note(machine)
    agenda.note(machine)

    assert agenda.take_due(1.5) == []
    machine.at = None
    agenda.note(machine)
    assert agenda.next_deadline() is None


def test_what_is_outdated_is_not_kept() -> None:
    agenda: Agenda[Machine] = Agenda()
    machine = Machine(0.0)
    for at in range(1000):
        machine.at = float(at)
        agenda.note(machine)

    assert len(agenda) == 1
    assert len(agenda._heap) <= MOST_STALE + 3


def test_an_alarm_rings_once() -> None:
    rung: list[float] = []
    alarm = Alarm(7.0, lambda: rung.append(1))

    assert alarm.next_deadline() == 7.0
    alarm.fire(7.0)
    assert alarm.next_deadline() is None
    assert rung == [1]
