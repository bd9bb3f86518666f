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


@pytest.mark.parametrize("degrees", [-6.3, 2.2, 8.1])
def test_streaks_of_the_scanner_do_not_count(degrees: float) -> None:
    page = grey(pages.askew(pages.one_line(3), degrees)).astype(np.float32)
    for x in (211, 640, 1003):
        page[:, x : x + 2] *= 0.7
    assert skew(page.astype(np.uint8)) == pytest.approx(degrees, abs=0.15)


def test_the_grain_of_a_black_lid_is_no_writing() -> None:
    page = pages.noisy(pages.askew(pages.one_line(8), 3.3, lid=(14, 14, 14)), 4, sigma=5.0)
    assert skew(grey(page)) == pytest.approx(3.3, abs=0.15)


def test_grain_all_over_a_black_and_white_page() -> None:
    page = grey(pages.askew(pages.one_line(5), 4.4))
    specks = np.random.default_rng(2).random(page.shape) < 0.03
    assert skew(np.where((page < 150) | specks, 0, 255).astype(np.uint8)) == pytest.approx(4.4, abs=0.15)


def test_a_halftone_ground_does_not_count() -> None:
    page = grey(pages.askew(pages.letter(12), -5.2)).astype(np.float32)
    down, across = np.mgrid[0 : page.shape[0], 0 : page.shape[1]].astype(np.float32)
    turn = np.radians(17.0)
    x, y = across * np.cos(turn) + down * np.sin(turn), down * np.cos(turn) - across * np.sin(turn)
    page *= 1 - 0.35 * (np.cos(x * 1.2) * np.cos(y * 1.2) * 3).clip(0, 1)
    assert skew(page.astype(np.uint8)) == pytest.approx(-5.2, abs=0.05)


@pytest.mark.parametrize("seed", range(4))
def test_little_writing_is_looked_at_in_all_its_pixels(seed: int) -> None:
    degrees = float(np.random.default_rng(seed + 40).uniform(-9, 9))
    page = grey(pages.noisy(pages.askew(pages.one_line(seed + 20, (2480, 3508)), degrees), seed))
    small = np.asarray(cv2.resize(page, None, fx=0.25, fy=0.25, interpolation=cv2.INTER_AREA), np.uint8)
    assert skew(small, page) == pytest.approx(degrees, abs=0.1)


@pytest.mark.parametrize("seed", range(4))
def test_what_shines_through_at_another_angle_does_not_win(seed: int) -> None:
    degrees = float(np.random.default_rng(seed + 60).uniform(-9, 9))
    front = pages.askew(pages.letter(seed + 90), degrees).astype(np.float32)
    back = pages.askew(pages.letter(seed + 95)[:, ::-1], degrees + 7.0)
    back = np.asarray(cv2.resize(back, (front.shape[1], front.shape[0])), np.uint8)
    soft = cv2.GaussianBlur(back, (0, 0), 2.0).astype(np.float32)
    through = np.asarray((front * (1 - 0.4 * (255 - soft) / 255)).clip(0, 255), np.uint8)
    assert seen(through, seed) == pytest.approx(degrees, abs=0.1)


@pytest.mark.parametrize("scale", [0.25, 0.4, 0.7])
def test_a_straight_page_stays_straight_at_any_size(scale: float) -> None:
    page = grey(pages.form(41))
    small = cv2.resize(page, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    assert skew(np.asarray(small, np.uint8)) == pytest.approx(0.0, abs=0.05)


def test_a_page_known_to_lie_nearly_straight_is_not_turned_by_writing_across_it() -> None:
    page = pages.letter(33)
    across = pages.askew(pages.letter(34), 20.0)
    across = np.asarray(cv2.resize(across, (page.shape[1], page.shape[0])), np.uint8)
    faint = grey(pages.faint(page, 0.3)).astype(np.float32)
    both = (faint * (grey(across) / 255.0)).clip(0, 255).astype(np.uint8)
    assert abs(skew(both)) > 6.0
    assert skew(both, reach=6.0) == pytest.approx(0.0, abs=0.1)


def test_blots_without_a_direction_turn_nothing() -> None:
    page = np.full((1169, 827), 245, np.uint8)
    for x, y, radius in ((200, 300, 60), (560, 420, 45), (380, 800, 80)):
        cv2.circle(page, (x, y), radius, 90, -1, cv2.LINE_AA)
    assert skew(page) == 0.0


@pytest.mark.parametrize("degrees", [-8.4, -1.3, 5.2])
def test_rising_strokes_of_a_brush_do_not_turn_their_line(degrees: float) -> None:
    page = np.full((1169, 827, 3), 245, np.uint8)
    for at in range(11):
        x = 120 + 40 * at
        for y in (402, 414 + at * 5 % 7, 430):
            cv2.line(page, (x, y), (x + 30, y - 2), (30, 30, 30), 3, cv2.LINE_AA)
        cv2.line(page, (x + 12 + at * 3 % 8, 398), (x + 12 + at * 3 % 8, 432), (30, 30, 30), 3, cv2.LINE_AA)
    assert seen(pages.askew(page, degrees)) == pytest.approx(degrees, abs=0.15)
