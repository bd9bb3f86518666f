"""Readings of the journal: history of a case, the village's day book, public progress, verification."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from villagecall.case import Case, Defect, load
from villagecall.case_words import DAYBOOK, STATES, TODO, Words, local_day, say
from villagecall.directory.service import Directory
from villagecall.errors import NotFound
from villagecall.journal import Actor, Entry
from villagecall.ledger.rules import progress_steps
from villagecall.ledger.verification import Report, verify_journal
from villagecall.ports import Clock, Journal
from villagecall.vault import Vault

_PAGE = 200


@dataclass(frozen=True, slots=True)
class Line:
    """One action of a case, said in words. ``by`` is a name, ``hash`` hex."""

    seq: int
    at: datetime
    kind: str
    words: Words
    by: str
    unit_name: str
    hash: str


@dataclass(frozen=True, slots=True)
class BookLine:
    """One line of a day book: which case, what happened, who did it. ``position`` is the journal's order."""

    position: int
    case: Case
    line: Line


@dataclass(frozen=True, slots=True)
class Daybook:
    """``counts`` by kind of action."""

    village: str
    day: str
    lines: tuple[BookLine, ...]
    counts: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class PublicStep:
    words: Words
    at: datetime | None
    done: bool


@dataclass(frozen=True, slots=True)
class Progress:
    """What anyone with the receipt number may see: nothing of the person, nothing of the papers' contents."""

    case: Case
    item_name: str
    village_name: str
    state: Words
    todo: Words
    steps: tuple[PublicStep, ...]
    defects: tuple[Defect, ...]


class Ledger:
    """Reads and never writes."""

    def __init__(self, journal: Journal, vault: Vault, directory: Directory, clock: Clock) -> None:
        self._journal, self._vault, self._directory, self._clock = journal, vault, directory, clock

    async def history(self, case_id: UUID) -> list[Line]:
        """Every action of a case, oldest first, each with its hash."""
        return [self._line(entry) for entry in await self._journal.entries(case_id)]

    def _line(self, entry: Entry) -> Line:
        action = entry.action
        unit = self._directory.unit_name(action.actor.unit) if action.actor.unit else ""
        words = say(action.kind, action.payload)
        return Line(entry.seq, action.at, action.kind, words, self.name(action.actor), unit, entry.hash.hex())

    def name(self, actor: Actor) -> str:
        """Who acted, as people say it."""
        if actor.person in ("system", "applicant"):
            return {"system": "系统", "applicant": "申请人"}[actor.person]
        if actor.person.startswith("device:"):
            return "打印设备"
        try:
            return self._directory.person(UUID(actor.person)).name
        except (NotFound, ValueError):
            return ""

    async def daybook(self, village: str, day: str) -> Daybook:
        """The village's ledger (记录台账) of one day in China, ``YYYY-MM-DD``, in the order it happened."""
        lines: list[BookLine] = []
        after: str | None = None
        while True:
            page = await self._journal.page(f"day:{village}:{day}", after, _PAGE)
            for snapshot in page.snapshots:
                case = load(snapshot.state)
                lines += [
                    BookLine(entry.position, case, self._line(entry))
                    for entry in await self._journal.entries(snapshot.stream)
                    if entry.action.kind in DAYBOOK and local_day(entry.action.at) == day
                ]
            after = page.next
            if after is None:
                break
        lines.sort(key=lambda line: line.position)
        return Daybook(village, day, tuple(lines), Counter(line.line.kind for line in lines))

    async def progress(self, number: str) -> Progress:
        """Raises :class:`villagecall.errors.NotFound` for a number that was never given."""
        snapshot = await self._journal.by_name(f"number:{number.strip().upper()}")
        if snapshot is None or snapshot.kind != "case":
            raise NotFound
        case = load(snapshot.state)
        item = self._directory.item(case.item, case.item_version)
        return Progress(
            case,
            item.name,
            self._directory.unit_name(case.village),
            STATES[case.state],
            TODO[case.state],
            tuple(PublicStep(*step) for step in progress_steps(case, certificate=item.template is not None)),
            case.notices[-1].defects if case.state == "correction" and case.notices else (),
        )

    async def verify(self) -> Report:
        """Check every stream: chain, snapshot against fold, commitments against the vault."""
        return await verify_journal(self._journal, self._vault)
