from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from routing.numbers_zh import covered, digits, normal, telephone, value


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("三零二室", "302室"),
        ("三号楼二单元", "三号楼二单元"),
        ("三三两两", "三三两两"),
        ("一三八零零", "13800"),
        ("１２３号", "123号"),
    ],
)
def test_runs_of_spoken_digits_become_arabic(said: str, shown: str) -> None:
    assert digits(said) == shown


@pytest.mark.parametrize(
    ("said", "number"),
    [
        ("我的电话是一三八零零零零五六七八", "13800005678"),
        ("幺三八 零零零零 幺二三四", "13800001234"),
        ("号码138-0000-1234谢谢", "13800001234"),
        ("座机八二三四五六七", "8234567"),
        ("零四七六八二三四五六七", "04768234567"),
        ("三号楼二单元一三八零零零零五六七八", "13800005678"),
        ("一二三", ""),
        ("一三八零零零零五六七", ""),
        ("", ""),
    ],
)
def test_a_telephone_number_is_digit_true_or_absent(said: str, number: str) -> None:
    assert telephone(said) == number


@pytest.mark.parametrize(
    ("said", "worth"),
    [
        ("零", 0),
        ("十", 10),
        ("十二", 12),
        ("二十", 20),
        ("两百零五", 205),
        ("一百二", 120),
        ("三千五", 3500),
        ("三千零五", 3005),
        ("一万", 10000),
        ("一万两千", 12000),
        ("三万五", 35000),
        ("幺幺九", 119),
        ("25", 25),
        ("一亿", 10**8),
        ("", None),
        ("几个", None),
        ("一二十", None),
        ("一百个", None),
    ],
)
def test_a_counted_number_has_its_worth(said: str, worth: int | None) -> None:
    assert value(said) == worth


@given(st.text(alphabet=st.one_of(st.sampled_from("零一二三十百千万亿幺两"), st.characters()), max_size=20))
def test_any_text_can_be_read(text: str) -> None:
    assert telephone(text) == "" or telephone(text).isdigit()
    digits(text)
    value(text)


@pytest.mark.parametrize(
    ("said", "written"),
    [
        ("电话幺三八，零零零零，零零零零", "电话13800000000"),
        ("打138-0000-0000找我", "打13800000000找我"),
        ("三零二室，幺三八零零零零零零零零", "302室，13800000000"),
        ("三三两两", "三三两两"),
        ("编号一二三，四五", "编号123，四五"),
    ],
)
def test_a_telephone_number_is_written_in_one_run_however_it_was_said(said: str, written: str) -> None:
    assert normal(said) == written


@pytest.mark.parametrize(
    ("text", "hidden"),
    [
        ("身份证11010119900101001X", "身份证***001X"),
        ("卡号6222000000000000000。", "卡号***0000。"),
        ("老证110101900101001", "老证***1001"),
        ("电话13800000000", "电话13800000000"),
        ("编号20261122-000042", "编号20261122-000042"),
    ],
)
def test_numbers_of_identity_and_bank_cards_show_only_their_end(text: str, hidden: str) -> None:
    assert covered(text) == hidden
