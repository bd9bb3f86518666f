"""Limits in working days, and how they are said."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from villagecall.approval import deadlines
from villagecall.case import Case
from villagecall.directory.calendar import shipped
from villagecall.directory.model import Item
from villagecall.ids import uuid7

WEDNESDAY = datetime(2026, 9, 23, 1, 30, tzinfo=UTC)
CALENDAR = shipped()


def item(**facts: object) -> Item:
    return Item.model_validate(
        {"item_id": UUID(int=1), "code": "X", "version": 1, "name": "事项", "level": "town", "department": "d", **facts}
    )


def accepted(at: datetime = WEDNESDAY, **facts: object) -> Case:
    return Case.model_validate({"case_id": uuid7(), "state": "accepted", "accepted": at, **facts})


def test_the_first_day_is_not_counted_and_holidays_are_skipped() -> None:
    """Four days from Wednesday 23 September 2026: the 25th is the Mid-autumn holiday, with its weekend."""
    found = deadlines.promised(CALENDAR, item(promised_days=4), accepted(), WEDNESDAY)
    assert found is not None
    assert CALENDAR.judge(datetime(2026, 9, 25, tzinfo=UTC).date()).why == "holiday"
    assert (found.left, found.overdue, found.provisional) == (4, False, False)
    assert found.due == datetime(2026, 9, 30, 15, 59, 59, tzinfo=UTC)
    assert found.zh == "还剩 4 个工作日(9月30日前)"


def test_legal_and_promised_limits_both_run() -> None:
    both = item(promised_days=5, legal_days=20)
    promised, legal = (limit(CALENDAR, both, accepted(), WEDNESDAY) for limit in (deadlines.promised, deadlines.legal))
    assert promised is not None
    assert legal is not None
    assert promised.due < legal.due


def test_on_the_spot_means_the_same_working_day() -> None:
    found = deadlines.promised(CALENDAR, item(on_the_spot=True), accepted(), WEDNESDAY)
    assert found is not None
    assert found.today
    assert (found.zh, found.left) == ("今天到期", 0)


def test_on_the_spot_on_a_holiday_means_the_next_working_day() -> None:
    holiday = datetime(2026, 9, 25, 2, 0, tzinfo=UTC)
    found = deadlines.promised(CALENDAR, item(on_the_spot=True), accepted(holiday), holiday)
    assert found is not None
    assert found.due.date() > holiday.date()
    assert found.left == 1


def test_an_item_without_a_promise_has_none() -> None:
    assert deadlines.promised(CALENDAR, item(), accepted(), WEDNESDAY) is None
    assert deadlines.promised(CALENDAR, item(promised_days=3), Case(case_id=uuid7()), WEDNESDAY) is None


def test_a_limit_that_was_missed_says_by_how_much() -> None:
    late = WEDNESDAY + timedelta(days=15)  # 8 October: the days of the National Day holidays do not count
    found = deadlines.promised(CALENDAR, item(promised_days=4), accepted(), late)
    assert found is not None
    assert found.overdue
    assert found.zh == "已超期 1 个工作日(应在9月30日前)"


@pytest.mark.parametrize("end", ["decided", "closed"])
def test_after_the_end_no_days_are_left_and_the_limit_says_that_it_was_kept(end: str) -> None:
    over = accepted(**{end: WEDNESDAY + timedelta(hours=1)})
    found = deadlines.promised(CALENDAR, item(promised_days=5), over, WEDNESDAY + timedelta(days=90))
    assert found is not None
    assert (found.overdue, found.zh, found.en) == (False, "按期办结", "done in time")


@pytest.mark.parametrize(
    ("days", "late", "en"), [(15, 1, "done 1 working day late"), (16, 2, "done 2 working days late")]
)
def test_a_late_decision_stays_as_late_as_it_was(days: int, late: int, en: str) -> None:
    decided = accepted(decided=WEDNESDAY + timedelta(days=days))
    found = deadlines.promised(CALENDAR, item(promised_days=4), decided, WEDNESDAY + timedelta(days=90))
    assert found is not None
    assert (found.overdue, found.zh, found.en) == (True, f"超期 {late} 个工作日办结", en)


def test_while_the_applicant_supplies_papers_no_time_runs() -> None:
    waiting = accepted().model_copy(update={"state": "correction"})
    assert deadlines.promised(CALENDAR, item(promised_days=5), waiting, WEDNESDAY) is None


def test_beyond_the_known_calendar_the_limit_is_provisional_and_says_so() -> None:
    late = datetime(max(CALENDAR.years), 12, 28, 2, 0, tzinfo=UTC)
    found = deadlines.promised(CALENDAR, item(promised_days=10), accepted(late), late)
    assert found is not None
    assert found.provisional
    assert "重算" in found.zh
    assert f"{late.year + 1}年" in found.zh


def test_the_evening_in_london_is_the_next_day_in_the_village() -> None:
    evening = datetime(2026, 9, 22, 17, 0, tzinfo=UTC)  # Wednesday 01:00 in China
    assert deadlines.day_of(evening) == WEDNESDAY.date()


def test_defects_are_told_within_five_working_days() -> None:
    until = deadlines.notice_until(CALENDAR, WEDNESDAY)
    assert until == datetime(2026, 10, 8, 15, 59, 59, tzinfo=UTC)
    assert deadlines.notice_until(CALENDAR, None) is None


@pytest.mark.parametrize("days", [1, 5, 20])
@given(since=st.timedeltas(timedelta(0), timedelta(days=1035)), later=st.integers(0, 100))
def test_left_and_overdue_agree_with_the_due_moment(days: int, since: timedelta, later: int) -> None:
    begin = datetime(2024, 1, 1, tzinfo=UTC) + since
    now = begin + timedelta(days=later)
    found = deadlines.promised(CALENDAR, item(promised_days=days), accepted(begin), now)
    assert found is not None
    assert found.overdue == (now > found.due)
    assert found.left <= days
    if not found.overdue:
        assert found.left >= 0
    assert CALENDAR.is_working(deadlines.day_of(found.due))
