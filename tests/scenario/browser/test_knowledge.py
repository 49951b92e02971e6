"""The knowledge base in Chromium: what is suggested while a citizen speaks, and the page of its own."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from playwright.async_api import Page, async_playwright, expect

from tests.fakes.console import PASSWORD, Office, office
from tests.fakes.library import stocked

pytestmark = pytest.mark.peer("chromium")


@pytest.fixture
async def place(tmp_path: Path) -> AsyncIterator[Office]:
    async with office(tmp_path / "recordings") as open_office:
        await stocked(open_office.parts.librarian)
        yield open_office


@pytest.fixture
async def page(place: Office) -> AsyncIterator[Page]:
    """A fresh browser at the door; an error in a script fails the test."""
    complaints: list[str] = []
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox"])
        opened = await browser.new_page(viewport={"width": 1440, "height": 900}, locale="zh-CN")
        opened.on("pageerror", lambda error: complaints.append(str(error)))
        await opened.goto(place.url)
        yield opened
        await browser.close()
    assert complaints == []


async def sign_in(page: Page, name: str) -> None:
    await page.get_by_label("账号").fill(name)
    await page.get_by_label("密码").fill(PASSWORD)
    await page.get_by_role("button", name="登录").click()
    await expect(page.get_by_role("banner")).to_be_visible()


async def test_what_a_citizen_says_brings_up_the_article_that_answers(place: Office, page: Page) -> None:
    await sign_in(page, "agent")
    call, citizen = await place.talking()
    suggestions = page.get_by_label("知识库建议")
    await expect(suggestions).to_contain_text("还没有合适的知识")
    place.say(citizen, "你好我家停水三天了", 1.0)

    await suggestions.get_by_text("停水了怎么报修").click()
    await expect(suggestions).to_contain_text("2 小时内到场")
    await expect(suggestions).to_contain_text("长期有效")
    await suggestions.get_by_role("button", name="已据此答复").click()
    await expect(suggestions.locator(".answered")).to_have_text("已据此答复")
    await expect(page.get_by_label("判定与依据")).to_contain_text("知识库：停水了怎么报修")

    assert "water-outage@1" in {decision.outcome for decision in call.record.ticket.decisions}


async def test_an_agent_finds_an_article_and_doubts_it_and_its_owner_answers(place: Office, page: Page) -> None:
    await sign_in(page, "admin")
    await page.get_by_role("link", name="知识库").click()
    await page.get_by_label("查知识").fill("老板拖欠工资")
    article = page.get_by_role("group").filter(has_text="被拖欠工资怎么投诉")
    await article.locator("summary").click()
    await expect(page.get_by_text("停水了怎么报修")).to_have_count(0)
    await article.get_by_role("button", name="纠错").click()
    await page.get_by_role("dialog").get_by_role("textbox").fill("地址已经变了")
    await page.get_by_role("button", name="发出").click()
    await expect(page.get_by_text("核查单已发出")).to_be_visible()

    await page.get_by_role("button", name=re.compile("^核查单")).click()
    row = page.get_by_role("row").filter(has_text="地址已经变了")
    await expect(row).to_contain_text("第十九条")
    await row.get_by_role("button", name="核对无误").click()
    await expect(row).to_contain_text("核对无误")
    await expect(row.get_by_role("button")).to_have_count(0)


async def test_what_nobody_confirmed_is_listed_with_the_rule(place: Office, page: Page) -> None:
    await sign_in(page, "admin")
    await page.get_by_role("link", name="知识库").click()
    await page.get_by_role("button", name="久未确认").click()

    await expect(page.get_by_text("没有久未确认的知识")).to_be_visible()
    await expect(page.get_by_text("超过 90天没有确认（第十九条）")).to_be_visible()


async def test_a_supervisor_writes_an_article_and_every_version_of_it_stays_readable(place: Office, page: Page) -> None:
    await sign_in(page, "admin")
    await page.get_by_role("link", name="知识库").click()
    await page.get_by_role("button", name="写一条知识").click()
    await page.get_by_label("标题").fill("路灯坏了找谁")
    await page.get_by_label("责任单位").click(force=True)
    await page.get_by_role("option", name="自来水公司").first.click()
    await page.get_by_label("内容").fill("拨打市政热线，24 小时内派人检修。")
    await page.get_by_role("button", name="发布").click()
    await page.get_by_label("查知识").fill("路灯坏了")
    article = page.get_by_role("group").filter(has_text="路灯坏了找谁")
    await article.locator("summary").click()
    await article.get_by_role("link").click()

    await page.get_by_role("button", name="修改").click()
    await page.get_by_label("内容").fill("拨打市政热线，12 小时内派人检修。")
    await page.get_by_role("button", name="发布").click()
    await page.get_by_role("link", name="第 2 版", exact=True).click()
    await expect(page.get_by_text("12 小时内")).to_be_visible()
    await page.get_by_role("link", name="第 1 版", exact=True).click()

    await expect(page.get_by_text("24 小时内")).to_be_visible()
    await expect(page.get_by_text("这不是现行的版本，现行的是第 2 版")).to_be_visible()
