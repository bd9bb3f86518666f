"""Which of several quadrilaterals is the page: paper inside each side, something else outside it.

Compared along every side at once: the colour just inside must be the paper's, the colour just outside must not.
Fingers and things on the desk take part of a side away; a table, a crease or a printed frame has paper on both.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

Lab = NDArray[np.float32]
Points = NDArray[np.float64]
Flags = NDArray[np.bool_]
SAMPLES = 40
INNER, OUTER = (2.5, 4.0, 6.0), (2.5, 4.0, 9.0)
"""Pixels inside and outside a side at which colours are taken."""
FLOOR = 2.6
"""Lab distance (8 bit) between paper and ground at the least; a white desk is as near as that."""
PAPER = 26.0
"""Lab distance from the page's usual colour within which a place is still paper, in shade or with writing."""
CHROMA = 1.6
SPREADS = 1.3
"""A ground must differ from the paper by so much more than the paper from itself along the side."""
AREA_WORTH, FRAME_COST, SLANT_COST = 0.35, 0.12, 1.5
CLEAR, MOST, LEAST = 0.66, 0.70, 0.30
"""Share of a side that is plainly paper's edge: of the third best side, of all on average, of the worst."""
CLEAR_CUT = 0.80
"""The same of every side where the page is said to leave the frame: a line printed on a page may leave it too."""


@dataclass(frozen=True, slots=True)
class Weighed:
    """For n quadrilaterals: ``worth`` (the best is the page), ``page`` (whether it is one at all), and
    ``sides`` n×4: the share 0..1 of each side that is paper's edge; 1 where the side is the frame."""

    worth: Points
    page: Flags
    sides: Points


def weigh(lab: Lab, quads: Points, framed: Flags) -> Weighed:
    """``quads`` n×4×2 clockwise in pixels of ``lab`` (H×W×3, 8-bit Lab as float32); ``framed`` n×4: which sides
    are the frame's own."""
    smooth = np.asarray(cv2.blur(lab, (3, 3)), np.float32)
    following = np.roll(quads, -1, axis=1)
    edge = following - quads
    length = np.maximum(np.linalg.norm(edge, axis=2), 1e-6)
    normal = np.stack([-edge[:, :, 1], edge[:, :, 0]], axis=2) / length[:, :, None]
    places = quads[:, :, None] + np.linspace(0.05, 0.95, SAMPLES)[:, None] * edge[:, :, None]
    inner = np.stack([_taken(smooth, places + off * normal[:, :, None])[0] for off in INNER])
    paper = np.percentile(inner.reshape(len(INNER), len(quads), -1, 3), 60, axis=(0, 2))
    # Writing near a side is darker than the paper it stands on: the lightest of three places is looked at.
    lightest = inner[:, :, :, :, 0].argmax(axis=0)
    inside = np.take_along_axis(inner, lightest[None, :, :, :, None], axis=0)[0]
    is_paper = _distance(inside, paper[:, None, None]) < PAPER
    usual = np.median(inside, axis=2, keepdims=True)
    spread = np.median(_distance(inside, usual), axis=2, keepdims=True)
    floor = np.maximum(FLOOR, SPREADS * spread)
    unlike = np.ones(is_paper.shape, bool)
    seen = np.ones(is_paper.shape, bool)
    for off in OUTER:
        outer, there = _taken(smooth, places - off * normal[:, :, None])
        apart = np.minimum(_distance(outer, inside), _distance(outer, usual) + 1.0)
        unlike &= (apart > floor) | ~there
        if off < OUTER[-1]:
            seen &= there
    good = is_paper & unlike & seen
    many = seen.sum(axis=2)
    sides = np.where(many >= SAMPLES // 4, good.sum(axis=2) / np.maximum(many, 1), 0.0)
    sides = np.where(framed, 1.0, sides)
    return _decided(quads, framed, sides, length, lab.shape[0] * lab.shape[1])


def _decided(quads: Points, framed: Flags, sides: Points, length: Points, frame: int) -> Weighed:
    own = np.maximum((~framed).sum(axis=1), 1)
    mean = np.where(framed, 0.0, sides).sum(axis=1) / own
    ordered = np.sort(sides, axis=1)
    following = np.roll(quads, -1, axis=1)
    area = np.abs((quads[:, :, 0] * following[:, :, 1] - quads[:, :, 1] * following[:, :, 0]).sum(axis=1)) / 2
    unit = (following - quads) / length[:, :, None]
    slant = np.abs((unit * np.roll(unit, -1, axis=1)).sum(axis=2)).max(axis=1)
    worth = mean + 0.5 * ordered[:, 0] + 0.3 * ordered[:, 1] + AREA_WORTH * np.sqrt(area / frame)
    worth -= FRAME_COST * framed.sum(axis=1) + SLANT_COST * np.maximum(slant - 0.3, 0.0)
    pairs = np.minimum(length, np.roll(length, 2, axis=1)) / np.maximum(length, np.roll(length, 2, axis=1))
    page = (ordered[:, 1] > CLEAR) & (mean > MOST) & (ordered[:, 0] > LEAST)
    page &= ~framed.any(axis=1) | (ordered[:, 0] > CLEAR_CUT)
    page &= (framed.sum(axis=1) < 3) & (pairs.min(axis=1) > 0.5) & (slant < 0.55)
    return Weighed(np.asarray(worth, np.float64), np.asarray(page, np.bool_), np.asarray(sides, np.float64))


def _taken(lab: Lab, at: Points) -> tuple[Lab, Flags]:
    """Colours at places (…×2), and which of them lie in the picture."""
    height, width = lab.shape[:2]
    x, y = np.rint(at[..., 0]).astype(np.int32), np.rint(at[..., 1]).astype(np.int32)
    there = (x >= 0) & (y >= 0) & (x < width) & (y < height)
    return lab[np.clip(y, 0, height - 1), np.clip(x, 0, width - 1)], there


def _distance(one: Lab, other: Lab) -> NDArray[np.float32]:
    off = one - other
    return np.asarray(np.hypot(off[..., 0], CHROMA * np.hypot(off[..., 1], off[..., 2])), np.float32)
