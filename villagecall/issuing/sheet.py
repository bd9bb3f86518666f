"""What stands on a certificate (pure): from a case and its item to the words on the paper."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime

from villagecall.case import Case
from villagecall.directory.model import Item, Template, Unit
from villagecall.issuing.number import SHANGHAI

_DIGITS = "〇一二三四五六七八九"

CARD_RULES = (
    "本证仅限持证人本人使用，不得转借、涂改、伪造。",
    "持证人凭本证按规定享受相应待遇和服务。",
    "证件遗失或损坏，请持身份证到所在村（社区）便民服务站申请补发。",
    "情况发生变化不再符合条件的，应当交回本证。",
)
REMEDY = (
    "如不服本决定，可以自收到本决定之日起六十日内依法申请行政复议，"
    "或者自收到本决定之日起六个月内依法向人民法院提起行政诉讼。"
)
"""Administrative Reconsideration Law art. 20 (60 days), Administrative Litigation Law art. 46 (6 months)."""


REFUSAL_TITLE = "不予办理决定书"


@dataclass(frozen=True, slots=True)
class Holder:
    """The applicant in full, out of the vault. Never logged, never stored outside the certificate."""

    name: str
    id_number: str = ""
    phone: str = ""
    address: str = ""


@dataclass(frozen=True, slots=True)
class Sheet:
    """Everything a certificate shows. ``rows`` are label and value; ``issued`` is aware."""

    kind: str
    title: str
    number: str
    code: str
    holder: str
    item: str
    unit: str
    issued: datetime
    rows: tuple[tuple[str, str], ...]
    text: str
    url: str
    valid_until: date | None = None
    photo: bytes | None = None
    wants_photo: bool = False
    reasons: tuple[str, ...] = ()
    remedy: str = ""


def chinese_date(day: date) -> str:
    """二〇二六年十一月二十二日."""
    year = "".join(_DIGITS[int(digit)] for digit in str(day.year))
    return f"{year}年{_small(day.month)}月{_small(day.day)}日"


def _small(value: int) -> str:
    tens, ones = divmod(value, 10)
    head = "" if tens == 0 else ("十" if tens == 1 else _DIGITS[tens] + "十")
    return head + (_DIGITS[ones] if ones else "")


def plain_date(day: date) -> str:
    """2026年11月22日, as official papers (GB/T 9704) date themselves."""
    return f"{day.year}年{day.month}月{day.day}日"


def official_name(unit: Unit, county: Unit | None) -> str:
    """The name in a unit's seal: the county's name in front, a town by its government.

    区民政局 of 青禾区 seals as 青禾区民政局, 东河镇 as 青禾区东河镇人民政府.
    """
    name, home = unit.name, county.name if county and county.code != unit.code else ""
    if unit.kind == "town" and name.endswith(("镇", "乡")):
        name += "人民政府"
    elif unit.kind == "town" and name.endswith("街道"):
        name += "办事处"
    if not home or name.startswith(home):
        return name
    return home + name[1:] if name[0] in "区县市" else home + name


def local_day(at: datetime) -> date:
    return at.astimezone(SHANGHAI).date()


def born(id_number: str) -> date | None:
    """The day of birth in a resident ID number (GB 11643); None when there is none."""
    try:
        return (
            date(int(id_number[6:10]), int(id_number[10:12]), int(id_number[12:14])) if len(id_number) == 18 else None
        )
    except ValueError:
        return None


def sex(id_number: str) -> str:
    """The 17th digit of a resident ID number: odd 男, even 女."""
    if len(id_number) != 18 or not id_number[16].isdigit():
        return ""
    return "男" if int(id_number[16]) % 2 else "女"


def years_on(day: date, years: int) -> date:
    """The last day of a validity of ``years`` that begins on ``day``."""
    try:
        anniversary = day.replace(year=day.year + years)
    except ValueError:  # 29 February
        anniversary = date(day.year + years, 3, 1)
    return date.fromordinal(anniversary.toordinal() - 1)


_WIDE = str.maketrans(dict(zip(",:;?!()", "\uff0c\uff1a\uff1b\uff1f\uff01\uff08\uff09", strict=True)))
_NEAR_CHINESE = re.compile(r"(?<=[\u3400-\u9fff”》—])[,:;?!()]|[()](?=[\u3400-\u9fff“《])")


def typeset(text: str) -> str:
    """Punctuation beside Chinese characters in full width, as print has it (GB/T 15834)."""
    return _NEAR_CHINESE.sub(lambda found: found[0].translate(_WIDE), text)


def fill(text: str, words: Mapping[str, str]) -> str:
    """Put ``words`` into the braces of a template's text; what is not known stays a dash.

    Only plain names are looked up: a template is data and reaches nothing else.
    """
    return typeset(re.sub(r"\{(\w+)\}", lambda found: words.get(found[1]) or "——", text))


def compose(
    case: Case,
    item: Item,
    template: Template,
    holder: Holder,
    form: Mapping[str, str],
    *,
    number: str,
    code: str,
    unit: str,
    village: str,
    url: str,
    issued: datetime,
    photo: bytes | None = None,
) -> Sheet:
    """The certificate of an approved case. ``unit`` and ``village`` are names."""
    day = local_day(issued)
    until = years_on(day, template.valid_years) if template.valid_years else None
    labels = {field.code: field.label for field in item.form}
    shown = tuple((labels[code_], value) for code_, value in form.items() if value and code_ in labels)
    decided = local_day(case.decided or issued)
    words = {
        **form,
        "holder": holder.name,
        "name": holder.name,
        "id_number": holder.id_number,
        "address": holder.address,
        "item": item.name,
        "number": number,
        "unit": unit,
        "village": village,
        "date": plain_date(day),
        "decided": plain_date(decided),
        "valid": plain_date(until) if until else "",
    }
    return Sheet(
        kind=template.kind,
        title=template.title,
        number=number,
        code=code,
        holder=holder.name,
        item=item.name,
        unit=unit,
        issued=issued,
        rows=_card_rows(holder, village) if template.kind == "card" else _rows(case, item, holder, shown, decided),
        text=fill(template.text, words) or _default_text(template.kind, words),
        url=url,
        valid_until=until,
        photo=photo,
        wants_photo=template.photo,
    )


def refusal(
    case: Case, item: Item, holder: Holder, *, number: str, code: str, unit: str, url: str, issued: datetime
) -> Sheet:
    """The written decision of a refused case: its grounds out of the item's own list, and the remedies."""
    step = next((step for step in reversed(case.steps) if step.result == "refused"), None)
    chosen = step.reasons if step else ()
    grounds = {reason.code: reason for reason in item.refusals}
    reasons = [grounds[each].sentence if each in grounds else each for each in chosen]
    if step and step.opinion:
        reasons.append(step.opinion)
    bases = tuple(dict.fromkeys(grounds[each].basis for each in chosen if each in grounds and grounds[each].basis))
    basis = f"依据{'、'.join(bases)}，" if bases else ""
    applied = f"于{plain_date(local_day(case.submitted))}" if case.submitted else ""
    text = f"你{applied}提出的“{item.name}”申请（受理编号{case.number}），经审查，存在下列情形，{basis}决定不予办理："
    return Sheet(
        kind="notice",
        title=REFUSAL_TITLE,
        number=number,
        code=code,
        holder=holder.name,
        item=item.name,
        unit=unit,
        issued=issued,
        rows=(),
        text=typeset(text),
        url=url,
        reasons=tuple(typeset(reason) for reason in reasons),
        remedy=REMEDY,
    )


def _card_rows(holder: Holder, village: str) -> tuple[tuple[str, str], ...]:
    day = born(holder.id_number)
    rows = (
        ("姓名", holder.name),
        ("性别", sex(holder.id_number)),
        ("出生日期", plain_date(day) if day else ""),
        ("身份证号", holder.id_number),
        ("住址", holder.address or village),
    )
    return tuple(row for row in rows if row[1])


def _rows(
    case: Case, item: Item, holder: Holder, shown: tuple[tuple[str, str], ...], decided: date
) -> tuple[tuple[str, str], ...]:
    rows = (
        ("事项名称", item.name),
        ("申请人", holder.name),
        ("身份证号", holder.id_number),
        ("住址", holder.address),
        *shown[:5],
        ("受理编号", case.number),
        ("决定日期", plain_date(decided)),
    )
    return tuple(row for row in rows if row[1])


def _default_text(kind: str, words: Mapping[str, str]) -> str:
    if kind == "card":
        return "\n".join(CARD_RULES)
    if kind == "filing":
        return f"你（单位）申请的“{words['item']}”，材料齐全、符合规定形式，予以备案。特发此证。"
    if kind == "permit":
        return f"经审查，{words['holder']}申请的“{words['item']}”符合法定条件、标准，准予许可。特发此证。"
    return f"你申请的“{words['item']}”，经审查符合规定条件，决定准予办理。本决定自{words['date']}起生效。"
