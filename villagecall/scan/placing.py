"""Where a page lies in its picture, and how to lay it straight: one matrix, used for the view and the magnifier.

Everything follows from the picture and the plan that the verdict keeps, so that the same place is found again.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from villagecall.case import Verdict
from villagecall.scan import skew
from villagecall.scan.picture import Picture

Plane = NDArray[np.uint8]
"""Grey or BGR."""
Matrix = NDArray[np.float64]
A4 = 297 / 210
STILL = 0.02
"""Degrees that are not worth a turn: three hundredths of a millimetre in ten centimetres."""
INK_SIDE = 480


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
class Place:
    """``matrix`` 3×3 from the original's pixels to the straight page's, which is ``width`` × ``height``."""

    matrix: Matrix
    width: int
    height: int


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


def place(picture: Picture, plan: Plan) -> Place:
    """Where the straight page is. Its pixels are about as large as the original's."""
    width, height = picture.size
    if plan.quad is not None:
        found = _of_quad(np.array(plan.quad, np.float64), (width, height))
    elif abs(plan.angle) < STILL:
        found = Place(np.eye(3), width, height)
    else:
        found = _of_turn(picture, plan.angle)
    for _ in range((plan.orientation + plan.turned) // 90 % 4):
        quarter = np.array([[0.0, -1.0, found.height - 1.0], [1.0, 0.0, 0.0], [0.0, 0.0, 1.0]])
        found = Place(quarter @ found.matrix, found.height, found.width)
    return found


def _of_quad(quad: NDArray[np.float64], size: tuple[int, int]) -> Place:
    wide, high = _sides(quad)
    ratio = true_ratio(quad, size)
    width, height = (wide, wide * ratio) if wide * ratio >= high else (high / ratio, high)
    w, h = max(16, round(width)), max(16, round(height))
    target = np.array([[0, 0], [w - 1, 0], [w - 1, h - 1], [0, h - 1]], np.float32)
    return Place(np.asarray(cv2.getPerspectiveTransform(quad.astype(np.float32), target), np.float64), w, h)


def _of_turn(picture: Picture, angle: float) -> Place:
    """Turned clockwise about the middle. The result is as large as the original, and larger where writing
    would be lost: what the turn left empty is not kept for its own sake."""
    width, height = picture.size
    middle = ((width - 1) / 2, (height - 1) / 2)
    matrix = np.vstack([cv2.getRotationMatrix2D(middle, -angle, 1.0), [0.0, 0.0, 1.0]])
    left, top, right, bottom = 0.0, 0.0, float(width), float(height)
    gray = skew.reduce(picture.light, INK_SIDE)
    factor = max(1, height // gray.shape[0])
    paper = cv2.medianBlur(gray, 31)
    y, x = np.nonzero(cv2.subtract(paper, gray) > 40)
    if len(x) > 20:
        points = np.stack([x, y, np.ones_like(x)]).astype(np.float64)
        points[:2] = (points[:2] + 0.5) * factor - 0.5
        across, down = (matrix @ points)[:2]
        room = 0.02 * max(height, width)
        low_x, high_x = np.percentile(across, (0.2, 99.8))
        low_y, high_y = np.percentile(down, (0.2, 99.8))
        left, right = min(left, low_x - room), max(right, high_x + room)
        top, bottom = min(top, low_y - room), max(bottom, high_y + room)
    shift = np.array([[1.0, 0.0, -left], [0.0, 1.0, -top], [0.0, 0.0, 1.0]])
    return Place(shift @ matrix, round(right - left), round(bottom - top))


def straighten(image: Plane, picture: Picture, plan: Plan, scale: float = 1.0) -> Plane:
    """The page straight, upright and alone; ``scale`` 1 = at the original's own resolution. ``image`` is the
    picture's own pixels or a plane of it, see :func:`cut`."""
    found = place(picture, plan)
    step = max(1, round(picture.grey.shape[0] / image.shape[0]))
    return cut(image, found, (0, 0, found.width, found.height), scale, step)


def cut(image: Plane, found: Place, box: tuple[int, int, int, int], scale: float = 1.0, step: int = 1) -> Plane:
    """A piece (x, y, w, h in the straight page's own pixels) at ``scale`` times its size. ``image`` is the
    original or a plane of it that is ``step`` times smaller."""
    x, y, w, h = box
    size = (max(1, round(w * scale)), max(1, round(h * scale)))
    whole = box == (0, 0, found.width, found.height)
    if whole and np.array_equal(found.matrix, np.eye(3)):
        return (
            image if scale * step == 1 else np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), np.uint8)
        )
    matrix = found.matrix
    factor = int(1 / (scale * step) + 0.25)
    if factor > 1:  # reduced by area first, so that thin lines stay
        high, wide = image.shape[0] // factor, image.shape[1] // factor
        image = np.asarray(
            cv2.resize(image[: high * factor, : wide * factor], (wide, high), interpolation=cv2.INTER_AREA), np.uint8
        )
        step *= factor
    if step > 1:
        matrix = matrix @ np.array([[step, 0, (step - 1) / 2], [0, step, (step - 1) / 2], [0, 0, 1.0]])
    across, down = size[0] / w, size[1] / h
    shrunk = np.array([[across, 0, (across - 1) / 2], [0, down, (down - 1) / 2], [0, 0, 1.0]])
    matrix = shrunk @ np.array([[1.0, 0, -x], [0, 1.0, -y], [0, 0, 1.0]]) @ matrix
    if np.allclose(matrix[2], (0, 0, 1)):
        paper = np.percentile(image[:: image.shape[0] // 64 + 1, :: image.shape[1] // 64 + 1], 90, axis=(0, 1))
        ground = tuple(float(value) for value in np.atleast_1d(paper))
        return np.asarray(cv2.warpAffine(image, matrix[:2], size, flags=cv2.INTER_LINEAR, borderValue=ground), np.uint8)
    return np.asarray(
        cv2.warpPerspective(image, matrix, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE), np.uint8
    )
