"""In which lists a case stands, and in what order (pure).

| list | who is in it | order |
|---|---|---|
| ``queue:<unit>`` | cases whose turn it is at this desk | due first, then accepted first |
| ``waiting:<unit>`` | cases whose call waits for this unit, invited departments too | order of request |
| ``calls`` | every case whose call is not over: what the hub reads after a restart | order of request |
| ``village:<code>``, ``unit:<code>``, ``all`` | every case of the village, unit, county | opened |
| ``open:<code>``, ``done:<code>`` | those not finished, those finished; ``<code>`` or ``all`` | opened |
| ``day:<code>:<YYYY-MM-DD>`` | cases with a line in the day book of that day | opened |

Lists are rows of the journal, written with the action; a reading of them is never newer or older than it.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from villagecall.approval.deadlines import Deadline
from villagecall.case import CLOSED_STATES, Case
from villagecall.case_words import DAYBOOK, local_day
from villagecall.journal import Action, stamp
from villagecall.ports import Place

FAR = "9999"
"""Sorts behind every date: a case without a promise."""

Group = Literal["video", "today", "overdue", "general"]


def units(case: Case) -> tuple[str, ...]:
    """The town, and the department once the case has come to it."""
    reached = case.stage == "district" or any(step.result == "passed" for step in case.steps)
    found = (case.town, case.department if reached else "")
    return tuple(dict.fromkeys(unit for unit in found if unit))


def places(case: Case) -> tuple[Place, ...]:
    """Every list of a case except the day lists."""
    if case.opened is None:
        return ()
    opened = stamp(case.opened)
    found = [Place("all", opened), Place(f"village:{case.village}", opened)]
    found += [Place(f"unit:{unit}", opened) for unit in units(case)]
    side = "done" if case.state in CLOSED_STATES else "open"
    found += [Place(f"{side}:{code}", opened) for code in ("all", case.village, *units(case))]
    if case.queue_unit:
        found.append(Place(f"queue:{case.queue_unit}", queue_sort(case)))
    call = case.call
    if call is not None:
        found.append(Place("calls", stamp(call.since)))
    if call is not None and case.state not in CLOSED_STATES:
        rung = (*((call.unit,) if call.state == "waiting" else ()), *call.invited)
        found += [Place(f"waiting:{unit}", stamp(call.since)) for unit in dict.fromkeys(rung)]
    return tuple(found)


def queue_sort(case: Case) -> str:
    """Promised or legal due, then acceptance: first in, first out among those of one day."""
    due = case.due_promised or case.due_legal
    return f"{stamp(due) if due else FAR} {stamp(case.accepted) if case.accepted else FAR}"


def moves(old: Case, new: Case, actions: Iterable[Action]) -> tuple[tuple[Place, ...], tuple[str, ...]]:
    """What an append joins and leaves: only what changed."""
    before = {place.list: place.sort for place in places(old)}
    after = {place.list: place.sort for place in places(new)}
    days = {local_day(action.at) for action in actions if action.kind in DAYBOOK}
    for day in sorted(days):
        for code in ("all", new.village, *units(new)):
            after[day_list(code, day)] = stamp(new.opened) if new.opened else FAR
    join = tuple(Place(list_, sort) for list_, sort in after.items() if before.get(list_) != sort)
    return join, tuple(list_ for list_ in before if list_ not in after)


def day_list(code: str, day: str) -> str:
    return f"day:{code}:{day}"


def touched(old: Case, new: Case) -> tuple[str, ...]:
    """The units whose queue or waiting line a change of this case may look different in."""
    names = [place.list for case in (old, new) for place in places(case)]
    return tuple(dict.fromkeys(name.partition(":")[2] for name in names if name.startswith(("queue:", "waiting:"))))


def group(case: Case, unit: str, promise: Deadline | None, legal: Deadline | None) -> Group:
    """Where a line stands on the desk: waiting on video, overdue, due today, or the rest."""
    call = case.call
    if call is not None and (unit in call.invited or (call.state == "waiting" and call.unit == unit)):
        return "video"
    nearest = promise or legal
    if nearest is None:
        return "general"
    return "overdue" if nearest.overdue else "today" if nearest.today else "general"
