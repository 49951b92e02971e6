"""Signing in and out, one's own password, and the administrator's accounts (登录, 账号)."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from gateway.domain.account import Account, AccountRole
from gateway.http_api.problems import Problem
from gateway.http_api.routes import ADMINISTRATORS, EVERYONE, RouteTable
from gateway.web.context import NEW_TOKEN, Visit
from gateway.web.passwords import LONGEST, SHORTEST, hashed, matches
from gateway.web.views import AccountView, account_view

session_routes = RouteTable()

Password = Annotated[str, Meta(min_length=SHORTEST, max_length=LONGEST)]
_NAME = re.compile(r"[\w.-]{1,64}")
Name = Annotated[str, Meta(min_length=1, max_length=64)]


class Request(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Anything asked."""


class SignIn(Request, frozen=True, kw_only=True):
    """Who wants in."""

    name: Name
    password: Annotated[str, Meta(max_length=LONGEST)]


class PasswordChange(Request, frozen=True, kw_only=True):
    """A new password for oneself."""

    old: Annotated[str, Meta(max_length=LONGEST)]
    new: Password


class AccountEdit(Request, frozen=True, kw_only=True):
    """An account as an administrator wants it; without a password an existing one keeps its own."""

    display_name: Name
    role: Literal["agent", "supervisor", "administrator", "unit"]
    agent_id: Annotated[str, Meta(max_length=64)] = ""
    unit: Annotated[str, Meta(max_length=64)] = ""
    password: Password | None = None


class AccountList(msgspec.Struct, frozen=True):
    """All accounts."""

    accounts: list[AccountView]


@session_routes.declare("POST", "/api/session", "登录", roles=frozenset())
async def sign_in(visit: Visit, body: SignIn) -> AccountView:
    """Open a session; the cookie goes out with the answer."""
    now, guesses = visit.parts.clock.monotonic(), visit.context.guesses
    wait = guesses.wait(body.name, visit.address, now)
    if wait > 0:
        raise Problem(429, "too_many_attempts", "密码错误次数太多，请稍后再试", retry_after=wait)
    guesses.tried(body.name, visit.address, now)
    account = await visit.parts.accounts.account(body.name)
    if not await matches(account, body.password) or account is None:
        raise Problem(401, "wrong_password", "账号或密码不正确")
    guesses.succeeded(body.name, visit.address)
    if visit.session is not None:
        await visit.context.sessions.close(visit.session)
    visit.request[NEW_TOKEN] = await visit.context.sessions.open(account)
    return account_view(account)


@session_routes.declare("GET", "/api/session", "当前登录的账号", roles=EVERYONE)
async def show_session(visit: Visit) -> AccountView:
    """Say who is signed in."""
    return account_view(visit.account)


@session_routes.declare("DELETE", "/api/session", "退出登录", roles=EVERYONE)
async def sign_out(visit: Visit) -> None:
    """End this session."""
    await visit.context.sessions.close(visit.signed_in)
    visit.request[NEW_TOKEN] = ""


@session_routes.declare("PUT", "/api/session/password", "修改自己的密码", roles=EVERYONE)
async def change_password(visit: Visit, body: PasswordChange) -> None:
    """Change one's own password; other sessions of the account end."""
    now, guesses = visit.parts.clock.monotonic(), visit.context.guesses
    account = await visit.parts.accounts.account(visit.account.name)
    wait = guesses.wait(visit.account.name, visit.address, now)
    if wait > 0:
        raise Problem(429, "too_many_attempts", "密码错误次数太多，请稍后再试", retry_after=wait)
    guesses.tried(visit.account.name, visit.address, now)
    if not await matches(account, body.old) or account is None:
        raise Problem(403, "wrong_password", "原密码不正确", field="old")
    guesses.succeeded(visit.account.name, visit.address)
    await visit.parts.accounts.save_account(replace(account, password_hash=await hashed(body.new)))
    await visit.context.sessions.close_others(account.name, kept=visit.signed_in)
    visit.tell("account.changed", account=account.name, fields=["password"])


@session_routes.declare("GET", "/api/accounts", "全部账号", roles=ADMINISTRATORS)
async def list_accounts(visit: Visit) -> AccountList:
    """List the accounts."""
    return AccountList(accounts=[account_view(account) for account in await visit.parts.accounts.accounts()])


@session_routes.declare("PUT", "/api/accounts/{name}", "新建或修改账号", roles=ADMINISTRATORS)
async def save_account(visit: Visit, name: str, body: AccountEdit) -> AccountView:
    """Make or change an account; its sessions end, because what they may do has changed."""
    if not _NAME.fullmatch(name):
        raise Problem(422, "invalid", "账号由 1 到 64 个字母、数字、汉字或 . _ - 组成", field="name")
    known = await visit.parts.accounts.account(name)
    if known is None and body.password is None:
        raise Problem(422, "invalid", "新账号需要初始密码", field="password")
    if name == visit.account.name and body.role != AccountRole.ADMINISTRATOR.value:
        raise Problem(409, "refused", "不能取消自己的管理员身份", field="role")
    seats = {agent.id for agent in visit.parts.desk.agents} | set(visit.parts.supervisors)
    if body.agent_id and body.agent_id not in seats:
        raise Problem(422, "invalid", "没有这个坐席", field="agent_id")
    if (body.role == AccountRole.UNIT.value) != bool(body.unit):
        raise Problem(422, "invalid", "单位账号须指明单位，其他账号没有单位", field="unit")
    if body.unit and body.unit not in visit.parts.units:
        raise Problem(422, "invalid", "没有这个单位", field="unit")
    account = Account(
        name=name,
        display_name=body.display_name,
        role=AccountRole(body.role),
        agent_id=body.agent_id,
        unit=body.unit,
        password_hash=await hashed(body.password) if body.password else known.password_hash if known else "",
    )
    await visit.parts.accounts.save_account(account)
    await visit.context.sessions.close_others(name, kept=visit.signed_in if name == visit.account.name else None)
    visit.tell("account.changed", account=name, fields=["role", *(["password"] if body.password else [])])
    return account_view(account)
