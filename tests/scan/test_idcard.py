"""ID cards found among the lines of a page: whole entries or none, and nothing of what is no card."""

from __future__ import annotations

import itertools
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from villagecall.directory.codes import id_check
from villagecall.scan.idcard import Card, cards, differences, number_in
from villagecall.scan.text import Line

NUMBER = "11010519491231002X"
LI = Card(NUMBER, "李桂芳", "女", "汉", "1949-12-31", "青禾区柳溪镇柳溪村三组12号")


def front(
    number: str = NUMBER,
    *,
    x: int = 320,
    y: int = 160,
    name: str = "姓名 李桂芳",
    sex: str = "性别 女 民族 汉",
    birth: str = "出生 1949 年 12 月 31 日",
    address: tuple[str, ...] = ("住址 青禾区柳溪镇柳溪村三", "组 12 号"),
) -> list[Line]:
    """The lines of a card's front as they lie on an A4 copy, by their usual places."""
    lines = [Line(name, x + 10, y, 100, 16), Line(sex, x + 10, y + 28, 130, 16), Line(birth, x + 10, y + 54, 190, 16)]
    lines += [
        Line(text, x + 10 + 46 * bool(at), y + 80 + 18 * at, 230 - 46 * bool(at), 16) for at, text in enumerate(address)
    ]
    return [*lines, Line(f"公民身份号码 {number}", x + 10, y + 140, 340, 20)]


def made(seed: int) -> str:
    """A number with a right check character."""
    chance = Random(seed)
    year, month, day = chance.randint(1930, 2010), chance.randint(1, 12), chance.randint(1, 28)
    body = f"990101{year}{month:02}{day:02}{chance.randint(0, 999):03}"
    return body + id_check(body)


class TestACard:
    def test_is_read_whole(self) -> None:
        assert cards(front()) == [LI]

    def test_in_any_order_of_lines(self) -> None:
        lines = front()
        Random(1).shuffle(lines)
        assert cards(lines) == [LI]

    def test_labels_and_values_apart(self) -> None:
        lines = [line for line in front() if "姓名" not in line.text and "号码" not in line.text]
        lines += [Line("姓名", 330, 160, 40, 16), Line("李桂芳", 390, 161, 60, 16)]
        lines += [Line("公民身份号码", 330, 301, 110, 18), Line(NUMBER, 460, 300, 200, 20)]
        assert cards(lines) == [LI]

    @pytest.mark.parametrize("label", [[Line("住址", 330, 241, 37, 14)], []])
    def test_the_label_of_the_address_apart_or_not_read(self, label: list[Line]) -> None:
        lines = [line for line in front() if not line.text.startswith(("住址", "组"))]
        lines += [*label, Line("青禾区柳溪镇柳溪村三", 376, 239, 184, 16), Line("组 12 号", 376, 254, 80, 16)]
        assert cards(lines) == [LI]

    def test_what_is_read_in_the_picture_is_no_address(self) -> None:
        assert cards([*front(), Line("样张二", 560, 250, 40, 20), Line("图章", 570, 265, 40, 20)]) == [LI]

    def test_the_letters_that_look_like_digits(self) -> None:
        assert cards(front("1101O519491231OO2x")) == [LI]

    @pytest.mark.parametrize("people", ["蒙古", "土家", "维吾尔", "土"])
    def test_of_every_people(self, people: str) -> None:
        assert cards(front(sex=f"性别女民族{people}"))[0].people == people

    def test_a_name_with_a_dot(self) -> None:
        assert cards(front(name="姓名 阿依古丽·买买提"))[0].name == "阿依古丽·买买提"

    def test_two_on_one_page(self) -> None:
        other = made(7)
        lines = front() + front(
            other, y=560, name="姓名 王刚", birth="出生 1 年", sex="性别", address=("住址 柳溪镇白石村一组",)
        )
        first, second = cards(lines)
        assert first == LI
        assert (second.id_number, second.name, second.address) == (other, "王刚", "柳溪镇白石村一组")

    def test_two_side_by_side(self) -> None:
        other = made(8)
        narrow = [Line(line.text, 40 + (line.x - 320), line.y, line.w, line.h) for line in front()]
        beside = [Line(line.text, line.x + 220, line.y, line.w, line.h) for line in front(other, name="姓名 王刚")]
        found = cards([*narrow, *beside])
        assert [(card.id_number, card.name) for card in found] == [(NUMBER, "李桂芳"), (other, "王刚")]


class TestWhatIsNotTaken:
    def test_a_number_with_a_wrong_check_character(self) -> None:
        assert cards(front("110105194912310021")) == []

    def test_a_birth_and_sex_that_the_number_contradicts(self) -> None:
        (card,) = cards(front(sex="性别 男 民族 汉", birth="出生 1949 年 12 月 30 日"))
        assert (card.sex, card.birth) == ("", "")
        assert card.name == "李桂芳"

    def test_a_name_that_was_not_read_whole(self) -> None:
        assert cards(front(name="姓名 李"))[0].name == ""
        assert cards(front(name="姓名 李q芳"))[0].name == ""

    def test_the_number_of_a_form(self) -> None:
        form = [
            Line("姓名", 98, 145, 52, 24),
            Line("李桂芳", 262, 146, 71, 23),
            Line("身份证号", 100, 186, 89, 22),
            Line(NUMBER, 265, 190, 207, 18),
        ]
        assert cards(form) == []

    def test_a_page_without_anything(self) -> None:
        assert cards([]) == []
        assert cards([Line("居民身份证", 400, 100, 200, 30)]) == []

    def test_what_stands_far_above(self) -> None:
        assert cards([Line("姓名 赵铁柱", 330, 20, 100, 16), *front(y=600, name="(撕掉)")])[0].name == ""

    def test_the_back_and_headings_are_no_address(self) -> None:
        lines = [*front(), Line("居民身份证复印件", 400, 262, 120, 10)]
        assert cards(lines)[0].address == LI.address


class TestTheNumber:
    @given(st.integers(0, 10**6))
    def test_is_found_behind_its_label(self, seed: int) -> None:
        number = made(seed)
        assert number_in(f"公民身份号码 {number}") == number
        assert number_in(f"公民身份号码{number[:6]} {number[6:14]} {number[14:]}") == number

    @given(st.integers(0, 10**6), st.integers(0, 16), st.integers(1, 9))
    def test_every_wrong_digit_is_noticed(self, seed: int, at: int, by: int) -> None:
        number = made(seed)
        wrong = f"{number[:at]}{(int(number[at]) + by) % 10}{number[at + 1 :]}"
        assert number_in(wrong) == ""

    @given(st.text(max_size=40))
    def test_of_any_text_comes_a_right_number_or_none(self, text: str) -> None:
        found = number_in(text)
        assert not found or id_check(found[:17]) == found[17]


@given(st.lists(st.tuples(st.text(max_size=24), *itertools.repeat(st.integers(0, 1000), 4)), max_size=12))
def test_no_lines_are_too_strange(rows: list[tuple[str, int, int, int, int]]) -> None:
    lines = [Line(text, x, y, w, h) for text, x, y, w, h in rows]
    for card in cards([*lines, *front()]):
        assert number_in(card.id_number) == card.id_number


class TestComparing:
    def test_the_same_says_nothing(self) -> None:
        assert differences([LI], {"name": "李桂芳", "id_number": NUMBER}) == []
        assert differences([LI], {"name": " 李 桂芳 ", "id_number": NUMBER.lower()}) == []

    def test_another_number(self) -> None:
        (advice,) = differences([LI], {"name": "李桂芳", "id_number": made(3)})
        assert (advice.code, advice.field) == ("card_number", "applicant.id_number")
        assert advice.zh == "身份证号码与扫描件不一致,请核对。"

    def test_another_name_with_the_same_number(self) -> None:
        (advice,) = differences([LI], {"name": "李桂芬", "id_number": NUMBER})
        assert advice.code == "card_name"

    def test_one_of_several_cards_is_enough(self) -> None:
        other = Card(made(9), "王刚")
        assert differences([other, LI], {"name": "李桂芳", "id_number": NUMBER}) == []

    def test_silent_without_a_card_or_without_entries(self) -> None:
        assert differences([], {"name": "李桂芳", "id_number": NUMBER}) == []
        assert differences([LI], {"name": "", "id_number": ""}) == []

    def test_without_a_number_the_name_is_compared(self) -> None:
        assert differences([LI], {"name": "李桂芳"}) == []
        assert differences([LI], {"name": "赵铁柱"})[0].code == "card_name"
