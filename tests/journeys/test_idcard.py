"""A slip of the keyboard is noticed by the card that was scanned: hinted at, offered, taken by hand."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.journeys.conftest import WHO
from tests.journeys.county import County
from tests.journeys.errands import CARD
from tests.journeys.people import Clerk, Officer, Sit

READ_MS = 60_000
"""Reading comes behind everything else that the machine does."""


@pytest.fixture
def reading_county(tmp_path: Path) -> Iterator[County]:
    running = County(tmp_path / "county", printer=False, extra={"VILLAGECALL_SCAN_TEXT": "1"})
    running.start()
    yield running
    running.stop()


@pytest.mark.timeout(240)
def test_the_card_corrects_what_was_typed(reading_county: County, sit_down: Sit, scans: dict[str, Path]) -> None:
    clerk: Clerk = sit_down(Clerk, reading_county, "village1")
    clerk.opens(CARD, "优待")
    clerk.enters("李桂芬", "519900195203042447")
    clerk.scans("idcard", scans["idcard"])
    expect(clerk.at("card_number")).to_contain_text("身份证号码与扫描件不一致", timeout=READ_MS)

    clerk.at("compare-card").click()
    clerk.sees("applicant-summary")
    clerk.at("compare-card").click()
    expect(clerk.at("name")).to_have_value("李桂芬")
    clerk.sees("offer-name", WHO.name)
    clerk.sees("offer-id_number", WHO.id_number)
    clerk.at("take-name").click()
    clerk.at("take-id_number").click()
    expect(clerk.at("name")).to_have_value(WHO.name)
    expect(clerk.at("id-number")).to_have_value(WHO.id_number)
    expect(clerk.at("offer-name")).to_have_count(0)
    clerk.at("next").click()
    clerk.sees("material-photo")
    expect(clerk.at("card_number")).to_have_count(0)
    assert clerk.case()["applicant"]["id_number"].endswith(WHO.id_number[-4:])

    clerk.scans("photo", scans["photo"])
    clerk.submits()
    officer: Officer = sit_down(Officer, reading_county, "town1")
    officer.at("search").click()
    officer.at("search-box").fill("柳溪村三组")
    officer.at("search-box").press("Enter")
    officer.sees("on-papers")
    expect(officer.at("hit")).to_have_count(1)
    found = officer.asks("/api/v1/cases?q=柳溪村三组")["cases"]
    assert [(line["case_id"], line["on_papers"]) for line in found] == [(clerk.case()["case_id"], True)]
    offered = officer.asks(f"/api/v1/cases/{found[0]['case_id']}/suggestions")
    assert [card["name"] for card in offered["cards"]] == ["李*芳"]
    assert offered["hints"] == []
