"""The corners of a page on a desk or on a scanner's dark lid (pure pixels in, quadrilateral out).

Strokes are closed away, so that what steps is the edge of the paper, a shadow or the desk. Straight lines
are gathered from several channels (light, two of colour); every quadrilateral of them is judged by how much
of each side lies on a step; the best one's sides are then fitted below a pixel on the full picture.
A side that is the frame itself means that the page is cut off; four of them, that it fills the frame.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations

import cv2
import numpy as np
from numpy.typing import NDArray

Bgr = NDArray[np.uint8]
Points = NDArray[np.float64]

WORK = 640
SAMPLES = 48
LINES = 16
MIN_AREA = 0.10
"""Of the frame: anything smaller is not the page somebody wanted to photograph."""


@dataclass(frozen=True, slots=True)
class Found:
    """``quad`` 4×2 in pixels (top left, top right, bottom right, bottom left of the frame as it lies);
    ``support`` 0..1 of its weakest inner side; ``cut``: which of top, right, bottom, left is the frame."""

    quad: Points
    support: float
    cut: tuple[str, ...]


def _field(image: Bgr) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.uint8]]:
    """Gradient of the channel that steps most at each pixel, and the edges of all channels."""
    lab = cv2.cvtColor(image, cv2.COLOR_BGR2LAB)
    gx = np.zeros(image.shape[:2], np.float32)
    gy = np.zeros_like(gx)
    best = np.zeros_like(gx)
    edges = np.zeros(image.shape[:2], np.uint8)
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (11, 11))
    for at, weight in ((0, 1.0), (1, 1.6), (2, 1.6)):
        channel = lab[:, :, at]
        if at == 0:
            channel = cv2.morphologyEx(channel, cv2.MORPH_CLOSE, kernel)
        channel = cv2.GaussianBlur(cv2.medianBlur(channel, 7), (0, 0), 1.0)
        x = cv2.Sobel(channel, cv2.CV_32F, 1, 0) * weight
        y = cv2.Sobel(channel, cv2.CV_32F, 0, 1) * weight
        size = cv2.magnitude(x, y)
        take = size > best
        gx[take], gy[take], best[take] = x[take], y[take], size[take]
        high = max(24.0, float(np.percentile(size, 97)))
        edges |= cv2.Canny(
            np.clip(x, -32000, 32000).astype(np.int16), np.clip(y, -32000, 32000).astype(np.int16), high * 0.35, high
        )
    return gx, gy, edges


def _lines(edges: NDArray[np.uint8]) -> list[tuple[float, float, float]]:
    """The strongest distinct lines ``x·cos + y·sin = rho`` through the edges."""
    segments = cv2.HoughLinesP(edges, 1, np.pi / 360, 40, minLineLength=min(edges.shape) // 9, maxLineGap=10)
    if segments is None:
        return []
    found: list[list[float]] = []
    parts = segments.reshape(-1, 4).astype(float)
    lengths = np.hypot(parts[:, 2] - parts[:, 0], parts[:, 3] - parts[:, 1])
    for at in np.argsort(-lengths)[:400]:
        x1, y1, x2, y2 = parts[at]
        angle = np.arctan2(x2 - x1, -(y2 - y1)) % np.pi
        rho = x1 * np.cos(angle) + y1 * np.sin(angle)
        for line in found:
            turn = abs((line[0] - angle + np.pi / 2) % np.pi - np.pi / 2)
            if turn < 0.05:
                middle_x, middle_y = (x1 + x2) / 2, (y1 + y2) / 2
                if abs(middle_x * np.cos(line[0]) + middle_y * np.sin(line[0]) - line[1]) < 6:
                    line[2] += lengths[at]
                    break
        else:
            found.append([angle, rho, lengths[at]])
    found.sort(key=lambda line: -line[2])
    return [(line[0], line[1], line[2]) for line in found[:LINES]]


def _cross(one: tuple[float, float], other: tuple[float, float]) -> Points | None:
    matrix = np.array([[np.cos(one[0]), np.sin(one[0])], [np.cos(other[0]), np.sin(other[0])]])
    if abs(np.linalg.det(matrix)) < 0.35:
        return None
    return np.asarray(np.linalg.solve(matrix, np.array([one[1], other[1]])), np.float64)


def _ordered(quad: Points) -> Points:
    """Clockwise from the corner nearest the top left."""
    middle = quad.mean(axis=0)
    turn = np.arctan2(quad[:, 1] - middle[1], quad[:, 0] - middle[0])
    quad = quad[np.argsort(turn)]
    return np.roll(quad, -int(np.argmin(quad.sum(axis=1))), axis=0)


def _support(gx: NDArray[np.float32], gy: NDArray[np.float32], a: Points, b: Points, floor: float) -> float:
    """Share of a side that lies on a step across it; looks two pixels to each side."""
    height, width = gx.shape
    along = b - a
    length = float(np.hypot(*along))
    if length < 1:
        return 0.0
    normal = np.array([-along[1], along[0]]) / length
    at = a + np.linspace(0.03, 0.97, SAMPLES)[:, None] * along
    inside = (at[:, 0] >= 1) & (at[:, 1] >= 1) & (at[:, 0] < width - 1) & (at[:, 1] < height - 1)
    best = np.zeros(SAMPLES)
    for off in (-2.0, -1.0, 0.0, 1.0, 2.0):
        p = at + off * normal
        x = np.clip(np.rint(p[:, 0]).astype(int), 0, width - 1)
        y = np.clip(np.rint(p[:, 1]).astype(int), 0, height - 1)
        best = np.maximum(best, np.abs(gx[y, x] * normal[0] + gy[y, x] * normal[1]))
    # A steady edge counts more than a few strong pixels.
    return float(((best > floor) & inside).mean())


def _quads(
    lines: list[tuple[float, float, float]], size: tuple[int, int]
) -> list[tuple[Points, tuple[tuple[int, int], ...]]]:
    """All sensible quadrilaterals of two by two lines, with the indices of the lines of each side."""
    height, width = size
    flat = [at for at, line in enumerate(lines) if abs(np.sin(line[0])) > 0.7071]
    steep = [at for at, line in enumerate(lines) if abs(np.sin(line[0])) <= 0.7071]
    found: list[tuple[Points, tuple[tuple[int, int], ...]]] = []
    for pair, cross in ((flat, steep),):
        for one, two in combinations(pair, 2):
            for three, four in combinations(cross, 2):
                corners = [
                    _cross(lines[p][:2], lines[q][:2])
                    for p, q in ((one, three), (three, two), (two, four), (four, one))
                ]
                if any(corner is None for corner in corners):
                    continue
                quad = np.array(corners)
                if (
                    (quad < -0.02 * max(size)).any()
                    or (quad[:, 0] > width * 1.02).any()
                    or (quad[:, 1] > height * 1.02).any()
                ):
                    continue
                area = abs(float(cv2.contourArea(quad.astype(np.float32))))
                if area < MIN_AREA * width * height or not cv2.isContourConvex(quad.astype(np.float32)):
                    continue
                found.append((quad, ((one, three), (three, two), (two, four), (four, one))))
    return found


def _refined(image: Bgr, quad: Points, keep: tuple[bool, ...]) -> Points:
    """Each side fitted to the steepest step across it, in the picture's own pixels."""
    gray = np.asarray(cv2.cvtColor(image, cv2.COLOR_BGR2GRAY), np.uint8)
    lab = np.asarray(cv2.cvtColor(image, cv2.COLOR_BGR2LAB), np.uint8)
    scale = max(image.shape[:2]) / WORK
    for reach in (5.0 * scale, 2.0 * scale):
        lines = []
        for side in range(4):
            a, b = quad[side], quad[(side + 1) % 4]
            lines.append((a, b) if not keep[side] else _fit(gray, lab, a, b, reach) or (a, b))
        corners = []
        for side in range(4):
            corner = _meet(*lines[side - 1], *lines[side])
            corners.append(quad[side] if corner is None else corner)
        quad = np.array(corners)
    return quad


def _fit(
    gray: NDArray[np.uint8], lab: NDArray[np.uint8], a: Points, b: Points, reach: float
) -> tuple[Points, Points] | None:
    along = b - a
    length = float(np.hypot(*along))
    if length < 8:
        return None
    normal = np.array([-along[1], along[0]]) / length
    count = int(min(160, max(24, length / 4)))
    at = a + np.linspace(0.04, 0.96, count)[:, None] * along
    offsets = np.arange(-reach - 2, reach + 2.01, 0.5)
    grid = at[:, None, :] + offsets[None, :, None] * normal
    maps = grid.astype(np.float32)
    best: tuple[float, tuple[Points, Points]] | None = None
    for channel in (gray, lab[:, :, 1], lab[:, :, 2]):
        profile = cv2.remap(channel, maps[:, :, 0], maps[:, :, 1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        smooth = cv2.GaussianBlur(profile.astype(np.float32), (7, 1), 1.2)
        step = np.gradient(smooth, axis=1)
        size = np.abs(step)
        top = size[:, 2:-2].argmax(axis=1) + 2
        rows = np.arange(count)
        left, middle, right = size[rows, top - 1], size[rows, top], size[rows, top + 1]
        bend = left - 2 * middle + right
        shift = np.where(np.abs(bend) > 1e-6, 0.5 * (left - right) / np.where(np.abs(bend) > 1e-6, bend, 1), 0)
        where = offsets[top] + np.clip(shift, -0.5, 0.5) * 0.5
        strong = middle > max(1.0, 0.35 * float(np.median(middle)))
        if strong.sum() < count * 0.3:
            continue
        points = (at + where[:, None] * normal)[strong].astype(np.float32)
        vx, vy, x0, y0 = cv2.fitLine(points, cv2.DIST_WELSCH, 0, 0.01, 0.01).ravel()
        away = np.abs((points[:, 0] - x0) * vy - (points[:, 1] - y0) * vx)
        close = away < 1.5
        if close.sum() < 12:
            continue
        vx, vy, x0, y0 = cv2.fitLine(points[close], cv2.DIST_L2, 0, 0.01, 0.01).ravel()
        worth = float(close.sum() * np.median(middle[strong]))
        line = (np.array([x0, y0], np.float64), np.array([x0 + vx, y0 + vy], np.float64))
        if best is None or worth > best[0]:
            best = (worth, line)
    return best[1] if best else None


def _meet(a: Points, b: Points, c: Points, d: Points) -> Points | None:
    one, other = b - a, d - c
    bottom = one[0] * other[1] - one[1] * other[0]
    if abs(bottom) < 1e-9:
        return None
    along = ((c[0] - a[0]) * other[1] - (c[1] - a[1]) * other[0]) / bottom
    return np.asarray(a + along * one, np.float64)


def find(image: Bgr) -> Found | None:
    """The page's corners in pixels of ``image`` (BGR); None where the page fills the frame."""
    height, width = image.shape[:2]
    scale = min(1.0, WORK / max(height, width))
    small = cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA) if scale < 1 else image
    small = np.asarray(small, np.uint8)
    gx, gy, edges = _field(small)
    h, w = small.shape[:2]
    lines = _lines(edges)
    frame = len(lines)
    lines += [(np.pi / 2, 1.0, 0.0), (0.0, w - 2.0, 0.0), (np.pi / 2, h - 2.0, 0.0), (0.0, 1.0, 0.0)]
    floor = max(10.0, 0.22 * float(np.percentile(cv2.magnitude(gx, gy), 99)))
    best: tuple[float, Points, tuple[tuple[int, int], ...], float] | None = None
    for quad, sides in _quads(lines, (h, w)):
        supports, frames = [], 0
        for side in range(4):
            own = set(sides[side]) & set(sides[(side + 1) % 4])
            if any(at >= frame for at in own):
                frames += 1
                continue
            supports.append(_support(gx, gy, quad[side], quad[(side + 1) % 4], floor))
        if len(supports) < 2 or min(supports) < 0.45:
            continue
        area = float(cv2.contourArea(quad.astype(np.float32))) / (w * h)
        score = float(np.mean(supports)) + 0.6 * min(supports) + 0.25 * area**0.5 - 0.35 * frames
        if best is None or score > best[0]:
            best = (score, quad, sides, min(supports))
    if best is None:
        return None
    _, quad, sides, support = best
    keep, cut = [], []
    for side in range(4):
        own = set(sides[side]) & set(sides[(side + 1) % 4])
        at_frame = [at - frame for at in own if at >= frame]
        keep.append(not at_frame)
        cut += [("top", "right", "bottom", "left")[at] for at in at_frame]
    refined = _refined(image, (quad + 0.5) / scale - 0.5, tuple(keep))
    if not cv2.isContourConvex(refined.astype(np.float32)):
        return None
    return Found(_ordered(refined), support, tuple(cut))
