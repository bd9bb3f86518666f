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
GLANCE = 700
DARK = 60
"""Levels below the paper around it that nothing reaches that shines through."""
PLENTY = 4e-3
"""Share of such pixels that needs no second look."""
STEEP = 3.0
"""Contrast over slope, in pixels: print and pen stay below, what shines through is above."""
FAINT = 12
MARKS, STROKES = 2, 60
"""A written page has so many marks, with so many steep pixels in all; or one mark of twice as many."""


def is_blank(gray: Gray) -> bool:
    """``gray`` is the page alone (no desk, no scanner lid)."""
    glance = reduce(gray, GLANCE)
    paper = cv2.medianBlur(glance, 41)
    if float((_inner(np.asarray(cv2.subtract(paper, glance), np.uint8)) > DARK).mean()) > PLENTY:
        return False
    found = marks(reduce(gray, SIDE))
    total = sum(found)
    return not (total >= STROKES and (len(found) >= MARKS or total >= 2 * STROKES))


def _inner(image: Gray) -> Gray:
    height, width = image.shape
    return image[max(1, height // 40) : -max(1, height // 40), max(1, width // 40) : -max(1, width // 40)]


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
    steep = (
        (contrast > max(float(FAINT), 5 * noise)) & (np.asarray(slope, np.float32) * (STEEP / 8) > contrast)
    ).astype(np.uint8)
    height, width = gray.shape
    up, left = height // 50, width // 50
    steep[:up], steep[height - up :], steep[:, :left], steep[:, width - left :] = 0, 0, 0, 0
    count, labels, stats, _ = cv2.connectedComponentsWithStats(cv2.dilate(steep, np.ones((5, 5), np.uint8)))
    inside = np.bincount(np.asarray(labels).ravel(), weights=steep.ravel(), minlength=count)
    paper = float(np.median(gray[::8, ::8]))
    return [
        int(inside[at])
        for at in range(1, count)
        if inside[at] >= 14 and not _is_no_writing(gray, paper, tuple(int(value) for value in stats[at]))
    ]


def _is_no_writing(gray: Gray, paper: float, box: tuple[int, ...]) -> bool:
    """A speck, a crease or streak, or a punched hole, by its shape."""
    x, y, w, h, area = box
    height, width = gray.shape
    long, short = max(w, h), min(w, h)
    if short < 11 or (long > 4.5 * short and short < 18) or (area < 16 * long and long > 0.12 * max(height, width)):
        return True
    across, down = (x + w / 2) / width, (y + h / 2) / height
    at_edge = min(across, 1 - across, down, 1 - down) < 0.09
    if not at_edge or not 0.7 < w / h < 1.4 or long > 0.05 * max(height, width):
        return False
    middle = gray[y + h // 3 : y + 2 * h // 3 + 1, x + w // 3 : x + 2 * w // 3 + 1]
    return float(middle.mean()) < 0.75 * paper
