"""A reload in the middle of each step: what was typed, laid down, waited for or talked about is still there."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Route, expect

from tests.journeys.county import County
from tests.journeys.errands import signs
from tests.journeys.people import PATIENCE, Clerk, Officer, Sit


@pytest.mark.timeout(300)
def test_nothing_is_lost_by_a_reload_in_any_step(county: County, sit_down: Sit, scans: dict[str, Path]) -> None:
    clerk: Clerk = sit_down(Clerk, county, "village5")
    clerk.opens("QH-WJ-0001", "优待")

    # 1, typed but not sent.
    clerk.at("name").fill("蒋丽娟")
    clerk.at("id-number").fill("519900195007183015")
    clerk.at("phone").fill("13912345678")
    clerk.page.wait_for_timeout(1200)  # typing is kept within a second
    clerk.page.reload()
    clerk.sees("restored")
    assert [clerk.at(name).input_value() for name in ("name", "id-number", "phone")] == [
        "蒋丽娟", "519900195007183015", "13912345678",
    ]  # fmt: skip
    for box in clerk.page.locator('[data-test^="condition-"]').all():
        box.check()
    clerk.at("next").click()
    clerk.sees("material-idcard")
    kept = clerk.page.evaluate("() => JSON.stringify(localStorage)")
    assert "蒋丽娟" not in kept, "the browser still keeps what the server has"

    # 2, one page judged, the other cut off on its way.
    clerk.scans("idcard", scans["idcard"])
    cut: list[str] = []

    def line(route: Route) -> None:
        cut.append(route.request.method)
        route.abort()

    clerk.page.route("**/api/v1/cases/*/files", line)
    clerk.page.route("**/api/v1/files/*", line)
    clerk.at("material-photo").click()
    clerk.at("file-input").set_input_files(scans["photo"])
    clerk.sees("sending")
    expect(clerk.at("sending")).to_be_visible()
    clerk.page.wait_for_timeout(300)
    assert cut
    clerk.page.unroute_all()
    clerk.page.reload()
    clerk.until("material-idcard", "data-state", "fine")
    clerk.until("material-photo", "data-state", "fine")
    assert len(clerk.case()["pages"]) == 2
    number = clerk.submits()

    # 3, waiting: the place is kept.
    clerk.calls()
    clerk.until("call-stage", "data-state", "waiting")
    call_id = clerk.case()["call"]["call_id"]
    clerk.page.reload()
    clerk.until("call-stage", "data-state", "waiting")
    clerk.sees("place")
    assert clerk.case()["call"]["call_id"] == call_id

    # 3, talking: first one browser, then the other; the same call, and the picture comes back.
    officer: Officer = sit_down(Officer, county, "town3")
    officer.answers()
    officer.at("next-page").click()
    clerk.sees("page-shown")
    shown = clerk.at("page-shown").get_attribute("data-page")

    clerk.page.reload()
    clerk.until("call-stage", "data-media", "up")
    clerk.has_moving_picture(clerk.at("remote-video"))
    clerk.until("page-shown", "data-page", str(shown))
    officer.has_moving_picture(officer.page.locator('[data-test="remote"] video'))

    officer.page.reload()
    officer.until("call", "data-media", "up")
    officer.has_moving_picture(officer.page.locator('[data-test="remote"] video'))
    officer.sees("case")
    clerk.has_moving_picture(clerk.at("remote-video"))
    assert clerk.case()["call"]["call_id"] == call_id

    officer.decides("approve")
    clerk.sees("decision", "准予")
    officer.at("hang-up").click()

    # 4, the certificate, before and after it has been printed.
    clerk.context.add_init_script("window.print = () => { window.top.__printed = (window.top.__printed || 0) + 1 }")
    clerk.at("step-print").click()
    clerk.sees("certificate-number")
    certificate = clerk.at("certificate-number").inner_text()
    clerk.page.reload()
    clerk.sees("certificate-number", certificate)
    clerk.at("printer-browser").check()
    clerk.at("print-button").click()
    expect(clerk.at("signature")).to_be_visible(timeout=PATIENCE)
    clerk.page.reload()
    clerk.sees("certificate-number", certificate)
    signs(clerk.at("signature"))
    clerk.at("deliver").click()
    clerk.sees("rate-4")
    clerk.page.reload()
    clerk.rates(4)

    case = clerk.case()
    assert (case["state"], case["number"], case["rating_level"]) == ("closed", number, 4)
    kinds = [line["kind"] for line in clerk.asks(f"/api/v1/cases/{case['case_id']}/history")["lines"]]
    for once in ("case.submitted", "call.requested", "case.approved", "certificate.issued", "case.delivered"):
        assert kinds.count(once) == 1, once
