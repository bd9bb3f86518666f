"""Where the page lies in its picture: its corners on a desk or a lid, or nothing where it fills the frame."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np

from villagecall.scan import corners, evidence, regions
from villagecall.scan.corners import Found
from villagecall.scan.picture import Bgr, Picture
from villagecall.scan.skew import reduce

GLANCE = 220
UNLIKE, SHARE = 10, 0.08
"""Levels by which the rim may differ from the paper, and over how much of it: dust, a punched hole, a corner."""
STEP = 1.0
"""Levels to the pixel: the faint shadow of a sheet on a white desk has twice that."""
SHUT, OPEN = 0.05, 0.55
"""So little of the picture may be shut off by steps, and so much must be without any."""
LINED = 40
"""So many quadrilaterals of lines are weighed."""
SURE = 4.0
"""Odds, as a logarithm, from which areas are not looked for: e to the fourth, fifty to one."""
OPPOSITE = (("top", "bottom"), ("left", "right"))


class Search:
    """A picture in which a page lies on something; ``image`` in colour, at :data:`corners.WORK` or more.
    ``lined`` are the quadrilaterals made of lines, the likeliest first, in pixels of ``image``."""

    def __init__(self, image: Bgr) -> None:
        self._image = image
        small = reduce(image, corners.WORK)
        self._lines = corners.Lined(small)
        self.look = evidence.coarse(image, self._lines.light, self._lines.paper)
        factor, self._factor = (max(1, image.shape[0] // each.shape[0]) for each in (small, self.look.lab))
        self._line_factor = factor
        self.lined = self._ranked(faint=False)

    def _ranked(self, faint: bool) -> list[Found]:
        ranked = self._lines.ranked(LINED, faint)
        return [replace(found, quad=(found.quad + 0.5) * self._line_factor - 0.5) for found in ranked]

    def faint(self) -> list[Found]:
        """The quadrilaterals of lines that hardly rise above the noise, the likeliest first."""
        return self._ranked(faint=True)

    def areas(self) -> list[Found]:
        """The quadrilaterals around areas, the largest first."""
        height, width = self._image.shape[:2]
        quads = [(quad + 0.5) * self._factor - 0.5 for quad in regions.candidates(self.look.lab)]
        cuts = [corners.cut(quad, width, height, 1 / self._factor) for quad in quads]
        found = [Found(corners.ordered(quad), 1.0, cut) for quad, cut in zip(quads, cuts, strict=True)]
        # A strip from edge to edge of the frame is part of a page more often than a page.
        found = [each for each in found if not any(set(pair) <= set(each.cut) for pair in OPPOSITE)]
        return sorted(found, key=lambda each: -float(cv2.contourArea(each.quad.astype(np.float32))))

    def seen(self, likely: list[Found]) -> tuple[evidence.Points, evidence.Flags]:
        """As the evidence is asked about them: corners n×4×2 in pixels of ``look``, and which sides (n×4) are the
        frame's own."""
        height, width = self._image.shape[:2]
        quads = np.array([(each.quad + 0.5) / self._factor - 0.5 for each in likely])
        return quads, np.array([corners.framed(each.quad, width, height, 1 / self._factor) for each in likely])

    def likeliest(self, likely: list[Found], faint: int = 0) -> tuple[Found | None, float]:
        """Of ``likely`` (those of lines, then so many of ``faint`` ones, then those of areas) the one with the best
        evidence along its sides, if that is more likely than that the page fills the frame; and the logarithm of the
        best one's odds."""
        if not likely:
            return None, -np.inf
        quads, sides = self.seen(likely)
        weighed = evidence.weigh(self.look, quads, sides, len(self.lined), faint)
        worth = np.where(weighed.page, weighed.worth, -np.inf)
        best = int(worth.argmax())
        return likely[best] if weighed.page[best] else None, float(worth[best])


def find_quad(picture: Picture) -> Found | None:
    """The page's corners in the file's pixels, clockwise from the one nearest its top left; None where the page
    fills the frame."""
    image = picture.colour
    if fills(image):
        return None
    search = Search(image)
    found, odds = search.likeliest(search.lined)
    if odds < SURE:
        faint = search.faint()
        found, _ = search.likeliest([*search.lined, *faint, *search.areas()], len(faint))
    near = found and corners.refined(image, found)
    return near and replace(near, quad=(near.quad + 0.5) * picture.step - 0.5)


def fills(image: Bgr) -> bool:
    """Whether the page plainly fills the frame: the frame's rim is paper, and hardly anything is shut off
    from it by steps: a sheet that lies on something is. Says no where it is not plain; a few milliseconds instead
    of the whole search."""
    planes = cv2.split(cv2.cvtColor(reduce(image, GLANCE), cv2.COLOR_BGR2LAB))
    light = np.asarray(cv2.morphologyEx(planes[0], cv2.MORPH_CLOSE, np.ones((7, 7), np.uint8)), np.uint8)
    if min(light.shape) < 40:
        return False
    rim = np.concatenate([light[1:3].ravel(), light[-3:-1].ravel(), light[:, 1:3].ravel(), light[:, -3:-1].ravel()])
    paper = float(np.percentile(light[::3, ::3], 70))
    if float((np.abs(rim - paper) > UNLIKE).mean()) > SHARE:
        return False
    walls = np.zeros(light.shape, np.uint8)
    soft = (cv2.GaussianBlur(light, (0, 0), 1.0), cv2.blur(planes[1], (5, 5)), cv2.blur(planes[2], (5, 5)))
    for plane, weight in zip(soft, (1.0, 1.6, 1.6), strict=True):
        steps = [cv2.Sobel(plane, cv2.CV_32F, *way, scale=weight / 8) for way in ((1, 0), (0, 1))]
        walls |= (cv2.magnitude(*steps) > STEP).astype(np.uint8)
    free = np.asarray(1 - cv2.dilate(walls, np.ones((3, 3), np.uint8)), np.uint8)
    free[:2], free[-2:], free[:, :2], free[:, -2:] = 1, 1, 1, 1
    _, labels = cv2.connectedComponents(free, connectivity=4)
    shut = (labels != labels[0, 0]) & (free > 0)
    return float(shut.mean()) < SHUT and float(free.mean()) > OPEN
