"""一次性告知: everything at once, and nothing later that could have been said before."""

from __future__ import annotations

from typing import Any, cast
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.clock import FixedClock
from villagecall.approval import notice
from villagecall.approval.notice import Changed
from villagecall.case import BlobRef, Case, Defect, Fault, File, FileRefusal, Notice, Page, Verdict
from villagecall.directory.model import FormField, Item, Material
from villagecall.errors import BadRequest
from villagecall.ids import uuid7
from villagecall.journal import JSON, SYSTEM, Action, Entry
from villagecall.ports import Clock

BLOB = BlobRef(sha256="0" * 64, size=1, media_type="image/jpeg")
ITEM = Item(
    item_id=UUID(int=1),
    code="X",
    version=1,
    name="临时救助",
    level="town",
    department="d",
    materials=(
        Material(code="id", name="居民身份证", pages=2),
        Material(code="income", name="家庭收入情况说明"),
        Material(code="checkup", name="体检表", necessary=False),
    ),
    form=(
        FormField(code="phone", label="联系电话", kind="phone"),
        FormField(code="people", label="家庭人口", kind="number"),
        FormField(code="since", label="困难发生日期", kind="date"),
        FormField(code="kind", label="救助类别", kind="choice", choices=("医疗", "火灾")),
        FormField(code="note", label="备注", required=False),
    ),
)
LI = {"name": "李桂芳", "id_number": "11010519491231002X"}
FORM = {"phone": "13800130000", "people": "3", "since": "2026-09-01", "kind": "医疗"}
CLOCK: Clock = FixedClock()


def page(material: str, *, fault: str = "", waiting: bool = False) -> Page:
    faults = (Fault(code="blur", zh=fault, en="blurred"),) if fault else ()
    verdict = None if waiting else Verdict(ok=not fault, faults=faults)
    return Page(page_id=uuid7(), file_id=uuid7(), material=material, name="a.jpg", original=BLOB, verdict=verdict)


def papers(*pages: Page, **facts: object) -> Case:
    return Case.model_validate({"case_id": uuid7(), "pages": pages, **facts})


GOOD = (page("id"), page("id"), page("income"))


def codes(case: Case, applicant: dict[str, str] | None = LI, form: dict[str, str] = FORM) -> list[str]:
    return [defect.code for defect in notice.complete_defects(case, ITEM, applicant, form)]


class TestTheCompleteList:
    def test_nothing_is_missing(self) -> None:
        assert codes(papers(*GOOD)) == []

    def test_everything_is_missing_and_everything_is_told(self) -> None:
        assert codes(papers(), None, {}) == [
            "applicant_missing",
            "form.phone",
            "form.people",
            "form.since",
            "form.kind",
            "material_missing",
            "material_missing",
        ]

    def test_a_missing_paper_and_a_blurred_page_are_one_notice(self) -> None:
        found = notice.complete_defects(papers(page("id"), page("id", fault="字迹模糊。")), ITEM, LI, FORM)
        assert [(defect.code, defect.material) for defect in found] == [
            ("page_fault", "id"),
            ("material_missing", "income"),
        ]
        assert found[0].zh == "「居民身份证」:字迹模糊。"
        assert found[0].page_id is not None

    def test_too_few_pages_are_counted(self) -> None:
        found = notice.complete_defects(papers(page("id"), page("income")), ITEM, LI, FORM)
        assert [defect.zh for defect in found] == ["「居民身份证」要 2 页,现在只有 1 页。"]

    def test_what_may_follow_later_is_not_missing(self) -> None:
        assert "checkup" not in {d.material for d in notice.complete_defects(papers(), ITEM, LI, FORM)}

    def test_what_may_follow_later_is_still_read_when_it_is_there(self) -> None:
        assert codes(papers(*GOOD, page("checkup", fault="反光。"))) == ["page_fault"]

    def test_a_page_that_is_being_judged_is_not_counted_as_good(self) -> None:
        assert codes(papers(page("id"), page("id", waiting=True), page("income"))) == ["page_waiting"]

    def test_removed_and_replaced_pages_do_not_count(self) -> None:
        removed = page("income").model_copy(update={"removed": True})
        replaced = page("id", fault="模糊。").model_copy(update={"replaced_by": uuid7()})
        assert codes(papers(page("id"), page("id"), removed, replaced)) == ["material_missing"]

    def test_a_file_that_could_not_be_read_says_why(self) -> None:
        bad = FileRefusal(file_id=uuid7(), material="income", name="扫描.pdf", code="x", zh="不是图片。", en="no image")
        found = notice.complete_defects(papers(page("id"), page("id"), refused_files=(bad,)), ITEM, LI, FORM)
        assert [defect.code for defect in found] == ["file_refused"]
        assert "扫描.pdf" in found[0].zh

    def test_a_file_that_was_replaced_by_a_good_one_is_forgotten(self) -> None:
        bad = FileRefusal(file_id=uuid7(), material="income", name="扫描.pdf", code="x", zh="不是图片。", en="no image")
        assert codes(papers(*GOOD, refused_files=(bad,))) == []

    def test_a_file_still_being_read_is_waited_for(self) -> None:
        file = File(file_id=uuid7(), material="income", name="a.jpg", original=BLOB)
        assert codes(papers(page("id"), page("id"), files=(file,))) == ["file_unread"]

    @pytest.mark.parametrize(
        ("entry", "bad", "good"),
        [
            ("phone", "不知道", "0839-8720000"),
            ("people", "三", "3"),
            ("since", "九月", "2026-09-01"),
            ("kind", "别的", "火灾"),
        ],
    )
    def test_entries_are_read_as_what_they_are(self, entry: str, bad: str, good: str) -> None:
        assert codes(papers(*GOOD), LI, {**FORM, entry: bad}) == [f"form.{entry}"]
        assert codes(papers(*GOOD), LI, {**FORM, entry: good}) == []

    def test_name_and_number_of_the_applicant_are_wanted(self) -> None:
        assert codes(papers(*GOOD), {"name": " ", "id_number": ""}) == ["applicant.name", "applicant.id_number"]

    def test_every_defect_says_what_to_do_in_two_languages(self) -> None:
        for defect in notice.complete_defects(papers(page("id", fault="模糊。")), ITEM, None, {"people": "x"}):
            assert defect.zh
            assert defect.en


def told(*defects: Defect) -> tuple[Notice, ...]:
    return (Notice(notice_id=uuid7(), at=CLOCK.now(), by=UUID(int=1), defects=defects),)


class TestTheSecondNotice:
    blur = Defect(code="page_fault", material="id", zh="字迹模糊。")
    sign = Defect(code="other", material="income", zh="没有签名。")

    def test_a_first_notice_names_what_it_likes(self) -> None:
        notice.guard([self.blur, self.sign], (), Changed())

    def test_a_defect_that_was_there_before_comes_too_late(self) -> None:
        with pytest.raises(notice.LateDefect) as no:
            notice.guard([self.blur, self.sign], told(self.blur), Changed())
        assert no.value.details["first"] == "没有签名"
        details = cast(dict[str, Any], no.value.as_json()["details"])
        assert [one["zh"] for one in details["defects"]] == ["没有签名。"]

    def test_what_was_named_and_not_put_right_is_named_again(self) -> None:
        notice.guard([self.blur], told(self.blur), Changed())

    def test_new_papers_may_have_new_defects(self) -> None:
        notice.guard([self.sign], told(self.blur), Changed(materials=frozenset({"income"})))

    def test_an_old_page_of_a_material_with_new_pages_is_still_old(self) -> None:
        old, new = uuid7(), uuid7()
        changed = Changed(materials=frozenset({"income"}), pages=frozenset({new}))
        with pytest.raises(notice.LateDefect):
            notice.guard([self.sign.model_copy(update={"page_id": old})], told(self.blur), changed)
        notice.guard([self.sign.model_copy(update={"page_id": new})], told(self.blur), changed)

    def test_an_entry_that_was_changed_may_be_wrong_in_a_new_way(self) -> None:
        wrong = Defect(code="form.phone", zh="号码是空号。")
        with pytest.raises(notice.LateDefect):
            notice.guard([wrong], told(self.blur), Changed())
        notice.guard([wrong], told(self.blur), Changed(entries=frozenset({"form.phone"})))

    defects = st.builds(
        Defect,
        code=st.sampled_from(["page_fault", "other", "form.phone"]),
        material=st.sampled_from(["", "id", "income"]),
        zh=st.just("有问题。"),
    )

    @given(first=st.lists(defects, min_size=1), second=st.lists(defects, min_size=1))
    def test_on_unchanged_papers_the_second_notice_never_names_anything_new(
        self, first: list[Defect], second: list[Defect]
    ) -> None:
        named = {(defect.code, defect.material) for defect in first}
        late = notice.late(second, told(*first), Changed())
        kept = [defect for defect in second if defect not in late]
        assert {(defect.code, defect.material) for defect in kept} <= named
        assert all((defect.code, defect.material) not in named for defect in late)


def entry(kind: str, payload: dict[str, JSON]) -> Entry:
    return Entry(UUID(int=1), 1, Action(kind, SYSTEM, CLOCK.now(), payload), b"", b"")


def test_the_journal_tells_what_came_in_after_the_last_notice() -> None:
    first, second = str(uuid7()), str(uuid7())
    entries = [
        entry("page.added", {"page": {"page_id": first, "material": "id"}}),
        entry("case.returned", {}),
        entry("page.added", {"page": {"page_id": second, "material": "income"}}),
        entry("form.filled", {"changed": ["form.phone"]}),
        entry("applicant.entered", {"changed": ["applicant.name"]}),
    ]
    assert notice.changed_since_notice(entries) == Changed(
        frozenset({"income"}), frozenset({UUID(second)}), frozenset({"form.phone", "applicant.name"})
    )
    assert notice.changed_since_notice([*entries, entry("case.returned", {})]) == Changed()


class TestWhatIsStillOpen:
    def test_a_named_page_that_is_still_there(self) -> None:
        bad = page("id")
        named = Defect(code="page_fault", material="id", page_id=bad.page_id, zh="不是本人。")
        assert notice.unanswered(papers(bad, notices=told(named)), Changed()) == (named,)
        gone = bad.model_copy(update={"removed": True})
        assert notice.unanswered(papers(gone, notices=told(named)), Changed()) == ()

    def test_a_named_material_without_a_new_page(self) -> None:
        named = Defect(code="other", material="income", zh="没有签名。")
        case = papers(*GOOD, notices=told(named))
        assert notice.unanswered(case, Changed()) == (named,)
        assert notice.unanswered(case, Changed(materials=frozenset({"income"}))) == ()

    def test_a_named_entry_that_is_as_it_was(self) -> None:
        named = Defect(code="form.phone", zh="号码是空号。")
        case = papers(*GOOD, notices=told(named))
        assert notice.unanswered(case, Changed()) == (named,)
        assert notice.unanswered(case, Changed(entries=frozenset({"form.phone"}))) == ()

    def test_what_cannot_be_judged_is_left_to_the_officer(self) -> None:
        assert notice.unanswered(papers(*GOOD, notices=told(Defect(code="other", zh="请说明。"))), Changed()) == ()


class TestAnOfficersDefects:
    def test_they_are_tied_to_papers_that_exist(self) -> None:
        with pytest.raises(BadRequest):
            notice.checked(papers(), ITEM, [Defect(code="other", material="nothing", zh="缺。")])
        with pytest.raises(BadRequest):
            notice.checked(papers(), ITEM, [Defect(code="other", page_id=uuid7(), zh="缺。")])

    def test_they_say_what_is_wrong(self) -> None:
        with pytest.raises(BadRequest):
            notice.checked(papers(), ITEM, [Defect(code="other", material="id", zh=" ")])

    def test_a_page_brings_its_material(self) -> None:
        bad = page("income")
        (found,) = notice.checked(papers(bad), ITEM, [Defect(code="other", page_id=bad.page_id, zh="没有签名。")])
        assert found.material == "income"

    def test_the_machines_findings_follow_and_none_is_said_twice(self) -> None:
        blur = Defect(code="page_fault", material="id", zh="模糊。")
        sign = Defect(code="other", material="income", zh="没有签名。")
        assert notice.merged([sign, blur], [blur]) == (sign, blur)
        assert notice.merged([sign], [blur]) == (sign, blur)
