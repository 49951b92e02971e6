"""A case in Chromium: an agent takes and sends it, the unit's person signs and is denied with the article's words."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from playwright.async_api import Browser, ConsoleMessage, Page, async_playwright, expect

from gateway.domain.case import Accept, Dispatch
from gateway.domain.casework import Actor, ActorKind
from gateway.domain.contact import ChannelKind, ContactId
from gateway.domain.ticket import Ticket, TicketId, TicketState
from tests.fakes.console import PASSWORD, Office, office

pytestmark = pytest.mark.peer("chromium")
TICKET = "20260302-000001"


@pytest.fixture
async def place(tmp_path: Path) -> AsyncIterator[Office]:
    async with office(tmp_path / "recordings") as open_office:
        yield open_office


class Windows:
    """Browser windows of several people; what a page complains of is kept."""

    def __init__(self, browser: Browser, url: str) -> None:
        self.browser = browser
        self.url = url
        self.complaints: list[str] = []

    async def open(self, name: str) -> Page:
        """Open a window and sign somebody in."""
        context = await self.browser.new_context(viewport={"width": 1440, "height": 900}, locale="zh-CN")
        page = await context.new_page()
        page.on("console", self._note)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        await page.goto(self.url)
        await page.get_by_label("账号").fill(name)
        await page.get_by_label("密码").fill(PASSWORD)
        await page.get_by_role("button", name="登录").click()
        await expect(page.get_by_role("navigation")).to_be_visible()
        return page

    def _note(self, message: ConsoleMessage) -> None:
        expected = any(status in message.text for status in ("401", "404", "409"))
        if message.type in ("error", "warning") and not expected:
            self.complaints.append(message.text)


@pytest.fixture
async def windows(place: Office) -> AsyncIterator[Windows]:
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        opened = Windows(browser, place.url)
        yield opened
        await browser.close()
    assert opened.complaints == []


async def test_a_case_is_taken_sent_and_signed_and_a_denial_shows_the_article(place: Office, windows: Windows) -> None:
    now = place.line.clock.now()
    kept = Ticket(
        id=TicketId(TICKET),
        contact_id=ContactId("c"),
        channel=ChannelKind.TELEPHONE,
        call_id=None,
        caller="01000000001",
        received_at=now,
        ended_at=now,
        state=TicketState.TAKEN,
        summary="幸福小区停水两天",
    )
    await place.line.store.commit(lambda tx: tx.save_ticket(kept))

    agent = await windows.open("agent")
    await agent.goto(f"{place.url}/#/cases/{TICKET}")
    await agent.get_by_role("button", name="受理", exact=False).first.click()
    await agent.get_by_label("类别").select_option(label="求助")
    await agent.get_by_role("dialog").get_by_role("button", name="受理").click()
    await expect(agent.get_by_role("button", name="派单、转派")).to_be_visible()
    await agent.keyboard.press("2")
    dialog = agent.get_by_role("dialog", name="派单、转派")
    await dialog.get_by_label("承办单位").click(force=True)
    await agent.get_by_role("option", name="自来水公司").first.click()
    await agent.keyboard.press("Control+Enter")
    await expect(agent.get_by_text("工单进入“派单”环节")).to_be_visible()

    unit = await windows.open("water")
    await expect(unit.get_by_role("link", name="通话")).to_have_count(0)
    await unit.get_by_role("link", name="收件箱").click()
    await expect(unit.locator(".message.unread")).to_contain_text("派单")
    await unit.get_by_role("button", name="已读", exact=True).click()
    await expect(unit.get_by_text("没有未处理的消息")).to_be_visible()
    await unit.get_by_role("link", name="案件", exact=True).click()
    await unit.get_by_label("全文查找案件").fill("停水 幸福小区")
    await unit.get_by_role("link", name=TICKET).click()
    await unit.get_by_role("button", name="签收").click()
    await unit.get_by_role("dialog").get_by_role("button", name="签收").click()
    await expect(unit.get_by_text("工单进入“签收”环节")).to_be_visible()
    await unit.get_by_role("button", name="申请退单").click()
    await unit.get_by_role("dialog").get_by_role("button", name="申请退单").click()
    await expect(unit.get_by_role("alert")).to_contain_text("缺少理由")
    await expect(unit.get_by_role("alert")).to_contain_text("第十六条")

    record = await place.line.store.cases.case(kept.id)
    assert record is not None
    assert (record.case.stage.value, record.case.unit) == ("signed", "water")


async def test_whoever_comes_second_sees_who_came_first_and_keeps_what_he_wrote(
    place: Office, windows: Windows
) -> None:
    now = place.line.clock.now()
    kept = Ticket(
        id=TicketId(TICKET),
        contact_id=ContactId("c"),
        channel=ChannelKind.TELEPHONE,
        call_id=None,
        caller="01000000001",
        received_at=now,
        ended_at=now,
        state=TicketState.TAKEN,
    )
    await place.line.store.commit(lambda tx: tx.save_ticket(kept))
    casework, leader = place.line.casework, Actor(name="张班长", kind=ActorKind.SUPERVISOR)
    await casework.carry_out(kept.id, Accept(category="help"), by=leader)

    agent = await windows.open("agent")
    await agent.goto(f"{place.url}/#/cases/{TICKET}")
    await agent.get_by_role("button", name="追加内容").click()
    await agent.get_by_role("textbox", name="内容").fill("还有五户也没有水")
    await casework.carry_out(kept.id, Dispatch(to="water"), by=leader)
    await agent.get_by_role("dialog").get_by_role("button", name="追加内容").click()
    await expect(agent.get_by_role("alert")).to_contain_text("已被张班长修改")
    await expect(agent.get_by_role("alert")).to_contain_text("张班长：派单")
    await expect(agent.get_by_role("textbox", name="内容")).to_have_value("还有五户也没有水")
    await agent.get_by_role("button", name="已看过，仍要追加内容").click()

    await expect(agent.get_by_text("诉求人追加内容")).to_be_visible()
    record = await place.line.store.cases.case(kept.id)
    assert record is not None
    assert record.case.unit == "water"


async def test_every_page_of_casework_fits_a_telephone(place: Office, windows: Windows) -> None:
    page = await windows.open("leader")
    await page.set_viewport_size({"width": 390, "height": 844})

    for view in ("cases", "inbox", "knowledge", "reports"):
        await page.goto(f"{place.url}/#/{view}")
        await expect(page.locator(".page .empty")).to_be_visible()
        assert await page.evaluate("document.documentElement.scrollWidth") <= 390
