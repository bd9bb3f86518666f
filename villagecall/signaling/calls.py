"""The calls that are not over, in memory.

A :class:`Room` is the newest known state of a call's case and, beside it, what no journal needs to know:
whose line is gone since when, who is muted, which page lies open, which tabs ring. All of it may be lost
in a restart; the seats and the call itself stand in the case and are read again (:func:`load`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Protocol
from uuid import UUID

from villagecall import case as cases
from villagecall.case import Call, Case
from villagecall.ports import Journal
from villagecall.signaling.rules import line_place, rung_units

LIVE = "calls"
"""The journal's list of cases that have a call which is not over."""


@dataclass(frozen=True, slots=True)
class CallFacts:
    """What is true of a call beside its journal: participants whose tab is connected now, units that are
    being rung, how many calls wait before this one."""

    present: frozenset[UUID] = frozenset()
    ringing: tuple[str, ...] = ()
    place: int = 0


class CallViewer(Protocol):
    """Makes the ``CallView`` of ``/api/openapi.json``: plain values that JSON knows, UUIDs and datetimes."""

    def __call__(self, case: Case, call: Call, facts: CallFacts) -> Mapping[str, object]: ...


@dataclass(frozen=True, slots=True)
class Muted:
    audio: bool
    video: bool


@dataclass(slots=True)
class Room:
    """One live call. ``lost`` is in seconds of the hub's monotonic clock."""

    case: Case
    call_id: UUID
    rung: set[UUID] = field(default_factory=set)
    declined: set[UUID] = field(default_factory=set)
    muted: dict[UUID, Muted] = field(default_factory=dict)
    lost: dict[UUID, float] = field(default_factory=dict)
    shown: dict[UUID, UUID | None] = field(default_factory=dict)
    told: bytes = b""
    """The view as last sent, so that nothing is said twice."""

    @property
    def call(self) -> Call:
        return next(call for call in self.case.calls if call.call_id == self.call_id)


class Rooms:
    """Live calls by call and by case."""

    def __init__(self) -> None:
        self._by_call: dict[UUID, Room] = {}
        self._by_case: dict[UUID, Room] = {}

    def __iter__(self) -> Iterator[Room]:
        return iter(tuple(self._by_call.values()))

    def __len__(self) -> int:
        return len(self._by_call)

    def get(self, call_id: UUID) -> Room | None:
        return self._by_call.get(call_id)

    def of_case(self, case_id: UUID) -> Room | None:
        return self._by_case.get(case_id)

    def absorb(self, case: Case) -> tuple[Room | None, bool]:
        """Take over a newer state of a case: ``(its room, True when its call has just ended)``.

        A state older than the known one changes nothing: hints and answers may overtake each other.
        """
        room = self._by_case.get(case.case_id)
        if room is not None:
            if case.seq < room.case.seq:
                return room, False
            room.case = case
            if room.call.state != "ended":
                return room, False
            del self._by_call[room.call_id], self._by_case[case.case_id]
            return room, True
        call = case.call
        if call is None:
            return None, False
        room = Room(case, call.call_id)
        self._by_call[call.call_id] = self._by_case[case.case_id] = room
        return room, False

    def facts(self, room: Room, connected: frozenset[UUID]) -> CallFacts:
        call = room.call
        here = frozenset(p.participant for p in call.parties if p.left is None and p.participant in connected)
        place = line_place(call, (other.call for other in self._by_call.values() if other is not room))
        return CallFacts(here, rung_units(call), place)


async def load(journal: Journal) -> list[Case]:
    """Every case with a live call, from the journal's list."""
    found: list[Case] = []
    after: str | None = None
    while True:
        page = await journal.page(LIVE, after, 200)
        found.extend(cases.load(snapshot.state) for snapshot in page.snapshots)
        after = page.next
        if after is None:
            return found
