"""The working-day calendar of the State Council, and counting by it (pure).

- Limits are counted in working days, statutory holidays left out (Licensing Law art. 82).
- The first day is not counted (Civil Code art. 201 para. 1; recalled, so it is one constant here).
- A weekend day that the State Council declares a working day (调休) counts.
- Time that does not count towards a limit (hearing, inspection, test, quarantine, appraisal, expert
  review: art. 45) comes in as pauses.

The calendar of a year is announced some weeks ahead. A limit that runs into a year that is not known is
*provisional*: counted by weekends only, and to be computed anew when the year arrives.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache
from pathlib import Path
from typing import Literal

from villagecall.case import Model

Why = Literal["first day", "working day", "make-up day", "weekend", "holiday", "paused"]
Pause = tuple[date, date]
"""First and last day that do not count, both included."""

_DAY = timedelta(days=1)
_WHY_ZH: Mapping[Why, str] = {
    "first day": "当日不计入",
    "working day": "工作日",
    "make-up day": "调休上班",
    "weekend": "周末",
    "holiday": "法定节假日",
    "paused": "不计入办理时限",
}


class Year(Model):
    """What the State Council announced for one year: days off, and weekend days at work, with the name
    of the festival. A notice may also name days of the December before."""

    year: int
    holidays: dict[date, str]
    workdays: dict[date, str]


@dataclass(frozen=True, slots=True)
class Day:
    """One day of a count. ``festival`` names the holiday that it belongs to or makes up for."""

    date: date
    counted: bool
    why: Why
    festival: str = ""
    provisional: bool = False

    @property
    def reason(self) -> str:
        """``why`` with the festival, and whether the year's calendar is not known yet."""
        text = f"{self.why} ({self.festival})" if self.festival else self.why
        return f"{text}, calendar not announced" if self.provisional and self.why != "first day" else text

    @property
    def why_zh(self) -> str:
        return f"{_WHY_ZH[self.why]}({self.festival})" if self.festival else _WHY_ZH[self.why]


@dataclass(frozen=True, slots=True)
class Due:
    """The last day of a limit, and how it was counted, from the first day to the last."""

    due: date
    provisional: bool
    days: tuple[Day, ...]


class WorkCalendar:
    """Known years; immutable, so that a count can be repeated with the calendar it was made with."""

    def __init__(self, years: Iterable[Year]) -> None:
        self._years = {year.year: year for year in sorted(years, key=lambda year: year.year)}
        self._off: dict[date, str] = {}
        self._on: dict[date, str] = {}
        for year in self._years.values():  # a later notice wins over an earlier one
            for day, name in year.holidays.items():
                self._on.pop(day, None)
                self._off[day] = name
            for day, name in year.workdays.items():
                self._off.pop(day, None)
                self._on[day] = name

    @property
    def years(self) -> tuple[int, ...]:
        return tuple(self._years)

    def known(self, day: date) -> bool:
        return day.year in self._years

    def with_year(self, year: Year) -> WorkCalendar:
        return WorkCalendar({**self._years, year.year: year}.values())

    def judge(self, day: date, pauses: Sequence[Pause] = ()) -> Day:
        """What kind of day this is, apart from being the first of a limit."""
        provisional = not self.known(day)
        festival = self._off.get(day) or self._on.get(day) or ""
        why: Why
        if any(first <= day <= last for first, last in pauses):
            why, festival = "paused", ""
        elif day in self._on:
            why = "make-up day"
        elif day in self._off:
            why = "holiday"
        else:
            why = "weekend" if day.weekday() >= 5 else "working day"
        return Day(day, why in ("working day", "make-up day"), why, festival, provisional)

    def is_working(self, day: date) -> bool:
        return self.judge(day).counted

    def due(self, start: date, days: int, pauses: Sequence[Pause] = ()) -> Due:
        """The last day of a limit of ``days`` working days that begins on ``start``.

        ``days`` 0 ends on the first day itself. Raises ``ValueError`` for a negative number of days, for
        a pause that ends before it begins, and where the limit would run past the year 9999.
        """
        if days < 0:
            raise ValueError("days: not negative")
        for first, last in pauses:
            if last < first:
                raise ValueError(f"pause {first}..{last}: ends before it begins")
        count = [Day(start, False, "first day")]
        day, left = start, days
        while left:
            if day == date.max:
                raise ValueError("the limit runs past the year 9999")
            day += _DAY
            judged = self.judge(day, pauses)
            count.append(judged)
            left -= judged.counted
        return Due(day, any(each.provisional for each in count), tuple(count))

    def working_days_between(self, start: date, end: date) -> int:
        """Working days after ``start`` up to and with ``end``; negative when ``end`` lies before."""
        if end < start:
            return -self.working_days_between(end, start)
        return sum(self.is_working(start + _DAY * offset) for offset in range(1, (end - start).days + 1))


@cache
def shipped() -> WorkCalendar:
    """The calendar this version came with: 2004 to 2026, from the yearly notices of the State Council."""
    raw = json.loads(Path(__file__).with_name("calendar.json").read_text(encoding="utf-8"))
    return WorkCalendar(
        Year(
            year=int(year),
            holidays={day: name for name, days in facts["off"].items() for day in days},
            workdays={day: name for name, days in facts["on"].items() for day in days},
        )
        for year, facts in raw.items()
    )
