"""Pages with one planted fault, or none, from a seed: for the verdict a clerk gets while the paper is in hand.

``photo`` lays a sheet on a desk under a camera; ``scan`` takes one from :mod:`bench.drawn.scans`.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from bench.drawn import scans, sheets

Image = NDArray[np.uint8]
Light = NDArray[np.float32]
Rng = np.random.Generator
PHOTO_FAULTS = ("ok", "blur", "dark", "glare", "cutoff", "lowdpi", "finger")
SCAN_FAULTS = ("ok", "blur", "lowdpi")
SIZES = ((1500, 2000), (1512, 2016), (1944, 2592), (2448, 3264))
KINDS = ("form", "ledger", "letter", "redhead", "idcard", "table", "hand", "sparse", "photopage", "receipt")
SKINS = ((150, 185, 230), (120, 160, 215), (95, 135, 195), (80, 115, 170), (60, 88, 135), (140, 165, 235))


@dataclass(frozen=True, slots=True)
class Sample:
    """A picture (BGR) and its truth: ``quality`` ok or the planted fault; ``spot`` where on the upright page it
    is, x and y in per mille; ``dpi`` 0 for a photo; ``orientation`` the clockwise turn that makes it upright."""

    image: Image
    kind: str
    quality: str = "ok"
    blank: bool = False
    orientation: int = 0
    dpi: int = 0
    spot: tuple[int, int] | None = None
    how: str = ""


# ---------------------------------------------------------------- photos


def _desk(rng: Rng, size: tuple[int, int]) -> Light:
    """Wood, cloth, stone, plastic, or something with things on it."""
    wide, high = size
    colours = (
        (70, 110, 150),
        (120, 60, 40),
        (40, 40, 44),
        (140, 143, 146),
        (200, 205, 208),
        (60, 90, 60),
        (90, 60, 110),
    )
    colour = np.array(colours[int(rng.integers(len(colours)))], np.float32) * rng.uniform(0.8, 1.15)
    grain = (high // int(rng.integers(6, 60)), wide // int(rng.integers(6, 60)))
    rough = cv2.resize(rng.normal(0, rng.uniform(2, 12), grain).astype(np.float32), size)
    desk = np.asarray(colour + rough[:, :, None], np.float32)
    for _ in range(int(rng.integers(1, 6)) if rng.random() < 0.3 else 0):
        at, to = (rng.uniform(0, 1, (2, 2)) * (wide, high)).astype(int)
        thing = tuple(float(value) for value in rng.uniform(20, 220, 3))
        cv2.rectangle(desk, tuple(map(int, at)), tuple(map(int, to)), thing, int(rng.choice([-1, 6])))
    return desk


def _quad(rng: Rng, size: tuple[int, int], ratio: float, share: float) -> NDArray[np.float64]:
    """Where the paper lies: about ``share`` of the frame, turned and seen a little from the side."""
    wide, high = size
    tall = min(high, wide * ratio) * share
    flat = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]]) * (tall / ratio / 2, tall / 2)
    turn = np.radians(rng.normal(0, 4))
    flat = flat @ np.array([[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]])
    flat *= 1 + rng.uniform(-0.03, 0.03, (4, 2))
    return np.asarray(flat + np.array([wide, high]) / 2 + rng.uniform(-0.015, 0.015, 2) * (wide, high), np.float64)


def _finger(
    rng: Rng, picture: Light, quad: NDArray[np.float64], content: tuple[float, ...], depth: float
) -> tuple[int, int]:
    """One to three fingers from beyond the paper's edge; ``depth``: how far over the edge of what stands on it.
    Gives the place of the tip on the page in per mille."""
    side = int(rng.integers(4))
    along = float(rng.uniform(0.15, 0.85))
    left, top, right, bottom = content
    across = (top, right, bottom, left)[side]
    inward = depth if side in (0, 3) else -depth
    tip = (
        (left + along * (right - left), across + inward)
        if side in (0, 2)
        else (across + inward, top + along * (bottom - top))
    )
    start = {0: (tip[0], -0.9), 1: (1.9, tip[1]), 2: (tip[0], 1.9), 3: (-0.9, tip[1])}[side]
    start = (start[0] + rng.normal(0, 0.3) * (side in (0, 2)), start[1] + rng.normal(0, 0.3) * (side in (1, 3)))
    unit = np.array([[0, 0], [1, 0], [1, 1], [0, 1]], np.float32)
    matrix = cv2.getPerspectiveTransform(unit, quad.astype(np.float32))
    points = cv2.perspectiveTransform(np.array([[tip, start]], np.float32), matrix)[0]
    thick = float(np.hypot(*(quad[1] - quad[0]))) * rng.uniform(0.07, 0.11)
    way = (points[1] - points[0]) / max(1.0, float(np.hypot(*(points[1] - points[0]))))
    end = points[0] + way * max(picture.shape[:2]) * 0.8
    aside = np.array([-way[1], way[0]])
    skin = np.array(SKINS[int(rng.integers(len(SKINS)))], np.float32) * rng.uniform(0.75, 1.0)
    for at in range(int(rng.choice([1, 1, 2, 3]))):
        mask = np.zeros(picture.shape[:2], np.uint8)
        near = points[0] + aside * at * thick * 1.05 + way * thick * (0.5 + at * rng.uniform(0, 0.8))
        far = end + aside * at * thick * 1.2
        cv2.line(mask, tuple(map(int, near)), tuple(map(int, far)), 255, round(thick), cv2.LINE_AA)
        shade = cv2.GaussianBlur(np.roll(mask, (int(thick / 5), int(thick / 6)), (0, 1)), (0, 0), thick / 7)
        picture *= (1 - 0.4 * (shade / 255.0)).astype(np.float32)[:, :, None]
        edge = cv2.distanceTransform(np.asarray((mask > 127) * 255, np.uint8), cv2.DIST_L2, 3) / (thick / 2)
        tone = (0.62 + 0.38 * np.sqrt(edge.clip(0, 1)))[:, :, None] * (1 + 0.04 * rng.normal())
        soft = (cv2.GaussianBlur(mask, (0, 0), 1.2) / 255.0)[:, :, None].astype(np.float32)
        picture *= 1 - soft
        picture += skin * tone * soft
        if rng.random() < 0.6:
            nail, size = near + way * thick * 0.05, (int(thick * 0.3), int(thick * 0.36))
            turn = float(np.degrees(np.arctan2(way[1], way[0]))) + 90
            pale = tuple(float(value) for value in skin * 1.12 + 8)
            cv2.ellipse(picture, tuple(map(int, nail)), size, turn, 0, 360, pale, -1)
    return int(tip[0] * 1000), int(tip[1] * 1000)


def _content(page: Image) -> tuple[float, float, float, float]:
    y, x = np.nonzero(page.min(axis=2) < 150)
    if len(x) < 50:
        return 0.3, 0.3, 0.7, 0.7
    found = [*np.percentile(x, (0.5, 99.5)) / page.shape[1], *np.percentile(y, (0.5, 99.5)) / page.shape[0]]
    return float(found[0]), float(found[2]), float(found[1]), float(found[3])


def _light(rng: Rng, size: tuple[int, int]) -> Light:
    down, across = np.mgrid[0 : size[1], 0 : size[0]].astype(np.float32)
    fall = across / size[0] * rng.uniform(-1, 1) + down / size[1] * rng.uniform(-1, 1)
    return np.asarray(rng.uniform(0.8, 1.02) * (1 - 0.25 * np.abs(fall)), np.float32)


def _blurred(rng: Rng, picture: Light, per_inch: float) -> tuple[Light, str]:
    """Out of focus or shaken until characters of 3.7 mm run together."""
    if rng.random() < 0.5:
        sigma = max(2.6, per_inch / 72 * rng.uniform(1.35, 2.6))
        return np.asarray(cv2.GaussianBlur(picture, (0, 0), sigma), np.float32), f"focus {sigma:.1f}"
    long = int(max(10, per_inch / 72 * rng.uniform(5.5, 12)))
    kernel = np.zeros((long, long), np.float32)
    kernel[long // 2] = 1
    turn = cv2.getRotationMatrix2D(((long - 1) / 2, (long - 1) / 2), float(rng.uniform(0, 180)), 1.0)
    kernel = np.asarray(cv2.warpAffine(kernel, turn, (long, long)), np.float32)
    return np.asarray(cv2.filter2D(picture, -1, kernel / kernel.sum()), np.float32), f"shaken {long}"


def photo(seed: int, quality: str = "ok", kind: str | None = None) -> Sample:
    """A sheet on a desk. ``quality`` one of :data:`PHOTO_FAULTS`; fine ones may have a finger on the margin."""
    rng = np.random.default_rng((seed, 11))
    kind = kind or str(rng.choice(KINDS))
    sheet = sheets.sheet(seed, kind, 200)
    size = SIZES[int(rng.integers(len(SIZES)))]
    ratio = sheet.shape[0] / sheet.shape[1]
    size = size if ratio > 1 else (size[1], size[0])
    quad = _quad(rng, size, ratio, float(rng.uniform(0.72, 0.9)))
    flat = np.array([[0, 0], [1, 0], [1, 1], [0, 1]], np.float32) * (sheet.shape[1] - 1, sheet.shape[0] - 1)
    matrix = cv2.getPerspectiveTransform(flat.astype(np.float32), quad.astype(np.float32))
    mask = cv2.warpPerspective(np.full(sheet.shape[:2], 255, np.uint8), matrix, size, flags=cv2.INTER_AREA)
    tint = np.array([1.0, 1.0, 1.0]) - rng.uniform(0, 0.09, 3) * (rng.random() < 0.5)
    paper = cv2.warpPerspective(sheet, matrix, size, flags=cv2.INTER_AREA, borderValue=(255, 255, 255)) * tint * 0.95
    part = (mask / 255.0)[:, :, None]
    shadow = cv2.GaussianBlur(np.roll(mask, (12, 9), (0, 1)), (0, 0), 10)[:, :, None] / 255.0
    picture = np.asarray(_desk(rng, size) * (1 - 0.35 * shadow) * (1 - part) + paper * part, np.float32)
    picture *= _light(rng, size)[:, :, None]
    spot: tuple[int, int] | None = None
    how, content = "", _content(sheet)
    per_inch = float(np.hypot(*(quad[3] - quad[0]))) / 11.69
    if quality == "finger":
        spot = _finger(rng, picture, quad, content, float(rng.uniform(0.05, 0.2)))
    elif quality == "ok" and rng.random() < 0.2 and min(content[0], content[1], 1 - content[2], 1 - content[3]) > 0.05:
        _finger(rng, picture, quad, content, -0.03)
        how = "finger on the margin"
    elif quality == "glare":
        u, v = float(rng.uniform(0.25, 0.75)), float(rng.uniform(0.25, 0.75))
        spot = (int(u * 1000), int(v * 1000))
        unit = np.array([[0, 0], [1, 0], [1, 1], [0, 1]], np.float32)
        to = cv2.getPerspectiveTransform(unit, quad.astype(np.float32))
        middle = cv2.perspectiveTransform(np.array([[[u, v]]], np.float32), to)[0, 0]
        light = np.zeros(picture.shape[:2], np.float32)
        wide = float(np.hypot(*(quad[1] - quad[0])))
        axes = (int(wide * rng.uniform(0.08, 0.2)), int(wide * rng.uniform(0.08, 0.2)))
        cv2.ellipse(light, tuple(map(int, middle)), axes, float(rng.uniform(0, 180)), 0, 360, 1.0, -1)
        picture *= rng.uniform(0.7, 0.92)
        picture += (cv2.GaussianBlur(light, (0, 0), wide * rng.uniform(0.012, 0.05)) * rng.uniform(300, 520))[
            :, :, None
        ]
    elif quality == "dark" and rng.random() < 0.3:
        down, across = np.mgrid[0 : size[1], 0 : size[0]].astype(np.float32)
        turn = float(rng.choice([0, 90, 180, 270])) + rng.normal(0, 12)
        side = (across / size[0] - 0.5) * np.cos(np.radians(turn)) + (down / size[1] - 0.5) * np.sin(np.radians(turn))
        deep = 1 / (1 + np.exp(-side / rng.uniform(0.01, 0.03)))
        picture *= (1 - rng.uniform(0.76, 0.86) * deep)[:, :, None]
        how = "half"
    elif quality == "dark":
        picture *= rng.uniform(0.12, 0.3)
    if quality == "blur":
        picture, how = _blurred(rng, picture, per_inch)
    picture = np.asarray(cv2.GaussianBlur(picture, (0, 0), rng.uniform(0.3, 0.8)), np.float32)
    picture += rng.normal(0, rng.uniform(0.5, 4), picture.shape[:2]).astype(np.float32)[:, :, None]
    image = np.asarray(picture.clip(0, 255), np.uint8)
    if quality == "cutoff":
        share, side = float(rng.uniform(0.12, 0.35)), int(rng.integers(4))
        low, high = quad.min(axis=0), quad.max(axis=0)
        x, y = (low + (high - low) * share).astype(int), (high - (high - low) * share).astype(int)
        cut = (image[x[1] :], image[:, : y[0]], image[: y[1]], image[:, x[0] :])[side]
        image, how = np.ascontiguousarray(cut), ("top", "right", "bottom", "left")[side]
    elif quality == "lowdpi":
        scale = float(rng.uniform(28, 58)) / per_inch
        image = np.asarray(cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA), np.uint8)
    return Sample(stored(rng, image), kind, quality, spot=spot, how=how)


def stored(rng: Rng, image: Image, low: int = 60) -> Image:
    _, data = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(low, 94))])
    return np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR), np.uint8)


# ---------------------------------------------------------------- scans


def scan(seed: int, quality: str = "ok", kind: str | None = None) -> Sample:
    """A scanned page; hard papers (faint, shaded, halftone…) are fine ones too."""
    rng = np.random.default_rng((seed, 12))
    hard = str(rng.choice(scans.HARD)) if quality == "ok" and rng.random() < 0.4 else None
    found = scans.scan(seed, kind, hard=hard, task=None if hard else "skew15")
    image, dpi, how = found.image, found.dpi, found.hard or found.mode
    if quality == "blur":
        light, how = _blurred(rng, image.astype(np.float32), float(dpi))
        image = stored(rng, np.asarray((light + rng.normal(0, 1, light.shape[:2])[:, :, None]).clip(0, 255), np.uint8))
    elif quality == "lowdpi":
        low = int(rng.integers(72, 130))
        scale = low / dpi
        image = np.asarray(cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA), np.uint8)
        dpi = low
    elif dpi < 150:
        quality = "lowdpi"
    return Sample(image, found.kind, quality, orientation=found.orientation, dpi=dpi, how=how)


def turned(seed: int) -> Sample:
    """A page the wrong way up, sparse ones and copies of cards as often as full ones."""
    rng = np.random.default_rng((seed, 13))
    kind = str(
        rng.choice(
            [
                "form",
                "ledger",
                "letter",
                "redhead",
                "idcard",
                "idcard",
                "sparse",
                "sparse",
                "oneline",
                "table",
                "hand",
                "receipt",
            ]
        )
    )
    found = scans.scan(seed, kind, task="skew15")
    quarter = int(rng.integers(4))
    image = np.ascontiguousarray(np.rot90(found.image, quarter))
    return Sample(image, kind, orientation=(found.orientation + 90 * quarter) % 360, dpi=found.dpi, how=found.mode)
