"""Lists, search and the desk's queue: read from the lists of the journal, within a person's scope."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from villagecall.approval import deadlines, queue
from villagecall.approval.deadlines import Deadline
from villagecall.approval.queue import Group
from villagecall.approval.store import CaseStore, as_case
from villagecall.case import Call, Case
from villagecall.directory.model import Person, Role
from villagecall.directory.scope import present
from villagecall.errors import BadRequest

LOOK = 500
"""How many waiting calls are looked at; a line is never that long."""
STEP = 50
"""Cases read at once while counting what is due today."""


@dataclass(frozen=True, slots=True)
class Line:
    """A case in a list with its place on the desk."""

    case: Case
    group: Group
    promised: Deadline | None
    on_papers: bool = False
    """Found by what was read on its papers, not by a name or number."""


@dataclass(frozen=True, slots=True)
class CasePage:
    cases: tuple[Line, ...]
    next: str | None


@dataclass(frozen=True, slots=True)
class DeskQueue:
    """``counts``: all, video, today (overdue ones among them), overdue, general."""

    video: tuple[Line, ...]
    today: tuple[Line, ...]
    general: tuple[Line, ...]
    next: str | None
    counts: Mapping[str, int]


def _plain(text: str) -> str:
    """As it is compared: line by line, without blanks, in capitals."""
    return re.sub(r"[ \t\u3000]+", "", text).upper()


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

    def codes(self, person: Person) -> tuple[str, ...]:
        """The codes a person's cases stand under: the scope, and the units that were merged into it."""
        code, tree = self.scope(person), self.directory.tree
        before = (other for other in tree if other != code and tree[other].successor and present(tree, other) == code)
        return (code, *sorted(before))

    def list_name(self, person: Person, view: str, day: str = "", code: str = "") -> str:
        """Which list of the journal a view reads: ``all`` (also ``unit``), ``open``, ``done``, ``today``.

        Raises :class:`BadRequest` for another one.
        """
        code = code or self.scope(person)
        if view in ("open", "done"):
            return f"{view}:{code}"
        if view == "today":
            return queue.day_list(code, day)
        if view not in ("all", "unit", ""):
            raise BadRequest(fields={"view": "没有这个列表"})
        if code == "all":
            return "all"
        return f"village:{code}" if person.role is Role.CLERK else f"unit:{code}"

    async def cases(
        self, person: Person, *, view: str = "all", q: str = "", after: str | None = None, limit: int = 50
    ) -> CasePage:
        """Newest first. ``q``: pieces of names (applicant, agent, item), an ID number or its last four
        characters, a phone number, a receipt number or its serial; behind those, words on the papers."""
        day = deadlines.day_of(self.clock.now()).isoformat()
        name = self.list_name(person, view, day)
        if q.strip():
            return CasePage(await self._search(person, view, q, limit), None)
        page = await self.journal.page(name, after, limit, reverse=True)
        found = [case for snapshot in page.snapshots if (case := as_case(snapshot)) is not None]
        return CasePage(tuple(self.line(case, person.unit) for case in found), page.next)

    async def _search(self, person: Person, view: str, q: str, limit: int) -> tuple[Line, ...]:
        """Also among the cases of villages and towns that were merged into this one."""
        codes = self.codes(person)
        exact = await self.find(f"number:{q.strip().upper()}")
        if exact is not None:
            inside = not {"all", exact.village, *queue.units(exact)}.isdisjoint(codes)
            return (self.line(exact, person.unit),) if inside else ()
        tokens = {token for word in q.split() for token in self.vault.query(word)}
        if not tokens:
            return ()
        day = deadlines.day_of(self.clock.now()).isoformat()
        lists = [self.list_name(person, view, day, code) for code in codes]
        found = [as_case(each) for each in await self.journal.search(sorted(tokens), lists, limit)]
        lines = [self.line(case, person.unit) for case in found if case is not None]
        if person.role is not Role.SUPERVISOR and len(lines) < limit:
            # A supervisor sees no personal data, so none is found for one by trying words either.
            known = {line.case.case_id for line in lines}
            more = [case for case in await self._on_papers(q, lists, limit) if case.case_id not in known]
            lines += [replace(self.line(case, person.unit), on_papers=True) for case in more]
        return tuple(lines[:limit])

    async def _on_papers(self, q: str, lists: Sequence[str], limit: int) -> list[Case]:
        """Cases on whose papers every word of ``q`` was read. Pieces may stand apart, so longer words are looked
        for in the text itself."""
        tokens = self.vault.text_tokens("\n".join(q.split()))
        if not tokens:
            return []
        found = [as_case(each) for each in await self.journal.search(sorted(tokens), lists, limit)]
        longer = [plain for word in q.split() if len(plain := _plain(word)) > 2]
        return [case for case in found if case is not None and (not longer or await self._says(case, longer))]

    async def _says(self, case: Case, words: Sequence[str]) -> bool:
        pages = [_plain(str((await self.text_of(page)).get("words", ""))) for page in case.pages if page.text]
        return all(any(word in page for page in pages) for word in words)

    async def queue(self, unit: str, *, after: str | None = None, limit: int = 50) -> DeskQueue:
        """The desk's queue: calls in the order of request, then what is due, then the rest.

        ``after`` continues the queue proper; calls are on the first page only.
        """
        waiting = await self.journal.page(f"waiting:{unit}", None, LOOK) if after is None else None
        video = [self.line(case, unit) for each in (waiting.snapshots if waiting else ()) if (case := as_case(each))]
        page = await self.journal.page(f"queue:{unit}", after, limit)
        rest = [self.line(case, unit) for each in page.snapshots if (case := as_case(each))]
        rest = [line for line in rest if line.group != "video"]
        return DeskQueue(
            tuple(video),
            tuple(line for line in rest if line.group in ("today", "overdue")),
            tuple(line for line in rest if line.group not in ("today", "overdue")),
            page.next,
            await self._counts(unit),
        )

    async def _counts(self, unit: str) -> dict[str, int]:
        """The queue is sorted by what is due, so what is overdue or due today stands at its head."""
        today = overdue = 0
        after: str | None = None
        while True:
            page = await self.journal.page(f"queue:{unit}", after, STEP)
            # Read without the call: a case that waits on video is due today all the same.
            groups = [self.line(case).group for case in filter(None, map(as_case, page.snapshots))]
            overdue += groups.count("overdue")
            today += groups.count("overdue") + groups.count("today")
            after = page.next
            if after is None or "general" in groups:
                break
        all_, video = await self.journal.count(f"queue:{unit}"), await self.journal.count(f"waiting:{unit}")
        return {"all": all_, "video": video, "today": today, "overdue": overdue, "general": all_ - today}

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
