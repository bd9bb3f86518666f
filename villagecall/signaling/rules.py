"""Who may be rung, answer, invite, end, show a page (pure).

A call belongs to a case. It rings the *units* that it asks for: the window it was requested of, until a
desk of it is in, and each invited department likewise. A unit has one *seat* in a call: one tab of one
person. Everything here is decided from the case as its journal tells it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Literal
from uuid import UUID

from villagecall.case import Call, Case, Party
from villagecall.directory.model import Person, Role, Unit
from villagecall.directory.scope import Tree, may_touch, present
from villagecall.errors import NotFound
from villagecall.ports import MediaStats
from villagecall.signaling.refusals import (
    AlreadyIn,
    CallFull,
    CallsOnly,
    CallTaken,
    ConsentFirst,
    DepartmentOnly,
    GuestsLeave,
    InOtherCall,
    NotInCall,
    NotRung,
    NotYourWindow,
    TabTaken,
)

DESKS = frozenset({Role.TOWN, Role.DISTRICT})
WORKERS = DESKS | {Role.CLERK}
MAX_PARTIES = 4
LOST_S = 60.0
"""A participant whose line is gone for longer is marked as left; a waiting village keeps its seat."""

Word = Literal["good", "fair", "poor"]


@dataclass(frozen=True, slots=True)
class Who:
    """A signed-in person at one tab; the tab is the participant."""

    participant: UUID
    person: Person

    @property
    def unit(self) -> str:
        return self.person.unit

    @property
    def is_desk(self) -> bool:
        return self.person.role in DESKS


# ---------------------------------------------------------------- reading a call


def present_parties(call: Call) -> tuple[Party, ...]:
    return tuple(party for party in call.parties if party.left is None)


def party_of(call: Call, who: Who) -> Party | None:
    """This tab of this person in the call, None when it is not (or no longer) in it."""
    person = who.person.person_id
    return next(
        (p for p in present_parties(call) if p.participant == who.participant and p.person == person),
        None,
    )


def seat(call: Call, unit: str) -> Party | None:
    """Who sits in the call for a unit."""
    return next((party for party in present_parties(call) if party.unit == unit), None)


def desks_in(call: Call) -> tuple[Party, ...]:
    return tuple(party for party in present_parties(call) if party.role in DESKS)


def rung_units(call: Call) -> tuple[str, ...]:
    """Units that the call asks for and that are not in it: the window it was requested of, then the invited."""
    if call.state == "ended":
        return ()
    wanted = dict.fromkeys((call.unit, *call.invited))
    return tuple(unit for unit in wanted if seat(call, unit) is None)


def may_be_rung(who: Who, call: Call, *, on_duty: bool, busy: bool) -> bool:
    """A desk is eligible when its unit is rung, its person is on duty and in no call."""
    return who.is_desk and on_duty and not busy and who.unit in rung_units(call)


def join_round(call: Call, unit: str) -> int:
    """How often a unit has come into this call. It is part of the key of the next joining, so that of many
    desks that answer one ring the journal takes exactly one."""
    return sum(party.times for party in call.parties if party.unit == unit)


def line_place(call: Call, others: Iterable[Call]) -> int:
    """How many calls of the same window wait before this one."""
    if call.state != "waiting":
        return 0
    mine = (call.since, call.call_id)
    return sum(
        1
        for other in others
        if other.state == "waiting" and other.unit == call.unit and (other.since, other.call_id) < mine
    )


# ---------------------------------------------------------------- what somebody may do


def check_start(case: Case, who: Who, unit: str, tree: Tree) -> str:
    """May this clerk call about this case? Gives the unit to ring. ``unit`` empty = the town's window.

    Raises :class:`NotFound` for a foreign case, :class:`NotYourWindow` for a unit that the case has no
    business with, :class:`CallsOnly`.
    """
    if who.person.role is not Role.CLERK:
        raise CallsOnly
    if not may_touch(who.person, tree, case):
        raise NotFound
    town = present(tree, case.town)
    if unit in ("", town, case.town):
        return town
    department = present(tree, case.department)
    if case.stage == "district" and unit in (department, case.department):
        return department
    raise NotYourWindow


def check_join(call: Call, who: Who, connected: Collection[UUID], names: dict[UUID, str]) -> Party | None:
    """May this tab take its unit's seat? Gives the party that must leave for it, None when the seat is free.

    The seat goes over to another tab when nobody is at the old one: to the same person, or, for the
    village, to any clerk of it (the computer was changed after a power cut). Raises :class:`CallTaken`,
    :class:`NotRung`, :class:`TabTaken`.
    """
    if who.person.role not in WORKERS:
        raise CallsOnly
    if any(p.participant == who.participant and p.person != who.person.person_id for p in call.parties):
        raise TabTaken
    holder = seat(call, who.unit)
    if holder is not None:
        same = holder.person == who.person.person_id or who.person.role is Role.CLERK
        if holder.participant in connected or not same:
            raise CallTaken(by=names.get(holder.person, ""), call=str(call.call_id))
        return holder
    if who.is_desk and who.unit not in rung_units(call):
        raise NotRung
    return None


def returns_by_itself(call: Call, who: Who) -> bool:
    """A tab that was lost (not one that left) goes back into its call when it is there again and the seat
    is still free."""
    was_lost = any(
        p.participant == who.participant and p.person == who.person.person_id and p.left is not None and p.lost
        for p in call.parties
    )
    return was_lost and call.state != "ended" and seat(call, who.unit) is None


def check_in(call: Call, who: Who) -> Party:
    """Raises :class:`NotInCall`."""
    party = party_of(call, who)
    if party is None:
        raise NotInCall
    return party


def check_free(busy: bool) -> None:
    """Raises :class:`InOtherCall`: one call at a time for one person."""
    if busy:
        raise InOtherCall


def check_consent(call: Call, who: Who) -> None:
    """The village's clerk records the applicant's consent."""
    if check_in(call, who).role != Role.CLERK:
        raise CallsOnly


def check_media(call: Call, who: Who) -> None:
    """Raises :class:`NotInCall`, :class:`ConsentFirst`."""
    check_in(call, who)
    if not call.consented:
        raise ConsentFirst


def check_invite(call: Call, who: Who, unit: Unit | None) -> None:
    """The town window brings a department in. Raises :class:`DepartmentOnly`, :class:`AlreadyIn`,
    :class:`CallFull` when those inside and those rung are as many as fit."""
    if check_in(call, who).role != Role.TOWN:
        raise CallsOnly
    if unit is None or unit.kind != "department" or unit.until is not None:
        raise DepartmentOnly
    if seat(call, unit.code) is not None:
        raise AlreadyIn(unit=unit.name)
    asked = {party.unit for party in present_parties(call)} | set(rung_units(call))
    if unit.code not in asked and len(asked) >= MAX_PARTIES:
        raise CallFull(limit=MAX_PARTIES)


def check_end(call: Call, who: Who) -> None:
    """Hang up for all: the village, and the window that was called. A guest leaves instead."""
    party = check_in(call, who)
    if party.role != Role.CLERK and party.unit != call.unit and seat(call, call.unit) is not None:
        raise GuestsLeave


def ends_by_leaving(call: Call, who: Who) -> bool:
    """True when nothing is left of the call without this tab: the last desk leaves, or the village gives
    up its place in the line."""
    rest = tuple(desk for desk in desks_in(call) if desk.participant != who.participant)
    return not rest


def check_show(case: Case, call: Call, who: Who, page: UUID | None) -> None:
    """A desk in the call shows a page of this very case. Raises :class:`NotFound` for any other page."""
    if check_in(call, who).role not in DESKS:
        raise CallsOnly
    if page is not None and case.page(page) is None:
        raise NotFound(page=str(page))


def is_lost(party: Party, call: Call, gone_s: float) -> bool:
    """Gone for too long. The village of a waiting call keeps its seat whatever happens to its line."""
    kept = call.state == "waiting" and party.role == Role.CLERK
    return gone_s > LOST_S and not kept


def line_word(stats: MediaStats) -> Word:
    """The line in a word. Bounds: ITU-T G.114 calls 150 ms one way good and 400 ms the limit; Opus and VP8
    with NACK hide losses of some per cent."""
    if stats.rtt_ms <= 300 and stats.loss_permille <= 20:
        return "good"
    if stats.rtt_ms <= 800 and stats.loss_permille <= 80:
        return "fair"
    return "poor"
