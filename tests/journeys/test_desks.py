"""Several people at once: who gets the case, how often a case is submitted, what the neighbours may see, and a
window at which nobody sits."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.journeys.county import County
from tests.journeys.errands import error_on, prepares_card, request
from tests.journeys.people import PATIENCE, Clerk, Officer, Sit

WRONG_NUMBER = "519900195003188810"


@pytest.mark.timeout(240)
def test_one_case_one_number_one_desk(county: County, sit_down: Sit, scans: dict[str, Path]) -> None:
    clerk: Clerk = sit_down(Clerk, county, "village1")
    case_id = prepares_card(clerk, scans, "周明英", "519900195012256629")
    path = f"/api/v1/cases/{case_id}"

    # The same submit five times at once: one number.
    answers = request(clerk, "POST", f"{path}/submit", times=5, key=f"submit-{case_id}")
    assert [answer["status"] for answer in answers] == [200] * 5
    assert len({answer["case"]["number"] for answer in answers}) == 1
    history = clerk.asks(f"{path}/history")["lines"]
    assert [line["kind"] for line in history].count("case.submitted") == 1

    # Five presses without a common key: still one number, and whoever comes late is told why.
    answers = request(clerk, "POST", f"{path}/submit", times=5)
    assert {answer["status"] for answer in answers} <= {200, 409}
    assert [line["kind"] for line in clerk.asks(f"{path}/history")["lines"]].count("case.submitted") == 1

    # Two desks take it: one wins, the other is told who.
    first: Officer = sit_down(Officer, county, "town1")
    second: Officer = sit_down(Officer, county, "town2")
    for officer in (first, second):
        officer.page.locator(f'[data-test="queue-line"][data-case="{case_id}"]').click()
        officer.sees("claim")
    # The loser has not heard of it yet: its page still offers the case when it is pressed.
    second.context.set_offline(True)
    first.at("claim").click()
    first.sees("release")
    second.context.set_offline(False)
    late = request(second, "POST", f"{path}/claim")[0]
    assert (late["status"], late["code"]) == (409, "claimed_by_other")
    assert "王建国" in late["zh"]
    assert late["todo_zh"]
    expect(second.page.get_by_text("王建国 正在办这一件")).to_be_visible(timeout=PATIENCE)

    # Put back, the other takes it.
    first.at("release").click()
    second.at("claim").click()
    second.sees("release")
    second.at("release").click()


@pytest.mark.timeout(120)
def test_a_foreign_village_sees_nothing_of_the_case(county: County, sit_down: Sit) -> None:
    clerk: Clerk = sit_down(Clerk, county, "village1")
    clerk.opens("QH-WJ-0001", "优待")
    case_id = clerk.case()["case_id"]

    neighbour: Clerk = sit_down(Clerk, county, "village2")
    neighbour.page.goto(f"{county.url}/terminal?case={case_id}&step=scan")
    code, text = error_on(neighbour)
    assert code == "not_found"
    assert "不在您的管辖范围内" in text
    assert neighbour.at("case-head").count() == 0

    foreign: Officer = sit_down(Officer, county, "town3")
    for who in (neighbour, foreign):
        for part in ("", "/history", "/casefile.pdf", "/receipt"):
            answer = who.context.request.get(f"{county.url}/api/v1/cases/{case_id}{part}")
            # What a role may never ask for is refused before it is looked for.
            assert answer.status in (404, 403), (who.login, part)
            assert answer.json()["zh"]
    # A case that is not there at all is answered by the same words.
    nowhere = "01890000-0000-7000-8000-000000000000"
    there = neighbour.asks(f"/api/v1/cases/{case_id}")
    assert there == neighbour.asks(f"/api/v1/cases/{nowhere}")
    neighbour.at("back-home").click()
    neighbour.sees("item-search")


@pytest.mark.timeout(240)
def test_a_call_waits_until_somebody_is_on_duty(county: County, sit_down: Sit, scans: dict[str, Path]) -> None:
    """Another town, so that nobody of the first one rings."""
    clerk: Clerk = sit_down(Clerk, county, "village4")

    # A wrong ID number warns and does not block.
    clerk.opens("QH-WJ-0001", "优待")
    clerk.at("name").fill("邓永贵")
    clerk.at("id-number").fill(WRONG_NUMBER)
    expect(clerk.page.get_by_text("最后一位校验不上")).to_be_visible()
    clerk.at("next").click()
    clerk.sees("warning")
    clerk.at("next").click()
    clerk.sees("material-idcard")
    clerk.scans("idcard", scans["idcard"])
    clerk.scans("photo", scans["photo"])
    clerk.submits()

    clerk.sees("on-duty", "没有人在岗")
    clerk.calls()
    clerk.sees("place")
    clerk.until("call-stage", "data-state", "waiting")
    assert clerk.asks("/api/v1/cases?view=open&limit=5")["cases"][0]["waiting_since"]

    # Somebody comes on duty: it rings; they leave it to a colleague, it goes on waiting.
    officer: Officer = sit_down(Officer, county, "town3")
    officer.sees("ring", "望江村")
    officer.at("decline").click()
    officer.at("ring").wait_for(state="hidden")
    clerk.until("call-stage", "data-state", "waiting")
    officer.sees("answer-waiting")

    # Away and back on duty, it rings again; left once more, it is answered from its line in the queue.
    officer.at("duty").click()
    expect(officer.at("duty")).to_have_attribute("aria-pressed", "false")
    officer.at("duty").click()
    officer.sees("ring")
    officer.at("decline").click()
    officer.at("answer-waiting").click()
    officer.until("call", "data-media", "up")
    clerk.until("call-stage", "data-state", "active")
    clerk.has_moving_picture(clerk.at("remote-video"))
    officer.at("hang-up").click()
    clerk.at("call-stage").wait_for(state="hidden")
