"""Faults of a page: what is wrong, where, and the sentence that says what to do."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from tests.support import pages
from villagecall.case import Fault, Verdict
from villagecall.scan.quality import codes, find_faults

SKIN = {"light": (150, 185, 230), "tanned": (95, 135, 195), "dark": (60, 88, 135)}
SIZE = (1100, 1556)


def found(page: pages.Image, *, dpi: int = 130, photographed: bool = True) -> list[Fault]:
    grey = np.asarray(cv2.cvtColor(page, cv2.COLOR_BGR2GRAY), np.uint8)
    return find_faults(page, grey, dpi, (), photographed=photographed)


def touched(page: pages.Image, tip: tuple[int, int], start: tuple[int, int], skin: tuple[int, int, int]) -> pages.Image:
    """A finger from ``start`` beyond the edge to ``tip``, rounder and darker towards its sides."""
    seen = page.copy()
    for thick in range(96, 40, -4):
        tone = 0.7 + 0.3 * (1 - (thick / 96) ** 2) ** 0.5
        cv2.line(seen, start, tip, tuple(value * tone for value in skin), thick, cv2.LINE_AA)
    return seen


@pytest.mark.parametrize("skin", SKIN)
@pytest.mark.parametrize("kind", [pages.letter, pages.form])
class TestFinger:
    def test_it_is_named_with_its_corner_and_ringed_there(self, kind: object, skin: str) -> None:
        assert callable(kind)
        (fault,) = found(touched(kind(3, SIZE), (260, 980), (-60, 1300), SKIN[skin]))
        assert fault.code == "finger"
        assert fault.zh == "左下角被手指挡住了,请重新扫描这一页。"
        assert fault.spot is not None and fault.spot.x < 60 and 550 < fault.spot.y < 800
        assert fault.spot.w < 320 and fault.spot.h < 320

    def test_on_the_margin_it_hides_nothing(self, kind: object, skin: str) -> None:
        assert callable(kind)
        assert found(touched(kind(4, SIZE), (10, 800), (-200, 820), SKIN[skin])) == []


def test_a_seal_a_portrait_and_a_brown_desk_along_one_side_are_no_fingers() -> None:
    page = pages.form(5, SIZE)
    pages.seal(page, (200, 1300), 110)
    cv2.ellipse(page, (850, 500), (90, 120), 0, 0, 360, SKIN["light"], -1)
    page[:, :14] = (70, 110, 150)
    assert found(page) == []


def test_an_upright_finger_is_seen_in_weak_warm_light_too() -> None:
    page = touched(pages.letter(6, SIZE), (700, 1200), (760, 1700), SKIN["tanned"])
    warm = np.asarray(page * np.array([0.55, 0.66, 0.75]), np.uint8)
    assert [fault.code for fault in found(warm)] == ["finger"]


class TestDark:
    def test_a_shadow_over_half_of_the_page_is_placed(self) -> None:
        page = pages.letter(7, SIZE).astype(np.float32)
        page[:, 600:] *= 0.16
        (fault,) = found(np.asarray(page, np.uint8))
        assert fault.code == "dark" and fault.spot is not None
        assert fault.spot.x > 450 and fault.zh.startswith("右边")

    def test_a_light_shade_and_a_black_picture_are_none(self) -> None:
        page = pages.letter(8, SIZE)
        page[:, 600:] = np.asarray(page[:, 600:] * 0.55, np.uint8)
        page[300:700, 300:800] = 20
        assert found(page) == []


def test_too_few_dots_is_one_reason_not_two() -> None:
    soft = np.asarray(cv2.GaussianBlur(pages.letter(9), (0, 0), 4), np.uint8)
    assert [fault.code for fault in found(soft, dpi=40)] == ["lowdpi"]


def test_a_photo_of_a_card_alone_is_counted_as_a_card() -> None:
    card = cv2.resize(pages.letter(9), (1000, 631))
    assert "lowdpi" not in [fault.code for fault in found(np.asarray(card, np.uint8), dpi=60)]


def test_a_verdict_keeps_its_faults_and_their_places() -> None:
    faults = tuple(found(touched(pages.letter(10, SIZE), (250, 1250), (-60, 1500), SKIN["light"])))
    verdict = Verdict(ok=False, faults=faults)
    assert Verdict.model_validate_json(verdict.model_dump_json()) == verdict


def test_an_inspection_names_a_finger_apart_from_the_terms_of_the_evaluation() -> None:
    page = touched(pages.letter(11, SIZE), (250, 1250), (-60, 1500), SKIN["light"])
    said = codes(tuple(found(page, dpi=40)))
    assert said == {"quality": ["lowdpi"], "faults": ["finger", "lowdpi"]}
