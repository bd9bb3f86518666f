from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from villagecall.issuing.number import (
    CODE_LENGTH,
    CROCKFORD,
    Number,
    licence_check,
    licence_id,
    new_code,
    parse,
    read_code,
    scope,
    show_code,
    valid_licence_id,
)


def test_a_number_reads_as_people_quote_it() -> None:
    assert str(Number("青禾(老优)", 2026, 7)) == "青禾(老优)〔2026〕0007号"
    assert parse("青禾(老优)〔2026〕0007号") == Number("青禾(老优)", 2026, 7)
    assert parse("青禾(老优)〔2026〕12345号") == Number("青禾(老优)", 2026, 12345)
    assert parse("青禾(老优)2026-7") is None


def test_the_year_is_that_of_the_decision_in_china() -> None:
    late = datetime(2026, 12, 31, 16, 30, tzinfo=UTC)
    assert scope("优", late) == ("certificate:优:2027", 2027)


def test_codes_differ_and_are_twelve_characters() -> None:
    codes = {new_code() for _ in range(500)}
    assert len(codes) == 500
    assert all(len(code) == CODE_LENGTH and set(code) <= set(CROCKFORD) for code in codes)


def test_a_code_is_read_however_it_is_typed() -> None:
    assert show_code("T8JEEKDPZDB4") == "T8JE-EKDP-ZDB4"
    for typed in ("t8je-ekdp-zdb4", " T8JE EKDP ZDB4 ", "t8jeekdpzdb4"):
        assert read_code(typed) == "T8JEEKDPZDB4"


def test_letters_that_look_like_digits_are_digits() -> None:
    code = next(code for code in iter(new_code, "") if "0" in code and "1" in code)
    assert read_code(code.replace("0", "o").replace("1", "l")) == code
    assert read_code(code.replace("1", "I")) == code


@given(st.integers(0, CODE_LENGTH - 1), st.sampled_from(CROCKFORD))
def test_one_wrong_character_is_always_found(at: int, char: str) -> None:
    code = new_code()
    wrong = code[:at] + char + code[at + 1 :]
    assert read_code(wrong) == (code if wrong == code else None)


@given(st.integers(0, CODE_LENGTH - 2), st.integers(1, CODE_LENGTH - 1))
def test_two_swapped_characters_are_always_found(first: int, step: int) -> None:
    code = new_code()
    second = min(CODE_LENGTH - 1, first + step)
    chars = list(code)
    chars[first], chars[second] = chars[second], chars[first]
    swapped = "".join(chars)
    assert read_code(swapped) == (code if swapped == code else None)


@pytest.mark.parametrize("text", ["", "T8JE", "T8JE-EKDP-ZDB4-0", "T8JEEKDPZDBU", "查验码查验码查验码查验码"])
def test_what_cannot_be_a_code_is_none(text: str) -> None:
    assert read_code(text) is None


def test_iso_7064_example() -> None:
    """A1-2425G-ABC1234002-M is the worked example of the Global Release Identifier, MOD 37,36."""
    assert licence_check("A1", "2425G", "ABC1234002", "") == "M"


def test_licence_identifier_has_five_parts_after_the_root() -> None:
    made = licence_id("11100000000013338W001", "11510000MB1519463C", "20260007")
    assert made.startswith("1.2.156.3005.2.11100000000013338W001.11510000MB1519463C.20260007.001.")
    assert valid_licence_id(made)
    assert not valid_licence_id(made.replace("20260007", "20260008"))
    assert not valid_licence_id("1.2.156.3005.2.A.B")
    assert not valid_licence_id("2.5.4.3")
    with pytest.raises(ValueError, match="letters and digits"):
        licence_id("A-1", "B", "C")
