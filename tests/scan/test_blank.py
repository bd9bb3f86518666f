"""Empty backs are told from written pages, the faintest included."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from tests.support import pages
from villagecall.scan.blank import is_blank


def grey(image: pages.Image) -> pages.Image:
    return np.asarray(cv2.cvtColor(image, cv2.COLOR_BGR2GRAY), np.uint8)


@pytest.mark.parametrize("through", [0.0, 0.08, 0.14])
@pytest.mark.parametrize("seed", range(4))
def test_an_empty_back_is_blank_whatever_shines_through(seed: int, through: float) -> None:
    assert is_blank(grey(pages.blank(seed, through=through)))


@pytest.mark.parametrize("seed", range(6))
def test_one_line_is_enough_to_be_written(seed: int) -> None:
    assert not is_blank(grey(pages.noisy(pages.one_line(seed), seed)))


@pytest.mark.parametrize("seed", range(4))
def test_a_faint_carbon_copy_is_written(seed: int) -> None:
    assert not is_blank(grey(pages.noisy(pages.faint(pages.letter(seed)), seed)))


def test_a_blurred_page_is_a_bad_scan_and_not_a_blank_one() -> None:
    assert not is_blank(grey(np.asarray(cv2.GaussianBlur(pages.letter(3), (0, 0), 5), np.uint8)))


def test_a_page_out_of_focus_until_its_lines_run_together_is_not_blank() -> None:
    assert not is_blank(grey(np.asarray(cv2.GaussianBlur(pages.letter(4), (0, 0), 8), np.uint8)))


def test_punched_holes_a_crease_and_dust_are_no_writing() -> None:
    image = pages.blank(5)
    for y in (600, 1100):
        cv2.circle(image, (60, y), 18, (30, 30, 30), -1, cv2.LINE_AA)
    cv2.line(image, (0, 900), (1239, 893), (190, 190, 190), 2, cv2.LINE_AA)
    for at in ((300, 300), (800, 1200), (900, 500)):
        cv2.circle(image, at, 1, (60, 60, 60), -1)
    assert is_blank(grey(image))


def test_a_signature_in_a_corner_is_writing() -> None:
    image = pages.blank(6)
    strokes = np.array([[900, 1500], [940, 1440], [960, 1530], [1000, 1450], [1030, 1520], [1090, 1470]], np.int32)
    cv2.polylines(image, [strokes], isClosed=False, color=(70, 40, 30), thickness=3, lineType=cv2.LINE_AA)
    assert not is_blank(grey(image))


@pytest.mark.parametrize("soft", [0.4, 1.0, 1.6])
def test_two_characters_at_the_foot_of_a_page_are_no_punched_holes(soft: float) -> None:
    """However softly they were scanned: nothing that shines through is as dark."""
    image = pages.blank(7)
    line = grey(pages.one_line(3))
    x, y, _, high = cv2.boundingRect(np.asarray((line < 128) * 255, np.uint8))
    word = pages.one_line(3)[y : y + high, x : x + 2 * high + high // 4]
    foot = image.shape[0] * 94 // 100
    image[foot - high : foot, 560 : 560 + word.shape[1]] = word
    assert not is_blank(grey(np.asarray(cv2.GaussianBlur(image, (0, 0), soft), np.uint8)))


def test_a_thin_signature_in_one_stroke_is_no_crease() -> None:
    image = pages.blank(8)
    strokes = np.array([[400, 800], [430, 770], [470, 775], [520, 810], [580, 835], [640, 790], [690, 800]], np.int32)
    cv2.polylines(image, [strokes], isClosed=False, color=(70, 40, 30), thickness=2, lineType=cv2.LINE_AA)
    assert not is_blank(grey(image))


@pytest.mark.parametrize("across", [49.0, 49.5])
def test_an_office_punch_in_a_sheet_that_was_turned_straight_is_no_writing(across: float) -> None:
    image = np.full((2339, 1668, 3), 235, np.uint8)
    for y in (982.3, 1356.6):
        cv2.circle(image, (round(across * 16 + 160), round(y * 16)), 24 * 16, (60, 60, 60), -1, cv2.LINE_AA, 4)
    assert is_blank(grey(np.asarray(cv2.GaussianBlur(image, (0, 0), 0.9), np.uint8)))
