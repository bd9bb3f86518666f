"""One page, from pixels to verdict and view: the recipe that strings the steps together."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from villagecall.case import Fault, Verdict
from villagecall.scan import blank, corners, encode, ground, orient, quality, skew

Bgr = NDArray[np.uint8]
A4 = 297 / 210
A4_INCHES = 11.69
SEARCH_SIDE = 1280
ANALYSIS_SIDE = 2400
"""Faults are judged at this size at most: more pixels tell nothing more."""


@dataclass(frozen=True, slots=True)
class Plan:
    """How a page is made straight. Kept with the verdict, so that the magnifier shows the same place.

    ``quad`` in pixels of the original; ``angle`` degrees counter-clockwise; ``orientation`` and ``turned``
    clockwise quarter turns in degrees.
    """

    quad: tuple[tuple[int, int], ...] | None
    angle: float
    orientation: int
    turned: int = 0

    @classmethod
    def of(cls, verdict: Verdict, turned: int) -> Plan:
        return cls(verdict.quad, verdict.angle_mdeg / 1000, verdict.orientation, turned)


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


def find_quad(image: Bgr) -> corners.Found | None:
    """The page's corners where it lies on something; None where it fills the frame."""
    small = skew.reduce(image, SEARCH_SIDE)
    factor = max(1, image.shape[0] // small.shape[0])
    for found in corners.ranked(small):
        if len(found.cut) < 3 and ground.lies_on_something(small, found):
            return corners.refined(image, replace(found, quad=(found.quad + 0.5) * factor - 0.5))
    return None


def _sides(quad: NDArray[np.float64]) -> tuple[float, float]:
    top, right, bottom, left = (float(np.hypot(*(quad[(at + 1) % 4] - quad[at]))) for at in range(4))
    return max(top, bottom), max(left, right)


def true_ratio(quad: NDArray[np.float64], size: tuple[int, int]) -> float:
    """Height over width of the paper, undoing the perspective of a camera whose axis meets the middle of the
    picture; falls back to the sides where the view is nearly straight down (the method of Zhang and He, 2006)."""
    width, height = _sides(quad)
    plain = height / max(1.0, width)
    middle = np.array([(size[0] - 1) / 2, (size[1] - 1) / 2])
    m = np.column_stack([quad - middle, np.ones(4)])
    one, two, four, three = m[0], m[1], m[2], m[3]
    k2 = np.dot(np.cross(one, four), three) / np.dot(np.cross(two, four), three)
    k3 = np.dot(np.cross(one, four), two) / np.dot(np.cross(three, four), two)
    n2, n3 = k2 * two - one, k3 * three - one
    ratio = plain
    if abs(n2[2]) > 1e-3 and abs(n3[2]) > 1e-3:
        focal = -(n2[0] * n3[0] + n2[1] * n3[1]) / (n2[2] * n3[2])
        if 0.3 * max(size) ** 2 < focal < 30 * max(size) ** 2:
            across = (n2[0] ** 2 + n2[1] ** 2) / focal + n2[2] ** 2
            down = (n3[0] ** 2 + n3[1] ** 2) / focal + n3[2] ** 2
            ratio = float(np.sqrt(down / across))
    if not 0.6 < ratio / plain < 1.7:
        ratio = plain
    for paper in (A4, 1 / A4):
        if abs(ratio / paper - 1) < 0.05:
            return paper
    return ratio


def straighten(image: Bgr, plan: Plan) -> Bgr:
    """The page straight, upright and alone, at the original's own resolution."""
    if plan.quad is not None:
        quad = np.array(plan.quad, np.float64)
        wide, high = _sides(quad)
        ratio = true_ratio(quad, (image.shape[1], image.shape[0]))
        size = (round(wide), round(wide * ratio)) if wide * ratio >= high else (round(high / ratio), round(high))
        size = (max(16, size[0]), max(16, size[1]))
        target = np.array([[0, 0], [size[0] - 1, 0], [size[0] - 1, size[1] - 1], [0, size[1] - 1]], np.float32)
        matrix = cv2.getPerspectiveTransform(quad.astype(np.float32), target)
        page = cv2.warpPerspective(image, matrix, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    elif abs(plan.angle) < 0.02:
        page = image
    else:
        page = _rotated(image, plan.angle)
    quarter = ((plan.orientation + plan.turned) // 90) % 4
    return np.ascontiguousarray(np.rot90(page, -quarter), np.uint8)


def _rotated(image: Bgr, angle: float) -> Bgr:
    """Turned clockwise by ``angle`` onto a white ground, then cut back to what is not ground."""
    height, width = image.shape[:2]
    matrix = cv2.getRotationMatrix2D(((width - 1) / 2, (height - 1) / 2), -angle, 1.0)
    cos, sin = abs(matrix[0, 0]), abs(matrix[0, 1])
    wide, high = round(width * cos + height * sin), round(width * sin + height * cos)
    matrix[0, 2] += (wide - width) / 2
    matrix[1, 2] += (high - height) / 2
    paper = np.percentile(cv2.resize(image, (64, 64), interpolation=cv2.INTER_AREA).reshape(-1, 3), 90, axis=0)
    turned = cv2.warpAffine(
        image, matrix, (wide, high), flags=cv2.INTER_LINEAR, borderValue=tuple(float(value) for value in paper)
    )
    page = np.asarray(turned, np.uint8)
    down, across = _kept(page, (height, width))
    return np.asarray(page[down, across], np.uint8)


def _kept(page: Bgr, size: tuple[int, int]) -> tuple[slice, slice]:
    """The part to keep after turning: the original's size about the middle, or more where there is ink."""
    height, width = page.shape[:2]
    gray = cv2.cvtColor(page, cv2.COLOR_BGR2GRAY)
    scale = min(1.0, 500 / max(gray.shape))
    small = np.asarray(cv2.resize(gray, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA), np.uint8)
    y, x = np.nonzero(cv2.subtract(cv2.medianBlur(small, 31), small) > 40)
    top, bottom = max(0, (height - size[0]) // 2), min(height, (height + size[0]) // 2)
    left, right = max(0, (width - size[1]) // 2), min(width, (width + size[1]) // 2)
    if len(x) > 20:
        room = round(0.02 * max(height, width))
        inner = (np.percentile(x, 0.2) / scale, np.percentile(x, 99.8) / scale)
        down = (np.percentile(y, 0.2) / scale, np.percentile(y, 99.8) / scale)
        left, right = min(left, max(0, int(inner[0]) - room)), max(right, min(width, int(inner[1]) + room))
        top, bottom = min(top, max(0, int(down[0]) - room)), max(bottom, min(height, int(down[1]) + room))
    return slice(top, bottom), slice(left, right)


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


def dpi_of(said: int, page: Bgr, photographed: bool) -> int:
    """Dots per inch: what the file says, or for a photo what its longer side makes of an A4 page."""
    if photographed or said < 50:
        return round(max(page.shape[:2]) / A4_INCHES) if photographed else 0
    return said


def judge(image: Bgr, said_dpi: int, turned: int = 0) -> PageResult:
    """Everything about one page: ``image`` BGR as decoded, ``said_dpi`` from the file (0 = unsaid)."""
    began = time.perf_counter()
    found = find_quad(image)
    quad = None if found is None else tuple((round(float(x)), round(float(y))) for x, y in found.quad)
    if quad is None:
        angle = skew.skew(_gray(image))
        plan = Plan(None, round(angle, 3), 0)
    else:
        plan = Plan(quad, 0.0, 0)
        flat = straighten(image, plan)
        angle = _edge_angle(np.array(quad, np.float64)) + skew.skew(_gray(flat))
        angle = (angle + 45.0) % 90.0 - 45.0
    straight = straighten(image, plan)
    gray = _gray(straight)
    empty = blank.is_blank(gray)
    up = 0 if empty else orient.orientation(straight)[0]
    plan = Plan(plan.quad, plan.angle, up, turned)
    page = np.ascontiguousarray(np.rot90(straight, -((up + turned) // 90) % 4), np.uint8)
    dpi = dpi_of(said_dpi, page, quad is not None)
    faults = find_faults(page, dpi, () if found is None else found.cut, photographed=quad is not None)
    scale = min(1.0, encode.VIEW_SIDE / max(page.shape[:2]), encode.VIEW_DPI / dpi if dpi else 1.0)
    shown = cv2.resize(page, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA) if scale < 1 else page
    shown = encode.whitened(np.asarray(shown, np.uint8))
    verdict = Verdict(
        ok=not faults,
        angle_mdeg=round((plan.angle if quad is None else angle) * 1000),
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
        view=encode.view(shown),
        thumb=encode.thumb(shown),
        phash=phash(_gray(shown)),
    )


def find_faults(page: Bgr, dpi: int, cut: tuple[str, ...], *, photographed: bool) -> list[Fault]:
    """The faults of a straight page, the gravest first."""
    gray = skew.shrink(_gray(page), ANALYSIS_SIDE)
    found = [
        quality.dark(gray) if photographed else None,
        quality.glare(page) if photographed else None,
        quality.cutoff(cut),
        quality.lowdpi(dpi if not photographed else round(dpi * 2.2)),
        quality.blur(gray),
    ]
    return [fault for fault in found if fault is not None]


def region(image: Bgr, plan: Plan, box: tuple[int, int, int, int], limit: int = 1600) -> bytes:
    """A piece of the original, straightened the same way, ``box`` in per mille (x, y, w, h); JPEG."""
    page = straighten(image, plan)
    height, width = page.shape[:2]
    x, y = box[0] * width // 1000, box[1] * height // 1000
    w, h = max(8, box[2] * width // 1000), max(8, box[3] * height // 1000)
    piece = page[y : y + h, x : x + w]
    scale = min(1.0, limit / max(piece.shape[:2]))
    if scale < 1:
        piece = np.asarray(cv2.resize(piece, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA), np.uint8)
    ok, data = cv2.imencode(".jpg", piece, [cv2.IMWRITE_JPEG_QUALITY, 88])
    if not ok:
        raise ValueError("the piece could not be encoded")
    return data.tobytes()
