from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.domain.ticket import Elements
from routing.elements import COURSE_LIMIT, elements, read


def heard(*said: str, subject: tuple[str, ...] = ()) -> Elements:
    return elements([read(text) for text in said], subject)


@pytest.mark.parametrize(
    ("said", "time"),
    [
        ("今天早上停水了", "今天早上"),
        ("停水三天了", "三天"),
        ("已经停了两个星期", "两个星期"),
        ("从昨天晚上八点开始", "昨天晚上八点"),
        ("五月三号发生的", "五月三号"),
        ("凌晨两点半还在施工", "凌晨两点半"),
        ("昨天报修今天还没来", "昨天、今天"),
        ("我要投诉", ""),
    ],
)
def test_times_are_kept_as_said(said: str, time: str) -> None:
    assert heard(said).time == time


@pytest.mark.parametrize(
    ("said", "place"),
    [
        ("我住在阳光小区三号楼二单元三零二室今天停水", "阳光小区三号楼二单元302室"),
        ("阳光小区5号楼1单元201", "阳光小区5号楼1单元201"),
        ("人民路路口出车祸了", "人民路路口"),
        ("我是北京市朝阳区的居民", "北京市朝阳区"),
        ("地址是天河区建设路二十八号", "天河区建设路二十八号"),
        ("我家住阳光小区，三号楼，二单元", "阳光小区三号楼二单元"),
        ("前面十字路口撞车了", "十字路口"),
        ("人民路和解放路都堵着另外中山路也堵", "人民路和解放路"),
        ("和谐家园的厨房", "和谐家园厨房"),
        ("我们小区停水了", ""),
        ("今天马路上车很多", ""),
        ("三号楼", ""),
        ("", ""),
    ],
)
def test_places_are_kept_as_said_and_house_numbers_digit_true(said: str, place: str) -> None:
    assert heard(said).place == place


def test_the_fullest_place_wins_and_of_equals_the_last() -> None:
    assert heard("在人民路", "在中山路").place == "中山路"
    assert heard("东城区人民路五号", "人民路").place == "东城区人民路五号"
    assert heard("在阳光小区三号楼昨天去了人民路").place == "阳光小区三号楼"
    assert heard("人民路堵了要从中山路走").place == "中山路"


@pytest.mark.parametrize(
    ("said", "person"),
    [
        ("我姓王", "姓王"),
        ("我是李女士", "李女士"),
        ("我叫王小明我住在这里", "王小明"),
        ("我叫陈先生", "陈先生"),
        ("有三个工人和一个老人", "三个工人、一个老人"),
        ("我妈晕倒了", "我妈"),
        ("没有人", ""),
    ],
)
def test_persons_are_named_or_counted(said: str, person: str) -> None:
    assert heard(said).person == person


def test_a_stated_cause_goes_before_the_matter() -> None:
    assert heard("因为施工挖断水管所以停水了", subject=("停水",)).cause == "施工挖断水管"
    assert heard("停水了", subject=("停水",)).cause == "停水"
    assert heard("停水了").cause == ""


def test_the_course_is_what_was_said_of_the_matter() -> None:
    course = heard("你好", "停水了", "停水了没人管", "谢谢", subject=("停水",)).course

    assert course == "停水了没人管"
    assert heard("停水了没人管", "停水了", subject=("停水",)).course == course
    assert len(heard("停水" * 200, subject=("停水",)).course) == COURSE_LIMIT


@pytest.mark.parametrize(
    ("said", "outcome"),
    [
        ("希望你们尽快处理", "尽快处理"),
        ("要求退款", "退款"),
        ("我要赔偿", "我要赔偿"),
        ("快点来人", "快点来人"),
        ("什么时候来水", "什么时候来水"),
        ("麻烦帮我安排人员", "安排人员"),
        ("希望天气好", ""),
        ("请问一下", ""),
        ("请等一下我联系家里", ""),
        ("希望尽快处理谢谢你", "尽快处理"),
    ],
)
def test_the_wish_is_heard_or_stays_empty(said: str, outcome: str) -> None:
    assert heard(said).outcome == outcome


@given(
    st.lists(
        st.text(alphabet=st.one_of(st.sampled_from("人民路小区三号楼今天我叫王希望因为"), st.characters())), max_size=5
    )
)
def test_any_text_has_elements(said: list[str]) -> None:
    assert isinstance(heard(*said, subject=("路",)), Elements)
