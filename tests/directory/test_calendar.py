"""The working-day calendar and counting by it, against an oracle that shares no code with it."""

from __future__ import annotations

import random
from bisect import bisect_right
from datetime import date, timedelta

import chinese_calendar
import pytest
from hypothesis import given
from hypothesis import strategies as st

from villagecall.directory.calendar import Pause, WorkCalendar, Year, shipped

FIRST, LAST = date(2004, 1, 1), date(2026, 12, 31)
ONE = timedelta(days=1)
EVERY_DAY = [FIRST + ONE * offset for offset in range((LAST - FIRST).days + 1)]
WORKING = [day for day in EVERY_DAY if chinese_calendar.is_workday(day)]


def oracle(start: date, days: int, pauses: list[Pause]) -> date | None:
    """The last day of a limit by looking it up in the list of working days; None beyond the list."""
    at = bisect_right(WORKING, start) - 1
    for day in WORKING[at + 1 :]:
        if not any(first <= day <= last for first, last in pauses):
            days -= 1
            if days == 0:
                return day
    return None


starts = st.dates(FIRST, date(2026, 6, 30))


@st.composite
def pauses_after(draw: st.DrawFn, start: date) -> list[Pause]:
    found = []
    for _ in range(draw(st.integers(0, 3))):
        first = start + ONE * draw(st.integers(-5, 60))
        found.append((first, first + ONE * draw(st.integers(0, 30))))
    return found


def test_every_day_of_the_shipped_years_is_judged_as_announced() -> None:
    calendar = shipped()
    assert [day for day in EVERY_DAY if calendar.is_working(day)] == WORKING


def test_the_shipped_table_knows_2004_to_2026_and_not_2027() -> None:
    assert shipped().years == tuple(range(2004, 2027))
    assert not shipped().known(date(2027, 1, 1))


@given(st.data(), starts, st.integers(1, 60))
def test_a_limit_ends_where_the_oracle_says(data: st.DataObject, start: date, days: int) -> None:
    pauses = data.draw(pauses_after(start))
    expected = oracle(start, days, pauses)
    due = shipped().due(start, days, pauses)
    if expected is not None:
        assert (due.due, due.provisional) == (expected, False)
    else:
        assert due.provisional


def test_twenty_thousand_random_limits_with_pauses_are_all_right() -> None:
    rng = random.Random(32)
    calendar = shipped()
    for _ in range(20_000):
        start = EVERY_DAY[rng.randrange(len(EVERY_DAY) - 400)]
        first = start + ONE * rng.randrange(1, 30)
        pauses = [(first, first + ONE * rng.randrange(0, 20))] * rng.randrange(0, 2)
        days = rng.choice((5, 10, 20, 30, 45))
        assert calendar.due(start, days, pauses).due == oracle(start, days, pauses)


@given(starts, st.integers(1, 60))
def test_the_days_of_a_count_are_gapless_and_as_many_as_the_limit(start: date, days: int) -> None:
    due = shipped().due(start, days)
    assert [day.date for day in due.days] == [start + ONE * at for at in range(len(due.days))]
    assert sum(day.counted for day in due.days) == days
    assert due.days[-1].counted
    assert not due.days[0].counted


@given(starts, st.integers(0, 60))
def test_counting_and_measuring_agree(start: date, days: int) -> None:
    calendar = shipped()
    due = calendar.due(start, days).due
    assert calendar.working_days_between(start, due) == days
    assert calendar.working_days_between(due, start) == -days


@given(starts, st.integers(1, 40), st.integers(0, 40), st.integers(0, 20))
def test_a_pause_never_shortens_a_limit(start: date, days: int, after: int, long: int) -> None:
    pause = (start + ONE * after, start + ONE * (after + long))
    assert shipped().due(start, days, [pause]).due >= shipped().due(start, days).due


def test_the_days_before_national_day_2026_skip_the_holiday_and_say_why() -> None:
    """Papers come in on Monday 21 September 2026 with seven working days: not 30 September."""
    due = shipped().due(date(2026, 9, 21), 7)
    assert due.due == date(2026, 10, 8)
    why = {day.date.day: day.reason for day in due.days if day.date.month == 9}
    assert why[21] == "first day"
    assert why[22] == "working day"
    assert why[25] == "holiday (中秋节)"


def test_a_weekend_day_declared_a_working_day_counts() -> None:
    """Sunday 20 September 2026 makes up for the National Day week."""
    due = shipped().due(date(2026, 9, 18), 1)
    assert due.due == date(2026, 9, 20)
    assert due.days[-1].why == "make-up day"
    assert due.days[-1].why_zh == "调休上班(国庆节)"


def test_a_plain_weekend_does_not_count() -> None:
    assert shipped().due(date(2026, 11, 6), 1).due == date(2026, 11, 9)
    assert shipped().judge(date(2026, 11, 7)).why_zh == "周末"


def test_paused_days_do_not_count_and_say_so() -> None:
    due = shipped().due(date(2026, 11, 2), 3, [(date(2026, 11, 3), date(2026, 11, 9))])
    assert due.due == date(2026, 11, 12)
    assert [day.why for day in due.days[1:8]] == ["paused"] * 7


def test_a_limit_past_the_known_calendar_is_provisional_and_becomes_exact() -> None:
    start = date(2026, 12, 28)
    due = shipped().due(start, 10)
    assert (due.due, due.provisional) == (date(2027, 1, 11), True)
    assert due.days[-1].reason == "working day, calendar not announced"
    announced = Year(
        year=2027,
        holidays={date(2027, 1, day): "元旦" for day in (1, 2, 3)},
        workdays={date(2027, 1, 9): "元旦"},
    )
    known = shipped().with_year(announced)
    again = known.due(start, 10)
    assert (again.due, again.provisional) == (date(2027, 1, 11), False)
    assert known.working_days_between(start, date(2027, 1, 9)) == 9
    assert not shipped().known(date(2027, 1, 9)), "the calendar a count was made with does not change"


def test_a_limit_that_ends_on_the_last_known_day_is_not_provisional() -> None:
    assert not shipped().due(date(2026, 12, 30), 1).provisional
    assert shipped().due(date(2026, 12, 31), 1).provisional


def test_a_later_notice_wins_over_an_earlier_one() -> None:
    old = Year(year=2030, holidays={date(2030, 1, 2): "元旦"}, workdays={})
    new = Year(year=2031, holidays={}, workdays={date(2030, 1, 2): "元旦"})
    assert WorkCalendar([new, old]).is_working(date(2030, 1, 2))


def test_no_days_end_on_the_first_day() -> None:
    due = shipped().due(date(2026, 10, 1), 0)
    assert (due.due, len(due.days), due.provisional) == (date(2026, 10, 1), 1, False)


def test_nonsense_is_refused() -> None:
    with pytest.raises(ValueError, match="not negative"):
        shipped().due(FIRST, -1)
    with pytest.raises(ValueError, match="ends before it begins"):
        shipped().due(FIRST, 1, [(date(2026, 2, 2), date(2026, 2, 1))])
    with pytest.raises(ValueError, match="9999"):
        shipped().due(date(9999, 12, 30), 5)
