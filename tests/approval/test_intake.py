"""The village's part: open, fill, submit, correct, withdraw."""

from __future__ import annotations

import asyncio
import re
from uuid import UUID

import pytest

from tests.support.county import small_vault
from tests.support.office import LI, Office, actor, key
from villagecall.approval import numbers
from villagecall.approval.intake import NotDescribed
from villagecall.approval.notice import Incomplete
from villagecall.approval.refusals import WrongState
from villagecall.case import Defect
from villagecall.directory.model import Item
from villagecall.errors import BadRequest, KeyReused, NotFound
from villagecall.ids import uuid7
from villagecall.journal import Actor, canonical
from villagecall.vault import VaultError


def clerk(office: Office) -> Actor:
    return actor(office.county.willow_clerk)


class TestOpening:
    async def test_the_case_is_pinned_to_the_items_version(self, office: Office) -> None:
        case = await office.draft()
        changed = office.county.card.model_copy(update={"name": "老年人优待证"})
        await office.county.directory.put_item(changed)
        assert office.approval.item(case).name == "老年人优待证申领"
        assert office.approval.item(await office.draft()).name == "老年人优待证"

    async def test_the_same_id_again_is_the_same_case(self, office: Office) -> None:
        case_id = uuid7()
        first = await office.approval.open(case_id, "LN-001", actor=clerk(office), key=key())
        assert await office.approval.open(case_id, "LN-001", actor=clerk(office), key=key()) == first
        assert len(await office.journal.entries(case_id)) == 1

    async def test_an_id_that_is_another_case_is_refused(self, office: Office) -> None:
        case = await office.draft()
        with pytest.raises(KeyReused):
            await office.approval.open(case.case_id, "SP-002", actor=clerk(office), key=key())
        with pytest.raises(KeyReused):
            stone = actor(office.county.stone_clerk)
            await office.approval.open(case.case_id, "LN-001", actor=stone, key=key())

    async def test_a_bare_line_of_the_catalogue_is_not_opened(self, office: Office) -> None:
        bare = Item(item_id=uuid7(), code="B-1", version=1, name="某事项", level="town", department="d")
        await office.county.directory.put_item(bare)
        with pytest.raises(NotDescribed):
            await office.approval.open(uuid7(), "B-1", actor=clerk(office), key=key())
        with pytest.raises(NotFound):
            await office.approval.open(uuid7(), "nothing", actor=clerk(office), key=key())


class TestApplicant:
    async def test_what_is_entered_is_sealed_and_the_journal_holds_none_of_it(self, office: Office) -> None:
        case = await office.fill(await office.draft())
        assert await office.approval.personal(case.applicant) == LI
        told = canonical([dict(entry.action.payload) for entry in await office.journal.entries(case.case_id)]).decode()
        for secret in (*LI.values(), "首次申领"):
            assert secret not in told

    async def test_a_wrong_check_digit_is_advice_and_no_refusal(self, office: Office) -> None:
        case = await office.draft()
        wrong = {**LI, "id_number": "110105194912310021", "phone": "12"}
        after, advice = await office.approval.enter_applicant(
            case.case_id, wrong, wrong, actor=clerk(office), key=key()
        )
        assert after.applicant is not None
        assert {(one.code, one.field) for one in advice} == {
            ("id_check", "applicant.id_number"),
            ("phone_form", "applicant.phone"),
            ("id_check", "agent.id_number"),
            ("phone_form", "agent.phone"),
        }

    async def test_an_organisation_code_is_no_wrong_id_number(self, office: Office) -> None:
        case = await office.draft()
        shop = {**LI, "id_number": "91350100M000100Y43"}
        _, advice = await office.approval.enter_applicant(case.case_id, shop, None, actor=clerk(office), key=key())
        assert advice == []

    async def test_a_change_names_the_entries_and_keeps_the_old_record_provable(self, office: Office) -> None:
        case = await office.fill(await office.draft())
        moved = {**LI, "phone": "13900139000"}
        await office.approval.enter_applicant(case.case_id, moved, None, actor=clerk(office), key=key())
        entered = [e for e in await office.journal.entries(case.case_id) if e.action.kind == "applicant.entered"]
        assert entered[-1].action.payload["changed"] == ["applicant.phone"]
        assert len({str(entry.action.payload["applicant"]) for entry in entered}) == 2
        for entry in entered:
            ref = entry.action.payload["applicant"]
            assert isinstance(ref, dict)
            record = await office.journal.record(UUID(str(ref["record"])))
            assert record is not None
            assert office.vault.commitment(record) == ref["commitment"]

    async def test_an_erased_applicant_is_gone_and_the_case_still_reads(self, office: Office) -> None:
        case = await office.accepted()
        assert case.applicant is not None
        await office.journal.erase(case.applicant.record)
        assert await office.approval.personal(case.applicant) == {}
        assert (await office.approval.get(case.case_id)).state == "accepted"

    async def test_without_the_key_nobody_reads_it(self, office: Office) -> None:
        case = await office.accepted()
        assert case.applicant is not None
        record = await office.journal.record(case.applicant.record)
        assert record is not None
        with pytest.raises(VaultError):
            small_vault().open(record)

    async def test_looking_at_everything_is_on_record_with_its_purpose(self, office: Office) -> None:
        case = await office.accepted()
        officer = actor(office.county.east_officer)
        applicant, agent = await office.approval.reveal(case.case_id, "核对身份", actor=officer, key=key())
        assert (applicant, agent) == (LI, {})
        last = (await office.journal.entries(case.case_id))[-1].action
        assert (last.kind, last.actor, dict(last.payload)) == ("applicant.revealed", officer, {"purpose": "核对身份"})


class TestForm:
    async def test_an_entry_the_form_has_not_is_refused(self, office: Office) -> None:
        case = await office.draft()
        with pytest.raises(BadRequest):
            await office.approval.fill_form(case.case_id, {"colour": "red"}, actor=clerk(office), key=key())

    async def test_half_a_form_is_kept(self, office: Office) -> None:
        case = await office.draft()
        case = await office.approval.fill_form(case.case_id, {"phone": "1"}, actor=clerk(office), key=key())
        assert await office.approval.personal(case.form) == {"phone": "1"}


class TestSubmitting:
    async def test_an_incomplete_case_gets_the_whole_list_and_stays_as_it_was(self, office: Office) -> None:
        case = await office.draft()
        await office.page(case, "id", fault="blur")
        before = await office.approval.get(case.case_id)
        with pytest.raises(Incomplete) as no:
            await office.approval.submit(case.case_id, actor=clerk(office), key=key())
        defects = no.value.details["defects"]
        assert isinstance(defects, list)
        assert [defect["code"] for defect in defects] == [
            "applicant_missing",
            "form.phone",
            "form.kind",
            "page_fault",
            "pages_missing",
            "material_missing",
            "material_missing",
        ]
        assert no.value.details["count"] == len(defects)
        assert await office.approval.get(case.case_id) == before
        assert await office.journal.backlog() == {}

    async def test_the_list_before_submitting_is_the_same(self, office: Office) -> None:
        case = await office.draft()
        with pytest.raises(Incomplete) as no:
            await office.approval.submit(case.case_id, actor=clerk(office), key=key())
        shown = await office.approval.defects(case)
        assert no.value.details["defects"] == [defect.model_dump(mode="json") for defect in shown]

    async def test_submitted_and_accepted_in_one_append(self, office: Office) -> None:
        case = await office.complete()
        after = await office.approval.submit(case.case_id, actor=clerk(office), key=key())
        last = (await office.journal.entries(case.case_id))[-2:]
        assert [entry.action.kind for entry in last] == ["case.submitted", "case.accepted"]
        assert (after.state, after.submitted, after.accepted) == ("accepted", office.clock.now(), office.clock.now())
        assert await office.approval.find(f"number:{after.number}") == after

    @pytest.mark.parametrize("same_key", [True, False])
    async def test_five_times_is_once(self, office: Office, same_key: bool) -> None:
        case, one = await office.complete(), key()
        results = await asyncio.gather(
            *(
                office.approval.submit(case.case_id, actor=clerk(office), key=one if same_key else key())
                for _ in range(5)
            )
        )
        assert len({(result.number, result.seq) for result in results}) == 1
        kinds = [entry.action.kind for entry in await office.journal.entries(case.case_id)]
        assert (kinds.count("case.submitted"), kinds.count("case.accepted")) == (1, 1)

    async def test_numbers_count_per_village_and_day(self, office: Office) -> None:
        first, second = await office.accepted(), await office.accepted()
        office.clock.forward(days=1)
        third = await office.accepted()
        serials = [case.number.rsplit("-", 1)[0] for case in (first, second, third)]
        assert serials == ["519900101201-20260923-0001", "519900101201-20260923-0002", "519900101201-20260924-0001"]

    async def test_a_number_cannot_be_guessed(self, office: Office) -> None:
        case = await office.accepted()
        stem, letters = case.number.rsplit("-", 1)
        assert re.fullmatch(f"[{numbers.LETTERS}]{{4}}", letters)
        other = numbers.receipt_number(small_vault(), office.county.willow.code, office.approval.today(), 1)
        assert other.startswith(stem)
        assert other != case.number

    async def test_a_withdrawn_case_is_not_submitted(self, office: Office) -> None:
        case = await office.complete()
        case = await office.approval.withdraw(case.case_id, "不办了", actor=clerk(office), key=key())
        assert (case.state, case.reason) == ("withdrawn", "不办了")
        with pytest.raises(WrongState):
            await office.approval.submit(case.case_id, actor=clerk(office), key=key())

    async def test_withdrawing_ends_the_call_about_it(self, office: Office) -> None:
        case, call_id = await office.accepted(), str(uuid7())
        request = {"call_id": call_id, "unit": office.county.east.code}
        await office.approval.record(case.case_id, "call.requested", {**request}, actor=clerk(office), key=key())
        assert await office.journal.count("calls") == 1
        case = await office.approval.withdraw(case.case_id, "不办了", actor=clerk(office), key=key())
        assert case.call is None
        assert await office.journal.count("calls") == 0


class TestCorrection:
    async def returned(self, office: Office) -> tuple[Defect, ...]:
        return (Defect(code="other", material="household", zh="户口簿没有本人页。"),)

    async def test_the_same_case_goes_on_under_the_same_number(self, office: Office) -> None:
        case = await office.accepted()
        officer = actor(office.county.east_officer)
        office.clock.forward(hours=1)
        told = await office.approval.return_case(case.case_id, await self.returned(office), actor=officer, key=key())
        assert (told.state, told.claim) == ("correction", None)
        office.clock.forward(hours=1)
        await office.page(case, "household")
        after = await office.approval.submit(case.case_id, actor=clerk(office), key=key())
        assert (after.state, after.number, after.submitted) == ("accepted", case.number, case.submitted)
        assert after.accepted == office.clock.now()
        assert after.notices[0].answered == office.clock.now()

    async def test_nothing_done_about_it_is_not_an_answer(self, office: Office) -> None:
        case = await office.accepted()
        officer = actor(office.county.east_officer)
        told = await self.returned(office)
        await office.approval.return_case(case.case_id, told, actor=officer, key=key())
        with pytest.raises(Incomplete) as no:
            await office.approval.submit(case.case_id, actor=clerk(office), key=key())
        assert no.value.details["defects"] == [told[0].model_dump(mode="json")]

    async def test_the_limits_begin_again_with_the_complete_papers(self, office: Office) -> None:
        case = await office.accepted(office.county.filing)
        officer = actor(office.county.east_officer)
        defect = Defect(code="other", material="place", zh="合同没有签名。")
        await office.approval.return_case(case.case_id, [defect], actor=officer, key=key())
        office.clock.forward(days=1)
        await office.page(case, "place")
        after = await office.approval.submit(case.case_id, actor=clerk(office), key=key())
        assert case.due_promised is not None
        assert after.due_promised is not None
        assert after.due_promised > case.due_promised

    async def test_what_the_district_returned_goes_back_to_the_district(self, office: Office) -> None:
        county = office.county
        case = await office.accepted(county.filing)
        await office.approval.pass_up(case.case_id, "", actor=actor(county.east_officer), key=key())
        defect = Defect(code="other", material="place", zh="合同没有签名。")
        market = actor(county.market_officer)
        await office.approval.return_case(case.case_id, [defect], actor=market, key=key())
        await office.page(case, "place")
        after = await office.approval.submit(case.case_id, actor=clerk(office), key=key())
        assert after.queue_unit == county.market.code
