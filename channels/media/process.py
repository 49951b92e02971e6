"""The media process: a 20 ms clock, a socket a leg, a control connection; ``python -m channels.media.process FD``.

The clock keeps an absolute schedule, by which packets leave; the work of making them begins early enough. After a
short stall the missed steps are caught up at once; after a longer one they are skipped, so that neither the far ends
nor the recordings are flooded with old sound. The process ends when its control connection does, so no call outlives
call control.
"""

from __future__ import annotations

import gc
import os
import resource
import select
import signal
import socket
import sys
import time
from collections import deque
from contextlib import suppress
from typing import Final

import msgspec

from channels.media import wire
from channels.media.bound import bind
from channels.media.files import Files
from channels.media.g711 import Pcm
from channels.media.ports import PortPool
from channels.media.reports import OutgoingReport
from channels.media.row import Player
from channels.media.sockets import open_sockets
from channels.media.switch import PERIOD, Full, Switch
from channels.media.wav import RATE
from gateway.framing import FrameReader, frame

MOST_CAUGHT_UP: Final = 5
"""Steps that are made up for at once after a stall; more than that are skipped."""
LATE: Final = 0.005
"""Seconds after its due time from which a step counts as late."""

_LARGEST_REPORT: Final = 1500
_UNSENT_LIMIT: Final = 8 << 20
_PULSE_TICKS: Final = 50
_NICENESS: Final = -10
_REAL_TIME_PRIORITY: Final = 10
_FINEST_WAIT: Final = 0.001
"""Seconds to which epoll can wait; the rest is slept."""
_LAST_WRITES: Final = 2.0
_MARGIN: Final = 0.0005
_FORGETTING: Final = 0.995
_LONGEST_HEAD_START: Final = 0.012
_GIL_INTERVAL: Final = 0.0005
"""Seconds for which the disk thread may keep the interpreter from the clock."""


class ControlGone(Exception):
    """The other end of the control connection is closed."""


class Control:
    """The control connection, seen from the media process: never blocks."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._frames = FrameReader()
        self._unsent = bytearray()
        self.dropped = 0
        connection.setblocking(False)

    def fileno(self) -> int:
        """Return the descriptor to wait on."""
        return self._connection.fileno()

    def commands(self) -> list[wire.Command]:
        """Return the commands that have come; raises `ControlGone`."""
        try:
            octets = self._connection.recv(1 << 18)
        except BlockingIOError:
            return []
        except OSError as error:
            raise ControlGone from error
        if not octets:
            raise ControlGone
        return [wire.read_command(body) for body in self._frames.feed(octets)]

    def tell(self, event: wire.Event) -> None:
        """Send *event* as soon as there is room; taps are dropped when call control has fallen far behind."""
        if len(self._unsent) > _UNSENT_LIMIT and isinstance(event, wire.Tapped):
            self.dropped += 1
            return
        self._unsent += frame(wire.encode(event))

    def flush(self) -> None:
        """Send what there is room for."""
        if self._unsent:
            with suppress(BlockingIOError, BrokenPipeError, ConnectionResetError):
                sent = self._connection.send(self._unsent)
                del self._unsent[:sent]


class MediaProcess:
    """All that the process holds: the switch, a socket for every row, files, and the control connection."""

    def __init__(self, control: Control, start: wire.Start) -> None:
        self._control = control
        self._addresses = start.address, start.ipv6_address
        self._switch = Switch(start.capacity, silent_after=start.silent_after)
        self._ports = PortPool(start.low_port, start.high_port, rest=start.port_rest)
        self._files = Files(lambda leg, reason: control.tell(wire.Trouble(leg, reason)))
        self._sockets = open_sockets(self._switch.packets, plain=start.plain_sockets)
        self._row_of: dict[str, int] = {}
        self._report_sockets: dict[int, socket.socket] = {}
        self._reporting = select.epoll()
        self._reporting_row: dict[int, int] = {}
        self._loading: dict[str, int] = {}
        self._ticks = self._late_ticks = self._skipped_ticks = self._unsent_packets = 0
        self._worst_lateness = 0.0
        self._head_start = 0.0
        self._pulse_due = 0

    def run(self) -> None:
        """Keep the clock until the control connection ends."""
        waiting = select.epoll()
        waiting.register(self._control.fileno(), select.EPOLLIN)
        due = time.monotonic() + PERIOD
        try:
            while True:
                self._wait(waiting, due - self._head_start)
                due = self._tick(due)
        except ControlGone:
            self._switch.captures.stop_recordings()
            self._save()
            self._files.finish(timeout=_LAST_WRITES)

    def obey(self, commands: list[wire.Command]) -> None:
        """Carry out *commands*; one that fails is told of and changes nothing else."""
        for command in commands:
            try:
                self._carry_out(command)
            except KeyError:
                if isinstance(command, wire.Close):
                    self._control.tell(wire.Closed(command.leg, 0, 0, 0, 0, 0, 0, 0, 0, 0))
            except ValueError as error:
                self._control.tell(wire.Trouble(getattr(command, "leg", ""), str(error)))

    def _wait(self, waiting: select.epoll, due: float) -> None:
        """Obey commands until *due*, and even if that is past: an overloaded clock can still be told to hang up."""
        left = max(0.0, due - time.monotonic())
        while True:
            if waiting.poll(int(left * 1000) / 1000):
                self.obey(self._control.commands())
                self._control.flush()
            left = due - time.monotonic()
            if left < _FINEST_WAIT:
                time.sleep(max(0.0, left))
                return

    def _tick(self, due: float) -> float:
        """Take in what came, make the step that is due (and those missed); return when the next one is."""
        now = time.monotonic()
        lateness = now - (due - self._head_start)
        self._worst_lateness = max(self._worst_lateness, lateness)
        self._late_ticks += lateness > LATE
        missed = int(lateness / PERIOD)
        if missed > MOST_CAUGHT_UP:
            self._switch.skip(missed)
            self._skipped_ticks += missed
            due += missed * PERIOD
            missed = 0
        if len(self._switch):
            self._exchange_reports(now)
            self._receive(now)
            for step in range(missed + 1):
                rows = self._switch.step(due + step * PERIOD)
                if not missed:
                    self._wait_to_send(due, time.monotonic() - now)
                self._unsent_packets += self._sockets.send(rows, self._switch.sizes[rows], self._switch.targets[rows])
        self._ticks += missed + 1
        self._pass_on()
        return due + (missed + 1) * PERIOD

    def _receive(self, now: float) -> None:
        for came in self._sockets.rounds():
            self._switch.receive(came.rows, came.datagrams, came.sizes, came.sources, came.stamps, now)

    def _exchange_reports(self, now: float) -> None:
        """Take in the RTCP reports that came, and send those that are due."""
        for descriptor, _ in self._reporting.poll(0):
            row = self._reporting_row[descriptor]
            with suppress(OSError):
                datagram, source = self._report_sockets[row].recvfrom(_LARGEST_REPORT)
                self._switch.reports.take_apart(row, datagram, source[:2], time.time())
        for report in self._switch.reports.due(now, time.time()):
            self._send_report(report)

    def _send_report(self, report: OutgoingReport) -> None:
        sender = self._sockets.of(report.row) if report.mux else self._report_sockets.get(report.row)
        if sender is not None:
            with suppress(OSError, OverflowError):
                sender.sendto(report.octets, report.target)

    def _wait_to_send(self, due: float, worked: float) -> None:
        """Send when it is due, however long the work took; begin the next step earlier by the longest of late."""
        self._head_start = min(max(worked + _MARGIN, self._head_start * _FORGETTING), _LONGEST_HEAD_START)
        time.sleep(max(0.0, due - time.monotonic()))

    def _pass_on(self) -> None:
        """Hand events to call control and portions of recordings to the disk."""
        switch, outcomes = self._switch, self._files.outcomes
        while outcomes:
            outcomes.popleft()()
        self._save()
        for event in switch.events:
            self._control.tell(event)
        switch.events.clear()
        if self._ticks >= self._pulse_due:
            self._pulse_due = self._ticks + _PULSE_TICKS
            self._control.tell(self._pulse())
        self._control.flush()

    def _save(self) -> None:
        captures = self._switch.captures
        if captures.recorded:
            self._files.write(captures.recorded)
            captures.recorded = []

    def _carry_out(self, command: wire.Command) -> None:
        switch = self._switch
        match command:
            case wire.Open():
                self._open(command)
            case wire.Connect():
                switch.connect(command, time.monotonic())
            case wire.Bridge():
                switch.bridge(command)
            case wire.Play():
                self._load(command)
            case wire.StopPlaying(leg):
                self._stop_playing(leg)
            case wire.SendDigits(leg, digits):
                switch.press(leg, digits)
            case wire.Record(leg, path, zero, tracks, resume):
                switch.captures.stop_recording(leg, tracks)
                self._save()
                switch.record(leg, zero, tracks)
                self._files.open_recording((leg, tracks), path, resume=resume)
            case wire.StopRecording(leg, tracks):
                switch.captures.stop_recording(leg, tracks)
                self._save()
                self._files.close_recording((leg, tracks))
            case wire.Tap(leg, number, zero, period):
                switch.tap(leg, number, zero, period)
            case wire.Untap(leg, number):
                switch.captures.untap(leg, number)
            case wire.Close(leg):
                self._close(leg)
            case wire.Start():
                raise ValueError("started already")

    def _open(self, order: wire.Open) -> None:
        """Bind a port and take a row; answers `Opened` or `NotOpened`."""
        try:
            index = self._switch.open(order.leg)
        except Full as full:
            self._control.tell(wire.NotOpened(order.leg, str(full)))
            return
        address = self._addresses[order.ipv6]
        ports = [order.port] if order.port else self._ports.candidates(time.monotonic())
        bound = bind(address, ports) if address is not None else []
        if not bound:
            self._switch.close(order.leg)
            self._control.tell(wire.NotOpened(order.leg, f"no RTP port free at {address}"))
            return
        rtp, *reports = bound
        port: int = rtp.getsockname()[1]
        self._ports.take(port)
        self._sockets.add(index, rtp)
        for each in reports:
            self._report_sockets[index] = each
            self._reporting.register(each.fileno(), select.EPOLLIN)
            self._reporting_row[each.fileno()] = index
        self._row_of[order.leg] = index
        self._control.tell(wire.Opened(order.leg, port))

    def _close(self, leg: str) -> None:
        goodbye = self._switch.goodbye(leg, time.time())
        if goodbye is not None:
            self._send_report(goodbye)
        closed = self._switch.close(leg)
        self._loading.pop(leg, None)
        row = self._row_of.pop(leg)
        rtp, reports = self._sockets.remove(row), self._report_sockets.pop(row, None)
        if reports is not None:
            self._reporting.unregister(reports.fileno())
            del self._reporting_row[reports.fileno()]
            reports.close()
        self._ports.give_back(rtp.getsockname()[1], time.monotonic())
        rtp.close()
        self._save()
        self._files.close_recordings(leg, lambda: self._control.tell(closed))

    def _load(self, order: wire.Play) -> None:
        """Have the prompt read; it starts when it is there, unless something else has been asked for meanwhile."""
        self._stop_playing(order.leg)
        self._loading[order.leg] = order.number

        def loaded(samples: Pcm | None, reason: str) -> None:
            if self._loading.get(order.leg) != order.number:
                return
            del self._loading[order.leg]
            if samples is None:
                self._control.tell(wire.PlayEnded(order.leg, order.number, finished=False, failure=reason))
                return
            position = int(order.start * RATE)
            if order.loop and len(samples):
                position %= len(samples)
            self._switch.play(order.leg, Player(order.number, samples, position, order.loop, order.over_bridge))

        self._files.load_prompt(order.leg, order.path, loaded)

    def _stop_playing(self, leg: str) -> None:
        self._switch.stop_playing(leg)
        number = self._loading.pop(leg, None)
        if number is not None:
            self._control.tell(wire.PlayEnded(leg, number, finished=False))

    def _pulse(self) -> wire.Pulse:
        received, sent, lost, foreign, malformed = self._switch.totals()
        return wire.Pulse(
            legs=len(self._switch),
            ticks=self._ticks,
            late_ticks=self._late_ticks,
            skipped_ticks=self._skipped_ticks,
            worst_lateness=self._worst_lateness,
            packets_in=received,
            packets_out=sent - self._unsent_packets,
            packets_lost=lost,
            packets_foreign=foreign,
            packets_malformed=malformed,
            events_dropped=self._control.dropped,
            cpu_seconds=time.process_time(),
        )


def _come_first() -> None:
    """Run before all that is not audio, as far as we may; niceness alone counts within a session only (autogroup)."""
    try:
        os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(_REAL_TIME_PRIORITY))
    except OSError:
        with suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, 0, _NICENESS)


def main(descriptor: int) -> None:
    """Serve the control connection at *descriptor* until it ends."""
    for each in (signal.SIGINT, signal.SIGTERM):  # a stop is for call control to decide; its end is ours
        signal.signal(each, signal.SIG_IGN)
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    _come_first()
    connection = socket.socket(fileno=descriptor)
    control = Control(connection)
    commands: deque[wire.Command] = deque()
    with suppress(ControlGone):
        while not commands:
            select.select([connection], [], [])
            commands.extend(control.commands())
        start = commands.popleft()
        if not isinstance(start, wire.Start):
            raise SystemExit(f"the first command was {type(start).__name__}, not Start")
        process = MediaProcess(control, start)
        process.obey(list(commands))
        control.flush()
        # Nothing here makes reference cycles; a collection would only make a packet late.
        gc.collect()
        gc.freeze()
        gc.disable()
        sys.setswitchinterval(_GIL_INTERVAL)
        process.run()


if __name__ == "__main__":
    try:
        main(int(sys.argv[1]))
    except msgspec.DecodeError as error:
        raise SystemExit(f"call control sent what is no command: {error}") from error
