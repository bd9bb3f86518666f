"""What to look at in the entries of a person: advice that never blocks (pure)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date

from villagecall.directory.codes import Advice, check_organisation, check_resident_id, clean

ENTRIES = ("name", "id_number", "phone", "address")
"""What is kept of an applicant, and of the person who acts for them."""


def entries(person: Mapping[str, str]) -> dict[str, str]:
    """The entries as kept: blanks dropped, an ID number in its one spelling."""
    kept = {key: person.get(key, "").strip() for key in ENTRIES}
    return {**kept, "id_number": clean(kept["id_number"])}


def advise(person: Mapping[str, str], prefix: str, today: date) -> list[Advice]:
    """Advice on one person's entries. ``prefix``: ``applicant`` or ``agent``."""
    number, phone, found = person.get("id_number", ""), person.get("phone", ""), list[Advice]()
    if number:
        field = f"{prefix}.id_number"
        organisation = len(number) == 18 and re.search(r"[A-W]", number) is not None
        found += check_organisation(number, field) if organisation else check_resident_id(number, today, field)
    if phone and not re.fullmatch(r"1\d{10}|0\d{2,3}-?\d{7,8}", phone):
        zh, en = "电话号码的位数不对,请核对。", "The phone number has an unusual length."
        found.append(Advice("phone_form", f"{prefix}.phone", zh, en))
    return found
