"""Pairs of scans: one sheet scanned twice, and one form filled in for two people."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from tests.support import pages
from villagecall.demo import papers

Image = NDArray[np.uint8]
SURNAMES, GIVEN = "王李张刘陈杨赵黄周吴徐孙胡朱高林何郭马罗", "秀英桂芳玉兰建国志强丽娟海燕春梅德明福生"
PLACES = ("柳溪村三组", "柳溪村一组12号", "石桥村二组", "青禾镇东街8号", "红旗村五组")
TITLES = ("高龄津贴申请表", "临时救助申请表", "农村建房申请表", "残疾人补贴申请表")


def bearer(rng: np.random.Generator) -> papers.Bearer:
    name = str(rng.choice(list(SURNAMES))) + "".join(rng.choice(list(GIVEN), int(rng.integers(1, 3))))
    number = "519900" + str(rng.integers(1940, 1990)) + "0203" + f"{rng.integers(0, 9999):04}"
    return papers.Bearer(name, number, str(rng.choice(PLACES)))


def _lines(rng: np.random.Generator) -> tuple[tuple[str, str], ...]:
    return (
        ("联系电话", f"139{rng.integers(0, 10**8):08}"),
        ("开户银行", "青禾农村商业银行"),
        ("账号", f"6228{rng.integers(0, 10**8):08}"),
        ("编号", str(rng.integers(1, 10))),
    )


def _other_digit(
    lines: tuple[tuple[str, str], ...], which: int, rng: np.random.Generator
) -> tuple[tuple[str, str], ...]:
    """One figure of one line is another one, and none that looks nearly like it."""
    label, value = lines[which]
    at = int(rng.integers(0, len(value)))
    other = str((int(value[at]) + int(rng.integers(1, 10))) % 10)
    changed = list(lines)
    changed[which] = (label, value[:at] + other + value[at + 1 :])
    return tuple(changed)


def pair(seed: int, kind: str) -> tuple[Image, Image]:
    """Two sheets as printed, 200 dpi: ``same``; ``person`` = the form of somebody else; ``name`` = only the name
    is another; ``figure`` = only one figure is; ``strokes`` = a ruled form whose answers differ; ``twin`` = that
    form twice the same."""
    rng = np.random.default_rng(seed)
    if kind in ("strokes", "twin"):
        size = (1654, 2339)
        first = pages.form(seed, size)
        if kind == "twin":
            return first, first
        second = first.copy()
        row = int(rng.integers(3, 8))
        top, left = size[1] // 7 + row * 128 + 20, size[0] // 10 + size[0] // 5 + 40
        patch = pages.form(seed + 5000, size)[top : top + 80, left : left + 500]
        second[top : top + 80, left : left + 500] = patch
        return first, second
    who, lines, title = bearer(rng), _lines(rng), str(rng.choice(TITLES))
    first = papers.form(title, who, lines)
    if kind == "same":
        return first, first
    if kind == "person":
        return first, papers.form(title, bearer(rng), _lines(rng))
    if kind == "name":
        other = who
        while other.name == who.name or len(other.name) != len(who.name):
            other = papers.Bearer(bearer(rng).name, who.id_number, who.address)
        return first, papers.form(title, other, lines)
    return first, papers.form(title, who, _other_digit(lines, int(rng.choice((0, 2, 3))), rng))


def scanned(sheet: Image, seed: int, *, hard: bool = True) -> bytes:
    """A sheet on a scanner: askew, shifted, another resolution, light, grain and compression; at times turned
    by half."""
    rng = np.random.default_rng(seed)
    dpi = int(rng.choice((150, 200, 240, 300)))
    factor = dpi / 200
    wide, high = round(sheet.shape[1] * factor), round(sheet.shape[0] * factor)
    turn = cv2.getRotationMatrix2D((wide / 2, high / 2), float(rng.uniform(-2, 2)), 1.0)
    matrix = np.asarray(turn, np.float64)
    matrix[:, 2] += rng.uniform(-3, 3, 2) / 25.4 * dpi
    # A feeder pulls a little unevenly: half a per cent in one direction.
    stretch = np.diag([factor * (1 + rng.uniform(-0.003, 0.003)), factor * (1 + rng.uniform(-0.005, 0.005)), 1.0])
    whole = np.vstack([matrix, [0, 0, 1]]) @ stretch
    how = cv2.INTER_AREA if factor < 1 else cv2.INTER_CUBIC
    source = cv2.GaussianBlur(sheet, (0, 0), 0.5 / factor) if factor < 1 else sheet
    lid = float(rng.uniform(235, 252))
    warped = cv2.warpAffine(source, whole[:2], (wide, high), flags=how, borderValue=(lid, lid, lid))
    image = np.asarray(warped, np.float64)
    if hard:
        soft = np.asarray(cv2.GaussianBlur(image, (0, 0), float(rng.uniform(0.3, 0.9)) * factor))
        image = 255 * (soft.clip(0, 255) / 255) ** float(rng.uniform(0.8, 1.25))
        image = image * rng.uniform(0.9, 1.0) + rng.normal(0, rng.uniform(1, 5), image.shape[:2])[:, :, None]
    found = np.clip(image, 0, 255).astype(np.uint8)
    if rng.random() < 0.25:
        found = np.ascontiguousarray(found[::-1, ::-1])
    return pages.encoded(found, dpi=dpi, quality=int(rng.integers(45, 92)))
