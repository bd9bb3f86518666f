"""The published catalogue: read, compared, taken, each time exact and nothing lost."""

from __future__ import annotations

import csv
import zipfile
from pathlib import Path
from xml.sax.saxutils import escape

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.clock import FixedClock
from tests.support.county import County, small_county, small_vault
from villagecall.adapters.memory import MemoryJournal
from villagecall.directory.catalogue import CatalogueUnreadable, Row, Sheet, difference, field_of, parse, read
from villagecall.directory.catalogue_import import Catalogue

HEAD = ["department", "main_item", "name", "item_code", "task_type"]
LINES = [
    ["县卫生健康局", "未分类", "医院评审", "511F0127200000-511602000000-000-11511301008778490F-1-00", "7"],
    ["县卫生健康局", "未分类", "《出生医学证明》首次签发", "512023377001", "20"],
    ["县民政局", "婚姻登记", "补领结婚证", "511A0001", "20"],
    ["县民政局", "婚姻登记", "补领结婚证(涉外)", "511A0002", "20"],
]


def write_csv(path: Path, lines: list[list[str]], *, encoding: str = "utf-8", delimiter: str = ",") -> Path:
    with path.open("w", encoding=encoding, newline="") as file:
        csv.writer(file, delimiter=delimiter).writerows([HEAD, *lines])
    return path


def sheet(lines: list[list[str]]) -> Sheet:
    return parse([HEAD, *lines])


@pytest.mark.parametrize(
    ("encoding", "delimiter"), [("utf-8", ","), ("utf-8-sig", ","), ("gb18030", ";"), ("utf-8", "\t")]
)
def test_a_csv_is_read_in_the_encodings_of_the_trade(tmp_path: Path, encoding: str, delimiter: str) -> None:
    found = read(write_csv(tmp_path / "items.csv", LINES, encoding=encoding, delimiter=delimiter))
    assert found == sheet(LINES)
    assert found.rows[0] == Row(
        code=LINES[0][3], department="县卫生健康局", name="医院评审", main_item="未分类", task_type="7"
    )


def cell(value: str | int) -> str:
    if isinstance(value, int):
        return f"<c><v>{value}</v></c>"
    return f'<c t="inlineStr"><is><t>{escape(value)}</t></is></c>'


def write_xlsx(path: Path, table: list[list[str | int]]) -> Path:
    """The smallest workbook of ECMA-376: one sheet, inline strings, numbers as numbers."""
    main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    links = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    packages = "http://schemas.openxmlformats.org/package/2006"
    kinds = "application/vnd.openxmlformats-officedocument.spreadsheetml"
    lines = "".join(f"<row>{''.join(map(cell, line))}</row>" for line in table)
    parts = {
        "[Content_Types].xml": f'<Types xmlns="{packages}/content-types">'
        '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        f'<Override PartName="/xl/workbook.xml" ContentType="{kinds}.sheet.main+xml"/>'
        f'<Override PartName="/xl/s.xml" ContentType="{kinds}.worksheet+xml"/></Types>',
        "_rels/.rels": f'<Relationships xmlns="{packages}/relationships">'
        f'<Relationship Id="r1" Type="{links}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
        "xl/workbook.xml": f'<workbook xmlns="{main}" xmlns:r="{links}">'
        '<sheets><sheet name="事项" sheetId="1" r:id="r1"/></sheets></workbook>',
        "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{packages}/relationships">'
        f'<Relationship Id="r1" Type="{links}/worksheet" Target="s.xml"/></Relationships>',
        "xl/s.xml": f'<worksheet xmlns="{main}"><sheetData>{lines}</sheetData></worksheet>',
    }
    with zipfile.ZipFile(path, "w") as book:
        for name, text in parts.items():
            book.writestr(name, text)
    return path


def test_a_spreadsheet_gives_the_same_rows(tmp_path: Path) -> None:
    table: list[list[str | int]] = [[*HEAD]]
    for line in LINES:
        table.append([*line[:4], int(line[4])])
    assert read(write_xlsx(tmp_path / "items.xlsx", table)) == sheet(LINES)


def test_headings_in_chinese_and_in_any_order() -> None:
    table = [["序号", "事项编码", "事项名称", " 部门 "], ["1", "A1", "临时救助", "县民政局"]]
    assert parse(table).rows == (Row(code="A1", department="县民政局", name="临时救助"),)


def test_lines_that_cannot_be_taken_are_named_and_the_others_are_taken() -> None:
    found = sheet(
        [
            *LINES,
            ["县民政局", "", "", "X", "1"],
            ["县民政局", "", "y", "", "1"],
            LINES[2],
            ["", "", "", "", ""],
            ["县民政局"],
        ]
    )
    assert len(found.rows) == len(LINES)
    assert [(line.line, line.why) for line in found.refused] == [
        (6, "name is empty"),
        (7, "item_code is empty"),
        (8, "item_code stands in the file twice"),
        (10, "name is empty"),
    ]
    long = sheet(
        [
            ["县民政局", "", "n", "X" * 65, "1"],
            ["县民政局", "", "n" * 301, "Y", "1"],
            ["县民政局", "", "a\x00b", "Z", ""],
        ]
    )
    assert not long.rows
    assert len(long.refused) == 3


@pytest.mark.parametrize(
    ("name", "contents"),
    [
        ("empty.csv", b""),
        ("headings.csv", b"a,b,c\n1,2,3\n"),
        ("binary.csv", b"\xff\xfe\x00\x81"),
        ("quote.csv", b'department,name,item_code\n"a,b\n'),
        ("fake.xlsx", b"PK\x03\x04 not a workbook"),
        ("empty.xlsx", b""),
    ],
)
def test_what_is_no_catalogue_is_refused_with_what_to_do(tmp_path: Path, name: str, contents: bytes) -> None:
    (tmp_path / name).write_bytes(contents)
    with pytest.raises(CatalogueUnreadable) as caught:
        read(tmp_path / name)
    assert "UTF-8" in str(caught.value.as_json()["todo_zh"])
    assert str(tmp_path) not in str(caught.value.as_json())


def test_no_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CatalogueUnreadable):
        read(tmp_path / "nothing.csv")


rows = st.lists(
    st.builds(Row, code=st.sampled_from("abcdefgh"), department=st.just("d"), name=st.sampled_from(["x", "y"])),
    unique_by=lambda row: row.code,
)


@given(rows, rows)
def test_the_difference_leads_from_the_old_list_to_the_new_one(before: list[Row], after: list[Row]) -> None:
    found = difference(before, Sheet(tuple(after), ()))
    result = {row.code: row for row in before}
    for row in found.removed:
        del result[row.code]
    result |= {row.code: row for row in (*found.changed, *found.added)}
    assert result == {row.code: row for row in after}
    assert found.unchanged == len(set(before) & set(after))
    assert len(found.added) + len(found.changed) + found.unchanged == len(after)


def test_the_field_is_read_off_the_department() -> None:
    names = {
        "区民政局": "民政",
        "区医疗保障局": "医疗保障",
        "区残联": "残联",
        "昭化区卫健局": "卫健",
        "某机构": "某机构",
    }
    assert {name: field_of(name) for name in names} == names


class World:
    def __init__(self) -> None:
        self.clock, self.journal = FixedClock(), MemoryJournal()
        self.county: County

    async def begin(self) -> Catalogue:
        self.county = await small_county(self.journal, small_vault(), self.clock)
        return Catalogue(self.journal, self.county.directory, self.clock)


async def test_a_catalogue_is_taken_and_taken_again_changes_nothing() -> None:
    world = World()
    catalogue = await world.begin()
    planned = await catalogue.compare(sheet(LINES))
    assert await catalogue.take(sheet(LINES)) == planned
    assert planned.as_json() == {"added": 4, "changed": 0, "removed": 0, "unchanged": 0, "refused": []}
    assert (await catalogue.take(sheet(LINES))).as_json() == {
        "added": 0,
        "changed": 0,
        "removed": 0,
        "unchanged": 4,
        "refused": [],
    }
    directory = world.county.directory
    taken = directory.item("511A0001")
    assert (taken.name, taken.main_item, taken.task_type, taken.field) == ("补领结婚证", "婚姻登记", "20", "民政")
    assert taken.department == world.county.civil.code, "a department that is known by its name is that unit"
    new = directory.unit(directory.item("512023377001").department)
    assert (new.name, new.code, new.kind) == ("县卫生健康局", f"{world.county.county.code}-03", "department")


async def test_what_changes_is_versioned_and_keeps_its_description() -> None:
    world = World()
    catalogue = await world.begin()
    directory = world.county.directory
    await catalogue.take(sheet(LINES))
    described = directory.item("511A0001").model_copy(update={"materials": world.county.card.materials})
    await directory.put_item(described)
    renamed = [*LINES[:2], ["县民政局", "婚姻登记", "补领结婚登记证", "511A0001", "20"]]
    found = await catalogue.take(sheet(renamed))
    assert (len(found.added), len(found.changed), len(found.removed), found.unchanged) == (0, 1, 1, 2)
    now = directory.item("511A0001")
    assert (now.version, now.name, now.materials) == (3, "补领结婚登记证", world.county.card.materials)
    assert directory.item("511A0001", 1).name == "补领结婚证"
    assert not directory.item("511A0002").active
    assert world.county.card in directory.items(), "an item that no catalogue brought is not removed by one"
    back = await catalogue.take(sheet(LINES))
    assert (len(back.added), len(back.changed)) == (1, 1)
    assert directory.item("511A0002").active


async def test_a_line_that_became_unreadable_does_not_remove_its_item() -> None:
    world = World()
    catalogue = await world.begin()
    await catalogue.take(sheet(LINES))
    spoilt = [*LINES[:3], ["县民政局", "婚姻登记", "", "511A0002", "20"]]
    found = await catalogue.take(sheet([*spoilt, ["县民政局", "", "新事项", "N1", ""]]))
    assert (len(found.added), len(found.removed), len(found.refused)) == (1, 0, 1)
    assert world.county.directory.item("511A0002").active
    assert (await catalogue.compare(sheet([*LINES, ["县民政局", "", "新事项", "N1", ""]]))).empty
