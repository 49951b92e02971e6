"""An agent's day in Chromium: the page itself, served by a real server over a fake hotline."""

from __future__ import annotations

import re
import shutil
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from playwright.async_api import ConsoleMessage, Page, async_playwright, expect

from channels.media.packing import pack
from gateway.domain.call import Attendance, Role
from gateway.domain.emergency import EmergencyLine
from gateway.domain.transfer import HandOffState
from gateway.ports.telephony import PassedOn, SoundQuality, TrunkState
from tests.fakes.console import PASSWORD, Office, office, tone
from tests.fakes.telephony import FarEnd

pytestmark = pytest.mark.peer("chromium")


@pytest.fixture
async def place(tmp_path: Path) -> AsyncIterator[Office]:
    async with office(tmp_path / "recordings") as open_office:
        yield open_office


@pytest.fixture
async def page(place: Office) -> AsyncIterator[Page]:
    """A fresh browser at the door; whatever the page complains of fails the test."""
    complaints: list[str] = []

    def note(message: ConsoleMessage) -> None:
        is_expected = "401" in message.text  # asking whether somebody is signed in already
        if message.type in ("error", "warning") and not is_expected:
            complaints.append(message.text)

    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        context = await browser.new_context(viewport={"width": 1440, "height": 900}, locale="zh-CN")
        opened = await context.new_page()
        opened.on("console", note)
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


async def test_a_wrong_password_stays_at_the_door(page: Page) -> None:
    await page.get_by_label("账号").fill("agent")
    await page.get_by_label("密码").fill("wrong")
    await page.keyboard.press("Enter")

    await expect(page.get_by_role("alert")).to_have_text("账号或密码不正确")


async def test_words_appear_as_they_are_spoken_and_fill_the_ticket(place: Office, page: Page) -> None:
    await sign_in(page, "agent")
    await expect(page.get_by_text("现在没有通话")).to_be_visible()
    _, citizen = await place.talking()
    transcript = page.get_by_label("通话转写")

    place.say(citizen, "你好我家停水", 1.0, final=False)
    await expect(transcript.locator(".partial")).to_contain_text("你好我家停水")
    place.say(citizen, "你好我家停水三天了在红山区幸福小区五号楼", 1.0)
    await expect(transcript.locator(".said-citizen")).to_contain_text("五号楼")
    await expect(transcript.locator(".partial")).to_have_count(0)

    await expect(page.get_by_label("地点")).to_have_value(re.compile("幸福小区"))
    await expect(page.get_by_label("正在进行的通话")).to_contain_text("138****0001")
    await expect(page.get_by_label("判定与依据")).to_contain_text("供水")


async def test_what_an_agent_writes_is_kept_against_automatic_filling(place: Office, page: Page) -> None:
    await sign_in(page, "agent")
    call, citizen = await place.talking()
    place.say(citizen, "我家停水三天了", 1.0)
    place_field = page.get_by_label("地点")

    await place_field.fill("新城区团结路八号")
    await page.keyboard.press("Enter")
    await expect(page.locator(".field.edited")).to_contain_text("人工")
    place.say(citizen, "在红山区幸福小区五号楼", 4.0)
    await expect(page.get_by_label("诉求内容")).to_have_value(re.compile("幸福小区"))

    await expect(place_field).to_have_value("新城区团结路八号")
    ticket = await place.end(call)
    assert ticket.elements.place == "新城区团结路八号"


async def test_an_emergency_is_seen_at_once_and_handed_over(place: Office, page: Page) -> None:
    await sign_in(page, "agent")
    call, citizen = await place.talking()
    place.say(citizen, "快来人我家着火了", 2.0, final=False)
    panel = page.get_by_label("紧急转接 119")

    await expect(page.get_by_label("通话转写").locator("mark")).to_have_text("着火")
    await expect(panel).to_contain_text("三方通话，等待接收")
    await panel.get_by_role("button", name="已接收").click()
    await expect(panel).to_contain_text("对方已接收")

    assert all(hand_off.state is HandOffState.ACCEPTED for hand_off in call.hand_offs.values())
    await expect(panel.locator(".milestones .reached")).to_have_count(5)


async def test_the_keyboard_calls_an_emergency_line(place: Office, page: Page) -> None:
    await sign_in(page, "agent")
    call, _ = await place.talking()
    await expect(page.get_by_role("button", name="120")).to_be_visible()

    await page.keyboard.press("Alt+Shift+Digit3")

    await expect(page.get_by_label("紧急转接 120", exact=True)).to_contain_text("由 agent 按键发起")
    assert list(call.hand_offs) == ["120"]


async def test_a_unit_is_consulted_and_joined(place: Office, page: Page) -> None:
    await sign_in(page, "agent")
    _, citizen = await place.talking()
    place.say(citizen, "我家停水三天了", 1.0)
    transfer = page.get_by_label("转接单位")

    await expect(transfer).to_contain_text("自来水公司")
    await transfer.get_by_role("button", name="咨询").click()
    await expect(transfer).to_contain_text("与单位单独通话")
    await transfer.get_by_role("button", name="三方").click()
    await expect(transfer).to_contain_text("三方通话")

    assert place.line.telephony.hears(citizen) == {Role.AGENT, Role.UNIT}


async def test_a_unit_that_is_busy_is_shown_with_why_and_gets_a_ticket_by_one_key(place: Office, page: Page) -> None:
    for number in ("9001", "9009"):
        place.line.telephony.far_ends[number] = FarEnd(refusal="486 Busy Here")
    await sign_in(page, "agent")
    call, citizen = await place.talking()
    place.say(citizen, "我要投诉我家停水三天了", 1.0)
    transfer = page.get_by_label("转接单位")

    await expect(transfer).to_contain_text("自来水公司")
    await transfer.get_by_role("button", name="咨询").click()
    await expect(transfer.get_by_role("alert")).to_contain_text("9009 忙")
    await transfer.get_by_role("button", name="改派工单").click()
    await expect(page.get_by_text("已受理并派单")).to_be_visible()

    record = await place.line.store.cases.case(call.record.ticket.id)
    assert record is not None
    assert record.case.unit == "water"


async def test_a_supervisor_listens_and_the_agent_sees_it(place: Office, page: Page) -> None:
    await sign_in(page, "leader")
    call, _ = await place.talking(
        passed_on=PassedOn(line=EmergencyLine("119"), reference="JQ-7", summary="邻居半夜噪音扰民")
    )
    panel = page.get_by_label("班长监听")

    await expect(page.locator(".call-origin")).to_contain_text("119 消防 转来")
    await expect(page.locator(".call-origin")).to_contain_text("JQ-7")
    await panel.get_by_role("button", name="监听").click()
    await expect(panel).to_contain_text("班长 leader 监听")
    await panel.get_by_role("button", name="密语").click()
    await expect(panel).to_contain_text("班长 leader 密语")
    assert call.supervisions["leader"].attendance is Attendance.WHISPERING
    await panel.get_by_role("button", name="离开").click()
    await expect(panel.get_by_role("status")).to_have_count(0)


async def test_a_recording_plays_from_the_words_one_points_at(place: Office, page: Page) -> None:
    call, citizen = await place.talking()
    place.say(citizen, "我家停水三天了", 1.0)
    await place.until(lambda: place.line.told(call, "utterance.heard"))
    assert citizen.recording is not None
    citizen.recording.write_bytes(tone(6.0))
    ticket = await place.end(call)

    await sign_in(page, "agent")
    await page.get_by_role("link", name="工单", exact=True).click()
    await page.get_by_role("link", name=ticket.id).click()
    await expect(page.locator("audio")).to_have_js_property("duration", 6)
    await page.get_by_text("我家停水三天了").first.click()

    await page.wait_for_function("document.querySelector('audio').currentTime >= 1")
    await expect(page.locator(".said.now")).to_contain_text("停水")


async def test_a_packed_recording_plays_from_the_keyboard_and_one_side_can_be_heard_alone(
    place: Office, page: Page
) -> None:
    call, citizen = await place.talking()
    place.say(citizen, "我家停水三天了", 3.0)
    await place.until(lambda: place.line.told(call, "utterance.heard"))
    assert citizen.recording is not None
    citizen.recording.write_bytes(tone(6.0))
    ticket = await place.end(call)
    (leg, *_) = await place.line.store.legs(call.id)
    opus = pack(citizen.recording)
    assert opus is not None
    packed = opus.path.relative_to(place.line.exchange.recordings)
    await place.line.store.commit(lambda tx: tx.save_leg(replace(leg, recording=str(packed))))

    await sign_in(page, "agent")
    await page.get_by_role("link", name="工单", exact=True).click()
    await page.get_by_role("link", name=ticket.id).click()
    await page.get_by_role("button", name="▶ 00:03.0").press("Enter")
    await expect(page.locator(".said.now")).to_contain_text("停水")
    await page.get_by_role("button", name="其他方").press("Enter")

    await expect(page.get_by_role("button", name="其他方")).to_have_attribute("aria-pressed", "true")
    await expect(page.locator(".player .problem")).to_be_empty()


async def test_how_well_a_leg_is_heard_is_on_the_page_and_warns_when_it_is_poor(place: Office, page: Page) -> None:
    await sign_in(page, "agent")
    _, citizen = await place.talking()
    citizen.is_heard(SoundQuality(lost=0.003, jitter=0.012, round_trip=0.04))
    shown = page.get_by_label("通话中的各方").locator(".party-citizen .quality")

    await expect(shown).to_have_text("丢包 0.3%　抖动 12 毫秒　往返 40 毫秒")
    citizen.is_heard(SoundQuality(lost=0.0, jitter=0.012, far_lost=0.08))
    await expect(shown).to_have_text("⚠ 话音不佳　丢包 8.0%　抖动 12 毫秒")


async def test_a_lost_connection_is_said_and_mends_itself(place: Office, page: Page) -> None:
    await sign_in(page, "agent")
    await expect(page.get_by_label("已连接")).to_be_visible()
    for socket in set(place.live_pages):
        await socket.close(code=1011)

    await expect(page.get_by_text("正在重连")).to_be_visible()
    await expect(page.get_by_label("已连接")).to_be_visible()
    _, citizen = await place.talking()
    place.say(citizen, "喂能听见吗", 1.0)
    await expect(page.get_by_label("通话转写")).to_contain_text("喂能听见吗")


async def test_what_is_degraded_is_said_in_chinese(place: Office, page: Page) -> None:
    place.components["trunk carrier"] = "out of service"
    place.line.recognizer.available = False
    await sign_in(page, "agent")

    await expect(page.get_by_role("banner")).to_contain_text("中继 carrier：中断")
    await expect(page.get_by_role("banner")).to_contain_text("语音识别未在收听")


async def test_trunks_in_and_out_of_service_are_shown_since_when_and_with_their_last_answer(
    place: Office, page: Page
) -> None:
    at = datetime(2026, 11, 20, 2, 30, tzinfo=UTC)
    place.trunks = [
        TrunkState(name="telecom", status="in service", since=at, answer=200, answered_at=at + timedelta(hours=1)),
        TrunkState(name="mobile", status="out of service", since=at),
    ]
    await sign_in(page, "agent")
    await page.get_by_role("button", name="中继 1/2").click()
    telecom, mobile = page.locator(".trunks li").nth(0), page.locator(".trunks li").nth(1)

    await expect(telecom).to_contain_text("telecom在用11/20 10:30 起最近一次应答：200，11/20 11:30")
    await expect(mobile).to_contain_text("mobile中断11/20 10:30 起还没有应答过探询")


async def test_on_a_telephone_nothing_is_wider_than_the_screen(place: Office, page: Page) -> None:
    _, citizen = await place.talking()
    place.say(citizen, "快来人我家着火了", 2.0, final=False)
    place.trunks = [TrunkState(name="telecom", status="in service", since=datetime(2026, 11, 20, tzinfo=UTC))]
    await page.set_viewport_size({"width": 390, "height": 844})
    await sign_in(page, "agent")
    await expect(page.get_by_label("紧急转接 119")).to_be_visible()

    for tab in ("通话列表", "工单", "通话"):
        await page.get_by_role("tab", name=re.compile(f"^{tab}")).last.click()
        assert await page.evaluate("document.documentElement.scrollWidth") <= 390


async def test_an_administrator_makes_an_account_in_the_page(place: Office, page: Page) -> None:
    await sign_in(page, "admin")
    await page.get_by_role("link", name="账号").click()
    await page.get_by_role("button", name="新建账号").click()
    dialog = page.get_by_role("dialog")
    await dialog.get_by_label("账号").fill("zhao")
    await dialog.get_by_label("姓名").fill("赵敏")
    await dialog.get_by_label("初始密码").fill(PASSWORD)
    await dialog.get_by_role("button", name="保存").click()

    await expect(page.get_by_role("cell", name="赵敏")).to_be_visible()
    assert place.accounts.known["zhao"].display_name == "赵敏"


async def test_signing_out_leads_back_to_the_door(page: Page) -> None:
    await sign_in(page, "agent")
    await page.get_by_label("我的账号").click()
    await page.get_by_role("button", name="退出登录").click()

    await expect(page.get_by_role("form", name="登录")).to_be_visible()
