"""History, day book and public progress: what the journal says, in words."""

from __future__ import annotations

import pytest

from tests.support.office import LI, Office, actor, key
from villagecall.approval.rules import MOVES
from villagecall.case import Defect
from villagecall.case_fold import kinds
from villagecall.case_words import DAYBOOK, KINDS, STATES, TODO, say
from villagecall.errors import NotFound
from villagecall.ledger.service import Ledger


def test_every_kind_of_action_has_words() -> None:
    assert KINDS.keys() == kinds()
    assert kinds() >= DAYBOOK


def test_every_state_has_words_and_says_what_to_do() -> None:
    assert STATES.keys() == TODO.keys()
    assert STATES.keys() >= MOVES.keys()


def test_words_of_a_payload_that_lacks_something_stay_readable() -> None:
    assert say("case.withdrawn", {}).zh == "撤回:…"
    assert say("case.rated", {"level": 5}).zh == "评价:非常满意"
    assert say("print.reported", {"state": "done"}) == ("打印机状态:已打完", "Printer reports: printed")
    assert say("print.reported", {"state": "odd"}).zh == "打印机状态:odd"
    assert say("something.new", {}).zh == "something.new"


class TestHistory:
    async def test_every_action_with_who_did_it_and_its_hash(self, office: Office, ledger: Ledger) -> None:
        case = await office.approved()
        lines = await ledger.history(case.case_id)
        assert [line.seq for line in lines] == list(range(1, case.seq + 1))
        assert lines[-1].hash == case.head
        assert (lines[0].words.zh, lines[0].by, lines[0].unit_name) == ("新建办件", "张晓梅", "柳溪村")
        assert (lines[-1].words.zh, lines[-1].by, lines[-1].unit_name) == ("准予", "王建国", "东河镇")
        accepted = next(line for line in lines if line.kind == "case.accepted")
        assert (accepted.by, accepted.unit_name) == ("系统", "东河镇")
        submitted = next(line for line in lines if line.kind == "case.submitted")
        assert submitted.words.zh == f"提交,受理编号 {case.number}"

    async def test_it_holds_nothing_of_the_person(self, office: Office, ledger: Ledger) -> None:
        case = await office.approved()
        said = "".join(line.words.zh + line.words.en for line in await ledger.history(case.case_id))
        assert not any(secret in said for secret in LI.values())


class TestDaybook:
    async def test_what_happened_in_the_village_that_day_in_order(self, office: Office, ledger: Ledger) -> None:
        first = await office.accepted()
        second = await office.printed()
        await office.approval.withdraw(first.case_id, "不办了", actor=actor(office.county.willow_clerk), key=key())
        book = await ledger.daybook(office.county.willow.code, "2026-09-23")
        assert [(line.case.case_id, line.line.kind) for line in book.lines] == [
            (first.case_id, "case.submitted"),
            (second.case_id, "case.submitted"),
            (second.case_id, "case.approved"),
            (second.case_id, "certificate.issued"),
            (second.case_id, "print.ticketed"),
            (first.case_id, "case.withdrawn"),
        ]
        assert book.counts == {
            "case.submitted": 2,
            "case.approved": 1,
            "certificate.issued": 1,
            "print.ticketed": 1,
            "case.withdrawn": 1,
        }

    async def test_each_day_and_each_village_has_its_own(self, office: Office, ledger: Ledger) -> None:
        case = await office.accepted()
        office.clock.forward(days=1)
        await office.approval.withdraw(case.case_id, "不办了", actor=actor(office.county.willow_clerk), key=key())
        kinds_of = {
            day: [line.line.kind for line in (await ledger.daybook(office.county.willow.code, day)).lines]
            for day in ("2026-09-22", "2026-09-23", "2026-09-24")
        }
        assert kinds_of == {"2026-09-22": [], "2026-09-23": ["case.submitted"], "2026-09-24": ["case.withdrawn"]}
        assert (await ledger.daybook(office.county.stone.code, "2026-09-23")).lines == ()

    async def test_a_draft_is_in_nobodys_ledger(self, office: Office, ledger: Ledger) -> None:
        await office.complete()
        assert (await ledger.daybook(office.county.willow.code, "2026-09-23")).lines == ()


class TestProgress:
    async def steps(self, ledger: Ledger, number: str) -> list[tuple[str, bool]]:
        return [(step.words.zh, step.done) for step in (await ledger.progress(number)).steps]

    async def test_a_town_case(self, office: Office, ledger: Ledger) -> None:
        case = await office.accepted()
        assert await self.steps(ledger, case.number.lower()) == [
            ("已收件", True),
            ("已受理", True),
            ("审批决定", False),
            ("出证", False),
            ("送达", False),
        ]
        officer = actor(office.county.east_officer)
        await office.issued(await office.approval.approve(case.case_id, "", actor=officer, key=key()))
        assert await self.steps(ledger, case.number) == [
            ("已收件", True),
            ("已受理", True),
            ("准予", True),
            ("出证", True),
            ("送达", False),
        ]

    async def test_a_district_case_shows_the_towns_review(self, office: Office, ledger: Ledger) -> None:
        case = await office.accepted(office.county.filing)
        await office.approval.pass_up(case.case_id, "", actor=actor(office.county.east_officer), key=key())
        assert ("镇窗口初审", True) in await self.steps(ledger, case.number)

    async def test_a_refusal_promises_no_certificate(self, office: Office, ledger: Ledger) -> None:
        case = await office.accepted()
        officer = actor(office.county.east_officer)
        await office.approval.refuse(case.case_id, ["age"], "", actor=officer, key=key())
        steps = await self.steps(ledger, case.number)
        assert ("不予", True) in steps
        assert "出证" not in dict(steps)

    async def test_a_correction_lists_what_to_bring(self, office: Office, ledger: Ledger) -> None:
        case = await office.accepted()
        defect = Defect(code="other", material="household", zh="户口簿没有本人页。")
        officer = actor(office.county.east_officer)
        await office.approval.return_case(case.case_id, [defect], actor=officer, key=key())
        found = await ledger.progress(case.number)
        assert found.defects == (defect,)
        assert found.state.zh == "待补正"
        # What was accepted is not any more: it will be accepted anew, and no time stands at what has not come.
        assert [step.words.zh for step in found.steps][:3] == ["已收件", "一次性告知,等待补正", "受理"]
        assert [(step.at is not None, step.done) for step in found.steps][:3] == [
            (True, True),
            (True, False),
            (False, False),
        ]

    async def test_withdrawn_is_the_end(self, office: Office, ledger: Ledger) -> None:
        case = await office.accepted()
        by = actor(office.county.willow_clerk)
        await office.approval.withdraw(case.case_id, "不办了", actor=by, key=key())
        assert (await self.steps(ledger, case.number))[-1] == ("已撤回", True)

    async def test_a_number_that_was_never_given(self, office: Office, ledger: Ledger) -> None:
        with pytest.raises(NotFound):
            await ledger.progress("519900101201-20260923-0001-AAAA")
