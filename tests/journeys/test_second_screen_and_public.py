"""What the applicant sees: the second screen beside the clerk, and the public page at home. And who cannot see well,
or uses no mouse: axe-core finds nothing to object to on any page (WCAG 2.2, levels A and AA)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import zxingcpp
from playwright.sync_api import Browser, Page, expect

from tests.journeys.county import County
from tests.journeys.errands import prepares_card, signs
from tests.journeys.people import PATIENCE, Clerk, Officer, Sit, Somebody

AXE = Path(__file__).parents[2] / "web" / "node_modules" / "axe-core" / "axe.min.js"
RUN_AXE = """async tags => {
  const found = await axe.run(document, { runOnly: { type: 'tag', values: tags }, resultTypes: ['violations'] })
  return found.violations.map(one => [one.impact, one.id, one.nodes.map(node => node.html.slice(0, 140)).slice(0, 4)])
}"""
WCAG = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]


def objections(page: Page) -> list[Any]:
    """What axe-core holds against the page as it stands."""
    # Through the debugger, not as a script of the page: the pages' own policy stays as it is.
    page.evaluate(AXE.read_text(encoding="utf-8"))
    found: list[Any] = page.evaluate(RUN_AXE, WCAG)
    return found


@pytest.mark.timeout(240)
def test_the_applicant_agrees_signs_and_rates_on_the_second_screen(
    county: County, sit_down: Sit, scans: dict[str, Path]
) -> None:
    clerk: Clerk = sit_down(Clerk, county, "village7")
    with clerk.context.expect_page() as opened:
        clerk.at("second-screen").click()
    screen = opened.value

    def shows(name: str) -> None:
        expect(screen.locator('[data-test="second"]')).to_have_attribute("data-screen", name, timeout=PATIENCE)

    shows("idle")
    assert objections(screen) == []
    case_id = prepares_card(clerk, scans, "罗文才", "519900194809151723")
    shows("scan")
    expect(screen.get_by_text("已扫描 2 页")).to_be_visible()
    number = clerk.submits()
    shows("waiting")

    # The receipt's QR code leads to the progress of just this case.
    qr = clerk.page.locator('[data-test="receipt"] svg').screenshot()
    codes = [found.text for found in zxingcpp.read_barcodes(_picture(qr))]
    assert len(codes) == 1
    anybody = clerk.browser.new_page()
    anybody.goto(codes[0])
    expect(anybody.locator('[data-test="progress"]')).to_contain_text(number, timeout=PATIENCE)
    assert "罗" not in anybody.locator("main").inner_text()
    anybody.close()

    # The call is agreed to by the applicant's own hand.
    clerk.at("call").click()
    shows("consent")
    assert objections(screen) == []
    screen.locator('[data-test="agree"]').click()
    clerk.sees("call-stage")
    shows("waiting")
    officer: Officer = sit_down(Officer, county, "town4")
    officer.answers()
    shows("speaking")
    expect(screen.get_by_text("赵敏")).to_be_visible()
    officer.decides("approve")
    shows("decided")
    officer.at("hang-up").click()

    clerk.at("step-print").click()
    clerk.sees("certificate-number")
    assert objections(clerk.page) == []
    # A headless browser has no print dialog; everything up to it is real.
    clerk.context.add_init_script("window.print = () => { window.top.__printed = (window.top.__printed || 0) + 1 }")
    clerk.at("printer-browser").check()
    clerk.at("print-button").click()
    shows("sign")
    signs(screen.locator('[data-test="signature"]'))
    screen.locator('[data-test="signed"]').click()
    clerk.at("deliver").click()
    shows("rate")
    assert objections(screen) == []
    screen.locator('[data-test="rate-5"]').click()
    clerk.sees("finished", "谢谢评价")
    shows("thanks")
    assert clerk.case()["rating_level"] == 5
    assert clerk.asks(f"/api/v1/cases/{case_id}")["case"]["state"] == "closed"


@pytest.mark.timeout(120)
def test_anybody_finds_the_guide_and_the_progress(county: County, browser: Browser) -> None:
    page = browser.new_page(locale="zh-CN", viewport={"width": 1366, "height": 768})
    faults: list[str] = []
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.goto(county.url)
    ask = page.locator('[data-test="ask"]')
    assert objections(page) == []

    for words in ("老年", "优待", "ydz", "youdai"):  # any two characters, letters of the pinyin, the pinyin
        ask.fill(words)
        expect(page.locator('[data-test="hit-QH-WJ-0001"]')).to_be_visible(timeout=PATIENCE)
    assert objections(page) == []
    ask.press("Enter")
    page.locator('[data-test="guide"]').wait_for()
    expect(page.locator('[data-test="guide"]')).to_contain_text("一寸免冠照片")
    assert objections(page) == []

    # Back with the keyboard alone; a number that nobody has gets a sentence.
    page.keyboard.press("Escape")
    ask.fill("")
    page.locator('[data-test="progress-number"]').fill("510000-2026-999999")
    page.locator('[data-test="progress-look"]').click()
    expect(page.locator('[data-test="error"]')).to_contain_text("没有找到")
    assert faults == []
    page.close()


@pytest.mark.timeout(240)
def test_no_page_shuts_anybody_out(county: County, sit_down: Sit, scans: dict[str, Path]) -> None:
    clerk: Clerk = sit_down(Clerk, county, "village8")
    clerk.sees("item-search")
    assert objections(clerk.page) == []
    clerk.at("elder").click()
    assert objections(clerk.page) == []
    clerk.at("elder").click()
    clerk.opens("QH-WJ-0001", "优待")
    assert objections(clerk.page) == []
    clerk.enters("谢大爷", "519900195301051419")
    clerk.scans("idcard", scans["idcard"])
    clerk.scans("photo", scans["blurred"], state="fault")
    assert objections(clerk.page) == []
    clerk.at("remove-page").click()
    clerk.scans("photo", scans["photo"])
    clerk.submits()
    assert objections(clerk.page) == []
    for place in ("daybook", "devices"):
        clerk.at(f"go-{place}").click()
        clerk.sees("daybook-date" if place == "daybook" else "pair")
        assert objections(clerk.page) == []

    officer: Officer = sit_down(Officer, county, "town4")
    officer.sees("queue-line")
    assert objections(officer.page) == []
    officer.at("queue-line").first.click()
    officer.sees("claim")
    officer.at("claim").click()
    for decision in ("approve", "return", "refuse"):
        officer.at(decision).click()
        officer.sees(f"{decision}-confirm")
        assert objections(officer.page) == []

    admin: Admin = sit_down(Admin, county, "admin")
    for tab in admin.page.locator('[data-test^="tab-"]').all():
        tab.click()
        assert objections(admin.page) == []


class Admin(Somebody):
    path = "/admin"


def _picture(png: bytes) -> Any:
    return cv2.imdecode(np.frombuffer(png, np.uint8), cv2.IMREAD_COLOR)
