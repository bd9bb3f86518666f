"""A finger on the paper: the clerk reads where it lies and sees the ring around it, in the photo's own corner."""

from __future__ import annotations

import os
from pathlib import Path

import cv2
import numpy as np
import pytest
from playwright.sync_api import expect

from tests.journeys.county import County
from tests.journeys.people import Clerk, Sit
from tests.support import pages
from villagecall.demo import papers


def photo_with_a_finger(scan: Path) -> pages.Image:
    """The paper on a brown desk, seen by a camera, and a finger over its lower left corner."""
    paper = np.asarray(cv2.imdecode(np.fromfile(scan, np.uint8), cv2.IMREAD_COLOR), np.uint8)
    picture, corners = pages.photographed(paper, 3)
    low_left = corners[3] * 0.85 + corners[1] * 0.15
    tip, start = (
        (int(at[0]), int(at[1])) for at in (low_left + np.array([40, -30]), corners[3] + np.array([-330, 260]))
    )
    for thick in range(130, 60, -5):
        tone = 0.7 + 0.3 * (1 - (thick / 130) ** 2) ** 0.5
        cv2.line(picture, start, tip, (120 * tone, 160 * tone, 215 * tone), thick, cv2.LINE_AA)
    return picture


@pytest.mark.timeout(180)
def test_the_sentence_names_the_corner_and_the_ring_lies_there(
    county: County, sit_down: Sit, scans: dict[str, Path], tmp_path: Path
) -> None:
    photo = tmp_path / "finger.jpg"
    photo.write_bytes(papers.jpeg(photo_with_a_finger(scans["paper1"])))
    clerk: Clerk = sit_down(Clerk, county, "village1")
    clerk.opens("QH-CL-0001", "两项")
    clerk.enters("吴开富", "519900197110107714", disability_level="二级", bank_account="6217000000000000001")
    clerk.scans("income", photo, state="fault")

    expect(clerk.at("verdict")).to_contain_text("左下角被手指挡住了,请重新扫描这一页。")
    image, ring = clerk.at("page-image"), clerk.page.locator(".viewer .spot")
    expect(ring).to_have_count(1)
    sheet, marked = image.bounding_box(), ring.bounding_box()
    assert sheet is not None and marked is not None
    if folder := os.environ.get("JOURNEY_SHOTS"):
        clerk.page.screenshot(path=str(Path(folder) / "marked-spot.png"))
    across = (marked["x"] + marked["width"] / 2 - sheet["x"]) / sheet["width"]
    down = (marked["y"] + marked["height"] / 2 - sheet["y"]) / sheet["height"]
    assert across < 1 / 3 and down > 2 / 3
    assert marked["width"] < sheet["width"] / 2 and marked["height"] < sheet["height"] / 2
    # What the clerk reads is kept with the case, for the desk to see too.
    (page,) = clerk.case()["pages"]
    assert [fault["code"] for fault in page["faults"]] == ["finger"]
    assert page["faults"][0]["spot"] is not None
