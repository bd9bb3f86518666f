"""The state table: who may do what, when; and that nothing else can happen."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

import pytest

from tests.approval.life import Life, clerk, department, filing, officer, risky, second_officer, spot
from villagecall.approval import refusals, rules
from villagecall.approval.rules import Ask, available_actions, check
from villagecall.case_fold import kinds
from villagecall.directory.model import Person, Role
from villagecall.errors import NotFound, Refusal
from villagecall.journal import APPLICANT, SYSTEM, Actor


def test_every_kind_of_action_has_a_line_in_the_table() -> None:
    assert rules.TABLE.keys() == kinds()


def test_every_offer_leads_to_a_line_of_the_table() -> None:
    assert {kind for _, kind in rules.OFFERS} <= rules.TABLE.keys()


class TestWhoDoesWhat:
    def test_only_a_clerk_opens_a_case_and_only_in_the_own_village(self) -> None:
        life = Life(spot())
        assert isinstance(life.refusal("case.opened", officer(), life.opening()), refusals.NotYourStep)
        foreign = Actor(clerk().person, "519900101202", "clerk")
        assert isinstance(life.refusal("case.opened", foreign, life.opening()), NotFound)
        life.open()
        assert life.case.state == "draft"

    def test_a_case_is_opened_once(self) -> None:
        life = Life(spot()).open()
        assert isinstance(life.refusal("case.opened", clerk(), life.opening()), refusals.WrongState)

    def test_nothing_happens_to_a_case_that_was_never_opened(self) -> None:
        life = Life(spot())
        for kind in rules.TABLE.keys() - {"case.opened"}:
            assert isinstance(life.refusal(kind, SYSTEM), NotFound), kind

    def test_a_foreign_clerk_does_not_learn_that_the_case_exists(self) -> None:
        life = Life(spot()).open()
        foreign = Actor(clerk().person, "519900101202", "clerk")
        assert isinstance(life.refusal("case.withdrawn", foreign), NotFound)

    @pytest.mark.parametrize("kind", ["case.claimed", "case.approved", "case.refused", "case.returned"])
    def test_village_supervisor_and_applicant_decide_nothing(self, kind: str) -> None:
        life = Life(spot()).accepted()
        for actor in (clerk(), Actor(clerk().person, "519900000000", "supervisor"), APPLICANT, SYSTEM):
            assert isinstance(life.refusal(kind, actor), refusals.NotYourStep)

    def test_a_foreign_town_decides_nothing(self) -> None:
        life = Life(spot()).accepted()
        west = Actor(officer().person, "519900102000", "town")
        assert isinstance(life.refusal("case.approved", west), refusals.NotAtYourDesk)


class TestLevels:
    def test_a_town_item_is_decided_by_the_town(self) -> None:
        life = Life(spot()).accepted()
        assert life.refusal("case.approved", officer()) is None
        assert isinstance(life.refusal("case.approved", department()), refusals.NotAtYourDesk)
        assert isinstance(life.refusal("case.passed_up", officer()), refusals.WrongState)

    def test_a_district_item_is_passed_up_before_it_is_decided(self) -> None:
        life = Life(filing()).accepted()
        assert isinstance(life.refusal("case.approved", officer()), refusals.DistrictDecides)
        assert isinstance(life.refusal("case.approved", department()), refusals.NotAtYourDesk)
        life.do("case.passed_up", officer())
        assert isinstance(life.refusal("case.approved", officer()), refusals.NotAtYourDesk)
        assert life.refusal("case.approved", department()) is None

    def test_another_department_does_not_decide(self) -> None:
        life = Life(filing()).accepted().do("case.passed_up", officer())
        other = Actor(department().person, "519900000000-09", "district")
        assert isinstance(life.refusal("case.approved", other), refusals.NotAtYourDesk)


class TestFourEyes:
    def test_a_risky_town_item_needs_a_review_before_the_decision(self) -> None:
        life = Life(risky()).accepted()
        assert isinstance(life.refusal("case.approved", officer()), refusals.ReviewFirst)
        assert isinstance(life.refusal("case.refused", officer()), refusals.ReviewFirst)

    def test_the_reviewer_does_not_also_decide(self) -> None:
        life = Life(risky()).accepted().do("case.reviewed", officer())
        assert isinstance(life.refusal("case.approved", officer()), refusals.FourEyes)
        assert life.refusal("case.approved", second_officer()) is None

    def test_it_is_reviewed_once(self) -> None:
        life = Life(risky()).accepted().do("case.reviewed", officer())
        assert isinstance(life.refusal("case.reviewed", second_officer()), refusals.WrongState)

    def test_new_papers_want_a_new_review(self) -> None:
        life = Life(risky()).accepted().do("case.reviewed", officer()).returned(second_officer()).accepted()
        assert isinstance(life.refusal("case.approved", second_officer()), refusals.ReviewFirst)

    def test_an_ordinary_item_has_no_separate_review(self) -> None:
        life = Life(spot()).accepted()
        assert isinstance(life.refusal("case.reviewed", officer()), refusals.WrongState)

    def test_for_a_risky_district_item_the_town_is_the_first_pair(self) -> None:
        life = Life(filing(high_risk=True)).accepted().do("case.passed_up", officer())
        assert life.refusal("case.approved", department()) is None


class TestClaims:
    def test_another_desks_claim_blocks_and_says_until_when(self) -> None:
        life = Life(spot()).accepted().claim(officer())
        no = life.refusal("case.claimed", second_officer(), life.lease())
        assert isinstance(no, refusals.ClaimedByOther)
        assert (no.details["person"], no.details["until_local"]) == (officer().person, "09:45")
        for kind in ("case.approved", "case.refused", "case.returned", "case.released"):
            assert isinstance(life.refusal(kind, second_officer()), refusals.ClaimedByOther), kind

    def test_ones_own_claim_is_renewed_and_released(self) -> None:
        life = Life(spot()).accepted().claim(officer())
        assert life.refusal("case.claimed", officer(), life.lease()) is None
        assert life.do("case.released", officer()).case.claim is None

    def test_a_lease_that_is_over_is_free(self) -> None:
        life = Life(spot()).accepted().claim(officer())
        life.now += timedelta(minutes=15)
        assert life.claim(second_officer()).case.claim is not None
        assert str(life.case.claim.person) == second_officer().person if life.case.claim else False

    def test_passing_up_frees_the_claim(self) -> None:
        life = Life(filing()).accepted().claim(officer()).do("case.passed_up", officer())
        assert life.case.claim is None
        assert life.claim(department()).case.claim is not None

    def test_who_holds_nothing_releases_nothing(self) -> None:
        assert isinstance(Life(spot()).accepted().refusal("case.released", officer()), refusals.WrongState)


class TestPapers:
    def test_the_village_changes_papers_only_before_acceptance_and_in_correction(self) -> None:
        life = Life(spot()).open()
        page = life.scan("photo")
        assert life.refusal("page.removed", clerk(), {"page_id": str(page)}) is None
        life.accepted()
        for kind in ("page.removed", "applicant.entered", "form.filled"):
            assert isinstance(life.refusal(kind, clerk(), {"page_id": str(page)}), refusals.WrongState)
        assert life.returned(officer()).refusal("page.removed", clerk(), {"page_id": str(page)}) is None

    def test_a_page_is_rescanned_before_the_officers_eyes(self) -> None:
        life = Life(spot()).accepted()
        assert isinstance(life.refusal("file.received", clerk(), life.file("photo")), refusals.WrongState)
        life.call().join(officer())
        assert life.refusal("file.received", clerk(), life.file("photo")) is None

    def test_no_decision_while_a_file_is_unread(self) -> None:
        life = Life(spot()).accepted().call().join(officer())
        life.do("file.received", clerk(), life.file("photo"))
        assert isinstance(life.refusal("case.approved", officer()), refusals.FilesUnread)
        life.do("file.read", SYSTEM, {"file_id": str(life.case.files[-1].file_id), "frames": 1})
        assert life.refusal("case.approved", officer()) is None

    def test_what_the_workers_find_out_is_never_lost(self) -> None:
        life = Life(spot()).open().do("case.withdrawn", clerk(), {"reason": "不办了"})
        for kind in ("file.read", "file.refused", "page.added", "page.judged", "page.matched", "recording.closed"):
            assert life.refusal(kind, SYSTEM) is None, kind

    def test_pages_are_turned_until_the_decision(self) -> None:
        life = Life(spot()).open()
        page = {"page_id": str(life.scan("photo"))}
        assert life.refusal("page.judged", clerk(), {**page}) is None
        assert life.accepted().refusal("page.judged", officer(), {**page}) is None
        life.do("case.approved", officer())
        assert isinstance(life.refusal("page.judged", officer(), {**page}), refusals.WrongState)
        assert life.refusal("page.judged", SYSTEM, {**page}) is None


class TestNotice:
    def test_defects_are_told_within_five_working_days_or_never(self) -> None:
        life = Life(spot()).accepted()
        life.notice_until = life.now + timedelta(days=5)
        assert life.refusal("case.returned", officer()) is None
        life.now += timedelta(days=5, seconds=1)
        assert isinstance(life.refusal("case.returned", officer()), refusals.NoticeTooLate)


class TestPaperOut:
    def test_nothing_is_printed_or_handed_over_before_the_decision(self) -> None:
        life = Life(spot())
        for step in (life.open, life.accepted):
            step()
            assert isinstance(life.refusal("print.ticketed", clerk()), refusals.NotIssued)
            assert isinstance(life.refusal("case.delivered", clerk()), refusals.NotIssued)
        life.do("case.approved", officer())
        assert isinstance(life.refusal("print.ticketed", clerk()), refusals.NotIssued)
        assert isinstance(life.refusal("case.delivered", clerk()), refusals.NotIssued)

    def test_no_certificate_before_the_decision(self) -> None:
        assert isinstance(Life(spot()).accepted().refusal("certificate.issued", SYSTEM), refusals.WrongState)

    def test_nobody_but_the_system_issues(self) -> None:
        life = Life(spot()).accepted().do("case.approved", officer())
        for actor in (clerk(), officer(), department()):
            assert isinstance(life.refusal("certificate.issued", actor), refusals.NotYourStep)

    def test_what_is_handed_over_was_printed(self) -> None:
        life = Life(spot()).accepted().do("case.approved", officer()).issue()
        assert isinstance(life.refusal("case.delivered", clerk()), refusals.NotPrinted)
        assert life.print("done").refusal("case.delivered", clerk()) is None

    def test_browser_printing_reports_no_more_than_fetched(self) -> None:
        life = Life(spot()).accepted().do("case.approved", officer()).issue().print("fetched")
        assert life.case.state == "issued"
        assert life.refusal("case.delivered", clerk()) is None

    def test_a_second_copy_has_a_reason(self) -> None:
        life = Life(spot()).accepted().do("case.approved", officer()).issue().print("done")
        assert isinstance(life.refusal("print.ticketed", clerk(), life.ticket(2)), refusals.ReprintReason)
        assert life.refusal("print.ticketed", clerk(), life.ticket(2, "卡纸")) is None

    def test_an_item_without_certificate_is_handed_over_after_approval(self) -> None:
        life = Life(spot(template=None)).accepted().do("case.approved", officer())
        assert life.refusal("case.delivered", clerk()) is None


class TestCalls:
    def test_a_case_has_one_call_at_a_time(self) -> None:
        life = Life(spot()).accepted().call()
        assert isinstance(life.refusal("call.requested", clerk(), life.request()), refusals.CallOpen)

    def test_an_ended_call_takes_nobody_in(self) -> None:
        life = Life(spot()).accepted().call().join(officer())
        call_id = str(life.call_id)
        life.do("call.ended", clerk(), {"call_id": call_id})
        assert isinstance(life.refusal("call.joined", officer(), {"call_id": call_id}), refusals.CallOver)
        assert life.refusal("call.requested", clerk(), life.request()) is None

    def test_a_department_comes_in_when_invited(self) -> None:
        life = Life(filing()).accepted().call().join(officer())
        joining = {"call_id": str(life.call_id), "participant": str(UUID(int=9))}
        assert isinstance(life.refusal("call.joined", department(), joining), NotFound)
        life.do("call.invited", officer(), {"call_id": str(life.call_id), "unit": department().unit})
        assert life.refusal("call.joined", department(), joining) is None

    def test_the_call_goes_on_after_the_decision(self) -> None:
        life = Life(spot()).accepted().call().join(officer()).do("case.approved", officer())
        assert life.case.steps[-1].call_id == life.call_id
        assert life.refusal("call.ended", clerk(), {"call_id": str(life.call_id)}) is None


class TestRating:
    def test_one_rating_per_act(self) -> None:
        life = Life(spot()).delivered()
        life.do("case.rated", APPLICANT, {"level": 5})
        assert isinstance(life.refusal("case.rated", APPLICANT, {"level": 1}), refusals.RatedAlready)
        life.do("case.closed", SYSTEM)
        assert isinstance(life.refusal("case.rated", APPLICANT, {"level": 1}), refusals.RatedAlready)

    def test_staff_do_not_rate(self) -> None:
        life = Life(spot()).delivered()
        for actor in (clerk(), officer()):
            assert isinstance(life.refusal("case.rated", actor, {"level": 5}), refusals.NotYourStep)


def person(actor: Actor) -> Person:
    return Person(person_id=UUID(actor.person), login="x", name="某人", role=Role(actor.role), unit=actor.unit)


class TestOffers:
    def offers(self, life: Life, actor: Actor) -> set[str]:
        return set(available_actions(life.case, person(actor), life.now, life.item))

    def test_along_the_way_of_a_case(self) -> None:
        life = Life(spot()).open()
        assert self.offers(life, clerk()) == {"applicant", "form", "upload", "submit", "withdraw"}
        assert self.offers(life, officer()) == set()
        life.scan("photo")
        assert "remove_page" in self.offers(life, clerk())
        life.accepted()
        assert self.offers(life, clerk()) == {"withdraw", "call"}
        assert self.offers(life, officer()) == {"claim", "approve", "refuse", "return"}
        life.claim(officer())
        assert self.offers(life, officer()) == {"claim", "release", "approve", "refuse", "return"}
        assert self.offers(life, second_officer()) == set()
        life.do("case.approved", officer())
        assert self.offers(life, officer()) == self.offers(life, clerk()) == set()
        assert self.offers(life.issue(), clerk()) == {"print"}
        assert self.offers(life.print("done"), clerk()) == {"print", "deliver"}
        assert self.offers(life.do("case.delivered", clerk()), clerk()) == {"print", "rate"}

    def test_passing_up_is_offered_where_it_leads_somewhere(self) -> None:
        assert "pass_up" in self.offers(Life(filing()).accepted(), officer())
        assert "pass_up" in self.offers(Life(risky()).accepted(), officer())
        assert "pass_up" not in self.offers(Life(spot()).accepted(), officer())

    def test_the_supervisor_is_offered_nothing(self) -> None:
        life = Life(spot()).accepted()
        assert self.offers(life, Actor(officer().person, "519900000000", "supervisor")) == set()

    def test_what_is_offered_is_what_is_allowed(self) -> None:
        """The browser's list and the server's check are one table."""
        life = Life(filing()).accepted()
        for name, kind in rules.OFFERS:
            ask = Ask(life.case, officer(), life.now, life.item)
            try:
                check(kind, ask)
                allowed = True
            except Refusal:
                allowed = False
            if allowed and name != "reveal":  # nothing to reveal: nobody was entered
                assert name in self.offers(life, officer())
