"""Resident ID cards on a page, from the lines that were read there (pure).

The front of a card has six entries in fixed order (GA 467): 姓名, 性别 and 民族, 出生, 住址, 公民身份号码. A card
is found by its number's line; what stands above it, within a card's height, is its own. Nothing is guessed: an
entry that was not read whole is left out, and a number only counts when its check character (GB 11643) is right.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from villagecall.directory.codes import Advice, clean, id_check, id_facts
from villagecall.scan.text import Line

A4 = 210 / 297
HIGH = 1.6
"""The entries stand no higher above the number than so many times the length of its line: a card is 54 mm high,
and the number alone, without its label, is 44 mm long."""
PICTURE = 0.62
"""The picture begins so far along the number's line."""
_NUMBER_LABEL = re.compile(r"公?民?身份[号證证]码")
_LABELS = re.compile(r"^(姓名|性别|民族|出生|住址|公民身份|身份号码|签发机关|有效期限)")
_OTHERS = re.compile(r"居民身份证|复印件|中华人民|签发机关|有效期限|样本")
_BIRTH = re.compile(r"(\d{4})年(\d{1,2})月(\d{1,2})日?")
_NAME = re.compile(r"[㐀-鿿豈-﫿\U00020000-\U000323AF·]{2,20}")
_PEOPLE = re.compile(
    "族(汉|蒙古|回|藏|维吾尔|苗|彝|壮|布依|朝鲜|满|侗|瑶|白|土家|哈尼|哈萨克|傣|黎|傈僳|佤|畲|高山|拉祜|水|东乡|纳西|景颇|"
    "柯尔克孜|土|达斡尔|仫佬|羌|布朗|撒拉|毛南|仡佬|锡伯|阿昌|普米|塔吉克|怒|乌孜别克|俄罗斯|鄂温克|德昂|保安|裕固|京|"
    "塔塔尔|独龙|鄂伦春|赫哲|门巴|珞巴|基诺)"
)
"""The 56 peoples of GB/T 3304; 土家 is looked for before 土."""
_LOOKS_LIKE = str.maketrans({"O": "0", "o": "0", "D": "0", "I": "1", "l": "1", "|": "1", "×": "X", "x": "X"})


@dataclass(frozen=True, slots=True)
class Card:
    """The front of a card. Empty = not read whole. ``birth`` is ``YYYY-MM-DD``."""

    id_number: str
    name: str = ""
    sex: str = ""
    people: str = ""
    birth: str = ""
    address: str = ""

    def entries(self) -> dict[str, str]:
        """What there is, by the names of an applicant's entries and ``sex``, ``people``, ``birth``."""
        found = {
            "name": self.name,
            "id_number": self.id_number,
            "address": self.address,
            "sex": self.sex,
            "people": self.people,
            "birth": self.birth,
        }
        return {key: value for key, value in found.items() if value}


def number_in(text: str) -> str:
    """The ID number at the end of a text, empty where there is none whose check character is right."""
    plain = clean(_NUMBER_LABEL.sub(" ", text).translate(_LOOKS_LIKE))
    found = re.search(r"(?<!\d)(\d{17})([\dX])$", plain)
    if found is None or id_check(found[1]) != found[2] or id_facts(found[0]) is None:
        return ""
    return found[0]


def cards(lines: Iterable[Line], ratio: float = A4) -> list[Card]:
    """The fronts of ID cards on a page, from the top down; ``ratio`` is the page's width over its height."""
    rows = sorted(lines, key=lambda line: (line.middle, line.x))
    found: list[Card] = []
    used: set[Line] = set()
    for row in rows:
        number = number_in(row.text)
        if not number:
            continue
        label = _label_of(row, rows)
        left, right = min(row.x, label.x if label else row.x), row.x + row.w
        reach = HIGH * (right - left) * ratio
        above = [
            line
            for line in rows
            if line is not row
            and line not in used
            and row.y - reach <= line.middle < row.y
            and line.x < right + (right - left) // 4
            and line.x + line.w > left - (right - left) // 4
        ]
        card = _card(number, above, left, right)
        # A number with neither the card's label nor its entries is just a number: a form has one, too.
        if label is not None or _NUMBER_LABEL.search(row.text) or (card.sex and card.birth):
            used.update(above)
            found.append(card)
    return found


def _label_of(row: Line, rows: Sequence[Line]) -> Line | None:
    """The label to the left of a number that stands in a line of its own."""
    for line in rows:
        if line is not row and _NUMBER_LABEL.search(_plain(line.text)) and not number_in(line.text):
            level = abs(line.middle - row.middle) <= max(line.h, row.h)
            if level and line.x < row.x and row.x - (line.x + line.w) < row.w:
                return line
    return None


def _plain(text: str) -> str:
    return re.sub(r"[\s::]+", "", unicodedata.normalize("NFKC", text))


def _card(number: str, above: Sequence[Line], left: int, right: int) -> Card:
    """The entries above a number; the number says birth and sex, too, and what differs from it is not taken."""
    facts = id_facts(number)
    texts = [_plain(line.text) for line in above]
    whole = "\n".join(texts)
    sex = re.search(r"性别?([男女])", whole)
    people = _PEOPLE.search(whole)
    born = _born(whole)
    return Card(
        id_number=number,
        name=_value(above, "姓名", _NAME),
        sex=sex[1] if sex and facts and sex[1] == facts.sex else "",
        people=people[1] if people else "",
        birth=born.isoformat() if born and facts and born == facts.birth else "",
        address=_address(above, left, right),
    )


def _born(text: str) -> date | None:
    found = _BIRTH.search(text.translate(_LOOKS_LIKE))
    try:
        return date(int(found[1]), int(found[2]), int(found[3])) if found else None
    except ValueError:
        return None


def _value(lines: Sequence[Line], label: str, form: re.Pattern[str]) -> str:
    """What stands behind a label, in its line or in the next one on its level."""
    for line in lines:
        text = _plain(line.text)
        if not text.startswith(label):
            continue
        value = text.removeprefix(label)
        if not value:
            beside = [
                other
                for other in lines
                if other.x > line.x and abs(other.middle - line.middle) <= max(line.h, other.h) * 2 // 3
            ]
            value = _plain(min(beside, key=lambda other: other.x).text) if beside else ""
        if form.fullmatch(value):
            return value
    return ""


def _address(lines: Sequence[Line], left: int, right: int) -> str:
    """The address goes over one to three lines below the birth, down to the number, beside the picture. Its label
    is small and may be read apart from it, or not at all."""
    start = next((line.middle - line.h for line in lines if _plain(line.text).startswith("住址")), None)
    if start is None:
        start = next((line.y + line.h // 2 + 1 for line in lines if _plain(line.text).startswith("出生")), None)
    if start is None:
        return ""
    parts = []
    for line in lines:
        text = _plain(line.text)
        value = text.removeprefix("住址")
        picture = line.x > left + PICTURE * (right - left)
        if line.middle <= start or picture or not value or _LABELS.match(value) or _OTHERS.search(value):
            continue
        parts.append(value)
    address = "".join(parts)
    return address if len(address) >= 5 and not address.isdigit() else ""


def differences(found: Sequence[Card], entered: Mapping[str, str], field: str = "applicant") -> list[Advice]:
    """What was typed against what stands on the cards: to be looked at, never a refusal. Silent without a card."""
    number, name = clean(entered.get("id_number", "")), entered.get("name", "").strip()
    if not found or not (number or name):
        return []
    same = next((card for card in found if card.id_number == number), None)
    if number and same is None:
        return [
            Advice(
                "card_number",
                f"{field}.id_number",
                "身份证号码与扫描件不一致,请核对。",
                "The ID number differs from the scanned card; compare them.",
            )
        ]
    names = [card.name for card in ([same] if same else found) if card.name]
    if name and names and _bare(name) not in map(_bare, names):
        return [
            Advice(
                "card_name",
                f"{field}.name",
                "姓名与身份证扫描件不一致,请核对。",
                "The name differs from the scanned card; compare them.",
            )
        ]
    return []


def _bare(name: str) -> str:
    """Names are compared without blanks and dots: 阿依古丽·买买提 is written with several kinds of dot."""
    return re.sub(r"[\s·•・.]+", "", unicodedata.normalize("NFKC", name))
