"""Numbers with a check: they warn with a sentence, and block nothing."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stdnum.cn import ric, uscc

from villagecall.directory import codes

TODAY = date(2026, 11, 22)
GOOD_ID = "11010519491231002X"
"""The example of the standard."""
GOOD_ORG = "91110000600037341L"


def advice(number: str) -> list[str]:
    return [each.code for each in codes.check_resident_id(number, TODAY)]


def test_the_standards_own_example_is_right() -> None:
    assert advice(GOOD_ID) == []
    assert codes.id_facts(GOOD_ID) == codes.IdFacts("110105", date(1949, 12, 31), "女")


@pytest.mark.parametrize(
    "typed", ["11010519491231002x", "110105 19491231 002X", "110105-19491231-002X", "１10105194912310０2X"]
)
def test_how_people_type_it_does_not_matter(typed: str) -> None:
    assert advice(typed) == []


@pytest.mark.parametrize(
    ("number", "expected"),
    [
        ("110105194912310021", ["id_check"]),
        ("11010519491231002", ["id_form"]),
        ("110105491231002", ["id_old"]),
        ("11010519491331002X", ["id_check", "id_birth"]),
        ("", ["id_form"]),
        ("张三", ["id_form"]),
    ],
)
def test_each_fault_has_its_code(number: str, expected: list[str]) -> None:
    assert advice(number) == expected


def test_a_birth_in_the_future_and_one_too_long_ago_are_noticed() -> None:
    for birth in ("20270101", "18800101"):
        body = f"510811{birth}241"
        assert advice(body + codes.id_check(body)) == ["id_birth"]


def test_a_region_that_does_not_exist_is_noticed_and_a_foreigners_card_is_not() -> None:
    body = "20010119900101123"
    assert advice(body + codes.id_check(body)) == ["id_region"]
    body = "91124819900101123"
    assert advice(body + codes.id_check(body)) == []


def test_every_advice_speaks_both_languages_and_names_its_field() -> None:
    for number in ("1", "110105491231002", "110105194912310021", "11010519491331002X", "20010119900101123X"[:18]):
        for each in codes.check_resident_id(number, TODAY, "agent.id_number"):
            assert each.field == "agent.id_number"
            assert each.zh.endswith("。")
            assert each.en.endswith(".")


@given(st.dates(date(1900, 1, 1), TODAY), st.integers(0, 999))
def test_the_check_digit_agrees_with_an_independent_reader(birth: date, serial: int) -> None:
    body = f"110105{birth:%Y%m%d}{serial:03}"
    number = body + codes.id_check(body)
    assert advice(number) == []
    assert ric.is_valid(number)
    facts = codes.id_facts(number)
    assert facts is not None
    assert facts.birth == birth
    assert facts.sex == ("男" if serial % 2 else "女")


@given(st.integers(0, 16), st.integers(1, 9))
def test_every_single_wrong_digit_is_noticed(at: int, more: int) -> None:
    wrong = str((int(GOOD_ID[at]) + more) % 10)
    assert "id_check" in advice(GOOD_ID[:at] + wrong + GOOD_ID[at + 1 :])


def test_age_counts_full_years() -> None:
    facts = codes.IdFacts("510811", date(1966, 11, 22), "男")
    assert facts.age(date(2026, 11, 21)) == 59
    assert facts.age(date(2026, 11, 22)) == 60


def test_organisation_codes_warn() -> None:
    assert codes.check_organisation(GOOD_ORG) == []
    assert uscc.is_valid(GOOD_ORG)
    assert [each.code for each in codes.check_organisation("91110000600037341M")] == ["org_check"]
    assert [each.code for each in codes.check_organisation("9111000060003734IL")] == ["org_form"]
    assert [each.code for each in codes.check_organisation("9111")] == ["org_form"]


@given(st.text("0123456789ABCDEFGHJKLMNPQRTUWXY", min_size=9, max_size=9))
def test_the_organisation_check_agrees_with_an_independent_reader(tail: str) -> None:
    body = "91110000" + tail
    assert codes.organisation_check(body) == uscc.calc_check_digit(body)


@pytest.mark.parametrize(
    ("code", "kind", "expected"),
    [
        ("510811000000", "county", []),
        ("510811000000-01", "department", []),
        ("510811101000", "town", []),
        ("510811101201", "village", []),
        ("510811101201", "town", ["unit_form"]),
        ("510811000000", "town", ["unit_form"]),
        ("510811101000", "village", ["unit_form"]),
        ("5108111012", "village", ["unit_form"]),
        ("990811101201", "village", ["unit_region"]),
    ],
)
def test_unit_codes_warn(code: str, kind: Any, expected: list[str]) -> None:
    assert [each.code for each in codes.check_administrative(code, kind)] == expected
