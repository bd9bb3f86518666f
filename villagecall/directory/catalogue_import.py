"""Taking a catalogue into the directory: items as new versions, the imported list as a stream of its own."""

from __future__ import annotations

import asyncio
import hashlib
from typing import ClassVar

from villagecall.case import Model
from villagecall.directory.catalogue import Difference, Row, Sheet, difference, field_of
from villagecall.directory.model import Item, Unit
from villagecall.directory.records import stream_id
from villagecall.directory.service import Directory
from villagecall.errors import NotFound, Refusal
from villagecall.journal import JSON, SYSTEM, Action, Actor, Head, canonical
from villagecall.ports import Append, Clock, Journal, Place

_STREAM = stream_id("catalogue", "items")
_AT_ONCE = 64
"""Appends in flight: enough for one group commit to take many."""


class NoCounty(Refusal):
    """Items belong to departments, and departments to a county."""

    code: ClassVar[str] = "no_county"
    status: ClassVar[int] = 409
    zh: ClassVar[str] = "还没有县级机构,事项无处归属。"
    en: ClassVar[str] = "There is no county yet that the items could belong to."
    todo_zh: ClassVar[str] = "请先建立县级机构,再导入事项清单。"
    todo_en: ClassVar[str] = "Set up the county first, then import the catalogue."


class Imported(Model):
    """The catalogue as it was imported last."""

    rows: tuple[Row, ...] = ()


class Catalogue:
    """``compare`` shows what a file would change; ``take`` does it. Taking the same file again writes
    nothing, and a take that was killed half-way is finished by taking the file again."""

    def __init__(self, journal: Journal, directory: Directory, clock: Clock) -> None:
        self._journal, self._directory, self._clock = journal, directory, clock

    async def compare(self, sheet: Sheet) -> Difference:
        _, before = await self._before()
        return difference(before.rows, sheet)

    async def take(self, sheet: Sheet, by: Actor = SYSTEM) -> Difference:
        head, before = await self._before()
        found = difference(before.rows, sheet)
        if found.empty:
            return found
        departments = await self._departments({row.department for row in (*found.added, *found.changed)}, by)
        items = [self._item(row, departments[row.department]) for row in (*found.added, *found.changed)]
        items += [item for row in found.removed if (item := self._removed(row)) is not None]
        gate = asyncio.Semaphore(_AT_ONCE)

        async def put(item: Item) -> None:
            async with gate:
                await self._directory.put_item(item, by)

        async with asyncio.TaskGroup() as group:
            for item in items:
                group.create_task(put(item))
        await self._remember(head, sheet, found, by, before)
        return found

    async def _before(self) -> tuple[Head, Imported]:
        snapshot = await self._journal.snapshot(_STREAM)
        if snapshot is None:
            return Head(), Imported()
        return snapshot.head, Imported.model_validate_json(snapshot.state)

    async def _remember(self, head: Head, sheet: Sheet, found: Difference, by: Actor, before: Imported) -> None:
        refused = {line.code for line in sheet.refused}
        new = {row.code for row in sheet.rows}
        kept = tuple(row for row in before.rows if row.code in refused and row.code not in new)
        state = Imported(rows=(*sheet.rows, *kept))
        contents = hashlib.sha256(state.model_dump_json().encode()).hexdigest()
        payload: dict[str, JSON] = {**found.as_json(), "sha256": contents, "items": len(state.rows)}
        await self._journal.append(
            Append(
                stream=_STREAM,
                kind="catalogue",
                expected=head,
                actions=(Action("catalogue.imported", by, self._clock.now(), payload),),
                state=state.model_dump_json().encode(),
                key=f"catalogue.imported:{head.seq}:{hashlib.sha256(canonical(payload)).hexdigest()[:32]}",
                join=(Place("catalogues", "items"),),
            )
        )

    async def _departments(self, names: set[str], by: Actor) -> dict[str, str]:
        """Unit code by name of department; one that the county does not know yet gets the next number."""
        known = {unit.name: unit.code for unit in self._directory.units("department")}
        for name in sorted(names - set(known)):
            unit = await self._directory.put_unit(self._new_department(name), by)
            known[name] = unit.code
        return known

    def _new_department(self, name: str) -> Unit:
        counties = self._directory.units("county")
        if not counties:
            raise NoCounty
        county = counties[0]
        taken = [
            int(unit.code.rpartition("-")[2])
            for unit in self._directory.units("department", county.code, closed=True)
            if unit.code.rpartition("-")[2].isdigit()
        ]
        code = f"{county.code}-{max(taken, default=0) + 1:02}"
        return Unit(
            unit_id=stream_id("unit", code),
            code=code,
            name=name,
            kind="department",
            parent=county.code,
            since=self._clock.now().date(),
        )

    def _item(self, row: Row, department: str) -> Item:
        """The item a row makes: a known one keeps everything that the catalogue does not say."""
        facts = {
            "name": row.name,
            "main_item": row.main_item,
            "task_type": row.task_type,
            "department": department,
            "active": True,
        }
        try:
            return self._directory.item(row.code).model_copy(update=facts)
        except NotFound:
            return Item(
                item_id=stream_id("item", row.code),
                code=row.code,
                version=1,
                level="district",
                field=field_of(row.department),
                **facts,
            )

    def _removed(self, row: Row) -> Item | None:
        """A removed item stays readable for its cases; it is only offered no more."""
        try:
            return self._directory.item(row.code).model_copy(update={"active": False})
        except NotFound:
            return None
