"""The desk's part: decisions, grounds, notices."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.support.office import Office, actor, key
from villagecall.approval.desk import REMEDY, refusal_sentence
from villagecall.approval.notice import LateDefect
from villagecall.approval.refusals import (
    ClaimedByOther,
    FourEyes,
    NoSuchReason,
    NotAtYourDesk,
    NoticeTooLate,
    NotIssued,
    NotPrinted,
    ReviewFirst,
)
from villagecall.case import Defect


class TestClaiming:
    async def test_the_holder_is_named_to_the_one_who_comes_second(self, office: Office) -> None:
        case = await office.accepted()
        await office.approval.claim(case.case_id, actor=actor(office.county.east_officer), key=key())
        with pytest.raises(ClaimedByOther) as no:
            await office.approval.claim(case.case_id, actor=actor(office.county.east_officer2), key=key())
        said = no.value.as_json()
        assert said["code"] == "claimed_by_other"
        assert said["zh"] == "王建国 正在办理这件办件(09:45 前)。"

    async def test_claiming_again_renews_the_lease(self, office: Office) -> None:
        case = await office.accepted()
        officer = actor(office.county.east_officer)
        first = await office.approval.claim(case.case_id, actor=officer, key=key())
        office.clock.forward(minutes=5)
        second = await office.approval.claim(case.case_id, actor=officer, key=key())
        assert first.claim is not None
        assert second.claim is not None
        assert second.claim.until - first.claim.until == timedelta(minutes=5)

    async def test_released_is_free_and_releasing_twice_is_no_error(self, office: Office) -> None:
        case = await office.accepted()
        officer = actor(office.county.east_officer)
        await office.approval.claim(case.case_id, actor=officer, key=key())
        for _ in range(2):
            after = await office.approval.release(case.case_id, actor=officer, key=key())
            assert after.claim is None
        await office.approval.claim(case.case_id, actor=actor(office.county.east_officer2), key=key())

    async def test_another_desk_does_not_release_it(self, office: Office) -> None:
        case = await office.accepted()
        await office.approval.claim(case.case_id, actor=actor(office.county.east_officer), key=key())
        with pytest.raises(ClaimedByOther):
            await office.approval.release(case.case_id, actor=actor(office.county.east_officer2), key=key())

    async def test_another_town_has_nothing_to_claim(self, office: Office) -> None:
        case = await office.accepted()
        with pytest.raises(NotAtYourDesk):
            await office.approval.claim(case.case_id, actor=actor(office.county.west_officer), key=key())


class TestRefusing:
    async def test_the_applicant_gets_the_grounds_their_basis_and_the_remedy(self, office: Office) -> None:
        case = await office.accepted()
        after = await office.approval.refuse(
            case.case_id, ["age", "place"], "可于年满后再申请。", actor=actor(office.county.east_officer), key=key()
        )
        assert after.state == "refused"
        assert after.steps[-1].reasons == ("age", "place")
        basis = "(依据:《中华人民共和国老年人权益保障法》)。"
        assert after.reason == (
            f"经审查,申请人未满六十周岁,依法不予办理{basis}经审查,申请人不是本县户籍,依法不予办理{basis}"
            f"可于年满后再申请。{REMEDY}"
        )

    async def test_a_ground_outside_the_items_list_is_none(self, office: Office) -> None:
        case = await office.accepted()
        with pytest.raises(NoSuchReason):
            await office.approval.refuse(case.case_id, ["mood"], "", actor=actor(office.county.east_officer), key=key())

    async def test_a_ground_named_twice_is_said_once(self, office: Office) -> None:
        sentence = refusal_sentence(office.county.card, ["age", "age"], "")
        assert sentence.count("未满六十周岁") == 1

    async def test_a_refused_case_is_handed_over_in_writing_and_rated_like_any_other(self, office: Office) -> None:
        """Licensing Law art. 38 (2): the refusal is a written decision."""
        case, by = await office.accepted(), actor(office.county.willow_clerk)
        await office.approval.refuse(case.case_id, ["age"], "", actor=actor(office.county.east_officer), key=key())
        with pytest.raises(NotIssued):
            await office.approval.deliver(case.case_id, "", "邮寄", actor=by, key=key())
        case = await office.refused()
        assert case.state == "refused"
        with pytest.raises(NotPrinted):
            await office.approval.deliver(case.case_id, "", "邮寄", actor=by, key=key())
        case = await office.printed(case)
        assert case.state == "refused"
        _, token = await office.approval.deliver(case.case_id, "", "邮寄", actor=by, key=key())
        assert (await office.approval.rate(token, 2, "", "", key=key())).state == "closed"


class TestFourEyes:
    async def test_two_people_of_two_levels(self, office: Office) -> None:
        county = office.county
        case = await office.accepted(county.subsidy)
        case = await office.approval.pass_up(case.case_id, "", actor=actor(county.east_officer), key=key())
        case = await office.approval.approve(case.case_id, "", actor=actor(county.civil_officer), key=key())
        assert {step.person for step in case.steps} == {county.east_officer.person_id, county.civil_officer.person_id}

    async def test_two_people_of_one_window(self, office: Office) -> None:
        county = office.county
        risky = await county.directory.put_item(county.card.model_copy(update={"high_risk": True}))
        case = await office.accepted(risky)
        first, second = actor(county.east_officer), actor(county.east_officer2)
        with pytest.raises(ReviewFirst):
            await office.approval.approve(case.case_id, "", actor=first, key=key())
        case = await office.approval.pass_up(case.case_id, "材料齐全", actor=first, key=key())
        assert (case.stage, case.queue_unit, case.claim) == ("town", county.east.code, None)
        with pytest.raises(FourEyes):
            await office.approval.approve(case.case_id, "", actor=first, key=key())
        assert (await office.approval.approve(case.case_id, "", actor=second, key=key())).state == "approved"


class TestReturning:
    async def test_one_notice_holds_what_the_officer_and_the_machine_found(self, office: Office) -> None:
        """A page goes bad between acceptance and review: turned, it is judged again."""
        case = await office.accepted()
        photo = next(page for page in case.pages if page.material == "photo")
        await office.judge(case, photo.page_id, "blur")
        seen = Defect(code="other", material="household", zh="户口簿没有本人页。")
        after = await office.approval.return_case(
            case.case_id, [seen], actor=actor(office.county.east_officer), key=key()
        )
        assert [(defect.code, defect.material) for defect in after.notices[0].defects] == [
            ("other", "household"),
            ("page_fault", "photo"),
        ]

    async def test_a_second_notice_names_nothing_the_first_could_have_named(self, office: Office) -> None:
        case, officer = await office.accepted(), actor(office.county.east_officer)
        by = actor(office.county.willow_clerk)
        seen = Defect(code="other", material="household", zh="户口簿没有本人页。")
        await office.approval.return_case(case.case_id, [seen], actor=officer, key=key())
        await office.page(case, "household")
        await office.approval.submit(case.case_id, actor=by, key=key())

        overlooked = Defect(code="other", material="id", zh="身份证已过期。")
        with pytest.raises(LateDefect) as no:
            await office.approval.return_case(case.case_id, [overlooked], actor=officer, key=key())
        assert "身份证已过期" in str(no.value.as_json()["zh"])
        assert (await office.approval.get(case.case_id)).state == "accepted"

        new = Defect(code="other", material="household", zh="新的一页不是本人的。")
        after = await office.approval.return_case(case.case_id, [new], actor=officer, key=key())
        assert len(after.notices) == 2

    async def test_after_five_working_days_it_is_too_late(self, office: Office) -> None:
        case = await office.accepted()
        office.clock.forward(days=21)
        defect = Defect(code="other", material="id", zh="身份证已过期。")
        officer = office.county.east_officer
        assert "return" not in office.approval.actions(case, officer)
        with pytest.raises(NoticeTooLate):
            await office.approval.return_case(case.case_id, [defect], actor=actor(officer), key=key())
