"""A sheet laid on the glass twice, told behind the verdict."""

from __future__ import annotations

import pytest

from tests.support import pages, sheets
from tests.support.office import actor, key
from tests.support.scanroom import Room
from villagecall.case import Case
from villagecall.demo import papers
from villagecall.scan.duplicates import TOPIC

pytestmark = pytest.mark.asyncio(loop_scope="module")
SMALL = (620, 877)


async def scanned_twice(room: Room, case: Case, seed: int) -> Case:
    """One sheet, scanned twice: the second page is judged, and its comparison is still to come."""
    sheet, _ = sheets.pair(seed, "same")
    case = await room.scanned(case, sheets.scanned(sheet, 1))
    await room.send(case, sheets.scanned(sheet, 2))
    (delivery,) = await room.office.journal.claim(["scan"], 1, 60)
    await room.scans.judge(delivery)
    await room.office.journal.done(delivery)
    return await room.office.approval.get(case.case_id)


class TestASheetScannedTwice:
    async def test_two_copies_of_one_form_filled_in_differently_are_two_pages(self, room: Room, case: Case) -> None:
        who = papers.Bearer("李桂芳", "519900195203042420", "柳溪村三组")
        for lines in ((("编号", "1"),), (("编号", "2"),)):
            case = await room.scanned(case, papers.jpeg(papers.form("申请表", who, lines)))
        assert [page.verdict.ok for page in case.pages if page.verdict] == [True, True]

    async def test_laid_on_the_glass_again_is_told(self, room: Room, case: Case) -> None:
        sheet, _ = sheets.pair(301, "same")
        case = await room.scanned(await room.scanned(case, sheets.scanned(sheet, 1)), sheets.scanned(sheet, 2))
        verdict = case.pages[1].verdict
        assert verdict is not None
        assert [fault.code for fault in verdict.faults] in (["duplicate"], ["maybe_duplicate"])
        assert verdict.ok == (verdict.faults[0].code == "maybe_duplicate")
        assert "第 1 页" in verdict.faults[0].zh

    async def test_two_blank_backs_are_no_duplicates(self, room: Room, case: Case) -> None:
        blank = pages.encoded(pages.blank(9, size=SMALL), dpi=200)
        case = await room.scanned(await room.scanned(case, blank), blank)
        assert all(page.verdict and not page.verdict.faults for page in case.pages)

    async def test_other_forms_of_the_same_kind_are_none(self, room: Room, case: Case) -> None:
        for seed in (20, 21, 22):
            case = await room.scanned(case, pages.encoded(pages.form(seed, SMALL), dpi=200))
        assert all(page.verdict and page.verdict.ok for page in case.pages)

    async def test_never_holds_up_the_verdict(self, room: Room, case: Case) -> None:
        case = await scanned_twice(room, case, 302)
        verdict = case.pages[1].verdict
        assert verdict is not None and verdict.ok
        await room.deliver()
        told = (await room.office.approval.get(case.case_id)).pages[1].verdict
        assert told is not None and told.faults[-1].code in ("duplicate", "maybe_duplicate")

    async def test_is_told_on_the_later_page_whichever_was_compared(self, room: Room, case: Case) -> None:
        sheet, _ = sheets.pair(303, "same")
        case = await room.scanned(await room.scanned(case, sheets.scanned(sheet, 1)), sheets.scanned(sheet, 2))
        by = actor(room.office.county.willow_clerk)
        for _ in range(2):  # the first page again as it was, and so compared once more
            await room.scans.turn(case, case.pages[0].page_id, 180, actor=by, key=key())
            await room.deliver()
        told = [page.verdict for page in (await room.office.approval.get(case.case_id)).pages if page.verdict]
        assert told[0].faults == ()
        assert len(told[1].faults) == 1

    async def test_delivered_twice_is_told_once(self, room: Room, case: Case) -> None:
        case = await scanned_twice(room, case, 304)
        (delivery,) = await room.office.journal.claim([TOPIC], 1, 60)
        for _ in range(2):
            await room.consumers[TOPIC](delivery)
        await room.office.journal.done(delivery)
        assert (await room.actions(case)).count("page.matched") == 1
