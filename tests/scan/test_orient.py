"""A page that came sideways or on its head is told to be turned upright."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from villagecall.demo import papers
from villagecall.scan.orient import orientation

WHO = papers.Bearer("李桂芳", "519900195203042420", "青禾区东河镇柳溪村三组 18 号")


@pytest.mark.parametrize("quarter", range(4))
def test_the_turn_that_makes_a_written_page_upright(quarter: int) -> None:
    data = np.frombuffer(papers.jpeg(papers.form("申请表", WHO)), np.uint8)
    upright = np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR), np.uint8)
    turn, sure = orientation(np.ascontiguousarray(np.rot90(upright, quarter)))
    assert (turn, sure > 0.6) == (90 * quarter, True)


def test_nothing_is_turned_by_guess() -> None:
    assert orientation(np.full((900, 640, 3), 240, np.uint8))[0] == 0
