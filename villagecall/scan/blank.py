"""Is there nothing on this page? Never says so of a written one (pure pixels in, bool out).

What shines through from the back is as dark as pencil or a carbon copy, but soft: the paper spreads it. So
strokes count by how steep they are for their contrast, not by how dark they are. Creases, scanner streaks,
specks and punched holes are crisp too, and are told apart by their shape.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from villagecall.scan.skew import reduce

Gray = NDArray[np.uint8]
SIDE = 1700
GLANCE = 440
DARK = 70
"""Levels of 255 below white paper that next to nothing reaches that shines through, blurred print does."""
PLENTY = 5e-3
"""Share of such pixels that needs no second look."""
STEEP = 3.0
"""Contrast over slope, in pixels: print and pen stay below, what shines through is above."""
FAINT = 12
BLACK = 0.42
"""Share of the paper's light that is missing in ink alone, however softly it was scanned: at most two fifths of what
is printed on the other side shine through office paper."""
HOLE = (0.008, 0.04)
"""Width of a punched hole over the page's longer side: from a ring binder's to an office punch's, 2.5 to 11 mm."""
MARKS, STROKES = 2, 60
"""A written page has so many marks, with so many steep pixels in all; or one mark of half as many again."""


def is_blank(gray: Gray) -> bool:
    """``gray`` is the page alone (no desk, no scanner lid)."""
    if _share_of_ink(gray) > PLENTY:
        return False
    found = marks(reduce(gray, SIDE))
    total = sum(found)
    return not (total >= STROKES and (len(found) >= MARKS or total >= 3 * STROKES // 2))


def _share_of_ink(gray: Gray) -> float:
    """Of the page without its rim, so much is much darker than the paper around it."""
    glance = reduce(_halved(gray), GLANCE)
    height, width = glance.shape
    # The paper's own light, at a third of the size: the median over writing and the rims of pictures is the paper.
    light = cv2.dilate(glance, np.ones((3, 3), np.uint8))
    coarse = cv2.medianBlur(light[::3, ::3].copy(), 13)
    paper = np.maximum(np.asarray(cv2.resize(coarse, (width, height)), np.uint8), np.uint8(30))
    ink = np.asarray(cv2.divide(cv2.subtract(paper, glance), paper, scale=255), np.uint8)
    up, left = max(1, height // 40), max(1, width // 40)
    return float((ink[up:-up, left:-left] > DARK).mean())


def _halved(gray: Gray) -> Gray:
    """Halved as long as it is large: several times faster than one step by a large factor."""
    while min(gray.shape) >= 2 * GLANCE:
        high, wide = gray.shape[0] // 2, gray.shape[1] // 2
        part = gray[: 2 * high, : 2 * wide]
        gray = np.asarray(cv2.resize(part, (wide, high), interpolation=cv2.INTER_AREA), np.uint8)
    return gray


def marks(gray: Gray) -> list[int]:
    """How many steep pixels each mark of the page has."""
    soft = cv2.GaussianBlur(gray, (0, 0), 0.7)
    grain = cv2.absdiff(gray, np.asarray(cv2.GaussianBlur(gray, (0, 0), 0.9), np.uint8))[::4, ::4]
    noise = max(1.0, 0.75 * (float(np.median(grain)) + float(grain.mean())))
    kernel = np.ones((9, 9), np.uint8)
    contrast = np.asarray(cv2.subtract(cv2.dilate(soft, kernel), cv2.erode(soft, kernel)), np.float32)
    slope = cv2.magnitude(
        np.asarray(cv2.Sobel(soft, cv2.CV_32F, 1, 0), np.float32),
        np.asarray(cv2.Sobel(soft, cv2.CV_32F, 0, 1), np.float32),
    )
    paper = float(np.median(gray[::8, ::8]))
    crisp = np.asarray(slope, np.float32) * (STEEP / 8) > contrast
    black = (contrast > BLACK * paper) & (soft < (1 - BLACK) * paper)
    steep = (((contrast > max(float(FAINT), 5 * noise)) & crisp) | black).astype(np.uint8)
    height, width = gray.shape
    for x, y, w, h in _holes(gray, paper):
        steep[y : y + h, x : x + w] = 0
    up, left = height // 50, width // 50
    steep[:up], steep[height - up :], steep[:, :left], steep[:, width - left :] = 0, 0, 0, 0
    count, labels, stats, _ = cv2.connectedComponentsWithStats(cv2.dilate(steep, np.ones((5, 5), np.uint8)))
    inside = np.bincount(np.asarray(labels).ravel(), weights=steep.ravel(), minlength=count)
    return [
        int(inside[at])
        for at in range(1, count)
        if inside[at] >= 14
        and not _is_speck(tuple(int(value) for value in stats[at]))
        and not _is_line(np.asarray(labels), at, tuple(int(value) for value in stats[at]), max(gray.shape))
    ]


def _is_line(labels: NDArray[np.int32], at: int, box: tuple[int, ...], side: int) -> bool:
    """A piece of a crease: straight and thin, whichever way it runs; or thin, and across most of the page, whose
    longer side is ``side``. A signature in one stroke is thin too, but neither."""
    x, y, w, h, area = box
    long = max(w, h)
    thin = area < 16 * long and long > 0.12 * side
    if thin and long > 0.5 * side:
        return True
    down, across = np.nonzero(labels[y : y + h, x : x + w] == at)
    _, sides, _ = cv2.minAreaRect(np.column_stack([across, down]).astype(np.float32))
    return min(sides) < (14 + 0.06 * long if thin else 14) and max(sides) > 4.5 * min(sides)


def _is_speck(box: tuple[int, ...]) -> bool:
    """Dust, or a piece of a crease or streak that lies along the page, by its size."""
    _, _, w, h, _ = box
    return min(w, h) < 11 or (max(w, h) > 4.5 * min(w, h) and min(w, h) < 18)


def _holes(gray: Gray, paper: float) -> list[tuple[int, int, int, int]]:
    """Boxes with room around them of what is round, near a side of the page, and dark all over: between the strokes
    of a character there is paper."""
    dark = (gray[::4, ::4] < 0.75 * paper).astype(np.uint8)
    height, width = dark.shape
    side = max(height, width)
    count, _, stats, centres = cv2.connectedComponentsWithStats(dark)
    found = []
    for (x, y, w, h, area), (across, down) in zip(stats[1:count].tolist(), centres[1:count].tolist(), strict=True):
        at_edge = min(across / width, 1 - across / width, down / height, 1 - down / height) < 0.09
        round_ = 0.7 < w / h < 1.4 and 0.68 * w * h < area < 0.88 * w * h
        if not at_edge or not round_ or not HOLE[0] * side < max(w, h) < HOLE[1] * side:
            continue
        if _is_solid(gray[4 * y : 4 * (y + h), 4 * x : 4 * (x + w)] < 0.75 * paper):
            found.append((max(0, 4 * x - 12), max(0, 4 * y - 12), 4 * w + 24, 4 * h + 24))
    return found


def _is_solid(dark: NDArray[np.bool_]) -> bool:
    """Whether the middle of a round spot is dark in every pixel: of a character a third is paper."""
    high, wide = dark.shape
    down, across = np.ogrid[:high, :wide]
    middle = ((down + 0.5) / high - 0.5) ** 2 + ((across + 0.5) / wide - 0.5) ** 2 < 0.35**2
    return float(dark[middle].mean()) > 0.97
