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


def find_quad(picture: Picture) -> Found | None:
    """The page's corners in the file's pixels, clockwise from the one nearest its top left; None where the page
    fills the frame."""
    image = picture.colour
    if _fills(image):
        return None
    lab = evidence.coarse(image)
    small = reduce(image, corners.WORK)
    factor, coarser = (max(1, image.shape[0] // each.shape[0]) for each in (small, lab))
    lined = [replace(found, quad=(found.quad + 0.5) * factor - 0.5) for found in corners.ranked(small, LINED)]
    found, odds = _likeliest(lab, coarser, lined, len(lined), image)
    if odds < SURE and (areas := _by_area(lab, coarser, image)):
        found, _ = _likeliest(lab, coarser, [*lined, *areas], len(lined), image)
    near = found and corners.refined(image, found)
    return near and replace(near, quad=(near.quad + 0.5) * picture.step - 0.5)


def _likeliest(
    lab: evidence.Lab, factor: int, likely: list[Found], lined: int, image: Bgr
) -> tuple[Found | None, float]:
    """The one with the best evidence along its sides, if that is more likely than that the page fills the frame;
    and the logarithm of the best one's odds."""
    if not likely:
        return None, -np.inf
    quads = np.array([(each.quad + 0.5) / factor - 0.5 for each in likely])
    sides = np.array([corners.framed(each.quad, image.shape[1], image.shape[0], 1 / factor) for each in likely])
    weighed = evidence.weigh(lab, quads, sides, lined)
    worth = np.where(weighed.page, weighed.worth, -np.inf)
    first = int(worth.argmax())
    alike = weighed.page & (sides == sides[first]).all(axis=1)
    preferred = weighed.worth + evidence.PREFERRED * weighed.sides.min(axis=1)
    best = int(np.where(alike, preferred, -np.inf).argmax())
    return likely[best] if weighed.page[best] else None, float(worth[first])


def _by_area(lab: evidence.Lab, factor: int, image: Bgr) -> list[Found]:
    quads = [(quad + 0.5) * factor - 0.5 for quad in regions.candidates(lab)]
    size = (image.shape[1], image.shape[0])
    found = [Found(corners.ordered(quad), 1.0, corners.cut(quad, *size, 1 / factor)) for quad in quads]
    # A strip from edge to edge of the frame is part of a page more often than a page.
    found = [each for each in found if not any(set(pair) <= set(each.cut) for pair in OPPOSITE)]
    return sorted(found, key=lambda each: -float(cv2.contourArea(each.quad.astype(np.float32))))


def _fills(image: Bgr) -> bool:
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
