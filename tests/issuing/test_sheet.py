from __future__ import annotations

from datetime import UTC, date, datetime
from uuid import uuid4

import pytest

from villagecall.case import Case, Step
from villagecall.directory.model import FormField, Item, Reason, Template, Unit
from villagecall.issuing.sheet import (
    Holder,
    born,
    chinese_date,
    compose,
    fill,
    official_name,
    plain_date,
    refusal,
    sex,
    typeset,
    years_on,
)

AT = datetime(2026, 9, 23, 1, 30, tzinfo=UTC)
LI = Holder("李桂芳", "11010519491231002X", "13800130000", "柳溪村3组12号")


def unit(name: str, kind: str, code: str = "519900101000") -> Unit:
    return Unit.model_validate(
        {"unit_id": uuid4(), "code": code, "name": name, "kind": kind, "parent": "", "since": date(2023, 1, 1)}
    )


def item(template: Template) -> Item:
    return Item(
        item_id=uuid4(),
        code="X",
        version=1,
        name="食品小经营店备案",
        level="town",
        department="d",
        form=(FormField(code="shop", label="店名"), FormField(code="area", label="面积")),
        refusals=(Reason(code="age", label="未满六十", sentence="经审查,申请人未满六十周岁。", basis="《某法》"),),
        template=template,
    )


def compose_as(kind: str, text: str = "", **more: object) -> tuple[tuple[tuple[str, str], ...], str]:
    template = Template.model_validate({"code": "t", "title": "某证", "kind": kind, "word": "某", "text": text, **more})
    case = Case(case_id=uuid4(), number="DH20260923-0001", decided=AT)
    sheet = compose(
        case,
        item(template),
        template,
        LI,
        {"shop": "桂芳小吃", "area": "32.5", "unknown": "x"},
        number="某〔2026〕0001号",
        code="T8JEEKDPZDB4",
        unit="青禾区市场监督管理局",
        village="柳溪村",
        url="http://x/v/T8JEEKDPZDB4",
        issued=AT,
    )
    return sheet.rows, sheet.text


@pytest.mark.parametrize(
    ("day", "chinese", "plain"),
    [
        (date(2026, 11, 22), "二〇二六年十一月二十二日", "2026年11月22日"),
        (date(2030, 1, 10), "二〇三〇年一月十日", "2030年1月10日"),
        (date(2005, 10, 31), "二〇〇五年十月三十一日", "2005年10月31日"),
    ],
)
def test_dates_as_certificates_write_them(day: date, chinese: str, plain: str) -> None:
    assert (chinese_date(day), plain_date(day)) == (chinese, plain)


def test_the_id_number_tells_birth_and_sex() -> None:
    assert (born(LI.id_number), sex(LI.id_number)) == (date(1949, 12, 31), "女")
    assert (born("123"), sex("123"), born("11010519491331002X")) == (None, "", None)


def test_validity_ends_the_day_before_the_anniversary() -> None:
    assert years_on(date(2026, 9, 23), 3) == date(2029, 9, 22)
    assert years_on(date(2028, 2, 29), 1) == date(2029, 2, 28)


@pytest.mark.parametrize(
    ("name", "kind", "full"),
    [
        ("东河镇", "town", "青禾区东河镇人民政府"),
        ("凤凰乡", "town", "青禾区凤凰乡人民政府"),
        ("城北街道", "town", "青禾区城北街道办事处"),
        ("区民政局", "department", "青禾区民政局"),
        ("县民政局", "department", "青禾区民政局"),
        ("青禾区民政局", "department", "青禾区民政局"),
    ],
)
def test_the_name_in_the_seal(name: str, kind: str, full: str) -> None:
    assert official_name(unit(name, kind), unit("青禾区", "county", "519900000000")) == full


def test_punctuation_beside_chinese_is_full_width() -> None:
    assert typeset("经审查,准予(含附页)。面积:32.5,a,b") == "经审查，准予（含附页）。面积：32.5,a,b"


def test_a_text_is_filled_and_what_is_missing_stays_a_dash() -> None:
    assert fill("{holder}的{shop}:{gone}", {"holder": "李桂芳", "shop": ""}) == "李桂芳的——：——"
    assert fill("坏的{括号", {}) == "坏的{括号"
    assert fill("{holder.__class__}", {"holder": "x"}) == "{holder.__class__}"


def test_a_card_shows_the_person() -> None:
    rows, text = compose_as("card")
    assert rows == (
        ("姓名", "李桂芳"),
        ("性别", "女"),
        ("出生日期", "1949年12月31日"),
        ("身份证号", "11010519491231002X"),
        ("住址", "柳溪村3组12号"),
    )
    assert len(text.split("\n")) == 4


@pytest.mark.parametrize("kind", ["filing", "permit"])
def test_a_filing_shows_item_form_and_number(kind: str) -> None:
    rows, text = compose_as(kind)
    assert ("店名", "桂芳小吃") in rows
    assert ("受理编号", "DH20260923-0001") in rows
    assert not any(label == "unknown" for label, _ in rows)
    assert "食品小经营店备案" in text


def test_the_templates_own_words_come_first() -> None:
    assert compose_as("notice", "准予{holder}经营{shop},有效。")[1] == "准予李桂芳经营桂芳小吃，有效。"


def test_a_refusal_gives_grounds_basis_and_remedies() -> None:
    step = Step(level="town", unit="u", person=uuid4(), at=AT, result="refused", reasons=("age",), opinion="另见附页。")
    case = Case(case_id=uuid4(), number="DH1", submitted=AT, decided=AT, steps=(step,))
    template = Template(code="t", title="某证", kind="card", word="某")
    sheet = refusal(
        case, item(template), LI, number="某不予〔2026〕0001号", code="c", unit="u", url="http://x", issued=AT
    )
    assert sheet.reasons == ("经审查，申请人未满六十周岁。", "另见附页。")
    assert "《某法》" in sheet.text and "2026年9月23日" in sheet.text
    assert "六十日" in sheet.remedy and "六个月" in sheet.remedy
