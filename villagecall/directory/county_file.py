"""A county's units and staff as a TOML file (pure): ``villagecall county load`` and the demonstration read it here.

::

    [[unit]]
    code = "519900101000"          # required; the other entries are those of directory.model.Unit
    name = "东河镇"                 # required
    kind = "town"                  # required: county, department, town, village
    parent = "519900000000"        # required, except for the county
    since = 2023-01-01             # default: as the installation has it, else the day of loading

    [people]                       # login = [name, role, unit, window]; the window may be left out
    town1 = ["王建国", "town", "519900101000", "1号窗口"]
    town9 = "left"                 # has left: can no longer sign in

The order does not matter. Faults are told all at once, each with its line.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any, ClassVar

from pydantic import ValidationError

from villagecall.directory.model import Person, Role, Unit
from villagecall.directory.records import stream_id
from villagecall.errors import Refusal

PARENTS = {"county": "", "department": "county", "town": "county", "village": "town"}
"""Below what a unit of each kind stands; also the order in which units are written."""
WORKPLACES = {"clerk": "village", "town": "town", "district": "department", "supervisor": "county", "admin": "county"}
"""In what kind of unit somebody of each role works."""
LEFT = "left"
_CODE = re.compile(r"\d{12}(-\d{2,3})?")
_LOGIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")
_KEY = re.compile(r"""\s*["']?([^\s"'=]+)["']?\s*=""")


class BadCountyFile(Refusal):
    """``faults``: a sentence each, with line and unit or login."""

    code: ClassVar[str] = "bad_county_file"
    status: ClassVar[int] = 422
    zh: ClassVar[str] = "区县文件有误:{faults}。"
    en: ClassVar[str] = "The county file is not right: {faults}."
    todo_zh: ClassVar[str] = "请按所列行号改正后再导入;什么都还没有写入。"
    todo_en: ClassVar[str] = "Correct the lines named and load it again; nothing was written."


@dataclass(frozen=True, slots=True)
class CountyFile:
    """``units``: parents before children. ``left``: logins of former staff."""

    units: tuple[Unit, ...]
    people: tuple[Person, ...]
    left: tuple[str, ...] = ()


@dataclass
class _Reading:
    """Where units and people begin in the text, and the faults found so far."""

    unit_lines: list[int] = field(default_factory=list)
    login_lines: dict[str, int] = field(default_factory=dict)
    faults: list[tuple[int, str]] = field(default_factory=list)

    def unit_line(self, at: int) -> int:
        return self.unit_lines[at] if at < len(self.unit_lines) else 1

    def fault(self, line: int, text: str) -> None:
        self.faults.append((line, text))


def parse(text: str, *, since: date, known: Mapping[str, Unit] | None = None) -> CountyFile:
    """Read a county file. ``known``: the installation's units by code; parents and places of work may be among
    them. Raises :class:`BadCountyFile` with every fault.
    """
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise BadCountyFile(faults=str(error)) from None
    reading = _where(text)
    for name in sorted(document.keys() - {"unit", "people"}):
        reading.fault(1, f"{name!r} is neither [[unit]] nor [people]")
    units = _units(document.get("unit", []), reading, since, known or {})
    people, left = _people(document.get("people", {}), reading, {**(known or {}), **units})
    if reading.faults:
        raise BadCountyFile(faults="; ".join(f"line {line}: {fault}" for line, fault in sorted(reading.faults)))
    ranks = list(PARENTS)
    return CountyFile(tuple(sorted(units.values(), key=lambda unit: ranks.index(unit.kind))), people, left)


def _where(text: str) -> _Reading:
    """The lines of units (in order) and logins. ``tomllib`` gives none, so the headers are looked up here."""
    reading, table = _Reading(), ""
    for line, content in enumerate(text.splitlines(), start=1):
        header = content.split("#")[0].strip()
        if header.startswith("["):
            table = header
            if header.replace(" ", "") == "[[unit]]":
                reading.unit_lines.append(line)
        elif table.replace(" ", "") == "[people]" and (key := _KEY.match(content)):
            reading.login_lines[key[1]] = line
    return reading


def _units(listed: Any, reading: _Reading, since: date, known: Mapping[str, Unit]) -> dict[str, Unit]:
    if not isinstance(listed, list) or not all(isinstance(entry, dict) for entry in listed):
        reading.fault(1, "units are written as [[unit]]")
        return {}
    found: dict[str, tuple[int, Unit]] = {}
    for at, entry in enumerate(listed):
        line, code = reading.unit_line(at), str(entry.get("code", ""))
        if not _CODE.fullmatch(code):
            reading.fault(line, f"unit {code!r}: a code is 12 digits, a department's has -NN behind them")
        elif code in found:
            reading.fault(line, f"unit {code}: stands in line {found[code][0]} already")
        else:
            before = {"since": known[code].since if code in known else since}
            try:
                unit = Unit.model_validate({**before, **entry, "unit_id": stream_id("unit", code)})
            except ValidationError as error:
                wrong = ", ".join(f"{fault['loc'][0]} ({fault['msg']})" for fault in error.errors())
                reading.fault(line, f"unit {code}: {wrong}")
            else:
                found[code] = line, unit
    units = {code: unit for code, (_, unit) in found.items()}
    for line, unit in found.values():
        _check_unit(unit, {**known, **units}, line, reading)
    return units


def _check_unit(unit: Unit, there: Mapping[str, Unit], line: int, reading: _Reading) -> None:
    wanted, parent = PARENTS[unit.kind], there.get(unit.parent)
    if not unit.name.strip():
        reading.fault(line, f"unit {unit.code}: name is empty")
    if not wanted and unit.parent:
        reading.fault(line, f"unit {unit.code}: a {unit.kind} has no parent")
    if wanted and (parent is None or parent.kind != wanted):
        reading.fault(line, f"unit {unit.code}: parent {unit.parent!r} is not a {wanted}")
    if unit.successor and (unit.successor not in there or unit.successor == unit.code):
        reading.fault(line, f"unit {unit.code}: successor {unit.successor!r} is not another unit")
    if unit.until is not None and unit.until < unit.since:
        reading.fault(line, f"unit {unit.code}: until is before since")


def _people(listed: Any, reading: _Reading, there: Mapping[str, Unit]) -> tuple[tuple[Person, ...], tuple[str, ...]]:
    if not isinstance(listed, dict):
        reading.fault(1, "people are written below [people]")
        return (), ()
    people: list[Person] = []
    left: list[str] = []
    for login, entry in listed.items():
        line = reading.login_lines.get(login, 1)
        if entry == LEFT:
            left.append(login)
        elif not _LOGIN.fullmatch(login):
            reading.fault(line, f"{login!r}: a login is letters, digits and _.- and not longer than 64")
        elif not isinstance(entry, list) or len(entry) not in (3, 4) or not all(isinstance(one, str) for one in entry):
            reading.fault(line, f'{login}: written as [name, role, unit, window] or "{LEFT}"')
        else:
            name, role, unit, window = (*entry, "")[:4]
            place = there.get(unit)
            if not name.strip():
                reading.fault(line, f"{login}: name is empty")
            elif role not in WORKPLACES:
                reading.fault(line, f"{login}: role {role!r} is none of {', '.join(WORKPLACES)}")
            elif place is None or place.kind != WORKPLACES[role]:
                reading.fault(line, f"{login}: {role} works in a {WORKPLACES[role]}, and {unit!r} is none")
            else:
                people.append(
                    Person(
                        person_id=stream_id("person", login),
                        login=login,
                        name=name,
                        role=Role(role),
                        unit=unit,
                        window=window,
                    )
                )
    return tuple(people), tuple(left)
