"""The keys of a live call (通话操作): what an agent's console may do to it. Callers' numbers are masked here."""

from __future__ import annotations

from contextlib import suppress
from typing import Annotated

import msgspec
from msgspec import Meta

from gateway.domain.account import AccountRole
from gateway.domain.call import Attendance, CallId
from gateway.domain.emergency import EmergencyLine
from gateway.domain.errors import IllegalTransition, Refused
from gateway.http_api.problems import Problem, not_found
from gateway.http_api.routes import SUPERVISORS, RouteTable
from gateway.ports.memory import Transaction
from gateway.services.casework import Done
from gateway.services.live_call import LiveCall
from gateway.services.ticket_instead import NoCategory, dispatch_instead
from gateway.web.call_views import (
    AgentView,
    CallView,
    LiveCallView,
    agent_views,
    call_view,
    live_call_view,
)
from gateway.web.case_asking import actor_of
from gateway.web.case_commands_api import SETTLE_LIMIT, denial, problem_of_refusal
from gateway.web.context import Visit

call_routes = RouteTable()

NO_HAND_OFF = "这条紧急线路现在没有正在进行的转接"
NO_TRANSFER = "现在没有正在进行的咨询转接"
CANNOT_TRANSFER = "不能转接：该单位没有可拨打的电话，或没有坐席在通话中，或已有转接正在进行"


NO_TICKET = "不能改派工单"
CANNOT_SUPERVISE = "不能监听：您的账号没有对应的话机，或现在没有坐席可以密语"


class LineChoice(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An emergency line."""

    line: Annotated[str, Meta(min_length=1, max_length=16)]


class UnitChoice(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A unit's id."""

    unit: Annotated[str, Meta(min_length=1, max_length=64)]


class AttendanceChoice(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How a supervisor attends a call."""

    attendance: Attendance


class PauseChoice(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Whether one takes a rest."""

    paused: bool


class CallList(msgspec.Struct, frozen=True):
    """Live calls."""

    calls: list[LiveCallView]


class AgentList(msgspec.Struct, frozen=True):
    """Agents."""

    agents: list[AgentView]


@call_routes.declare("GET", "/api/calls", "正在进行的通话")
async def list_calls(visit: Visit) -> CallList:
    """List the live calls."""
    return CallList(calls=[live_call_view(call) for call in visit.parts.switchboard.calls.values()])


@call_routes.declare("GET", "/api/calls/{call_id}", "一个正在进行的通话")
async def show_call(visit: Visit, call_id: str) -> LiveCallView:
    """Show one live call."""
    return live_call_view(_find(visit, call_id))


@call_routes.declare(
    "POST", "/api/calls/{call_id}/hand-offs", "转紧急线路；已在转接的，等于确认", refusal="没有配置这条紧急线路"
)
async def start_hand_off(visit: Visit, call_id: str, body: LineChoice) -> CallView:
    """Hand the citizen to an emergency line at a person's word."""
    call = _own(visit, call_id)
    call.start_hand_off(EmergencyLine(body.line), visit.account.name)
    return _done(visit, call, "hand_off.start", line=body.line)


@call_routes.declare("POST", "/api/calls/{call_id}/hand-offs/{line}/confirm", "确认紧急情况", refusal=NO_HAND_OFF)
async def confirm_hand_off(visit: Visit, call_id: str, line: str) -> CallView:
    """Say that it is an emergency."""
    call = _own(visit, call_id)
    call.hand_off(EmergencyLine(line)).confirm()
    return _done(visit, call, "hand_off.confirm", line=line)


@call_routes.declare("POST", "/api/calls/{call_id}/hand-offs/{line}/dismiss", "误报，停止转接", refusal=NO_HAND_OFF)
async def dismiss_hand_off(visit: Visit, call_id: str, line: str) -> CallView:
    """Say that it is none."""
    call = _own(visit, call_id)
    call.hand_off(EmergencyLine(line)).dismiss(visit.account.name)
    return _done(visit, call, "hand_off.dismiss", line=line)


@call_routes.declare("POST", "/api/calls/{call_id}/hand-offs/{line}/accept", "对方已接收", refusal=NO_HAND_OFF)
async def accept_hand_off(visit: Visit, call_id: str, line: str) -> CallView:
    """Say that the desk has taken the citizen over."""
    call = _own(visit, call_id)
    call.hand_off(EmergencyLine(line)).accept()
    return _done(visit, call, "hand_off.accept", line=line)


@call_routes.declare("POST", "/api/calls/{call_id}/transfer", "咨询承办单位", refusal=CANNOT_TRANSFER)
async def start_transfer(visit: Visit, call_id: str, body: UnitChoice) -> CallView:
    """Consult a unit while the citizen waits."""
    call = _own(visit, call_id)
    call.start_transfer(body.unit)
    return _done(visit, call, "transfer.start", unit=body.unit)


@call_routes.declare("POST", "/api/calls/{call_id}/transfer/join", "三方通话", refusal=NO_TRANSFER)
async def join_transfer(visit: Visit, call_id: str) -> CallView:
    """Bring the citizen back in."""
    call = _own(visit, call_id)
    call.live_transfer().join()
    return _done(visit, call, "transfer.join")


@call_routes.declare("POST", "/api/calls/{call_id}/transfer/retrieve", "取回市民，挂断单位", refusal=NO_TRANSFER)
async def retrieve_transfer(visit: Visit, call_id: str) -> CallView:
    """Take the citizen back."""
    call = _own(visit, call_id)
    call.live_transfer().retrieve()
    return _done(visit, call, "transfer.retrieve")


@call_routes.declare("POST", "/api/calls/{call_id}/transfer/leave", "离开，让市民与单位继续通话", refusal=NO_TRANSFER)
async def leave_transfer(visit: Visit, call_id: str) -> CallView:
    """Leave citizen and unit to themselves."""
    call = _own(visit, call_id)
    call.live_transfer().leave()
    return _done(visit, call, "transfer.leave")


@call_routes.declare("POST", "/api/calls/{call_id}/transfer/ticket", "改派工单：受理并派给该单位", refusal=NO_TICKET)
async def send_ticket_instead(visit: Visit, call_id: str, body: UnitChoice) -> CallView:
    """Send the matter to a unit in writing, as its telephones fail; a transfer under way ends."""
    call = _own(visit, call_id)
    parts, ticket_id = visit.parts, call.record.ticket.id
    await parts.ledger.settle(SETTLE_LIMIT)

    def work(tx: Transaction) -> Done:
        return dispatch_instead(parts.casework, tx, ticket_id, body.unit, actor_of(visit.account))

    try:
        done = await parts.store.commit(work)
    except NoCategory:
        raise Problem(409, "missing", "请先在工单上选择类别", field="category") from None
    except Refused as refused:
        raise problem_of_refusal(refused) from refused
    if done.denials:
        raise denial(parts, done)
    parts.casework.publish(done.facts)
    call.record.edited({"unit": body.unit})
    if call.transfer is not None and call.transfer.is_live:
        with suppress(IllegalTransition):  # it ends by itself, or has not begun
            call.transfer.retrieve()
    return _done(visit, call, "transfer.ticket", unit=body.unit)


@call_routes.declare(
    "PUT", "/api/calls/{call_id}/supervision", "班长监听、密语或加入", roles=SUPERVISORS, refusal=CANNOT_SUPERVISE
)
async def supervise_call(visit: Visit, call_id: str, body: AttendanceChoice) -> CallView:
    """Attend a call, or attend it otherwise; the supervisor's own telephone is rung."""
    call = _find(visit, call_id)
    call.supervise(visit.account.name, visit.account.agent_id, body.attendance)
    return _done(visit, call, f"supervision.{body.attendance.value}")


@call_routes.declare(
    "DELETE", "/api/calls/{call_id}/supervision", "班长离开", roles=SUPERVISORS, refusal="您不在这个通话中"
)
async def end_supervision(visit: Visit, call_id: str) -> CallView:
    """Leave a call that one attends."""
    call = _find(visit, call_id)
    await call.end_supervision(visit.account.name)
    return _done(visit, call, "supervision.end")


@call_routes.declare("POST", "/api/calls/{call_id}/finish", "结束通话")
async def finish_call(visit: Visit, call_id: str) -> CallView:
    """End the call."""
    call = _own(visit, call_id)
    call.finish(visit.account.name)
    return _done(visit, call, "call.finish")


@call_routes.declare("GET", "/api/agents", "坐席状态")
async def list_agents(visit: Visit) -> AgentList:
    """List the agents."""
    return AgentList(agents=agent_views(visit.parts.desk.agents, visit.parts.clock.monotonic()))


@call_routes.declare("PUT", "/api/agents/self/pause", "自己示忙或示闲")
async def pause_self(visit: Visit, body: PauseChoice) -> AgentList:
    """Take a rest, or come back."""
    agent_id = visit.account.agent_id
    if agent_id not in {agent.id for agent in visit.parts.desk.agents}:
        raise Problem(409, "refused", "这个账号没有对应的坐席")
    visit.parts.desk.pause(agent_id, body.paused)
    return await list_agents(visit)


def _find(visit: Visit, call_id: str) -> LiveCall:
    try:
        return visit.parts.switchboard.call(CallId(call_id))
    except Refused:
        raise not_found("这个通话已经结束，或不存在") from None


def _own(visit: Visit, call_id: str) -> LiveCall:
    """Return a call this visitor may act on: his own, one without an agent, or any for a supervisor."""
    call = _find(visit, call_id)
    agent = call.record.ticket.agent
    if visit.account.role is AccountRole.AGENT and agent and agent != visit.account.agent_id:
        raise Problem(403, "not_yours", "这是其他坐席的通话")
    return call


def _done(visit: Visit, call: LiveCall, action: str, *, line: str = "", unit: str = "") -> CallView:
    target = line or unit
    call.record.tell("action.taken", action=action, by=visit.account.name, target=target)
    return call_view(call)
