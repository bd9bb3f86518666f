"""Where a page lies: on desks that are hard to tell from it, partly hidden, partly outside the picture."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from bench.drawn import desks
from tests.support import pages
from villagecall.scan import corners, evidence, regions
from villagecall.scan import picture as pictures
from villagecall.scan.corners import Found
from villagecall.scan.quad import find_quad

Points = np.ndarray[tuple[int, ...], np.dtype[np.float64]]


def found_in(image: pages.Image) -> Found | None:
    return find_quad(pictures.of_bgr(image, 0))


def overlap(one: Points, other: Points) -> float:
    a, b = cv2.convexHull(one.astype(np.float32)), cv2.convexHull(other.astype(np.float32))
    common, _ = cv2.intersectConvexConvex(a, b)
    return float(common / (cv2.contourArea(a) + cv2.contourArea(b) - common))


def bare(lab: np.ndarray[tuple[int, ...], np.dtype[np.float32]]) -> evidence.Look:
    """A picture without writing."""
    return evidence.Look(lab, np.zeros(lab.shape[:2], np.float32))


class TestHardDesks:
    @pytest.mark.parametrize("seed", range(2))
    def test_a_light_desk(self, seed: int) -> None:
        picture, quad = pages.photographed(pages.letter(seed), seed, (196, 200, 204))
        found = found_in(picture)
        assert found is not None and overlap(found.quad, quad) > 0.95

    def test_an_identity_card_on_a_desk(self) -> None:
        picture, quad = pages.photographed(desks.card(3, (1500, 940)), 3, size=(1600, 1200))
        found = found_in(picture)
        assert found is not None and found.cut == () and overlap(found.quad, quad) > 0.95

    def test_a_finger_over_an_edge(self) -> None:
        picture, quad = pages.photographed(pages.form(5), 5, (120, 60, 40))
        x, y = (quad[1] * 0.6 + quad[2] * 0.4).round().astype(int).tolist()
        cv2.ellipse(picture, (x + 60, y), (130, 55), 0, 0, 360, (120, 150, 205), -1, cv2.LINE_AA)
        found = found_in(picture)
        assert found is not None and overlap(found.quad, quad) > 0.97

    def test_a_page_that_leaves_the_picture_ends_at_its_edge(self) -> None:
        picture, _ = pages.photographed(pages.form(6), 6)
        found = found_in(np.ascontiguousarray(picture[:, 500:]))
        assert found is not None and found.cut == ("left",)
        assert float(found.quad[:, 0].min()) <= 2.0  # nothing of the page is cut off there
        assert float(found.quad[:, 0].max()) < picture.shape[1] - 2


class TestFaintSides:
    def test_a_sheet_hardly_unlike_its_desk_is_among_the_faint_ones_beside_things_that_step_strongly(self) -> None:
        rng = np.random.default_rng(4)
        image = np.full((480, 640, 3), 226.0)
        quad = np.array([[300, 90], [560, 104], [548, 420], [290, 408]], np.float64)
        cv2.fillConvexPoly(image, quad.astype(np.int32), (231.0, 231.0, 231.0))
        for at in range(30, 250, 24):
            cv2.rectangle(image, (at, 40), (at + 14, 440), (20.0, 20.0, 20.0), -1)
        image += cv2.GaussianBlur(rng.normal(0, 3, image.shape), (0, 0), 1.0)
        lined = corners.Lined(image.clip(0, 255).astype(np.uint8))
        best = [
            max((overlap(each.quad, quad) for each in lined.ranked(40, faint)), default=0.0) for faint in (False, True)
        ]
        assert best[1] > 0.97 and best[0] < best[1]


class TestAreas:
    def test_the_sides_of_a_light_area_are_found_among_stripes(self) -> None:
        image = np.full((240, 320, 3), (150, 90, 60), np.uint8)
        for x in range(0, 320, 40):
            image[:, x : x + 14] = (60, 60, 140)
        quad = np.array([[70, 40], [250, 52], [240, 200], [62, 190]], np.float64)
        cv2.fillConvexPoly(image, quad.astype(np.int32), (240, 242, 244))
        lab = np.asarray(cv2.cvtColor(image, cv2.COLOR_BGR2LAB), np.float32)
        assert max(overlap(each, quad) for each in regions.candidates(lab)) > 0.97

    def test_paper_inside_and_desk_outside_is_a_page_and_paper_on_both_sides_is_none(self) -> None:
        lab = np.full((240, 320, 3), (90, 128, 128), np.float32)
        lab[30:210, 50:270] = (240, 128, 128)
        page = np.array([[50, 30], [269, 30], [269, 209], [50, 209]], np.float64)
        inner = np.array([[90, 70], [230, 70], [230, 170], [90, 170]], np.float64)
        quads, framed = np.array([page, inner]), np.zeros((2, 4), bool)
        weighed = evidence.weigh(bare(lab), quads, framed, 2)
        assert weighed.page.tolist() == [True, False]
        assert weighed.worth[0] > weighed.worth[1]
        assert evidence.signs_of(bare(lab), quads, framed, 2)["edge worst"].tolist() == [1.0, 0.0]

    def test_a_side_half_hidden_does_not_undo_the_page(self) -> None:
        lab = np.full((240, 320, 3), (90, 128, 128), np.float32)
        lab[30:210, 50:270] = (240, 128, 128)
        lab[80:150, 240:300] = (160, 150, 150)
        page = np.array([[[50, 30], [269, 30], [269, 209], [50, 209]]], np.float64)
        weighed = evidence.weigh(bare(lab), page, np.zeros((1, 4), bool), 1)
        hidden = evidence.signs_of(bare(lab), page, np.zeros((1, 4), bool), 1)
        assert weighed.page[0] and hidden["edge worst"][0] < 0.8

    def test_writing_that_goes_on_beyond_a_side_speaks_against_it(self) -> None:
        lab = np.full((240, 320, 3), (90, 128, 128), np.float32)
        lab[30:210, 50:270] = (240, 128, 128)
        lab[120:210, 50:270] = (170, 128, 128)  # the lower half in shade
        written = np.zeros(lab.shape[:2], np.float32)
        written[50:190, 80:240] = 0.2
        whole = [[50, 30], [269, 30], [269, 209], [50, 209]]
        lit = [[50, 30], [269, 30], [269, 119], [50, 119]]
        quads, framed = np.array([whole, lit], np.float64), np.zeros((2, 4), bool)
        signs = evidence.signs_of(evidence.Look(lab, written), quads, framed, 2)
        assert signs["written beyond"][0] == signs["written across"][0] == 0.0
        assert signs["written beyond"][1] > 0.5 and signs["written across"][1] > 0.5
        weighed = evidence.weigh(evidence.Look(lab, written), quads, framed, 2)
        assert weighed.worth[0] > weighed.worth[1]
