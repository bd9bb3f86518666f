"""One page, from pixels to verdict and view: the recipe that strings the steps together."""

from __future__ import annotations

import time
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from villagecall.case import Verdict
from villagecall.scan import blank, encode, orient, quality, skew
from villagecall.scan.picture import Picture
from villagecall.scan.placing import Plan, cut, place, straighten
from villagecall.scan.quad import find_quad

Bgr = NDArray[np.uint8]
A4_INCHES = 11.69
SEARCH_SIDE = 1280
COLOUR_SIDE = 1240
"""Longest side in pixels of the page's colour: about a hundred dots to the inch, on which strokes still have theirs."""
GLANCE_SIDE = 1100
"""About so large is the page for what needs no detail: which way up, light, colour, thumbnail."""

LIES_STRAIGHT = 6.0
"""Degrees that writing may be turned against the edges of a photographed page; what is further is not its lines."""

__all__ = ["PageResult", "Plan", "judge", "region", "straighten"]


@dataclass(frozen=True, slots=True)
class PageResult:
    """What the worker says of a page; ``quad`` as in the verdict, not rounded; ``dpi`` of the view, 0 =
    unknown; ``phash`` is 16 hex digits of a perceptual hash."""

    verdict: Verdict
    angle: float
    quad: tuple[tuple[float, float], ...] | None
    width: int
    height: int
    dpi: int
    view: bytes
    thumb: bytes
    phash: str


def _gray(image: Bgr) -> NDArray[np.uint8]:
    return np.asarray(cv2.cvtColor(image, cv2.COLOR_BGR2GRAY), np.uint8)


def _edge_angle(quad: NDArray[np.float64]) -> float:
    top = quad[1] - quad[0]
    return float(np.degrees(np.arctan2(-top[1], top[0])))


def phash(gray: NDArray[np.uint8]) -> str:
    """64-bit perceptual hash of a page: signs of the low frequencies of its 32×32 picture."""
    small = cv2.resize(gray, (32, 32), interpolation=cv2.INTER_AREA).astype(np.float32)
    low = cv2.dct(small)[:8, :8].ravel()
    bits = low > np.median(low[1:])
    return f"{int(''.join('1' if bit else '0' for bit in bits), 2):016x}"


def dpi_of(said: int, longest: int, photographed: bool) -> int:
    """Dots per inch: what the file says, or for a photo what its longer side makes of an A4 page."""
    if photographed:
        return round(longest / A4_INCHES)
    return said if said >= 50 else 0


def judge(picture: Picture, turned: int = 0) -> PageResult:
    """Everything about one page."""
    began = time.perf_counter()
    found = find_quad(picture)
    quad = None if found is None else tuple((round(float(x)), round(float(y))) for x, y in found.quad)
    if quad is None:
        angle = round(skew.skew(picture.light, picture.grey), 3)
        plan = Plan(None, angle, 0)
    else:
        plan = Plan(quad, 0.0, 0)
        flat = straighten(picture.light, picture, plan, min(1.0, SEARCH_SIDE / max(picture.size)))
        angle = _edge_angle(np.array(quad, np.float64)) + skew.skew(flat, reach=LIES_STRAIGHT)
        angle = (angle + 45.0) % 90.0 - 45.0
    where = place(picture, plan)
    dpi = dpi_of(picture.dpi, max(where.width, where.height), quad is not None)
    scale = min(1.0, encode.VIEW_SIDE / max(where.width, where.height), encode.VIEW_DPI / dpi if dpi else 1.0)
    box = (0, 0, where.width, where.height)
    lying = cut(picture.grey, where, box, scale)
    tinted = min(scale, 1 / picture.step, COLOUR_SIDE / max(where.width, where.height))
    coloured = cut(picture.colour, where, box, tinted, picture.step)
    empty = blank.is_blank(lying)
    glance = skew.reduce(coloured, GLANCE_SIDE)
    up = 0 if empty else orient.orientation(glance)[0]
    quarter = (up + turned) // 90 % 4
    page, coloured, glance = (_quarter(each, quarter) for each in (lying, coloured, glance))
    # A photo is judged by its page alone, a scan in its own pixels: reducing would hide how sharp it was.
    sharp = page if quad is not None else picture.grey
    sides = () if found is None else _turned_sides(found.cut, quarter)
    faults = quality.find_faults(glance, sharp, dpi, sides, photographed=quad is not None)
    if empty:
        faults = [fault for fault in faults if fault.code != "blur"]  # what shines through is always soft
    view = encode.view(page, coloured, round(dpi * scale))
    verdict = Verdict(
        ok=not faults,
        angle_mdeg=round(angle * 1000),
        orientation=up,
        quad=quad,
        blank=empty,
        faults=tuple(faults),
        dpi=dpi,
        ms=round((time.perf_counter() - began) * 1000),
    )
    return PageResult(
        verdict=verdict,
        angle=angle,
        quad=None if found is None else tuple((float(x), float(y)) for x, y in found.quad),
        width=view.width,
        height=view.height,
        dpi=view.dpi,
        view=view.data,
        thumb=encode.thumb(glance),
        phash=phash(_gray(glance)),
    )


def _quarter(image: NDArray[np.uint8], turns: int) -> NDArray[np.uint8]:
    """Turned clockwise by so many quarters."""
    return image if turns == 0 else np.asarray(cv2.rotate(image, turns - 1), np.uint8)


def _turned_sides(sides: tuple[str, ...], turns: int) -> tuple[str, ...]:
    """What the sides of a page are called once it is turned clockwise by so many quarters."""
    order = ("top", "right", "bottom", "left")
    return tuple(order[(order.index(side) + turns) % 4] for side in sides)


def region(image: Bgr, picture: Picture, plan: Plan, box: tuple[int, int, int, int], limit: int = 1600) -> bytes:
    """A piece of the original, straightened the same way, ``box`` in per mille (x, y, w, h); JPEG.

    ``image`` is the picture in full colour."""
    where = place(picture, plan)
    x, y = box[0] * where.width // 1000, box[1] * where.height // 1000
    w, h = max(8, box[2] * where.width // 1000), max(8, box[3] * where.height // 1000)
    w, h = min(w, where.width - x), min(h, where.height - y)
    piece = cut(image, where, (x, y, w, h), min(1.0, limit / max(w, h)))
    ok, data = cv2.imencode(".jpg", piece, [cv2.IMWRITE_JPEG_QUALITY, 88])
    if not ok:
        raise ValueError("the piece could not be encoded")
    return data.tobytes()
