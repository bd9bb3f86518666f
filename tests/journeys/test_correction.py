"""Story 3: the two allowances for disabled persons. Something is missing twice over; each time everything is told at
once, the same case goes on under the same number, and the department decides later, without a call."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Route, expect

from tests.journeys.county import County
from tests.journeys.errands import opens_from_queue
from tests.journeys.people import PATIENCE, Clerk, Officer, Sit


@pytest.mark.timeout(240)
def test_one_notice_names_everything_and_the_same_case_goes_on(
    county: County, sit_down: Sit, scans: dict[str, Path]
) -> None:
    clerk: Clerk = sit_down(Clerk, county, "village1")
    clerk.opens("QH-CL-0001", "两项")
    clerk.enters("吴开富", "519900197110107714", disability_level="二级", bank_account="6217000000000000001")
    clerk.scans("idcard", scans["idcard"])
    clerk.scans("disability", scans["blurred"], state="fault")
    clerk.scans("income", scans["paper1"])

    # One necessary material is missing and one page is blurred: both are told, and nothing has been changed.
    before = clerk.case()
    clerk.at("submit").click()
    clerk.sees("defects")
    expect(clerk.page.locator('[data-test^="defect-"]')).to_have_count(2)
    told = clerk.at("defects").inner_text()
    assert "残疾人证" in told
    assert "银行卡" in told
    after = clerk.case()
    assert (after["state"], after["number"], after["seq"]) == ("draft", before["number"], before["seq"])

    # Each line leads to its paper. The blurred page is replaced, the missing one is laid down.
    clerk.at("defect-0").get_by_role("button").click()
    rescans(clerk, "disability", scans["paper2"])
    clerk.scans("bank", scans["paper3"])
    number = clerk.submits()

    # The officer returns it, with the complete list.
    town: Officer = sit_down(Officer, county, "town2")
    case_id = clerk.case()["case_id"]
    opens_from_queue(town, case_id)
    # On a slow line the officer writes before what the rules found is there. Nothing written is lost by its arrival,
    # and no notice goes out before it: the list has to be complete.
    held: list[Route] = []
    town.page.route("**/api/v1/cases/*/defects", lambda route: held.insert(0, route))
    town.at("return").click()
    lists(town, "income", "收入说明没有写家庭成员,请补写。")
    expect(town.at("return-confirm")).to_be_disabled()
    (route,) = held
    route.continue_()
    expect(town.at("return-confirm")).to_be_enabled()
    lists(town, "bank", "银行卡号看不全,请换一页。")
    expect(town.at("defect")).to_have_count(2)
    town.at("return-confirm").click()
    expect(town.at("case")).to_have_attribute("data-state", "correction", timeout=PATIENCE)

    # The clerk sees the whole list, none of it done yet; handing in again without doing it is not possible.
    clerk.at("to-correction").click()
    clerk.sees("defects", "收入说明没有写家庭成员")
    clerk.sees("defects", "银行卡号看不全")
    expect(clerk.page.locator('[data-test^="defect-"].done')).to_have_count(0)
    clerk.at("submit").click()
    expect(clerk.page.locator('[data-test^="defect-"]')).to_have_count(2)
    assert clerk.case()["state"] == "correction"

    rescans(clerk, "income", scans["paper4"])
    rescans(clerk, "bank", scans["paper5"])
    assert clerk.submits() == number

    # The town passes it up; the department decides it later, nobody calls.
    opens_from_queue(town, case_id)
    town.decides("pass_up")
    department: Officer = sit_down(Officer, county, "district2")
    opens_from_queue(department, case_id)
    department.decides("approve")
    clerk.sees("decision", "准予")

    case = clerk.case()
    assert case["number"] == number
    assert [step["result"] for step in case["steps"]][-2:] == ["passed", "approved"]
    assert [len(notice["defects"]) for notice in case["notices"]] == [2]
    assert not any(step["call_id"] for step in case["steps"])
    assert case["promised"] is None or not case["promised"]["overdue"]
    clerk.at("step-print").click()
    clerk.sees("certificate-number", "青禾残补")


def lists(officer: Officer, material: str, words: str) -> None:
    """Adds a line of the officer's own to the notice being written."""
    officer.at("defect-material").select_option(material)
    officer.at("defect-text").fill(words)
    officer.at("defect-add").click()


def rescans(clerk: Clerk, material: str, file: Path) -> None:
    """Puts another page in the place of the one that is there."""
    clerk.at(f"material-{material}").click()
    with clerk.page.expect_file_chooser() as chosen:
        clerk.at("rescan").click()
    old = {page["page_id"] for page in clerk.case()["pages"]}
    chosen.value.set_files(file)
    expect(clerk.at("sending")).to_have_count(0, timeout=PATIENCE)
    clerk.until(f"material-{material}", "data-state", "fine")
    live = [page for page in clerk.case()["pages"] if page["material"] == material and not page["replaced_by"]]
    assert [page["page_id"] in old for page in live] == [False]
