"""The power goes while it matters most: ``kill -9`` of the server, then it is started again as it was left."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import Any

import av
import pytest
from playwright.sync_api import expect

from tests.journeys.county import County, json_lines
from tests.journeys.errands import opens_from_queue, prepares_card, request
from tests.journeys.people import PATIENCE, Clerk, Officer, Sit
from villagecall.signaling.recording import recover


def _serial(clerk: Clerk) -> int:
    """The serial in the number of the certificate of the case that is open: 青禾老优〔2026〕0002号."""
    (serial,) = re.findall(r"〕(\d+)号$", clerk.case()["certificate"]["number"])
    return int(serial)


@pytest.mark.timeout(300)
def test_a_decision_outlives_the_power_and_issues_one_certificate(
    own_county: County, sit_down: Sit, scans: dict[str, Path]
) -> None:
    clerk: Clerk = sit_down(Clerk, own_county, "village1")
    case_id = prepares_card(clerk, scans, "李桂芳", "519900195203042420")
    clerk.submits()
    officer: Officer = sit_down(Officer, own_county, "town1")
    opens_from_queue(officer, case_id)

    # The answer to the decision is the last that this server says.
    path = f"/api/v1/cases/{case_id}"
    answer = request(officer, "POST", f"{path}/approve", {"opinion": "材料齐全,同意。"}, key="decision-of-the-day")[0]
    own_county.kill()
    assert answer["status"] == 200
    assert answer["case"]["state"] == "approved"
    assert answer["case"]["certificate"] is None

    own_county.start()
    # The pages come back by themselves, and the certificate is made.
    expect(clerk.at("case-head")).to_have_attribute("data-state", "issued", timeout=40_000)
    clerk.at("step-print").click()
    clerk.sees("certificate-number")

    # The officer's browser did not hear the answer, say: the same decision again changes nothing.
    again = request(officer, "POST", f"{path}/approve", {"opinion": "材料齐全,同意。"}, key="decision-of-the-day")[0]
    assert again["status"] == 200, again
    kinds = [line["kind"] for line in clerk.asks(f"{path}/history")["lines"]]
    assert kinds.count("certificate.issued") == 1
    serial = _serial(clerk)

    # The next certificate of the day has the next number.
    other = prepares_card(clerk, scans, "周明英", "519900195012256629")
    clerk.submits()
    opens_from_queue(officer, other)
    officer.decides("approve")
    clerk.at("step-print").click()
    clerk.sees("certificate-number")
    assert _serial(clerk) == serial + 1
    own_county.stop()
    verified = own_county.command("ledger", "verify")
    assert verified.returncode == 0, verified.stdout + verified.stderr
    _forgive_the_lost_line(clerk, officer)


@pytest.mark.timeout(300)
def test_a_call_outlives_the_power(own_county: County, sit_down: Sit, scans: dict[str, Path], tmp_path: Path) -> None:
    clerk: Clerk = sit_down(Clerk, own_county, "village1")
    prepares_card(clerk, scans, "李桂芳", "519900195203042420")
    clerk.submits()
    clerk.calls()
    officer: Officer = sit_down(Officer, own_county, "town1")
    officer.answers()
    clerk.has_moving_picture(clerk.at("remote-video"))
    officer.has_moving_picture(officer.page.locator('[data-test="remote"] video'))
    before = clerk.case()["call"]
    officer.page.wait_for_timeout(3000)  # something to be on record

    own_county.kill()
    cut = tmp_path / "as the power left them"
    shutil.copytree(own_county.data / "recordings", cut)
    clerk.sees("reconnecting")
    clerk.until("call-stage", "data-media", "reconnecting")
    officer.until("call", "data-media", "reconnecting")
    own_county.start()

    # Both come back by themselves into the same call, each in the same seat.
    clerk.until("call-stage", "data-media", "up")
    officer.until("call", "data-media", "up")
    clerk.has_moving_picture(clerk.at("remote-video"))
    officer.has_moving_picture(officer.page.locator('[data-test="remote"] video'))
    after = clerk.case()["call"]
    assert after["call_id"] == before["call_id"]
    officer.page.wait_for_timeout(1500)  # something after the cut, too
    assert [party["participant"] for party in after["parties"]] == [party["participant"] for party in before["parties"]]

    officer.decides("approve")
    clerk.sees("decision", "准予")
    officer.at("hang-up").click()

    # What was said before and after the cut is on record; each piece plays and its chain holds.
    expect(clerk.at("call-stage")).to_have_count(0, timeout=PATIENCE)
    pieces = _recordings(clerk, 4)
    assert len(pieces) == 4, [piece["url"] for piece in pieces]
    for at, piece in enumerate(pieces):
        answer = clerk.context.request.get(own_county.url + piece["url"])
        file = tmp_path / f"piece{at}.webm"
        file.write_bytes(answer.body())
        with av.open(str(file)) as played:
            assert sum(1 for _ in played.decode(video=0)) > 10
    # As the power left them: whole up to the cut, nothing changed. Closed, they are what the case keeps.
    left = sorted(cut.rglob("*.webm"))
    assert len(left) == 2
    found = json_lines(own_county.command("recording", "verify", *map(str, left)).stdout)
    assert [(line["bad"], line["closed"]) for line in found] == [(None, False)] * 2
    assert all(line["ms"] > 1000 for line in found)
    kept = {(tmp_path / f"piece{at}.webm").read_bytes() for at in range(len(pieces))}
    for file in left:
        assert recover(file) is not None
        assert file.read_bytes() in kept
    said = own_county.command("recording", "verify", *map(str, left))
    assert said.returncode == 0, said.stdout
    assert [(line["ok"], line["recovered"]) for line in json_lines(said.stdout)] == [(True, True)] * 2

    verified = own_county.command("ledger", "verify")
    assert verified.returncode == 0, verified.stdout + verified.stderr
    _forgive_the_lost_line(clerk, officer)


def _recordings(clerk: Clerk, count: int) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for _ in range(100):
        found = clerk.case()["recordings"]
        if len(found) >= count:
            return found
        clerk.page.wait_for_timeout(200)
    return found


def _forgive_the_lost_line(*people: Clerk | Officer) -> None:
    """A page may say that the server was gone; it may not have thrown anything else."""
    for somebody in people:
        somebody.faults[:] = [fault for fault in somebody.faults if "fetch" not in fault]
