"""The published catalogue of items (事项清单): reading a file, and what it changes (pure but for the file).

A file is the whole catalogue; the difference is taken to the catalogue that was imported last, so it is
exact whatever has been added to the items since (materials, guides). Columns by their English or usual
Chinese headings, in any order, others ignored: department, main_item, name, item_code, task_type.
"""

from __future__ import annotations

import csv
import io
import re
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar

import python_calamine

from villagecall.case import Model
from villagecall.errors import Refusal
from villagecall.journal import JSON

_HEADINGS: Mapping[str, tuple[str, ...]] = {
    "department": ("department", "部门", "实施主体", "实施机构", "责任单位"),
    "main_item": ("main_item", "主项", "主项名称", "大项名称"),
    "name": ("name", "事项名称", "名称", "子项名称", "业务办理项名称"),
    "item_code": ("item_code", "code", "事项编码", "实施编码", "编码"),
    "task_type": ("task_type", "事项类型", "任务类型", "权力类型"),
}
_NEEDED = ("department", "name", "item_code")
_SPREADSHEETS = (".xlsx", ".xlsm", ".xls", ".xlsb", ".ods")
_LONGEST_CODE = 64
_LONGEST_NAME = 300
_MOST_BYTES = 64 * 2**20


class CatalogueUnreadable(Refusal):
    code: ClassVar[str] = "catalogue_unreadable"
    status: ClassVar[int] = 422
    zh: ClassVar[str] = "事项清单读不出来:{why_zh}。"
    en: ClassVar[str] = "The catalogue cannot be read: {why}."
    todo_zh: ClassVar[str] = "请另存为 UTF-8 的 CSV 或 XLSX,第一行是列名:department、name、item_code。"
    todo_en: ClassVar[str] = "Save it as CSV (UTF-8) or XLSX with headings department, name, item_code."


class Row(Model):
    """One line of the catalogue."""

    code: str
    department: str
    name: str
    main_item: str = ""
    task_type: str = ""


@dataclass(frozen=True, slots=True)
class RefusedLine:
    """A line that cannot be taken: its number in the file (the heading is line 1), and why."""

    line: int
    code: str
    why: str

    def as_json(self) -> dict[str, JSON]:
        return {"line": self.line, "code": self.code, "why": self.why}


@dataclass(frozen=True, slots=True)
class Sheet:
    rows: tuple[Row, ...]
    refused: tuple[RefusedLine, ...]


@dataclass(frozen=True, slots=True)
class Difference:
    """To the catalogue before, by item code."""

    added: tuple[Row, ...] = ()
    changed: tuple[Row, ...] = ()
    removed: tuple[Row, ...] = ()
    unchanged: int = 0
    refused: tuple[RefusedLine, ...] = field(default=())

    @property
    def empty(self) -> bool:
        return not (self.added or self.changed or self.removed)

    def as_json(self) -> dict[str, JSON]:
        """Counts, and the refused lines one by one."""
        return {
            "added": len(self.added),
            "changed": len(self.changed),
            "removed": len(self.removed),
            "unchanged": self.unchanged,
            "refused": [line.as_json() for line in self.refused],
        }


def read(path: Path) -> Sheet:
    """A CSV (UTF-8 or GB 18030; comma, semicolon or tab) or a spreadsheet's first sheet.

    Raises :class:`CatalogueUnreadable`.
    """
    if not path.is_file():
        raise CatalogueUnreadable(why="no such file", why_zh="没有这个文件")
    if path.stat().st_size > _MOST_BYTES:
        raise CatalogueUnreadable(why="larger than 64 MiB", why_zh="文件超过 64 MiB")
    table = _spreadsheet(path) if path.suffix.lower() in _SPREADSHEETS else _csv(path.read_bytes())
    return parse(table)


def _spreadsheet(path: Path) -> list[list[str]]:
    try:
        rows = python_calamine.load_workbook(path).get_sheet_by_index(0).to_python()
    except (python_calamine.CalamineError, zipfile.BadZipFile, OSError, ValueError, IndexError) as error:
        raise CatalogueUnreadable(why="not a spreadsheet", why_zh="不是有效的电子表格") from error
    return [[_cell(value) for value in row] for row in rows]


def _cell(value: object) -> str:
    """Numbers come as floats from a spreadsheet: 20.0 is the text 20."""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)


def _csv(raw: bytes) -> list[list[str]]:
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        try:
            text = raw.decode("gb18030")
        except UnicodeDecodeError as error:
            raise CatalogueUnreadable(
                why="neither UTF-8 nor GB 18030", why_zh="文字编码不是 UTF-8 或 GB18030"
            ) from error
    head = text.split("\n", 1)[0]
    delimiter = max(",;\t", key=head.count)
    try:
        return list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True))
    except csv.Error as error:
        raise CatalogueUnreadable(why=f"not CSV ({error})", why_zh="不是有效的 CSV") from error


def parse(table: Sequence[Sequence[str]]) -> Sheet:
    """Rows out of cells; the first line holds the headings. Raises :class:`CatalogueUnreadable`."""
    if not table:
        raise CatalogueUnreadable(why="it is empty", why_zh="文件是空的")
    columns = _columns(table[0])
    missing = [name for name in _NEEDED if name not in columns]
    if missing:
        names = ", ".join(missing)
        raise CatalogueUnreadable(why=f"columns are missing: {names}", why_zh=f"缺少列 {names}")
    rows: dict[str, Row] = {}
    refused: list[RefusedLine] = []
    for number, cells in enumerate(table[1:], start=2):
        values = {name: _text(cells, at) for name, at in columns.items()}
        if not any(values.values()):
            continue
        why = _fault(values, rows)
        if why:
            refused.append(RefusedLine(number, values["item_code"][:_LONGEST_CODE], why))
        else:
            rows[values["item_code"]] = Row(
                code=values["item_code"],
                department=values["department"],
                name=values["name"],
                main_item=values.get("main_item", ""),
                task_type=values.get("task_type", ""),
            )
    return Sheet(tuple(rows.values()), tuple(refused))


def _columns(heading: Sequence[str]) -> dict[str, int]:
    names = [re.sub(r"\s+", "", cell).lower() for cell in heading]
    return {
        column: next(names.index(alias) for alias in aliases if alias in names)
        for column, aliases in _HEADINGS.items()
        if any(alias in names for alias in aliases)
    }


def _text(cells: Sequence[str], at: int) -> str:
    return cells[at].strip() if at < len(cells) else ""


def _fault(values: Mapping[str, str], taken: Mapping[str, Row]) -> str:
    for name in _NEEDED:
        if not values[name]:
            return f"{name} is empty"
    if len(values["item_code"]) > _LONGEST_CODE:
        return f"item_code is longer than {_LONGEST_CODE} characters"
    if len(values["name"]) > _LONGEST_NAME:
        return f"name is longer than {_LONGEST_NAME} characters"
    if any(not char.isprintable() for value in values.values() for char in value):
        return "holds a character that cannot be printed"
    if values["item_code"] in taken:
        return "item_code stands in the file twice"
    return ""


def difference(before: Iterable[Row], sheet: Sheet) -> Difference:
    """What a file changes. A code on a refused line is not removed: its line is only unreadable today."""
    old = {row.code: row for row in before}
    new = {row.code: row for row in sheet.rows}
    unreadable = {line.code for line in sheet.refused}
    return Difference(
        added=tuple(row for row in sheet.rows if row.code not in old),
        changed=tuple(row for row in sheet.rows if row.code in old and old[row.code] != row),
        removed=tuple(row for row in old.values() if row.code not in new and row.code not in unreadable),
        unchanged=sum(old.get(row.code) == row for row in sheet.rows),
        refused=sheet.refused,
    )


def field_of(department: str) -> str:
    """The field of life that a department stands for: 区民政局 → 民政, 区医疗保障局 → 医疗保障."""
    short = re.sub(r"^[^区县市]{0,6}?[区县市](?=.{2,})", "", department)
    return re.sub(r"(?<=..)(局|委员会|委|办公室|办|中心|总站|站)$", "", short) or department
