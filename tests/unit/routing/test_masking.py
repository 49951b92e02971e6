"""What leaves a text before the public reads it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from routing.masking import COVER, Hidden, mask


@pytest.mark.parametrize(
    ("text", "shown", "hidden"),
    [
        ("请打13900000000找我", f"请打{COVER}找我", Hidden.NUMBER),
        ("电话+86 139-0000-0000", f"电话{COVER}", Hidden.NUMBER),
        ("座机0557-3020000有人接", f"座机{COVER}有人接", Hidden.NUMBER),
        ("身份证34130019900101001X", f"身份证{COVER}", Hidden.NUMBER),
        ("卡号6222 0000 0000 0000 000", f"卡号{COVER}", Hidden.NUMBER),
        ("微信号abc_12345", COVER, Hidden.NUMBER),
        ("写信到wang@example.com", f"写信到{COVER}", Hidden.MAIL),
        ("车牌皖L12345违停", f"车牌{COVER}违停", Hidden.PLATE),
        ("滨河小区3号楼2单元501室漏水", f"滨河小区{COVER}漏水", Hidden.ADDRESS),
        ("滨河小区五栋三单元二零一室", f"滨河小区{COVER}", Hidden.ADDRESS),
        ("淮海路118号门口", f"淮海路{COVER}门口", Hidden.ADDRESS),
        ("我叫王小明，住附近", f"我叫{COVER}，住附近", Hidden.NAME),
        ("联系人：欧阳小明。", f"联系人：{COVER}。", Hidden.NAME),
        ("经办的李小红科长说", "经办的李某科长说", Hidden.NAME),
    ],
)
def test_what_tells_who_somebody_is_is_hidden(text: str, shown: str, hidden: Hidden) -> None:
    masked = mask(text)

    assert (masked.text, masked.hidden) == (shown, frozenset({hidden}))


@pytest.mark.parametrize(
    "text",
    [
        "小区停水三天了",
        "12345热线答复",
        "2026年3月2日上午9时",
        "补贴3.1415926万元",
        "《城市供水条例》第三条",
        "地铁3号线",
        "国道318线",
    ],
)
def test_what_tells_nothing_stays(text: str) -> None:
    assert mask(text).text == text
    assert not mask(text).hidden


def test_known_names_are_hidden_wherever_they_stand() -> None:
    masked = mask("赵工和赵工程师已到场", names=["赵工", "赵工程师", " ", "赵"])

    assert masked.text == f"{COVER}和{COVER}已到场"


@given(st.text())
def test_masking_twice_hides_nothing_more(text: str) -> None:
    once = mask(text).text

    assert mask(once).text == once


@given(st.text(alphabet="停水了，请来人修路灯不亮", max_size=20), st.integers(13_000_000_000, 19_999_999_999))
def test_no_mobile_number_ever_stays(words: str, number: int) -> None:
    assert str(number) not in mask(f"{words}{number}{words}").text
