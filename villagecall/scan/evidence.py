"""Which of several quadrilaterals is the page, and whether any is: evidence along every side, weighed.

A page has paper just inside each side and something else just outside; the change is sharp, the inside is the
lighter, and no writing goes on beyond. A table's frame or a crease has paper on both sides, a shadow's edge is soft,
a thing on the desk is darker than what is around it. No single sign decides (fingers hide a part, a white desk differs
by little more than the sensor's noise), so their weighted sum does: the odds, as a natural logarithm, that this one
is the page against "the page fills the frame". The weights were fitted by maximum likelihood (one choice among all
candidates of a picture and none of them, a conditional logit) on drawn photos and scans, never on real ones; as
several signs go together, a single weight says little. ``bench/corner_weights.py`` repeats such a fit and says how
both choose.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from villagecall.scan.skew import reduce

Bgr = NDArray[np.uint8]
Light = NDArray[np.uint8]
Lab = NDArray[np.float32]
Points = NDArray[np.float64]
Flags = NDArray[np.bool_]
SIDE = 320
"""Pixels, about, of the longest side of the picture that is looked at."""
SAMPLES = 40
AWAY = np.array([1.5, 2.5, 4.0, 6.0, 9.0])
"""Pixels to both sides of a side at which colours are taken."""
FLOOR = 2.6
"""Lab distance (8 bit) between paper and ground at the least; a white desk is as near as that."""
PAPER = 26.0
"""Lab distance from the page's usual colour within which a place is still paper, in shade or with writing."""
CHROMA = 1.6
SPREADS = 1.3
"""A ground must differ from the paper by so much more than the paper from itself along the side."""
LATE = 10
"""Places in the order of the lines' own likelihood after which later makes no difference."""
WEIGHTS = {
    "edge": 1.238, "edge worst": 0.684, "sharp": 6.188, "sharp second": 15.680, "paper": -0.034, "size worst": 0.258,
    "lighter": 1.721, "darker": -1.296, "late": -4.181, "area's": 1.250, "extent": 5.706, "area": -4.553,
    "slant": -7.513, "steep": -4.588, "unequal": 0.429, "aspect": -8.339, "cut once": -1.955, "cut twice": -3.131,
    "none": -20.376, "colour": -3.157, "dim": -0.806, "dark": -1.556, "written beyond": -6.791,
    "written across": -2.707,
}  # fmt: skip
DARKER, SHARE, AROUND = 14, 0.18, 13
"""Writing is by so many levels, and by such a share of the paper's light, darker than what its strokes are closed to;
and the width in pixels over which it is counted."""
DIM = 0.35
"""Of the picture's lightest: nothing darker is paper, in shade or not."""
DENSE = 0.12
"""The share of writing's pixels in a place from which it counts in full."""
BESIDE = 4.0
BEYOND = (4.0, 7.0, 11.0, 16.0, 22.0)
"""Pixels from a side at which writing is looked for: over it, and beyond it."""
ALIKE = 5.0
"""Distance in colour, light aside, of two places of one sheet."""
SHADE = 0.45
"""The share of a page's light that is left in a shadow."""


@dataclass(frozen=True, slots=True)
class Weighed:
    """For n quadrilaterals: ``worth`` (log odds that it is the page against none being one) and ``page`` (whether
    they are even)."""

    worth: Points
    page: Flags


@dataclass(frozen=True, slots=True)
class _Sides:
    """n×4 each, for the four sides: see :func:`_along`; ``paper`` n×3 is each page's usual colour."""

    edge: Points
    sharp: Points
    light: Points
    size: Points
    lighter: Points
    paper: Lab


@dataclass(frozen=True, slots=True)
class Look:
    """A picture as :func:`weigh` looks at it: ``lab`` H×W×3, 8-bit Lab as float32; ``written`` H×W, the share
    0..1 of each place that writing takes."""

    lab: Lab
    written: Lab


def coarse(image: Bgr, light: Light, paper: Light) -> Look:
    """``image`` looked at from afar. ``light`` is that of the same picture, so large that strokes are seen (640 pixels,
    about), ``paper`` the same with strokes closed away."""
    lab = np.asarray(cv2.cvtColor(cv2.medianBlur(reduce(image, SIDE), 3), cv2.COLOR_BGR2LAB), np.float32)
    strokes = cv2.subtract(paper, light) > np.maximum(DARKER, paper * np.float32(SHARE))
    strokes &= paper > DIM * np.percentile(paper[::4, ::4], 95)
    share = cv2.blur(strokes.astype(np.float32), (AROUND, AROUND))
    written = cv2.resize(share, (lab.shape[1], lab.shape[0]), interpolation=cv2.INTER_AREA)
    return Look(lab, np.asarray(written, np.float32))


def weigh(look: Look, quads: Points, framed: Flags, lined: int, faint: int = 0) -> Weighed:
    """``quads`` n×4×2 clockwise in pixels of ``look``; ``framed`` n×4: which sides
    are the frame's own; the first ``lined`` of them are made of lines, the likeliest first, the next ``faint`` of faint
    ones, the others of areas."""
    signs = signs_of(look, quads, framed, lined, faint)
    worth = np.sum([WEIGHTS[name] * sign for name, sign in signs.items()], axis=0)
    page = (worth > 0) & (framed.sum(axis=1) < 3)
    return Weighed(np.asarray(worth, np.float64), np.asarray(page, np.bool_))


def signs_of(look: Look, quads: Points, framed: Flags, lined: int, faint: int = 0) -> dict[str, Points]:
    """The signs that are weighed, by name, each n long."""
    lab = look.lab
    along = _along(lab, quads)
    own = np.maximum((~framed).sum(axis=1), 1)
    area = np.arange(len(quads)) >= lined + faint
    place = np.concatenate([np.arange(lined), np.arange(len(quads) - lined)])

    def mean(each: Points) -> Points:
        return np.asarray(np.where(framed, 0.0, each).sum(axis=1) / own, np.float64)

    def worst(each: Points, of_frame: float = 1.0) -> Points:
        return np.sort(np.where(framed, of_frame, each), axis=1)

    edge, sharp, size = worst(along.edge), worst(along.sharp), worst(along.size, 3.0)
    signs = {
        "edge": mean(along.edge), "edge worst": edge[:, 0], "sharp": mean(along.sharp), "sharp second": sharp[:, 1],
        "paper": mean(along.light), "size worst": size[:, 0], "lighter": np.clip(mean(along.lighter), -30, 60) / 30,
        "darker": np.asarray((~framed & (along.lighter < -2)).sum(axis=1), np.float64),
        "late": np.where(area, 1.0, np.minimum(place, LATE) / LATE), "area's": area.astype(np.float64),
    }  # fmt: skip
    light = np.asarray(cv2.morphologyEx(lab[:, :, 0], cv2.MORPH_CLOSE, np.ones((7, 7), np.uint8)), np.float32)
    signs |= _shape(quads, framed, lab.shape[0] * lab.shape[1]) | _looks(light, along.paper)
    signs |= _writing(look, light, quads, framed, along.paper)
    return signs


def _along(lab: Lab, quads: Points) -> _Sides:
    """Shares 0..1 of each side: ``edge`` paper within and not without, ``sharp`` changing more at the side than
    beside it, ``light`` paper within.
    ``size`` of the change against the noise (logarithm), ``lighter`` by how many levels the inside is."""
    smooth = np.asarray(cv2.blur(lab * np.array([1.0, CHROMA, CHROMA], np.float32), (3, 3)), np.float32)
    noise = float(np.median(np.abs(smooth - cv2.blur(smooth, (5, 5))).sum(axis=2)))
    places, normal = _places(quads, 0.04, SAMPLES)
    inner = [_taken(smooth, places + off * normal)[0] for off in AWAY]
    outer, seen = zip(*(_taken(smooth, places - off * normal) for off in AWAY), strict=True)
    # Writing near a side is darker than the paper it stands on: the lightest of three places is looked at.
    near = np.stack(inner[1:4])
    inside = np.take_along_axis(near, near[..., 0].argmax(axis=0)[None, ..., None], axis=0)[0]
    paper = np.asarray(np.percentile(inside.reshape(len(quads), -1, 3), 60, axis=1), np.float32)
    light = _length(inside - paper[:, None, None]) < PAPER
    spread = np.median(_length(inside - np.median(inside, axis=2, keepdims=True)), axis=2)
    floor = np.maximum(FLOOR, SPREADS * spread)[:, :, None]
    unlike = [_length(inside - outer[at]) > floor for at in (1, 2, 4)]
    good = light & unlike[0] & unlike[1] & (unlike[2] | ~seen[4])
    step = inside - outer[2]
    way = np.median(step, axis=2, keepdims=True)
    size = _length(way)
    here = np.maximum(_length(inner[0] - outer[0]), _length(inner[1] - outer[1]))
    beside = np.minimum(_length(inner[3] - inner[1]), _length(outer[3] - outer[1]))
    return _Sides(
        edge=_share(good & seen[1], seen[2]),
        sharp=_share(here > np.maximum(max(1.0, 1.2 * noise), beside), seen[1]),
        light=light.mean(axis=2),
        size=np.minimum(np.log1p(size[:, :, 0] / (noise + 0.5)), 3.0),
        lighter=way[:, :, 0, 0],
        paper=paper,
    )


def _places(quads: Points, spare: float, samples: int) -> tuple[Points, Points]:
    """Places along each side (n×4×``samples``×2), ``spare`` of it left out at its ends, and the way in (n×4×1×2)."""
    edge = np.roll(quads, -1, axis=1) - quads
    length = np.maximum(np.linalg.norm(edge, axis=2), 1e-6)[..., None]
    normal = np.stack([-edge[:, :, 1], edge[:, :, 0]], axis=2) / length
    places = quads[:, :, None] + np.linspace(spare, 1 - spare, samples)[:, None] * edge[:, :, None]
    return np.asarray(places, np.float64), np.asarray(normal[:, :, None], np.float64)


def _share(good: Flags, seen: Flags) -> Points:
    return np.asarray((good & seen).sum(axis=2) / np.maximum(seen.sum(axis=2), SAMPLES // 4), np.float64)


def _shape(quads: Points, framed: Flags, frame: int) -> dict[str, Points]:
    """Signs of outline alone: size, slant as a camera may see it, sides like a sheet's, where it leaves the frame."""
    following = np.roll(quads, -1, axis=1)
    edge = following - quads
    length = np.maximum(np.linalg.norm(edge, axis=2), 1e-6)
    area = np.abs((quads[:, :, 0] * following[:, :, 1] - quads[:, :, 1] * following[:, :, 0]).sum(axis=1)) / 2 / frame
    unit = edge / length[:, :, None]
    slant = np.abs((unit * np.roll(unit, -1, axis=1)).sum(axis=2)).max(axis=1)
    opposite = np.minimum(length, np.roll(length, 2, axis=1)) / np.maximum(length, np.roll(length, 2, axis=1))
    one, other = length[:, 0] + length[:, 2], length[:, 1] + length[:, 3]
    aspect = np.minimum(one, other) / np.maximum(one, other)
    off = framed.sum(axis=1)
    return {
        "extent": np.sqrt(area), "area": area, "slant": np.maximum(slant - 0.15, 0),
        "steep": np.maximum(slant - 0.35, 0),
        "unequal": 1 - opposite.min(axis=1), "aspect": np.abs(aspect - 0.7),
        "cut once": (off == 1).astype(np.float64), "cut twice": (off == 2).astype(np.float64),
        "none": np.ones(len(quads)),
    }  # fmt: skip


def _writing(look: Look, light: Lab, quads: Points, framed: Flags, paper: Lab) -> dict[str, Points]:
    """Signs of writing, each of the worst side: how much of it goes on beyond the side, on a ground of the same colour,
    be it in shade; and how much stands on both hands of the side."""
    ground = np.dstack([light, *(cv2.blur(lab, (3, 3)) * np.float32(CHROMA) for lab in cv2.split(look.lab)[1:])])
    places, normal = _places(quads, 0.06, SAMPLES // 2)
    inner, _ = _taken(ground, places + BESIDE * normal)
    written, _ = _taken(look.written, places + BESIDE * normal)
    beyond = np.zeros(places.shape[:3])
    for off in BEYOND:
        outer, seen = _taken(ground, places - off * normal)
        away = np.hypot(outer[..., 1] - inner[..., 1], outer[..., 2] - inner[..., 2]) / ALIKE
        alike = np.exp(-(away**2)) * (outer[..., 0] > SHADE * paper[:, None, None, 0]) * seen
        further, _ = _taken(look.written, places - off * normal)
        beyond += np.minimum(further / DENSE, 1) * alike / len(BEYOND)
        if off == BESIDE:
            across = np.minimum(np.minimum(written, further) / DENSE, 1) * seen
    return {
        name: np.where(framed, 0.0, each.mean(axis=2)).max(axis=1)
        for name, each in (("written beyond", beyond), ("written across", across))
    }


def _looks(light: Lab, paper: Lab) -> dict[str, Points]:
    """Signs of colour: whether what is seen along the inside of the sides looks like paper."""
    colour = np.hypot(paper[:, 1] / CHROMA - 128, paper[:, 2] / CHROMA - 128)
    top = float(np.percentile(light[::2, ::2], 95))
    return {
        "colour": np.minimum(colour, 60) / 30,
        "dim": (top - paper[:, 0]) / 40, "dark": np.maximum(100 - paper[:, 0], 0) / 50,
    }  # fmt: skip


def _taken(lab: Lab, at: Points) -> tuple[Lab, Flags]:
    """Colours at places (…×2), and which of them lie in the picture."""
    height, width = lab.shape[:2]
    x, y = np.rint(at[..., 0]).astype(np.int32), np.rint(at[..., 1]).astype(np.int32)
    there = (x >= 0) & (y >= 0) & (x < width) & (y < height)
    return lab[np.clip(y, 0, height - 1), np.clip(x, 0, width - 1)], there


def _length(off: Lab) -> Lab:
    return np.asarray(np.sqrt(np.einsum("...k,...k->...", off, off)), np.float32)
