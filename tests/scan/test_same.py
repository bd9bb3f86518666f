"""A sheet scanned twice is found; a form filled in for somebody else is left alone."""

from __future__ import annotations

from functools import lru_cache

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from tests.support import pages, sheets
from villagecall.scan import same
from villagecall.scan.alike import Likeness, apart, near
from villagecall.scan.decode import Document
from villagecall.scan.page import PageResult, judge, phash


def judged(data: bytes) -> PageResult:
    return judge(Document(data).picture(0))


@lru_cache(maxsize=16)
def compared(kind: str, seed: int) -> tuple[Likeness, bool]:
    """Two scans of the pair, through the whole recipe; and whether their hashes ask for a comparison."""
    scans = [judged(sheets.scanned(sheet, 2 * seed + at)) for at, sheet in enumerate(sheets.pair(seed, kind), start=1)]
    return same.compared(scans[0].view, scans[1].view), near(scans[0].phash, scans[1].phash)


@pytest.mark.parametrize("seed", [301, 302])
@pytest.mark.parametrize("kind", ["same", "twin"])
def test_a_sheet_scanned_again_is_found(kind: str, seed: int) -> None:
    likeness, asked = compared(kind, seed)
    assert asked
    assert likeness.sure or likeness.perhaps, likeness


@pytest.mark.parametrize("seed", [301])
@pytest.mark.parametrize("kind", ["person", "name", "strokes"])
def test_somebody_elses_form_is_another_page(kind: str, seed: int) -> None:
    likeness, _ = compared(kind, seed)
    assert not likeness.sure and not likeness.perhaps, likeness


@pytest.mark.parametrize("seed", [301])
def test_one_figure_is_never_called_the_same_for_certain(seed: int) -> None:
    assert not compared("figure", seed)[0].sure


def grey(seed: int, size: tuple[int, int] = (1240, 1754)) -> NDArray[np.uint8]:
    return np.asarray(cv2.cvtColor(pages.form(seed, size), cv2.COLOR_BGR2GRAY), np.uint8)


class TestWhatItGoesBy:
    def test_a_page_is_like_itself_either_way_up(self) -> None:
        page = grey(1)
        assert same.likeness(page, page).agree > 0.99
        assert same.likeness(page, np.ascontiguousarray(page[::-1, ::-1])).sure

    def test_a_signature_added_since_makes_it_another_page(self) -> None:
        page, signed = grey(2), grey(2)
        for at in range(6):
            cv2.line(signed, (700 + 12 * at, 1600), (715 + 12 * at, 1640 - 9 * (at % 3)), (60,), 3, cv2.LINE_AA)
        assert not same.likeness(page, signed).sure

    def test_a_stain_hides_nothing_but_itself(self) -> None:
        page, stained = grey(3), grey(3)
        cv2.circle(stained, (900, 400), 90, (205,), -1, cv2.LINE_AA)
        assert same.likeness(page, stained).features > 0

    def test_pages_that_have_nothing_in_common_lie_nowhere(self) -> None:
        likeness = same.likeness(grey(4), np.full((1754, 1240), 240, np.uint8))
        assert likeness == Likeness(-1.0, 0, 0)
        assert not likeness.sure and not likeness.perhaps

    def test_the_hash_knows_a_page_upside_down(self) -> None:
        page = grey(5)
        turned = np.ascontiguousarray(page[::-1, ::-1])
        assert apart(phash(page), phash(turned)) <= 4
        assert apart(phash(page), "") == 64
