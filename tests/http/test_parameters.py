"""Parameters: the guard refuses what the description does not allow, and says why in a sentence."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, Field, ValidationError

from villagecall.http.models.case import EnterApplicant, FillForm, Rate, TurnPage
from villagecall.http.parameters import PATH_PARAMETERS, QUERY_PARAMETERS, faults, path_of
from villagecall.http.table import ROUTES
from villagecall.http.words import sentences

ITEMS = next(route for route in ROUTES if route.op == "items")
CASE = next(route for route in ROUTES if route.op == "case")
CHECKER = jsonschema.FormatChecker(["uuid", "date"])


def typed(text: str, schema: dict[str, Any]) -> Any:
    """The text of a parameter as the value that the schema speaks of."""
    if schema["type"] == "integer":
        try:
            return int(text)
        except ValueError:
            return text
    return {"true": True, "false": False}.get(text, text) if schema["type"] == "boolean" else text


@given(
    st.sampled_from(sorted(QUERY_PARAMETERS)),
    st.one_of(
        st.text(st.characters(exclude_characters="\x00", codec="utf-8"), min_size=1, max_size=250),
        st.integers(-5, 1200).map(str),
        st.dates().map(str),
        st.sampled_from(["town", "district", "county", "true", "false", "2026-02-30"]),
    ),
)
def test_the_guard_judges_as_the_schema_does(name: str, text: str) -> None:
    route = next(route for route in ROUTES if name in route.query)
    schema = QUERY_PARAMETERS[name]
    fine = jsonschema.Draft202012Validator(schema, format_checker=CHECKER).is_valid(typed(text, schema))
    said = faults(route, {}, {name: text})
    if schema["type"] == "integer" and fine:
        assert not said or not text.lstrip("-").isascii() or not text.lstrip("-").isdigit()
    else:
        assert (not said) == fine, (said, text)


def test_every_parameter_of_every_route_is_described() -> None:
    for route in ROUTES:
        assert set(path_of(route)[1]) <= set(PATH_PARAMETERS)
        assert set(route.query) <= set(QUERY_PARAMETERS)


@given(st.uuids())
def test_an_id_is_taken_in_its_one_spelling(value: UUID) -> None:
    assert faults(CASE, {"case_id": str(value)}, {}) == {}
    assert faults(CASE, {"case_id": str(value).upper()}, {}) == {}
    for odd in (value.hex, f"{{{value}}}", f"urn:uuid:{value}", f"{value} "):
        assert faults(CASE, {"case_id": odd}, {}) == {"case_id": "不是有效的编号"}


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ({"limit": "0"}, {"limit": "不能小于 1"}),
        ({"limit": "999"}, {"limit": "不能大于 200"}),
        ({"limit": "1e2"}, {"limit": "应为整数"}),
        ({"level": "x"}, {"level": "应为 town、district 之一"}),
        ({"q": "x" * 201}, {"q": "太长,最多 200 个字"}),
        ({"q": "\x00"}, {"q": "含有不能使用的字符"}),
        ({"unknown": "x"}, {}),
        ({"limit": ""}, {}),
    ],
)
def test_each_fault_has_its_sentence(query: dict[str, str], said: dict[str, str]) -> None:
    assert faults(ITEMS, {}, query) == said


@pytest.mark.parametrize(
    ("model", "body", "said"),
    [
        (Rate, {"level": 0}, {"level": "不能小于 1"}),
        (Rate, {"level": "many"}, {"level": "应为整数"}),
        (Rate, {}, {"level": "这一项必须填写"}),
        (Rate, {"level": 5, "stars": 5}, {"stars": "没有这一项"}),
        (TurnPage, {"degrees": 45}, {"degrees": "应为 90, 180 or 270 之一"}),
        (EnterApplicant, {"applicant": {"name": "x" * 201}}, {"applicant.name": "太长,最多 200 个字"}),
        (EnterApplicant, {"applicant": {"name": "李\x00桂芳"}}, {"applicant.name": "含有不能使用的字符"}),
        (EnterApplicant, {"applicant": {"name": "李\u202e芳桂"}}, {"applicant.name": "含有不能使用的字符"}),
        (FillForm, {"values": {"purpose": "\x1b[2J"}}, {"values.purpose": "含有不能使用的字符"}),
        (EnterApplicant, {"applicant": "x"}, {"applicant": "应为一组内容"}),
        (EnterApplicant, "x", {"body": "应为一组内容"}),
    ],
)
def test_fields_of_a_body_are_named_by_their_path(model: type[BaseModel], body: Any, said: dict[str, str]) -> None:
    with pytest.raises(ValidationError) as caught:
        model.model_validate(body)
    assert sentences(caught.value) == said


@pytest.mark.parametrize("text", ["柳溪村3组", "第一行\n第二行\t完", "𠮷野家", "ᠮᠣᠩᠭᠣᠯ", ""])
def test_what_people_write_in_any_script_is_taken(text: str) -> None:
    assert FillForm.model_validate({"values": {"purpose": text}}).values == {"purpose": text}


def test_a_fault_we_have_no_words_for_still_has_a_sentence() -> None:
    class Odd(BaseModel):
        sevens: int = Field(multiple_of=7)

    with pytest.raises(ValidationError) as caught:
        Odd.model_validate({"sevens": 8})
    assert sentences(caught.value) == {"sevens": "内容不符合要求"}
