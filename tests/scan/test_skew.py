"""How far a page is turned: near, far, faint, with a line or two on it."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from tests.support import pages
from villagecall.scan.skew import skew


def grey(image: pages.Image) -> pages.Image:
    return np.asarray(cv2.cvtColor(image, cv2.COLOR_BGR2GRAY), np.uint8)


def seen(image: pages.Image, seed: int = 1) -> float:
    return skew(grey(pages.noisy(image, seed)))


def test_seven_degrees_are_seen_as_seven() -> None:
    assert seen(pages.askew(pages.form(1), 7.0)) == pytest.approx(7.0, abs=0.05)


@pytest.mark.parametrize("degrees", [-44.0, -30.5, -12.34, -3.0, -0.6, 0.0, 0.25, 1.5, 8.88, 21.0, 39.9, 44.0])
def test_letters_over_the_whole_range(degrees: float) -> None:
    page = pages.letter(round(degrees * 100) % 97, (827, 1169))
    assert seen(pages.askew(page, degrees)) == pytest.approx(degrees, abs=0.05)


@pytest.mark.parametrize("seed", range(4))
def test_ruled_forms(seed: int) -> None:
    degrees = float(np.random.default_rng(seed).uniform(-20, 20))
    assert seen(pages.askew(pages.form(seed + 30, (827, 1169)), degrees)) == pytest.approx(degrees, abs=0.05)


@pytest.mark.parametrize("seed", range(4))
def test_faint_copies(seed: int) -> None:
    degrees = float(np.random.default_rng(seed).uniform(-10, 10))
    page = pages.faint(pages.letter(seed + 50))
    assert seen(pages.askew(page, degrees), seed) == pytest.approx(degrees, abs=0.1)


@pytest.mark.parametrize("seed", range(4))
def test_copies_of_cards(seed: int) -> None:
    degrees = float(np.random.default_rng(seed).uniform(-12, 12))
    assert seen(pages.askew(pages.card_copy(seed), degrees)) == pytest.approx(degrees, abs=0.1)


@pytest.mark.parametrize("seed", range(6))
def test_a_single_line(seed: int) -> None:
    degrees = float(np.random.default_rng(seed + 5).uniform(-8, 8))
    assert seen(pages.askew(pages.one_line(seed), degrees), seed) == pytest.approx(degrees, abs=0.15)


def test_a_landscape_ledger() -> None:
    assert seen(pages.askew(pages.form(9, (1754, 1240)), -4.2)) == pytest.approx(-4.2, abs=0.05)


def test_black_and_white() -> None:
    page = grey(pages.askew(pages.letter(70), 5.5))
    assert skew(np.where(page < 160, 0, 255).astype(np.uint8)) == pytest.approx(5.5, abs=0.05)


@pytest.mark.parametrize("level", [0, 128, 255])
def test_a_page_of_one_grey_is_not_turned(level: int) -> None:
    assert skew(np.full((1169, 827), level, np.uint8)) == pytest.approx(0.0, abs=1e-6)


@pytest.mark.parametrize("size", [(16, 16), (16, 900), (900, 16), (40, 2000)])
def test_scraps_of_paper_give_some_number(size: tuple[int, int]) -> None:
    scrap = np.random.default_rng(1).integers(0, 256, size).astype(np.uint8)
    assert -45.0 <= skew(scrap) <= 45.0
