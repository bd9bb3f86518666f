"""From the last byte to the verdict in the journal, whatever happens in between."""

from __future__ import annotations

import pytest

from tests.support import hostile, pages
from tests.support.office import actor, key
from tests.support.scanroom import Room
from villagecall.case import Case
from villagecall.errors import BadRequest, NotFound, TooLarge
from villagecall.ids import uuid7
from villagecall.ports import Delivery, Message
from villagecall.scan.refusals import EmptyFile, NothingToReplace
from villagecall.scan.service import TOPIC, page_id

pytestmark = pytest.mark.asyncio(loop_scope="module")
SMALL = (620, 877)
FORM = pages.encoded(pages.form(1, SMALL), dpi=200)
LETTER = pages.encoded(pages.letter(5, SMALL), dpi=200)
FEEDER = hostile.tiff([pages.form(2, SMALL), pages.letter(3, SMALL), pages.blank(4, size=SMALL)])


class TestAFile:
    async def test_becomes_pages_with_verdicts(self, room: Room, case: Case) -> None:
        case = await room.scanned(case, FEEDER)
        assert [page.frame for page in case.pages] == [0, 1, 2]
        assert [page.verdict.blank for page in case.pages if page.verdict] == [False, False, True]
        assert case.files[0].frames == 3

    async def test_the_original_is_kept_byte_for_byte(self, room: Room, case: Case) -> None:
        case = await room.scanned(case, FORM)
        assert await room.blobs.get(case.pages[0].original.sha256) == FORM

    async def test_delivered_twice_is_judged_once(self, room: Room, case: Case) -> None:
        file_id = await room.send(case, FORM)
        payload = {"case_id": str(case.case_id), "file_id": str(file_id)}
        delivery = Delivery(1, Message(TOPIC, str(file_id), payload), case.case_id, 1)
        await room.deliver()
        before = await room.actions(case)
        await room.scans.judge(delivery)
        assert await room.actions(case) == before
        assert before.count("page.judged") == before.count("page.added") == before.count("file.read") == 1

    async def test_the_last_piece_sent_again_after_a_lost_answer(self, room: Room, case: Case) -> None:
        upload = room.upload(case, len(FORM))
        await room.scans.begin(upload)
        by = actor(room.office.county.willow_clerk)
        await room.scans.write(upload.file_id, 0, FORM, actor=by)
        assert (await room.scans.begin(upload)).received == len(FORM)
        assert (await room.actions(case)).count("file.received") == 1

    async def test_a_crash_between_a_page_and_its_verdict_is_made_up_for(
        self, room: Room, case: Case, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        await room.deliver()
        await room.send(case, FEEDER)
        (delivery,) = await room.office.journal.claim([TOPIC], 1, 60)

        async def lost(*_: object, **__: object) -> Case:
            raise ConnectionError("the power went")

        with monkeypatch.context() as patched:
            patched.setattr(room.scans, "_record", lost)
            with pytest.raises(ConnectionError):
                await room.scans.judge(delivery)
        half = await room.office.approval.get(case.case_id)
        assert [page.verdict for page in half.pages] == [None]
        await room.scans.judge(delivery)
        await room.office.journal.done(delivery)
        whole = await room.office.approval.get(case.case_id)
        assert len(whole.pages) == 3 and all(page.verdict for page in whole.pages)
        assert (await room.actions(case)).count("page.added") == 3

    @pytest.mark.parametrize(
        ("data", "code"),
        [
            (b"no picture at all", "not_an_image"),
            (FORM[: len(FORM) // 2], "truncated"),
            (hostile.png_bomb(), "too_many_pixels"),
            (hostile.pdf_with_script(), "pdf_active_content"),
            (hostile.pdf_with_password(), "pdf_locked"),
        ],
        ids=["text", "half", "bomb", "script", "locked"],
    )
    async def test_that_cannot_be_taken_is_told(self, room: Room, case: Case, data: bytes, code: str) -> None:
        case = await room.scanned(case, data)
        assert [(refused.code, bool(refused.zh)) for refused in case.refused_files] == [(code, True)]
        assert case.pages == ()

    async def test_too_large_or_empty_is_not_begun(self, room: Room, case: Case) -> None:
        with pytest.raises(TooLarge):
            await room.scans.begin(room.upload(case, 9 * 2**20))
        with pytest.raises(EmptyFile):
            await room.scans.begin(room.upload(case, 0))

    async def test_that_replaces_a_page_marks_the_old_one(self, room: Room, case: Case) -> None:
        case = await room.scanned(case, FORM)
        old = case.pages[0].page_id
        file_id = await room.send(case, pages.encoded(pages.form(8, SMALL), dpi=200), replaces=old)
        await room.deliver()
        case = await room.office.approval.get(case.case_id)
        assert case.pages[0].replaced_by == page_id(file_id, 0)
        assert [page.page_id for page in case.live_pages()] == [page_id(file_id, 0)]

    async def test_that_replaces_a_page_which_is_not_there_is_not_begun(self, room: Room, case: Case) -> None:
        case = await room.scanned(case, FORM)
        page = case.pages[0].page_id
        foreign = await room.office.draft()
        unknown, elsewhere = (room.upload(case, 9, replaces=uuid7()), room.upload(foreign, 9, replaces=page))
        for upload in (unknown, elsewhere, room.upload(case, 9, replaces=page, material="photo")):
            with pytest.raises(NothingToReplace) as told:
                await room.scans.begin(upload)
            assert told.value.code == "nothing_to_replace"
            assert "不在这份材料里" in told.value.told()
            with pytest.raises(NotFound):
                await room.scans.upload(upload.file_id)

    async def test_that_replaces_a_page_replaced_or_removed_before_is_not_begun(self, room: Room, case: Case) -> None:
        case = await room.scanned(case, FORM)
        old = case.pages[0].page_id
        case = await room.scanned(case, FEEDER, replaces=old)
        by, gone = actor(room.office.county.willow_clerk), case.pages[-1].page_id
        await room.scans.remove(case, gone, actor=by, key=key())
        for page in (old, gone):
            with pytest.raises(NothingToReplace):
                await room.scans.begin(room.upload(case, 9, replaces=page))

    async def test_that_replaces_the_same_page_as_another_one_leaves_only_the_later(
        self, room: Room, case: Case
    ) -> None:
        case = await room.scanned(case, FORM)
        old, by = case.pages[0].page_id, actor(room.office.county.willow_clerk)
        both = [(room.upload(case, len(data), replaces=old), data) for data in (FORM, LETTER)]
        for upload, _ in both:
            await room.scans.begin(upload)
        for upload, data in both:
            await room.scans.write(upload.file_id, 0, data, actor=by)
        await room.deliver()
        case = await room.office.approval.get(case.case_id)
        first, second = (page_id(upload.file_id, 0) for upload, _ in both)
        assert [page.replaced_by for page in case.pages] == [first, second, None]
        assert [page.page_id for page in case.live_pages()] == [second]

    async def test_that_replaces_a_page_is_found_again_once_it_is_safe(self, room: Room, case: Case) -> None:
        case = await room.scanned(case, FORM)
        upload = room.upload(case, len(FEEDER), replaces=case.pages[0].page_id)
        await room.scans.begin(upload)
        await room.scans.write(upload.file_id, 0, FEEDER, actor=actor(room.office.county.willow_clerk))
        await room.deliver()
        assert (await room.scans.begin(upload)).received == len(FEEDER)


class TestTheSamePage:
    async def test_scanned_twice_is_told(self, room: Room, case: Case) -> None:
        case = await room.scanned(await room.scanned(case, FORM), FORM)
        first, second = (page.verdict for page in case.pages)
        assert first is not None and first.ok
        assert second is not None and [fault.code for fault in second.faults] == ["duplicate"]
        assert "第 1 页" in second.faults[0].zh

    async def test_once_removed_may_be_scanned_again(self, room: Room, case: Case) -> None:
        case = await room.scanned(case, FORM)
        by = actor(room.office.county.willow_clerk)
        case = await room.scans.remove(case, case.pages[0].page_id, actor=by, key=key())
        case = await room.scanned(case, FORM)
        assert case.pages[1].verdict is not None and case.pages[1].verdict.ok


class TestLookedAt:
    async def test_what_is_not_there(self, room: Room, case: Case) -> None:
        by = actor(room.office.county.willow_clerk)
        with pytest.raises(NotFound):
            await room.scans.picture(case, uuid7())
        with pytest.raises(NotFound):
            await room.scans.remove(case, uuid7(), actor=by, key=key())

    @pytest.mark.parametrize("degrees", [0, 45, 360, -90])
    async def test_turned_by_quarters_only(self, room: Room, case: Case, degrees: int) -> None:
        case = await room.scanned(case, FORM)
        by = actor(room.office.county.willow_clerk)
        with pytest.raises(BadRequest):
            await room.scans.turn(case, case.pages[0].page_id, degrees, actor=by, key=key())

    async def test_turned_twice_by_a_half_is_as_before(self, room: Room, case: Case) -> None:
        case = await room.scanned(case, FORM)
        page, by = case.pages[0], actor(room.office.county.willow_clerk)
        for turned in (180, 0):
            case = await room.scans.turn(case, page.page_id, 180, actor=by, key=key())
            assert case.pages[0].turned == turned
        assert case.pages[0].view == page.view

    async def test_the_magnifier_stays_on_the_page(self, room: Room, case: Case) -> None:
        case = await room.scanned(case, FORM)
        assert await room.scans.region(case, case.pages[0].page_id, (0, 0, 1000, 1000))
        for box in ((900, 0, 200, 10), (0, 0, 0, 10)):
            with pytest.raises(BadRequest):
                await room.scans.region(case, case.pages[0].page_id, box)
