"""Lists, search and the desk's queue, each within its scope."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

import pytest

from tests.support.office import Office, actor, key
from villagecall.approval.readings import STEP, Line
from villagecall.case import Case
from villagecall.directory.model import Person
from villagecall.errors import BadRequest
from villagecall.ids import uuid7
from villagecall.journal import SYSTEM


def ids(lines: Sequence[Line]) -> list[UUID]:
    return [line.case.case_id for line in lines]


async def request_call(office: Office, case: Case, unit: str) -> UUID:
    call_id = uuid7()
    await office.approval.record(
        case.case_id,
        "call.requested",
        {"call_id": str(call_id), "unit": unit},
        actor=actor(office.county.willow_clerk),
        key=key(),
    )
    return call_id


class TestLists:
    async def seen(self, office: Office, person: Person, view: str = "all", q: str = "") -> list[UUID]:
        return ids((await office.approval.cases(person, view=view, q=q)).cases)

    async def test_each_sees_the_own_units_cases_newest_first(self, office: Office) -> None:
        county = office.county
        willow = await office.draft()
        office.clock.forward(minutes=1)
        stone = await office.draft(clerk=county.stone_clerk)
        office.clock.forward(minutes=1)
        hill = await office.draft(clerk=county.hill_clerk)
        assert await self.seen(office, county.willow_clerk) == [willow.case_id]
        assert await self.seen(office, county.east_officer) == [stone.case_id, willow.case_id]
        assert await self.seen(office, county.west_officer) == [hill.case_id]
        assert await self.seen(office, county.supervisor) == [hill.case_id, stone.case_id, willow.case_id]
        assert await self.seen(office, county.civil_officer) == []

    async def test_a_department_sees_what_came_to_it_and_keeps_seeing_it(self, office: Office) -> None:
        county = office.county
        case = await office.accepted(county.filing)
        assert await self.seen(office, county.market_officer) == []
        await office.approval.pass_up(case.case_id, "", actor=actor(county.east_officer), key=key())
        await office.approval.approve(case.case_id, "", actor=actor(county.market_officer), key=key())
        assert await self.seen(office, county.market_officer) == [case.case_id]
        assert await self.seen(office, county.civil_officer) == []

    async def test_open_done_and_today(self, office: Office) -> None:
        county, clerk = office.county, office.county.willow_clerk
        first, second = await office.accepted(), await office.accepted()
        await office.approval.withdraw(first.case_id, "不办了", actor=actor(clerk), key=key())
        for person in (clerk, county.east_officer, county.supervisor):
            assert await self.seen(office, person, "open") == [second.case_id]
            assert await self.seen(office, person, "done") == [first.case_id]
            assert set(await self.seen(office, person, "today")) == {first.case_id, second.case_id}
        office.clock.forward(days=1)
        assert await self.seen(office, clerk, "today") == []
        with pytest.raises(BadRequest):
            await office.approval.cases(clerk, view="everything")

    async def test_pages_follow_each_other_without_gap(self, office: Office) -> None:
        made = []
        for _ in range(7):
            made.append((await office.draft()).case_id)
            office.clock.forward(seconds=1)
        seen, after = list[UUID](), None
        while True:
            page = await office.approval.cases(office.county.willow_clerk, after=after, limit=3)
            seen += ids(page.cases)
            after = page.next
            if after is None:
                break
        assert seen == made[::-1]


class TestSearch:
    @pytest.mark.parametrize(
        "q", ["李桂芳", "桂芳", "李桂", "002x", "11010519491231002X", "13800130000", "优待", "桂芳 优待", "0001"]
    )
    async def test_found_by_pieces_of_names_numbers_and_the_item(self, office: Office, q: str) -> None:
        case = await office.accepted()
        assert ids((await office.approval.cases(office.county.willow_clerk, q=q)).cases) == [case.case_id]

    @pytest.mark.parametrize("q", ["王建", "桂芳 备案", "0002", "11010519491231003X", "芳李", "  "])
    async def test_not_found_by_others(self, office: Office, q: str) -> None:
        await office.accepted()
        found = ids((await office.approval.cases(office.county.willow_clerk, q=q)).cases)
        assert len(found) == (1 if not q.strip() else 0)

    async def test_the_receipt_number_finds_its_case(self, office: Office) -> None:
        case = await office.accepted()
        county = office.county
        for person in (county.willow_clerk, county.east_officer, county.supervisor):
            page = await office.approval.cases(person, q=case.number.lower())
            assert ids(page.cases) == [case.case_id]

    @pytest.mark.parametrize("by_number", [True, False])
    async def test_search_stays_within_the_own_unit(self, office: Office, by_number: bool) -> None:
        case = await office.accepted()
        county = office.county
        for person in (county.stone_clerk, county.west_officer, county.market_officer):
            q = case.number if by_number else "李桂芳"
            assert (await office.approval.cases(person, q=q)).cases == ()

    async def test_the_cases_of_a_merged_village_stay_findable(self, office: Office) -> None:
        county = office.county
        case = await office.accepted()
        merged = {"until": office.clock.now().date(), "successor": county.stone.code}
        await county.directory.put_unit(county.willow.model_copy(update=merged))
        for q in (case.number, "李桂芳"):
            page = await office.approval.cases(county.stone_clerk, q=q)
            assert ids(page.cases) == [case.case_id]
            assert (await office.approval.cases(county.hill_clerk, q=q)).cases == ()


class TestTheQueue:
    async def test_calls_come_first_in_the_order_of_request(self, office: Office) -> None:
        east = office.county.east.code
        cases = [await office.accepted() for _ in range(3)]
        for case in reversed(cases):
            office.clock.forward(seconds=1)
            await request_call(office, case, east)
        queue = await office.approval.queue(east)
        assert ids(queue.video) == [case.case_id for case in reversed(cases)]
        assert (queue.today, queue.general) == ((), ())
        assert queue.counts == {"all": 3, "video": 3, "today": 3, "overdue": 0, "general": 0}

    async def test_who_is_answered_moves_out_of_the_waiting_line(self, office: Office) -> None:
        county = office.county
        first, second = await office.accepted(), await office.accepted()
        call_id = await request_call(office, first, county.east.code)
        office.clock.forward(seconds=1)
        await request_call(office, second, county.east.code)
        waiting = await office.approval.get(second.case_id)
        assert waiting.call is not None
        assert await office.approval.place(waiting.call) == 1
        joining = {"call_id": str(call_id), "participant": str(uuid7())}
        await office.approval.record(
            first.case_id, "call.joined", {**joining}, actor=actor(county.east_officer), key=key()
        )
        assert await office.approval.place(waiting.call) == 0
        assert ids((await office.approval.queue(county.east.code)).video) == [second.case_id]

    async def test_an_invited_department_sees_the_call_on_top(self, office: Office) -> None:
        county = office.county
        case = await office.accepted(county.filing)
        call_id = str(await request_call(office, case, county.east.code))
        town = actor(county.east_officer)
        joining = {"call_id": call_id, "participant": str(uuid7())}
        await office.approval.record(case.case_id, "call.joined", {**joining}, actor=town, key=key())
        invitation = {"call_id": call_id, "unit": county.market.code}
        await office.approval.record(case.case_id, "call.invited", {**invitation}, actor=town, key=key())
        assert ids((await office.approval.queue(county.market.code)).video) == [case.case_id]

    async def test_due_today_then_overdue_then_the_rest(self, office: Office) -> None:
        east = office.county.east.code
        overdue = await office.accepted()
        office.clock.forward(days=1)
        later = await office.accepted(office.county.filing)
        today = await office.accepted()
        queue = await office.approval.queue(east)
        assert ids(queue.today) == [overdue.case_id, today.case_id]
        assert [line.group for line in queue.today] == ["overdue", "today"]
        assert ids(queue.general) == [later.case_id]
        assert queue.counts == {"all": 3, "video": 0, "today": 2, "overdue": 1, "general": 1}

    async def test_within_a_day_first_come_first_served(self, office: Office) -> None:
        made = []
        for _ in range(4):
            made.append((await office.accepted()).case_id)
            office.clock.forward(minutes=1)
        assert ids((await office.approval.queue(office.county.east.code)).today) == made

    async def test_what_is_due_today_is_counted_beyond_the_first_page(self, office: Office) -> None:
        for _ in range(STEP + 3):
            await office.accepted()
        await office.accepted(office.county.filing)
        counts = (await office.approval.queue(office.county.east.code, limit=5)).counts
        assert (counts["all"], counts["today"], counts["general"]) == (STEP + 4, STEP + 3, 1)

    async def test_decided_cases_leave_the_queue(self, office: Office) -> None:
        await office.approved()
        queue = await office.approval.queue(office.county.east.code)
        assert (queue.video, queue.today, queue.general) == ((), (), ())
        assert queue.counts["all"] == 0

    async def test_a_claimed_case_stays_visible_to_the_others(self, office: Office) -> None:
        case = await office.accepted()
        await office.approval.claim(case.case_id, actor=actor(office.county.east_officer), key=key())
        (line,) = (await office.approval.queue(office.county.east.code)).today
        assert line.case.claim is not None

    async def test_the_queue_goes_on_page_by_page(self, office: Office) -> None:
        made = []
        for _ in range(5):
            made.append((await office.accepted()).case_id)
            office.clock.forward(seconds=1)
        first = await office.approval.queue(office.county.east.code, limit=3)
        rest = await office.approval.queue(office.county.east.code, after=first.next, limit=3)
        assert ids(first.today) + ids(rest.today) == made
        assert rest.next is None


async def test_a_call_that_does_not_wait_has_no_place(office: Office) -> None:
    case = await office.accepted()
    await request_call(office, case, office.county.east.code)
    case = await office.approval.record(
        case.case_id,
        "call.ended",
        {"call_id": str((await office.approval.get(case.case_id)).calls[0].call_id)},
        actor=SYSTEM,
        key=key(),
    )
    assert await office.approval.place(case.calls[0]) == 0


async def test_a_promise_that_ended_with_the_decision_is_no_longer_overdue(office: Office) -> None:
    case = await office.approved()
    office.clock.forward(days=timedelta(weeks=4).days)
    assert office.approval.line(case).group == "today"
