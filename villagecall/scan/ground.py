"""Whether a quadrilateral is a page that lies on something, or only a line, a table or a picture printed on one.

A page differs from its desk or lid along all of each side, and in the same way; a crease, a table's frame or a
shadow does not: to both sides of it is paper.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from villagecall.scan.corners import Found
from villagecall.scan.skew import reduce

Bgr = NDArray[np.uint8]
SIDE = 320
SAMPLES = 40
AWAY = 4.0
"""Pixels to each side of the edge at which colours are compared."""
FURTHER = 10.0
STILL_ALIKE = 0.5
DIFFERENT = 3.0
"""Distance in Lab (8 bit) between page and ground, over a whole side: a white desk is as near as that."""
DARKER = 25.0
"""Levels: no desk is so much lighter than the paper on it."""
ALIKE = 0.62
"""So much of a side must differ in the side's own way: fingers and things on the desk take the rest."""
ALIKE_CUT = 0.85
"""The same where the page is said to leave the frame, since a line on a page may leave it too."""
SURE = 0.65
"""Share of a side with an edge on it, for a page that is said to leave the frame."""
SLANT = 0.5
"""Opposite sides of a page in a photo are not more unequal than this, whatever the camera's angle."""


def _colours(
    lab: NDArray[np.float32], a: NDArray[np.float64], b: NDArray[np.float64], off: float
) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Colours along a side, ``off`` pixels to its inner side (negative = outer), and which lie in the picture."""
    along = b - a
    normal = np.array([-along[1], along[0]]) / max(1e-6, float(np.hypot(*along)))
    at = a + np.linspace(0.06, 0.94, SAMPLES)[:, None] * along + off * normal
    height, width = lab.shape[:2]
    x, y = np.rint(at[:, 0]).astype(int), np.rint(at[:, 1]).astype(int)
    seen = (x >= 0) & (y >= 0) & (x < width) & (y < height)
    return lab[np.clip(y, 0, height - 1), np.clip(x, 0, width - 1)], seen


def coarse(image: Bgr) -> NDArray[np.float32]:
    """The picture as :func:`lies_on_something` looks at it: small, in Lab."""
    small = reduce(image, SIDE)
    return np.asarray(cv2.cvtColor(cv2.medianBlur(small, 3), cv2.COLOR_BGR2LAB), np.float32)


def lies_on_something(lab: NDArray[np.float32], found: Found, factor: int) -> bool:
    """``found.quad`` runs clockwise as it lies in a picture ``factor`` times as large as ``lab``."""
    quad = (found.quad + 0.5) / factor - 0.5
    lengths = [float(np.hypot(*(quad[(at + 1) % 4] - quad[at]))) for at in range(4)]
    for one, other in ((0, 2), (1, 3)):
        if min(lengths[one], lengths[other]) < SLANT * max(lengths[one], lengths[other]):
            return False
    alike = ALIKE_CUT if found.cut else ALIKE
    if found.cut and found.support < SURE:
        return False
    ways = []
    for at in range(4):
        a, b = quad[at], quad[(at + 1) % 4]
        inner, _ = _colours(lab, a, b, AWAY)
        outer, seen = _colours(lab, a, b, -AWAY)
        if seen.sum() < SAMPLES // 3:
            continue  # this side is the frame
        weights = np.array([1.0, 1.6, 1.6], np.float32)
        step = (inner - outer)[seen] * weights
        way = np.median(step, axis=0)
        size = float(np.hypot(np.hypot(way[0], way[1]), way[2]))
        if size < DIFFERENT or float((step @ way > 0.4 * size**2).mean()) < alike:
            return False
        outer, seen = _colours(lab, a, b, -FURTHER)
        if seen.sum() > SAMPLES // 3:  # behind a line on a page, however wide, is paper again
            step = (inner - outer)[seen] * weights
            if float((step @ way > 0.3 * size**2).mean()) < STILL_ALIKE:
                return False
        if way[0] < -DARKER:
            return False  # a picture printed on a page
        ways.append(way)
    return len(ways) >= 2 and is_paper(lab, quad)


def is_paper(lab: NDArray[np.float32], quad: NDArray[np.float64]) -> bool:
    """A printed picture on a page has paper around it that is lighter than the picture, and without colour."""
    mask = np.zeros(lab.shape[:2], np.uint8)
    cv2.fillConvexPoly(mask, quad.round().astype(np.int32), 1)
    inner = cv2.erode(mask, np.ones((9, 9), np.uint8)).astype(bool)
    near = (
        np.asarray(cv2.dilate(mask, np.ones((25, 25), np.uint8))) - cv2.dilate(mask, np.ones((5, 5), np.uint8))
    ).astype(bool)
    if inner.sum() < 200:
        return False
    if near.sum() < 60:
        return True
    page, around = np.percentile(lab[inner], 70, axis=0), np.median(lab[near], axis=0)
    return not (around[0] > page[0] + 2 and float(np.hypot(around[1] - 128, around[2] - 128)) < 9)
