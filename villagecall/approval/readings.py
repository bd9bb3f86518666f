"""Lists, search and the desk's queue: read from the lists of the journal, within a person's scope."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from villagecall.approval import deadlines, queue
from villagecall.approval.deadlines import Deadline
from villagecall.approval.queue import Group
from villagecall.approval.store import CaseStore, as_case
from villagecall.case import Call, Case
from villagecall.directory.model import Person, Role
from villagecall.errors import BadRequest

LOOK = 500
"""How far a queue is read to count what is due today."""


@dataclass(frozen=True, slots=True)
class Line:
    """A case in a list with its place on the desk."""

    case: Case
    group: Group
    promised: Deadline | None


@dataclass(frozen=True, slots=True)
class CasePage:
    cases: tuple[Line, ...]
    next: str | None


@dataclass(frozen=True, slots=True)
class DeskQueue:
    """``counts``: video, today, overdue, general, total."""

    video: tuple[Line, ...]
    today: tuple[Line, ...]
    general: tuple[Line, ...]
    next: str | None
    counts: Mapping[str, int]


class Readings(CaseStore):
    """What a person's pages list. Scope is the person's: lists of other units are never read."""

    def line(self, case: Case, unit: str = "") -> Line:
        """The case as a line of a list seen by ``unit``."""
        now, item, calendar = self.clock.now(), self.item(case), self.directory.calendar
        promised = deadlines.promised(calendar, item, case, now)
        legal = deadlines.legal(calendar, item, case, now)
        return Line(case, queue.group(case, unit, promised, legal), promised or legal)

    def scope(self, person: Person) -> str:
        """``all`` for a supervisor, else the code of the person's unit."""
        return "all" if person.role is Role.SUPERVISOR else person.unit

    def list_name(self, person: Person, view: str, day: str = "") -> str:
        """Which list of the journal a view reads: ``all`` (also ``unit``), ``open``, ``done``, ``today``.

        Raises :class:`BadRequest` for another one.
        """
        code = self.scope(person)
        if view in ("open", "done"):
            return f"{view}:{code}"
        if view == "today":
            return queue.day_list(code, day)
        if view not in ("all", "unit", ""):
            raise BadRequest(field="view")
        if code == "all":
            return "all"
        return f"village:{code}" if person.role is Role.CLERK else f"unit:{code}"

    async def cases(
        self, person: Person, *, view: str = "all", q: str = "", after: str | None = None, limit: int = 50
    ) -> CasePage:
        """Newest first. ``q``: pieces of names (applicant, agent, item), an ID number or its last four
        characters, a phone number, a receipt number or its serial."""
        day = deadlines.day_of(self.clock.now()).isoformat()
        name = self.list_name(person, view, day)
        if q.strip():
            return CasePage(await self._search(person, name, q, limit), None)
        page = await self.journal.page(name, after, limit, reverse=True)
        found = [case for snapshot in page.snapshots if (case := as_case(snapshot)) is not None]
        return CasePage(tuple(self.line(case, person.unit) for case in found), page.next)

    async def _search(self, person: Person, name: str, q: str, limit: int) -> tuple[Line, ...]:
        exact = await self.find(f"number:{q.strip().upper()}")
        if exact is not None:
            inside = self.scope(person) in ("all", exact.village, *queue.units(exact))
            return (self.line(exact, person.unit),) if inside else ()
        tokens = {token for word in q.split() for token in self.vault.query(word)}
        if not tokens:
            return ()
        found = await self.journal.search(sorted(tokens), [name], limit)
        return tuple(self.line(case, person.unit) for each in found if (case := as_case(each)) is not None)

    async def queue(self, unit: str, *, after: str | None = None, limit: int = 50) -> DeskQueue:
        """The desk's queue: calls in the order of request, then what is due, then the rest.

        ``after`` continues the queue proper; calls are on the first page only.
        """
        waiting = await self.journal.page(f"waiting:{unit}", None, LOOK) if after is None else None
        video = [self.line(case, unit) for each in (waiting.snapshots if waiting else ()) if (case := as_case(each))]
        page = await self.journal.page(f"queue:{unit}", after, limit)
        shown = {line.case.case_id for line in video}
        rest = [self.line(case, unit) for each in page.snapshots if (case := as_case(each))]
        rest = [line for line in rest if line.case.case_id not in shown]
        return DeskQueue(
            tuple(video),
            tuple(line for line in rest if line.group in ("today", "overdue")),
            tuple(line for line in rest if line.group not in ("today", "overdue")),
            page.next,
            await self._counts(unit),
        )

    async def _counts(self, unit: str) -> dict[str, int]:
        """The queue is sorted by what is due, so what is due today stands at its head."""
        groups = {"today": 0, "overdue": 0}
        head = await self.journal.page(f"queue:{unit}", None, LOOK)
        for snapshot in head.snapshots:
            case = as_case(snapshot)
            # Read without the call: a case that waits on video is due today all the same.
            group = self.line(case).group if case else "general"
            if group not in groups:
                break
            groups[group] += 1
        total, video = await self.journal.count(f"queue:{unit}"), await self.journal.count(f"waiting:{unit}")
        return {**groups, "video": video, "total": total, "general": total - sum(groups.values())}

    async def place(self, call: Call) -> int:
        """How many calls wait before this one at its unit; 0 also when it does not wait."""
        if call.state != "waiting":
            return 0
        page = await self.journal.page(f"waiting:{call.unit}", None, LOOK)
        for at, snapshot in enumerate(page.snapshots):
            case = as_case(snapshot)
            if case is not None and case.call is not None and case.call.call_id == call.call_id:
                return at
        return 0
