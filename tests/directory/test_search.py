"""Finding an item: any two characters, pinyin, field, department; the likeliest first."""

from __future__ import annotations

from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.clock import FixedClock
from tests.support.county import small_county, small_vault
from villagecall.adapters.memory import MemoryJournal
from villagecall.directory import pinyin
from villagecall.directory.model import Item, Material
from villagecall.directory.records import stream_id
from villagecall.directory.search import Index, normal

DEPARTMENTS = {"d1": "县民政局", "d2": "县行政审批局"}
NAMES = (
    "老年人优待证申领",
    "申领《四川省老年人优待证》",
    "企业职工参保登记",
    "企业注销登记",
    "银行业金融机构备案",
    "《出生医学证明》首次签发",
    "临时救助",
    "绿化工程验收",
)


def item(name: str, *, department: str = "d1", described: bool = False, field: str = "民政") -> Item:
    return Item(
        item_id=stream_id("item", name),
        code=f"C-{NAMES.index(name):03}" if name in NAMES else name,
        version=1,
        name=name,
        field=field,
        level="town",
        department=department,
        materials=(Material(code="id", name="身份证"),) if described else (),
    )


INDEX = Index([item(name) for name in NAMES], DEPARTMENTS)


def found(text: str) -> list[str]:
    return [each.name for each in INDEX.find(text)]


@pytest.mark.parametrize("name", NAMES)
def test_any_two_characters_of_a_name_find_it(name: str) -> None:
    for pair in combinations(normal(name), 2):
        assert name in found("".join(pair)), pair


@given(st.sampled_from(NAMES), st.data())
def test_any_run_of_a_name_finds_it_before_scattered_characters(name: str, data: st.DataObject) -> None:
    plain = normal(name)
    start = data.draw(st.integers(0, len(plain) - 2))
    run = plain[start : data.draw(st.integers(start + 2, len(plain)))]
    hits = found(run)
    assert name in hits
    with_run = [hit for hit in hits if run in normal(hit)]
    assert hits[: len(with_run)] == with_run


@pytest.mark.parametrize(
    "typed", ["lnr", "laonian", "laonianren", "LaoNian", "lnrydz", "lnryoudai", "ydz", "laonr", "lao nian", "youd"]
)
def test_letters_of_the_pinyin_find_the_name(typed: str) -> None:
    assert "老年人优待证申领" in found(typed)


def test_all_readings_of_a_character_count() -> None:
    assert found("yinhang") == found("yinxing") == ["银行业金融机构备案"]
    assert found("lvhua") == ["绿化工程验收"]


def test_letters_match_from_the_beginning_of_a_character_only() -> None:
    assert pinyin.place("ao", pinyin.syllables("老年"), pinyin.initials(pinyin.syllables("老年"))) == -1
    assert found("aonian") == []


def test_the_likeliest_comes_first() -> None:
    assert found("老年人优待证申领")[0] == "老年人优待证申领"
    assert found("申领")[:2] == ["申领《四川省老年人优待证》", "老年人优待证申领"]
    assert found("企业登记")[0] in ("企业注销登记", "企业职工参保登记")


def test_several_words_must_all_be_found() -> None:
    assert found("企业 注销") == ["企业注销登记"]
    assert found("企业 老年") == []


def test_punctuation_and_width_do_not_matter() -> None:
    assert found("出生医学证明首次")[0] == "《出生医学证明》首次签发"
    assert found("《老年人》")[0] == "老年人优待证申领"
    assert found("ｌｎｒ")


def test_field_department_and_code_find_items() -> None:
    index = Index([item("临时救助"), item("甲乙丙", department="d2", field="市场")], DEPARTMENTS)
    assert [each.name for each in index.find("行政审批")] == ["甲乙丙"]
    assert [each.name for each in index.find("市场")] == ["甲乙丙"]
    assert [each.name for each in index.find("c-006")] == ["临时救助"]


def test_an_item_that_can_be_opened_comes_before_a_bare_line_that_matches_as_well() -> None:
    bare, whole = item("企业登记一"), item("企业登记二", described=True)
    assert Index([bare, whole], {}).find("企业登记") == [whole, bare]
    assert Index([bare, whole], {}).find() == [whole, bare]


def test_nothing_typed_lists_everything_and_punctuation_alone_finds_nothing() -> None:
    assert len(INDEX.find("  ")) == len(INDEX) == len(NAMES)
    assert INDEX.find("《》") == []


@given(st.text(max_size=30))
def test_whatever_is_typed_is_answered(text: str) -> None:
    assert len(INDEX.find(text)) <= len(NAMES)


async def test_the_directory_filters_what_it_finds() -> None:
    county = await small_county(MemoryJournal(), small_vault(), FixedClock())
    directory = county.directory
    assert directory.items("民政") == [county.subsidy, county.card]
    assert directory.items(level="town") == [county.card]
    assert directory.items(field="市场监管") == [county.filing]
    assert directory.items(department=county.civil.code, level="district") == [county.subsidy]
    assert directory.items(described_only=False) == []
