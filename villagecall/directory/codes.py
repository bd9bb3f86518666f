"""Numbers that carry a check: resident ID, organisation code, administrative code (pure).

All of them *warn and never block*: some lawfully issued numbers fail the rule, and a paper in the
applicant's hand is worth more than arithmetic. Advice names the field and says what to look at.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from datetime import date
from typing import Literal

_ID_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_ID_CHECK = "10X98765432"
_ORG_ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"
_OLDEST = 130

_SPANS = ((11, 15), (21, 23), (31, 37), (41, 46), (50, 54), (61, 65), (71, 71), (81, 83))
PROVINCES = frozenset(str(number) for low, high in _SPANS for number in range(low, high + 1))
"""First two digits (GB/T 2260); 81–83 are the residence permits of Hong Kong, Macao and Taiwan people."""
_FOREIGN = "9"
"""Permanent residence cards of foreigners begin with 9 and follow the same rule."""


@dataclass(frozen=True, slots=True)
class Advice:
    """Something to look at that does not block. ``code`` is stable."""

    code: str
    field: str
    zh: str
    en: str


@dataclass(frozen=True, slots=True)
class IdFacts:
    """What a resident ID number says of its holder."""

    region: str
    birth: date
    sex: Literal["男", "女"]

    def age(self, today: date) -> int:
        """Full years on ``today``."""
        return today.year - self.birth.year - ((today.month, today.day) < (self.birth.month, self.birth.day))


def clean(number: str) -> str:
    """Full-width digits, blanks, hyphens and a small x are how people type it."""
    return re.sub(r"[\s\-]+", "", unicodedata.normalize("NFKC", number)).upper()


def id_check(digits: str) -> str:
    """The check character of the first 17 digits (GB 11643: ISO 7064 MOD 11-2)."""
    return _ID_CHECK[sum(int(digit) * weight for digit, weight in zip(digits, _ID_WEIGHTS, strict=True)) % 11]


def id_facts(number: str) -> IdFacts | None:
    """Region, birth and sex; None where the number does not have the form or names no date."""
    number = clean(number)
    if not re.fullmatch(r"[0-9]{17}[0-9X]", number):
        return None
    try:
        birth = date(int(number[6:10]), int(number[10:12]), int(number[12:14]))
    except ValueError:
        return None
    return IdFacts(number[:6], birth, "男" if int(number[16]) % 2 else "女")


def check_resident_id(number: str, today: date, field: str = "id_number") -> list[Advice]:
    """Advice on a resident ID number (GB 11643-1999); empty when there is nothing to say."""
    number = clean(number)

    def advise(code: str, zh: str, en: str) -> list[Advice]:
        return [Advice(code, field, zh, en)]

    if re.fullmatch(r"[0-9]{15}", number):
        return advise(
            "id_old",
            "这是 15 位的旧身份证号码,请核对证件,按新证填写 18 位号码。",
            "This is an old number of 15 digits; enter the 18 digits of the present card.",
        )
    if not re.fullmatch(r"[0-9]{17}[0-9X]", number):
        return advise(
            "id_form",
            f"身份证号码应为 18 位,现在是 {len(number)} 位,或含有不该有的字符,请对照证件核对。",
            f"An ID number has 18 characters, this has {len(number)} or holds others than digits; compare the card.",
        )
    found: list[Advice] = []
    if id_check(number[:17]) != number[17]:
        found += advise(
            "id_check",
            "身份证号码校验位不符,可能有一位输错,请对照证件逐位核对。",
            "The check digit does not fit: one digit may be wrong; compare the card digit by digit.",
        )
    if number[:2] not in PROVINCES and number[0] != _FOREIGN:
        found += advise(
            "id_region",
            f"身份证号码开头的地区代码 {number[:2]} 不存在,请核对前两位。",
            f"There is no region {number[:2]}; check the first two digits.",
        )
    facts = id_facts(number)
    if facts is None:
        found += advise(
            "id_birth",
            "身份证号码中的出生日期不存在,请核对第 7 到 14 位。",
            "The date of birth in the number does not exist; check digits 7 to 14.",
        )
    elif facts.birth > today or facts.age(today) > _OLDEST:
        found += advise(
            "id_birth",
            f"身份证号码中的出生日期是 {facts.birth.isoformat()},请核对第 7 到 14 位。",
            f"The date of birth in the number is {facts.birth.isoformat()}; check digits 7 to 14.",
        )
    return found


def organisation_check(body: str) -> str:
    """The check character of the first 17 characters (GB 32100-2015): weights 3^i mod 31."""
    total = sum(_ORG_ALPHABET.index(char) * pow(3, at, 31) for at, char in enumerate(body))
    return _ORG_ALPHABET[(31 - total % 31) % 31]


def check_organisation(code: str, field: str = "organisation") -> list[Advice]:
    """Advice on a unified social credit code (GB 32100-2015); some lawfully issued ones fail the check."""
    code = clean(code)
    if len(code) != 18 or any(char not in _ORG_ALPHABET for char in code):
        return [
            Advice(
                "org_form",
                field,
                "统一社会信用代码应为 18 位数字和大写字母(不含 I、O、S、V、Z),请对照执照核对。",
                "A social credit code has 18 digits and letters without I, O, S, V, Z; compare the licence.",
            )
        ]
    if organisation_check(code[:17]) != code[17]:
        return [
            Advice(
                "org_check",
                field,
                "统一社会信用代码校验位不符,请对照执照核对;与执照一致的,可以继续。",
                "The check character does not fit; compare the licence, and go on if it says the same.",
            )
        ]
    return []


def check_administrative(
    code: str, kind: Literal["county", "department", "town", "village"], field: str = "code"
) -> list[Advice]:
    """Advice on a unit's code: 6 digits GB/T 2260, 3 of the town, 3 of the village; departments ``-NN``."""
    pattern = {
        "county": r"[0-9]{6}000000",
        "department": r"[0-9]{6}000000-[0-9]{2,3}",
        "town": r"[0-9]{6}(?!000)[0-9]{3}000",
        "village": r"[0-9]{6}(?!000)[0-9]{3}(?!000)[0-9]{3}",
    }[kind]
    if not re.fullmatch(pattern, code):
        return [
            Advice(
                "unit_form",
                field,
                "机构代码应为 12 位:县 6 位、镇 3 位、村 3 位,镇一级村位为 000;部门在县代码后加两位序号。",
                "A unit code has 12 digits (6 county, 3 town, 3 village); a department adds a number of two digits.",
            )
        ]
    if code[:2] not in PROVINCES:
        return [
            Advice(
                "unit_region",
                field,
                f"机构代码开头的地区代码 {code[:2]} 不存在,请核对前两位。",
                f"There is no region {code[:2]}; check the first two digits.",
            )
        ]
    return []
