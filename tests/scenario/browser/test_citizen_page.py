"""A citizen's page in Chromium: on phone and desk, by keyboard, without a network, through a restart, in a frame."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import pytest
from aiohttp import web
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Browser, ConsoleMessage, Page, Route, async_playwright, expect

from gateway.domain.contact import ChannelKind
from gateway.domain.errors import Unavailable
from gateway.domain.ticket import TicketId
from gateway.ports.intake import Progress
from tests.fakes.citizens import ARTICLE, FIRE, IMAGE, Street, street

pytestmark = pytest.mark.peer("chromium")
PHONE: Any = {"width": 390, "height": 844}
DESK: Any = {"width": 1440, "height": 900}
RULES = {
    "runOnly": {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}
}
PHOTO: Any = {"name": "路灯.png", "mimeType": "image/png", "buffer": IMAGE}
NO_SERVER = ("503", "ERR_CONNECTION_REFUSED", "ERR_FAILED", "WebSocket")
"""What Chromium itself says of a server that is away."""

Opener = Callable[..., AbstractAsyncContextManager[Page]]


@pytest.fixture
async def place() -> AsyncIterator[Street]:
    async with street(Street()) as open_street:
        yield open_street


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        launched = await playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        yield launched
        await launched.close()


@pytest.fixture
def visit(place: Street, browser: Browser) -> Opener:
    """Open the page in a browser of its own; what the page complains of fails the test."""

    @asynccontextmanager
    async def opened(path: str = "", size: Any = PHONE, **more: Any) -> AsyncIterator[Page]:
        complaints: list[str] = []

        def note(message: ConsoleMessage) -> None:
            if message.type in ("error", "warning"):
                complaints.append(message.text)

        context = await browser.new_context(viewport=size, locale="zh-CN", **more)
        page = await context.new_page()
        page.on("console", note)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("dialog", lambda dialog: dialog.accept())
        await page.goto(f"{place.url}/web/{path}")
        await expect(page.locator("#title")).to_have_text("12345 政务服务便民热线")
        await expect(page.locator("#consent-text")).not_to_be_empty()
        yield page
        await context.close()
        assert [text for text in complaints if not any(known in text for known in NO_SERVER)] == []

    return opened


async def fill(page: Page, text: str = "路灯坏了三天") -> None:
    await page.get_by_label("发生了什么").fill(text)
    await page.get_by_label("在哪里").fill("幸福路 18 号")
    await page.get_by_label("我已阅读并同意").check()


async def say(page: Page, text: str) -> None:
    await page.get_by_label("说点什么").fill(text)
    await page.get_by_role("button", name="发送", exact=True).click()


async def said(page: Page) -> list[str]:
    """Return what stands in the bubbles, once nothing is on its way."""
    await expect(page.locator(".bubble.waiting")).to_have_count(0)
    return [(await body.inner_text()).strip() for body in await page.locator(".bubble .body").all()]


async def test_a_matter_with_a_photo_is_sent_from_a_phone_and_gets_a_number(place: Street, visit: Opener) -> None:
    async with visit(geolocation={"latitude": 42.26, "longitude": 118.89}, permissions=["geolocation"]) as page:
        await fill(page)
        await page.get_by_role("button", name="定位").click()
        await expect(page.get_by_text("已附上定位")).to_be_visible()
        await page.locator("#files").set_input_files([PHOTO, {**PHOTO, "name": "多余.png"}])
        await page.get_by_role("button", name="删除附件 2：多余.png").click()
        await expect(page.get_by_role("img", name="路灯.png")).to_be_visible()
        await page.get_by_role("button", name="提交诉求").click()

        await expect(page.get_by_role("heading", name="已收到您的诉求")).to_be_focused()
        await expect(page.get_by_text("20261122-100000-0001").first).to_be_visible()
        await expect(page.get_by_text("246802")).to_be_visible()
        width = await page.evaluate("document.documentElement.scrollWidth")
    (message,) = place.intake.messages
    assert message.text == "路灯坏了三天\n地点：幸福路 18 号"
    assert message.point is not None
    assert [(part.name, part.content) for part in message.parts] == [("路灯.png", IMAGE)]
    assert width == PHONE["width"]


async def test_a_number_is_proven_after_the_matter_is_sent(place: Street, visit: Opener) -> None:
    async with visit() as page:
        await fill(page)
        await page.get_by_label("联系电话").fill("13800000001")
        await page.get_by_role("button", name="提交诉求").click()
        await page.get_by_text("验证手机号或邮箱").click()
        await expect(page.get_by_label("手机号码或邮箱")).to_have_value("13800000001")
        await page.get_by_role("button", name="发送验证码").click()
        await page.get_by_label("六位验证码").fill("123456")
        await page.get_by_role("button", name="确认").click()

        await expect(page.get_by_text("已验证")).to_be_visible()
        width = await page.evaluate("document.documentElement.scrollWidth")
    (message,) = place.intake.messages
    assert place.house.verification.asked == [(ChannelKind.WEB, message.sender, "13800000001")]
    assert width == PHONE["width"]


async def test_what_is_missing_is_told_above_and_at_its_field(place: Street, visit: Opener) -> None:
    async with visit() as page:
        await page.get_by_role("button", name="提交诉求").click()

        summary = page.locator("#summary")
        await expect(summary).to_be_focused()
        text = page.get_by_label("发生了什么")
        await expect(text).to_have_attribute("aria-invalid", "true")
        await expect(text).to_have_accessible_description(
            "尽量写清时间、经过，和您希望怎样解决。 还可以写 5000 字 请写下发生了什么"
        )
        await summary.get_by_role("link", name="请写下发生了什么").click()
        await expect(text).to_be_focused()
        await text.fill("路灯坏了")
        await expect(text).not_to_have_attribute("aria-invalid", "true")
    assert place.intake.messages == []


async def test_the_whole_form_works_by_keyboard(place: Street, visit: Opener) -> None:
    async with visit(size=DESK) as page:
        await page.keyboard.press("Tab")
        await expect(page.get_by_role("link", name="跳到正文")).to_be_focused()
        await page.keyboard.press("Enter")
        seen: list[str] = []
        for _ in range(12):
            await page.keyboard.press("Tab")
            name = await page.evaluate("document.activeElement.id || document.activeElement.textContent.trim()")
            seen.append(name)
            if name in ("text", "place", "name"):
                await page.keyboard.type({"text": "路灯坏了", "place": "幸福路", "name": "王女士"}[name])
            if name == "telephone":
                await page.keyboard.type("0476 1234567")
            if name == "consent":
                await page.keyboard.press("Space")
            if name == "send":
                await page.keyboard.press("Enter")
                break
        assert seen == [
            "text", "place", "locate", "camera", "files", "name", "telephone", "is_text_only", "consent", "send",
        ]  # fmt: skip

        await expect(page.get_by_role("heading", name="已收到您的诉求")).to_be_focused()
    assert (place.intake.messages[0].sender_name, place.intake.messages[0].telephone) == ("王女士", "04761234567")


async def test_a_draft_and_its_photos_outlive_the_page(visit: Opener) -> None:
    async with visit() as page:
        await page.get_by_label("发生了什么").fill("路灯坏了")
        await page.locator("#files").set_input_files([PHOTO])
        await expect(page.get_by_role("img", name="路灯.png")).to_be_visible()
        await page.reload()

        await expect(page.get_by_label("发生了什么")).to_have_value("路灯坏了")
        await expect(page.get_by_role("img", name="路灯.png")).to_be_visible()
        await page.get_by_role("button", name="清除本机记录").click()
        await expect(page.get_by_label("发生了什么")).to_have_value("")
        await expect(page.get_by_role("img", name="路灯.png")).to_have_count(0)


async def test_while_the_house_cannot_take_it_the_page_keeps_it_and_one_ticket_comes_of_it(
    place: Street, visit: Opener
) -> None:
    place.intake.fail = Unavailable("the store is away", retry_after=600.0)
    async with visit() as page:
        await fill(page)
        await page.locator("#files").set_input_files([PHOTO])
        await page.get_by_role("button", name="提交诉求").click()
        await expect(page.get_by_text("不会重复登记")).to_be_visible()
        await expect(page.get_by_label("发生了什么")).to_be_disabled()
        await page.reload()
        await expect(page.get_by_text("不会重复登记")).to_be_visible()
        place.intake.fail = None
        await page.get_by_role("button", name="立即重试").click()

        await expect(page.get_by_role("heading", name="已收到您的诉求")).to_be_visible()
    (message,) = place.intake.messages
    assert len(message.parts) == 1


async def test_an_answer_that_is_lost_makes_no_second_ticket(place: Street, visit: Opener) -> None:
    async def lose(route: Route) -> None:
        await route.fetch()
        await route.abort()

    async with visit() as page:
        await page.route("**/web/matters", lose, times=1)
        await fill(page)
        await page.get_by_role("button", name="提交诉求").click()
        await expect(page.get_by_text("不会重复登记")).to_be_visible()
        assert len(place.intake.messages) == 1
        await page.get_by_role("button", name="立即重试").click()

        await expect(page.get_by_text("20261122-100000-0001").first).to_be_visible()
    assert len(place.intake.messages) == 1


async def test_a_conversation_goes_on_through_a_restart_without_loss_or_repetition(
    place: Street, visit: Opener
) -> None:
    async with visit("#chat") as page:
        await say(page, "楼上半夜装修")
        await expect(page.get_by_text("知识库里没有现成的答案")).to_be_visible()
        await page.get_by_role("button", name="转人工").click()
        await expect(page.locator(".bubble")).to_have_count(4)
        await place.close()
        await expect(page.get_by_text("连接断了")).to_be_visible()
        await say(page, "就在现在")
        await expect(page.locator(".bubble.waiting")).to_have_count(1)
        conversation = place.intake.messages[0].sender
        for _ in range(2):
            await place.say_to(conversation, "请问是哪个小区？", key="answer-1")
        await place.open()
        await page.evaluate("window.dispatchEvent(new Event('online'))")
        await expect(page.get_by_text("请问是哪个小区？")).to_be_visible()
        before = await said(page)
        await page.reload()
        await expect(page.get_by_text("请问是哪个小区？")).to_be_visible()

        after = await said(page)
    assert before == after
    assert after[-2:] == ["请问是哪个小区？", "就在现在"]
    assert [message.text for message in place.intake.messages] == ["楼上半夜装修", "请转人工", "就在现在"]
    assert "answer-1" in [report.sent_id for report in place.intake.reports]


async def test_a_picture_of_a_conversation_is_kept_until_it_is_taken(place: Street, visit: Opener) -> None:
    place.intake.fail = Unavailable("the store is away", retry_after=600.0)
    async with visit("#chat") as page:
        await page.locator("#chat-files").set_input_files([PHOTO])
        await expect(page.get_by_text("照片还没有发出去")).to_be_visible()
        place.intake.fail = None
        await page.reload()

        await expect(page.get_by_role("img", name="路灯.png")).to_be_visible()
        await expect(page.locator(".bubble.waiting")).to_have_count(0)
    (message,) = place.intake.messages
    assert [part.content for part in message.parts] == [IMAGE]


async def test_the_assistant_shows_its_source_and_a_person_is_one_touch_away(place: Street, visit: Opener) -> None:
    async with visit("#chat", DESK) as page:
        await say(page, "公积金怎么提取")
        await expect(page.get_by_text(f"出处：{ARTICLE.source}")).to_be_visible()
        await page.get_by_role("button", name="转人工").click()

        await expect(page.get_by_role("button", name="已转人工")).to_be_disabled()
        await expect(page.locator(".bubble")).to_have_count(4)
    assert place.intake.messages[-1].values == {"wants_person": True}


@pytest.mark.parametrize(("text_only", "first"), [(False, "拨打 119 火警"), (True, "发短信到 12110")])
async def test_an_emergency_stands_in_red_above_everything_with_a_way_that_this_citizen_can_use(
    visit: Opener, text_only: bool, first: str
) -> None:
    async with visit("#chat") as page:
        await page.locator("#chat_text_only").set_checked(text_only)
        await say(page, FIRE)

        box = page.get_by_role("alert").filter(has_text="这可能是紧急情况")
        await expect(box).to_be_in_viewport()
        await expect(box.get_by_role("link").first).to_have_text(first)
        await expect(box.get_by_role("link").first).to_have_attribute("href", "sms:12110" if text_only else "tel:119")


async def test_an_answer_that_comes_while_another_view_is_shown_is_noticed(place: Street, visit: Opener) -> None:
    async with visit() as page:
        await fill(page)
        await page.get_by_role("button", name="提交诉求").click()
        await expect(page.get_by_role("heading", name="已收到您的诉求")).to_be_visible()
        await page.get_by_role("button", name="就此事与我们对话").click()
        await expect(page.get_by_text("路灯坏了三天").last).to_be_visible()
        await page.get_by_role("link", name="查询进度").first.click()
        await place.say_to(place.intake.messages[0].sender, "已派人去修", key="answer-1")

        await expect(page.get_by_role("link", name="在线对话 有新消息")).to_be_visible()


async def test_progress_is_found_by_number_and_code_however_they_are_typed(place: Street, visit: Opener) -> None:
    number, at = "20261122-100000-0001", datetime(2026, 11, 22, 2, 0, tzinfo=UTC)
    place.tickets.known[number, "246802"] = Progress(
        ticket_id=TicketId(number), received_at=at, state_zh="办理中", steps=[(at, "已受理，转市城管局")]
    )
    async with visit("#progress", DESK) as page:
        await page.get_by_role("button", name="查询", exact=True).click()
        await expect(page.get_by_text("请填写工单编号和查询码")).to_be_visible()
        await page.get_by_label("工单编号").fill(" \uff12\uff10261122 -100000-0001")
        await page.get_by_label("查询码").fill("2468 02")
        await page.keyboard.press("Enter")

        await expect(page.get_by_text("已受理，转市城管局")).to_be_visible()
        await expect(page.get_by_text("办理中")).to_be_visible()


@pytest.mark.parametrize("size", [PHONE, DESK], ids=["390", "1440"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_axe_finds_nothing_against_wcag_in_any_view(visit: Opener, size: Any, scheme: str) -> None:
    async with visit(size=size, color_scheme=scheme, reduced_motion="reduce") as page:
        await page.get_by_role("button", name="提交诉求").click()
        await expect(page.locator("#summary")).to_be_visible()
        found = {"form": await broken(page)}
        await fill(page, FIRE)
        await page.locator("#files").set_input_files([PHOTO])
        await page.get_by_role("button", name="提交诉求").click()
        await expect(page.get_by_role("heading", name="已收到您的诉求")).to_be_visible()
        found["receipt"] = await broken(page)
        await page.get_by_role("button", name="就此事与我们对话").click()
        await expect(page.locator(".bubble.urgent")).to_be_visible()
        await expect(page.locator(".bubble img")).to_be_visible()
        found["conversation"] = await broken(page)
        await page.get_by_role("link", name="查询进度").first.click()
        await page.get_by_role("button", name="查询", exact=True).click()
        found["progress"] = await broken(page)

    assert found == {"form": [], "receipt": [], "conversation": [], "progress": []}


async def broken(page: Page) -> list[str]:
    """Return what axe finds: the rule and where."""
    results = await Axe().run(page, options=RULES)
    return [
        f"{violation['id']}: {node['html'][:120]} {node['failureSummary'][:300]}"
        for violation in results.response["violations"]
        for node in violation["nodes"]
    ]


@asynccontextmanager
async def another_site(script: str) -> AsyncIterator[str]:
    """A government site that has nothing of ours but one line."""

    async def home(_: web.Request) -> web.Response:
        text = f'<!doctype html><html lang="zh-CN"><title>某市政府</title><h1>某市政府</h1>{script}</html>'
        return web.Response(text=text, content_type="text/html")

    application = web.Application()
    application.router.add_get("/", home)
    runner = web.AppRunner(application)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


async def test_one_line_puts_the_page_on_a_site_that_may_have_it(browser: Browser) -> None:
    guest = Street()
    async with street(guest), another_site(f'<script src="{guest.url}/embed.js" async></script>') as site:
        await guest.close()
        guest.embedders = (site,)
        await guest.open()
        page = await browser.new_page(viewport=DESK)
        await page.goto(site)
        button = page.get_by_role("button", name="12345 在线诉求")
        await button.focus()
        await page.keyboard.press("Enter")
        frame = page.frame_locator("iframe")
        await frame.get_by_label("发生了什么").fill("从政府网站来的")
        await frame.get_by_label("我已阅读并同意").check()
        await frame.get_by_role("button", name="提交诉求").click()
        await expect(frame.get_by_role("heading", name="已收到您的诉求")).to_be_visible()
        await page.keyboard.press("Escape")

        await expect(page.get_by_role("dialog")).to_have_count(0)
        await expect(button).to_be_focused()
    assert [message.text for message in guest.intake.messages] == ["从政府网站来的"]


async def test_a_site_that_may_not_have_the_page_is_shown_nothing(place: Street, browser: Browser) -> None:
    async with another_site(f'<script src="{place.url}/embed.js" async></script>') as site:
        page = await browser.new_page(viewport=DESK)
        refused: list[str] = []
        page.on("console", lambda said: refused.append(said.text))
        await page.goto(site)
        async with page.expect_console_message(lambda said: "frame-ancestors" in said.text):
            await page.get_by_role("button", name="12345 在线诉求").click()

        await expect(page.frame_locator("iframe").locator("#form")).to_have_count(0)
