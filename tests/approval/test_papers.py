"""Cases found by what was read on their papers: by whom, where, and what the database knows of it."""

from __future__ import annotations

from uuid import UUID

import pytest

from tests.approval.test_readings import request_call
from tests.support.office import LI, Office, actor, blob, key
from villagecall.case import Case
from villagecall.directory.model import Person
from villagecall.journal import JSON
from villagecall.vault import pieces, text_pieces

LETTER = "残疾人证\n肢体二级,持证人:赵 铁柱\n编号 5199001"


async def read(office: Office, case: Case, text: str, material: str = "id") -> UUID:
    """Scan a page on which this stands."""
    page_id = await office.page(case, material)
    value: dict[str, JSON] = {"words": text, "lines": []}
    await office.approval.keep_text(case.case_id, page_id, str(_view()["sha256"]), value, key=key())
    return page_id


def _view() -> dict[str, JSON]:
    return blob("view")


async def found(office: Office, q: str, person: Person | None = None) -> list[tuple[UUID, bool]]:
    """Case and whether it was found by its papers."""
    lines = (await office.approval.cases(person or office.county.east_officer, q=q)).cases
    return [(line.case.case_id, line.on_papers) for line in lines]


class TestFinding:
    @pytest.mark.parametrize("q", ["残疾", "疾人", "肢体二级", "铁柱", "赵铁柱", "赵铁柱 肢体", "持证人"])
    async def test_by_two_characters_or_a_word(self, office: Office, q: str) -> None:
        case = await office.draft()
        await read(office, case, LETTER)
        assert await found(office, q) == [(case.case_id, True)]

    @pytest.mark.parametrize("q", ["残证", "柱赵", "级持", "51", "疾残", "人证号"])
    async def test_not_by_what_does_not_stand_there(self, office: Office, q: str) -> None:
        case = await office.draft()
        await read(office, case, LETTER)
        assert await found(office, q) == []

    async def test_pieces_that_stand_apart_are_no_word(self, office: Office) -> None:
        case = await office.draft()
        await read(office, case, "青禾区\n禾区法院\n青禾")
        assert await found(office, "青禾区法院") == []
        assert await found(office, "禾区法院") == [(case.case_id, True)]

    async def test_names_come_first_and_no_case_twice(self, office: Office) -> None:
        own, other = await office.draft(), await office.draft()
        await read(office, own, "申请人 李桂芳")
        await read(office, other, "介绍人 李桂芳")
        await office.approval.enter_applicant(own.case_id, LI, None, actor=actor(office.county.willow_clerk), key=key())
        assert await found(office, "李桂芳") == [(own.case_id, False), (other.case_id, True)]

    async def test_words_on_two_pages(self, office: Office) -> None:
        case = await office.draft()
        await read(office, case, "户口簿 户主")
        await read(office, case, "结婚证书")
        assert await found(office, "户口簿 结婚证书") == [(case.case_id, True)]


class TestKeeping:
    async def test_entering_the_applicant_and_submitting_forget_no_papers(self, office: Office) -> None:
        case = await office.draft()
        await read(office, case, LETTER)
        await office.scan(case)
        await office.fill(case)
        assert await found(office, "肢体二级") == [(case.case_id, True)]
        await office.approval.submit(case.case_id, actor=actor(office.county.willow_clerk), key=key())
        assert await found(office, "肢体二级") == [(case.case_id, True)]

    async def test_reading_papers_forgets_no_applicant(self, office: Office) -> None:
        case = await office.accepted()
        await read_late(office, case)
        assert await found(office, LI["name"]) == [(case.case_id, False)]
        assert await found(office, LI["id_number"]) == [(case.case_id, False)]
        number = (await office.approval.get(case.case_id)).number
        assert await found(office, number) == [(case.case_id, False)]

    async def test_a_page_is_kept_once(self, office: Office) -> None:
        case = await office.draft()
        page_id = await read(office, case, LETTER)
        before = await office.approval.get(case.case_id)
        again = await office.approval.keep_text(
            case.case_id, page_id, str(_view()["sha256"]), {"words": "别的"}, key=key()
        )
        assert again.seq == before.seq
        assert await found(office, "别的") == []

    async def test_an_erased_text_is_no_text(self, office: Office) -> None:
        case = await office.draft()
        await read(office, case, LETTER)
        page = (await office.approval.get(case.case_id)).pages[0]
        assert page.text is not None
        await office.journal.erase(page.text.record)
        assert await office.approval.text_of(page) == {}
        assert await found(office, "肢体二级") == []


class TestScope:
    async def test_a_neighbour_finds_nothing(self, office: Office) -> None:
        case = await office.draft()
        await read(office, case, LETTER)
        county = office.county
        assert await found(office, "残疾", county.willow_clerk) == [(case.case_id, True)]
        for person in (county.stone_clerk, county.hill_clerk, county.west_officer, county.civil_officer):
            assert await found(office, "残疾", person) == []

    async def test_a_supervisor_finds_no_personal_data_by_trying_words(self, office: Office) -> None:
        case = await office.draft()
        await read(office, case, LETTER)
        assert await found(office, "残疾", office.county.supervisor) == []

    async def test_what_a_call_brings_in_is_not_touched_by_it(self, office: Office) -> None:
        """Reading moves no case in a queue."""
        case = await office.accepted()
        await request_call(office, case, office.county.east.code)
        before = await office.approval.queue(office.county.east.code)
        await read_late(office, case)
        after = await office.approval.queue(office.county.east.code)
        assert [line.case.case_id for line in after.video] == [line.case.case_id for line in before.video]
        assert after.counts == before.counts


async def read_late(office: Office, case: Case) -> None:
    """A page that was scanned before submitting is read after it."""
    page = (await office.approval.get(case.case_id)).pages[0]
    value: dict[str, JSON] = {"words": LETTER, "lines": []}
    await office.approval.keep_text(case.case_id, page.page_id, str(_view()["sha256"]), value, key=key())


class TestPieces:
    def test_two_characters_of_a_line_across_blanks_but_not_across_signs(self) -> None:
        assert text_pieces("赵 铁柱,男") == {"赵铁", "铁柱"}
        assert text_pieces("危房\n改造") == {"危房", "改造"}

    def test_numbers_are_no_words(self) -> None:
        assert text_pieces("2026年11月 5199") == {"6年", "年1", "1月", "月5"}
        assert text_pieces("ab12") == {"AB", "B1"}

    def test_every_piece_of_a_name_is_one_of_its_text(self) -> None:
        assert pieces("李桂芳") <= text_pieces("申请人:李桂芳(签名)")
