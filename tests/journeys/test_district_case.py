"""Story 2: a small food shop is filed. District item: the town reviews it and brings the department into the
same call; the department decides; the sealed filing certificate comes out of the village's printer."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from tests.journeys.county import County
from tests.journeys.people import Clerk, Officer, Sit

SLOW_UNITS = """() => {
  const real = window.fetch
  window.fetch = async (...asked) => {
    if (String(asked[0]).includes('/units')) await new Promise((go) => setTimeout(go, 1500))
    return real(...asked)
  }
}"""


@pytest.mark.timeout(300)
def test_town_and_department_decide_in_one_call(county: County, sit_down: Sit, scans: dict[str, Path]) -> None:
    clerk: Clerk = sit_down(Clerk, county, "village2")
    town: Officer = sit_down(Officer, county, "town2")
    department: Officer = sit_down(Officer, county, "district1")

    clerk.opens("QH-SC-0001", "xjyd")  # 小经营店, by the letters of its pinyin
    clerk.enters("陈志国", "519900198311092218", shop_name="志国副食店", shop_address="石门村二组", business="小餐饮")
    clerk.scans("idcard", scans["idcard"])
    clerk.scans("premises", scans["upside_down"])
    clerk.scans("healthcard", scans["paper1"])
    clerk.scans("safety", scans["askew"])
    clerk.submits()

    pages = {page["material"]: page for page in clerk.case()["pages"]}
    assert pages["safety"]["straightened_mdeg"] == pytest.approx(7000, abs=100)

    clerk.calls()
    town.answers()
    department.sees("queue-empty")

    # The department may not see the case before it is brought in or the case is passed up.
    case_id = clerk.case()["case_id"]
    assert department.asks(f"/api/v1/cases/{case_id}")["code"] == "not_found"
    town.page.evaluate(SLOW_UNITS)  # the line is slow and the officer's hand is not: the case's own department is rung
    town.brings_in()
    department.answers()
    for somebody in (town, department):
        somebody.has_moving_picture(somebody.page.locator('[data-test="remote"] video'))
    assert town.at("remote").count() == 2

    town.decides("pass_up")
    department.sees("approve")
    department.decides("approve", lambda: department.at("opinion").fill("材料齐全,同意备案。"))
    clerk.sees("decision", "准予")
    department.at("leave").click()
    town.at("hang-up").click()

    clerk.at("step-print").click()
    clerk.sees("certificate-number", "青禾食备")
    before = len(list(county.box.glob("job-*")))
    clerk.prints()
    pdf = county.printed(before + 1)[-1]
    assert hashlib.sha256(pdf).hexdigest() == clerk.case()["certificate"]["blob"]["sha256"]
    clerk.hands_over()
    clerk.rates(4)

    steps = clerk.case()["steps"]
    assert [(step["level"], step["result"]) for step in steps] == [("town", "passed"), ("district", "approved")]
    assert all(step["call_id"] for step in steps)
    assert clerk.case()["state"] == "closed"
