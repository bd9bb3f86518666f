"""Legal and promised limits of a case, in working days, and how they are said (pure).

Each item has a legal limit and a shorter promised one (承诺时限); both run from acceptance (Licensing Law
arts. 42, 82: working days; the first day is not counted). A limit that runs past the known calendar is
*provisional* and is computed anew whenever it is read, so it becomes exact when the calendar arrives.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from villagecall.case import Case
from villagecall.case_words import LOCAL
from villagecall.directory.calendar import WorkCalendar
from villagecall.directory.model import Item

NOTICE_DAYS = 5
"""Licensing Law art. 32 (1) no. 4: defects are told within five days of receipt."""


@dataclass(frozen=True, slots=True)
class Deadline:
    """``due``: aware UTC, the last second of the last day in China. ``left``: working days, < 0 overdue."""

    due: datetime
    left: int
    provisional: bool
    overdue: bool
    zh: str
    en: str

    @property
    def today(self) -> bool:
        """Due today and not over yet."""
        return self.left == 0 and not self.overdue


def day_of(at: datetime) -> date:
    return at.astimezone(LOCAL).date()


def end_of(day: date) -> datetime:
    """The last second of a day in China, in UTC."""
    return datetime.combine(day, time(23, 59, 59), LOCAL).astimezone(UTC)


def _limit(calendar: WorkCalendar, start: datetime, days: int) -> tuple[datetime, bool]:
    """End of a limit that starts at ``start``. ``days`` 0: the same working day, or the next one there is."""
    first = day_of(start)
    if days == 0:
        day = first
        while not calendar.is_working(day):
            day += timedelta(days=1)
        return end_of(day), not calendar.known(day)
    found = calendar.due(first, days)
    return end_of(found.due), found.provisional


def legal_due(calendar: WorkCalendar, item: Item, accepted: datetime) -> tuple[datetime, bool] | None:
    """``(due, provisional)`` of the legal limit, None when the item names none."""
    return _limit(calendar, accepted, item.legal_days) if item.legal_days > 0 else None


def promised_due(calendar: WorkCalendar, item: Item, accepted: datetime) -> tuple[datetime, bool] | None:
    """``(due, provisional)`` of the promise; on-the-spot items (即办) are due the same working day."""
    if item.on_the_spot:
        return _limit(calendar, accepted, 0)
    return _limit(calendar, accepted, item.promised_days) if item.promised_days > 0 else None


def notice_until(calendar: WorkCalendar, received: datetime | None) -> datetime | None:
    """The last moment at which defects may still be told (art. 32)."""
    return None if received is None else _limit(calendar, received, NOTICE_DAYS)[0]


def deadline(calendar: WorkCalendar, due: datetime, provisional: bool, now: datetime) -> Deadline:
    """A limit as it stands at ``now``."""
    last, today = day_of(due), day_of(now)
    left = calendar.working_days_between(today, last)
    overdue = now > due
    return Deadline(due, left, provisional, overdue, *_sentences(left, last, today, overdue, provisional))


def kept(calendar: WorkCalendar, due: datetime, end: datetime) -> Deadline:
    """A limit of a case that came to its end, by a decision or without one: no more days run, none are left."""
    left = calendar.working_days_between(day_of(end), day_of(due))
    if end <= due:
        return Deadline(due, left, False, False, "按期办结", "done in time")
    late = max(1, -left)
    days = "1 working day" if late == 1 else f"{late} working days"
    return Deadline(due, left, False, True, f"超期 {late} 个工作日办结", f"done {days} late")


def _sentences(left: int, last: date, today: date, overdue: bool, provisional: bool) -> tuple[str, str]:
    year = f"{last.year}年" if last.year != today.year else ""
    zh_day, en_day = f"{year}{last.month}月{last.day}日", last.isoformat()
    if overdue:
        late = max(1, -left)
        return f"已超期 {late} 个工作日(应在{zh_day}前)", f"{late} working days overdue (was due {en_day})"
    if last == today:
        zh, en = "今天到期", "due today"
    else:
        zh, en = f"还剩 {left} 个工作日({zh_day}前)", f"{left} working days left (by {en_day})"
    if provisional:
        zh, en = f"{zh},放假安排公布后重算", f"{en}, provisional until the holidays are announced"
    return zh, en


def promised(calendar: WorkCalendar, item: Item, case: Case, now: datetime) -> Deadline | None:
    """The promise as it stands; None before acceptance. After the end it says whether it was kept."""
    return _stand(calendar, case, now, promised_due(calendar, item, case.accepted) if case.accepted else None)


def legal(calendar: WorkCalendar, item: Item, case: Case, now: datetime) -> Deadline | None:
    """The legal limit as it stands; None before acceptance. After the end it says whether it was kept."""
    return _stand(calendar, case, now, legal_due(calendar, item, case.accepted) if case.accepted else None)


def _stand(calendar: WorkCalendar, case: Case, now: datetime, limit: tuple[datetime, bool] | None) -> Deadline | None:
    if limit is None or case.state == "correction":
        return None  # the time the applicant needs to supply papers does not run
    due, provisional = limit
    end = case.decided or case.closed
    return deadline(calendar, due, provisional, now) if end is None else kept(calendar, due, end)
