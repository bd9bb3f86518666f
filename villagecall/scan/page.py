"""One page, from pixels to verdict and view: the recipe that strings the steps together."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from villagecall.case import Fault, Verdict
from villagecall.scan import blank, corners, encode, ground, orient, quality, skew
from villagecall.scan.placing import Plan, cut, place, straighten

Bgr = NDArray[np.uint8]
A4_INCHES = 11.69
SEARCH_SIDE = 1280
GLANCE_SIDE = 1100
"""About so large is the page for what needs no detail: which way up, light, colour, thumbnail."""

__all__ = ["PageResult", "Plan", "find_quad", "judge", "region", "straighten"]


@dataclass(frozen=True, slots=True)
class PageResult:
    """What the worker says of a page; ``phash`` is 16 hex digits of a perceptual hash."""

    verdict: Verdict
    angle: float
    width: int
    height: int
    view: bytes
    thumb: bytes
    phash: str


def find_quad(image: Bgr, small: Bgr | None = None) -> corners.Found | None:
    """The page's corners where it lies on something; None where it fills the frame.

    ``small`` is the same picture by :func:`villagecall.scan.skew.reduce`, where the caller has it.
    """
    small = skew.reduce(image, SEARCH_SIDE) if small is None else small
    factor = max(1, image.shape[0] // small.shape[0])
    for found in corners.ranked(small):
        if len(found.cut) < 3 and ground.lies_on_something(small, found):
            return corners.refined(image, replace(found, quad=(found.quad + 0.5) * factor - 0.5))
    return None


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


def judge(image: Bgr, said_dpi: int, turned: int = 0) -> PageResult:
    """Everything about one page: ``image`` BGR as decoded, ``said_dpi`` from the file (0 = unsaid)."""
    began = time.perf_counter()
    small = skew.reduce(image, SEARCH_SIDE)
    found = find_quad(image, small)
    quad = None if found is None else tuple((round(float(x)), round(float(y))) for x, y in found.quad)
    if quad is None:
        angle = round(skew.skew(_gray(small)), 3)
        plan = Plan(None, angle, 0)
    else:
        plan = Plan(quad, 0.0, 0)
        flat = straighten(image, plan, min(1.0, SEARCH_SIDE / max(image.shape[:2])))
        angle = _edge_angle(np.array(quad, np.float64)) + skew.skew(_gray(flat))
        angle = (angle + 45.0) % 90.0 - 45.0
    where = place(image, plan)
    dpi = dpi_of(said_dpi, max(where.width, where.height), quad is not None)
    scale = min(1.0, encode.VIEW_SIDE / max(where.width, where.height), encode.VIEW_DPI / dpi if dpi else 1.0)
    lying = cut(image, where, (0, 0, where.width, where.height), scale)
    empty = blank.is_blank(_gray(lying))
    glance = skew.reduce(lying, GLANCE_SIDE)
    up = 0 if empty else orient.orientation(glance)[0]
    quarter = -((up + turned) // 90) % 4
    page = np.ascontiguousarray(np.rot90(lying, quarter), np.uint8)
    glance = np.ascontiguousarray(np.rot90(glance, quarter), np.uint8)
    # A photo is judged by its page alone, a scan in its own pixels: reducing would hide how sharp it was.
    sharp = _gray(page) if quad is not None else np.asarray(cv2.extractChannel(image, 1), np.uint8)
    faults = find_faults(glance, sharp, dpi, () if found is None else found.cut, photographed=quad is not None)
    if empty:
        faults = [fault for fault in faults if fault.code != "blur"]  # what shines through is always soft
    white = encode.whitening(glance)
    shown, glance = encode.whitened(page, white), encode.whitened(glance, white)
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
        width=shown.shape[1],
        height=shown.shape[0],
        view=encode.view(shown, colour=encode.has_colour(glance)),
        thumb=encode.thumb(glance),
        phash=phash(_gray(glance)),
    )


def find_faults(
    page: Bgr, sharp: NDArray[np.uint8], dpi: int, cut_off: tuple[str, ...], *, photographed: bool
) -> list[Fault]:
    """The faults of a straight page, the gravest first. ``page`` at a glance's size; ``sharp``: grey, in pixels
    that show how sharp it is."""
    found = [
        quality.dark(_gray(page)) if photographed else None,
        quality.glare(page) if photographed else None,
        quality.cutoff(cut_off),
        quality.lowdpi(dpi if not photographed else round(dpi * 2.2)),
        quality.blur(sharp),
    ]
    return [fault for fault in found if fault is not None]


def region(image: Bgr, plan: Plan, box: tuple[int, int, int, int], limit: int = 1600) -> bytes:
    """A piece of the original, straightened the same way, ``box`` in per mille (x, y, w, h); JPEG."""
    where = place(image, plan)
    x, y = box[0] * where.width // 1000, box[1] * where.height // 1000
    w, h = max(8, box[2] * where.width // 1000), max(8, box[3] * where.height // 1000)
    w, h = min(w, where.width - x), min(h, where.height - y)
    piece = cut(image, where, (x, y, w, h), min(1.0, limit / max(w, h)))
    ok, data = cv2.imencode(".jpg", piece, [cv2.IMWRITE_JPEG_QUALITY, 88])
    if not ok:
        raise ValueError("the piece could not be encoded")
    return data.tobytes()
