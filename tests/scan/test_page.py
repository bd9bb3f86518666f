"""From pixels to verdict and view: pages on desks, faults, and the magnifier that shows the same place."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from tests.support import pages
from villagecall.scan import flat
from villagecall.scan import picture as pictures
from villagecall.scan.page import PageResult, Plan, region, straighten
from villagecall.scan.page import judge as judge_picture
from villagecall.scan.picture import Picture
from villagecall.scan.quad import find_quad

DESKS = {"wood": (70, 110, 150), "cloth": (120, 60, 40), "dark": (40, 40, 44), "marble": (140, 143, 146)}


def seen(image: pages.Image, dpi: int = 0) -> Picture:
    return pictures.of_bgr(image, dpi)


def judge(image: pages.Image, dpi: int) -> PageResult:
    return judge_picture(seen(image, dpi))


def codes(image: pages.Image, dpi: int = 150) -> list[str]:
    return [fault.code for fault in judge(image, dpi).verdict.faults]


class TestCorners:
    @pytest.mark.parametrize("desk", DESKS)
    @pytest.mark.parametrize("seed", range(3))
    def test_a_page_on_a_desk_is_found_to_a_few_pixels(self, desk: str, seed: int) -> None:
        picture, corners = pages.photographed(pages.form(seed), seed, DESKS[desk])
        found = find_quad(seen(picture))
        assert found is not None and found.cut == ()
        assert float(np.abs(found.quad - corners).max()) < 4

    def test_the_picture_is_laid_flat_at_true_proportions(self) -> None:
        picture, _ = pages.photographed(pages.form(4), 4)
        view = judge(picture, 0)
        assert view.height / view.width == pytest.approx(297 / 210, rel=0.03)

    @pytest.mark.parametrize("kind", [pages.form, pages.letter, pages.one_line, pages.card_copy])
    def test_a_page_that_fills_the_frame_has_no_corners(self, kind: object) -> None:
        assert callable(kind)
        for seed in range(3):
            assert find_quad(seen(pages.noisy(kind(seed), seed))) is None

    def test_a_page_on_a_scanners_black_lid_is_cut_out_and_straight(self) -> None:
        found = judge(pages.noisy(pages.askew(pages.form(2), 4.0, (28, 28, 28)), 2), 150)
        assert found.angle == pytest.approx(4.0, abs=0.05)
        view = cv2.cvtColor(flat.picture(found.view), cv2.COLOR_BGR2GRAY)
        assert float(np.asarray(view)[20:-20, 20:40].mean()) > 200


class TestFaults:
    def test_a_good_scan_and_a_good_photo_have_none(self) -> None:
        assert codes(pages.noisy(pages.form(1), 1)) == []
        assert codes(pages.photographed(pages.form(1), 1)[0]) == []

    def test_out_of_focus(self) -> None:
        picture, _ = pages.photographed(pages.letter(2), 2)
        assert codes(np.asarray(cv2.GaussianBlur(picture, (0, 0), 4), np.uint8)) == ["blur"]

    def test_shaken_along_one_direction(self) -> None:
        picture, _ = pages.photographed(pages.letter(3), 3)
        assert codes(np.asarray(cv2.blur(picture, (17, 1)), np.uint8)) == ["blur"]

    def test_too_dark(self) -> None:
        picture, _ = pages.photographed(pages.letter(4), 4)
        assert "dark" in codes(np.asarray(picture * 0.22, np.uint8))

    def test_glare_is_told_with_its_place_and_what_to_do(self) -> None:
        picture, corners = pages.photographed(pages.letter(5), 5)
        light = np.zeros(picture.shape[:2], np.float32)
        x, y = (corners[0] * 0.7 + corners[2] * 0.3).round().astype(int)
        cv2.circle(light, (int(x), int(y)), 170, 1.0, -1)
        light = np.asarray(cv2.GaussianBlur(light, (0, 0), 25), np.float32)[:, :, None]
        verdict = judge(np.asarray((picture + light * 400).clip(0, 255), np.uint8), 0).verdict
        (fault,) = [fault for fault in verdict.faults if fault.code == "glare"]
        assert fault.spot is not None and fault.spot.x < 500 and fault.spot.y < 500
        assert "反光" in fault.zh and "重新扫描" in fault.zh
        assert not verdict.ok

    def test_a_page_that_leaves_the_picture(self) -> None:
        picture, _ = pages.photographed(pages.form(6), 6)
        assert "cutoff" in codes(np.ascontiguousarray(picture[:, 500:]))

    def test_too_few_dots(self) -> None:
        picture, _ = pages.photographed(pages.letter(7), 7)
        small = cv2.resize(picture, None, fx=0.28, fy=0.28, interpolation=cv2.INTER_AREA)
        assert "lowdpi" in codes(np.asarray(small, np.uint8))


class TestMagnifier:
    def test_it_shows_what_the_view_shows_there(self) -> None:
        for image in (pages.askew(pages.form(8), 6.0), pages.photographed(pages.form(8), 8)[0]):
            found = judge(image, 150)
            piece = region(image, seen(image), Plan.of(found.verdict, 0), (200, 300, 500, 200))
            near = cv2.imdecode(np.frombuffer(piece, np.uint8), cv2.IMREAD_GRAYSCALE)
            view = np.asarray(cv2.cvtColor(flat.picture(found.view), cv2.COLOR_BGR2GRAY))
            height, width = view.shape
            there = view[height * 3 // 10 : height * 5 // 10, width * 2 // 10 : width * 7 // 10]
            same = cv2.resize(np.asarray(near), (there.shape[1], there.shape[0]), interpolation=cv2.INTER_AREA)
            soft = [cv2.GaussianBlur(each, (0, 0), 3).astype(float).ravel() for each in (there, same)]
            assert float(np.corrcoef(soft[0], soft[1])[0, 1]) > 0.95

    def test_turned_by_the_clerk_it_turns_along(self) -> None:
        image = pages.form(9)
        upright, turned = (straighten(image, seen(image), Plan(None, 0.0, 0, degrees)) for degrees in (0, 90))
        assert float(np.abs(np.rot90(upright, -1).astype(int) - turned).mean()) < 1
