"""The corners of a page on a desk or on a scanner's dark lid (pure pixels in, quadrilateral out).

Strokes are closed away, so that what steps is the edge of the paper, a shadow or the desk. Straight lines
are gathered from several channels (light, two of colour); every quadrilateral of them is judged by how much
of each side lies on a step; the best one's sides are then fitted below a pixel on the full picture.
A side that is the frame itself means that the page is cut off; four of them, that it fills the frame.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import cv2
import numpy as np
from numpy.typing import NDArray

Bgr = NDArray[np.uint8]
Plane = NDArray[np.uint8]
Points = NDArray[np.float64]
Lines = NDArray[np.float64]
"""n×3: angle of the normal, distance from the origin, how much of it was seen."""

WORK = 640
"""Longest side in pixels, about, of the picture that is searched."""
_STROKES = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (11, 11))
SEGMENTS, LINES = 400, 40
"""At most so many pieces, the longest, are gathered to so many lines."""
APIECE = 2
"""Pixels along a line from one look for a step to the next."""
NOISE, OVER = 8.0, 10.0
"""A step counts that is so many times the picture's usual one and so much more, where things on the desk step
by far more than a white page does."""
APART = 0.06
"""Of the frame: opposite sides are farther from each other."""
FRAME = ("top", "right", "bottom", "left")
MIN_AREA = 0.10
"""Of the frame: anything smaller is not the page somebody wanted to photograph."""


@dataclass(frozen=True, slots=True)
class Found:
    """``quad`` 4×2 in pixels (top left, top right, bottom right, bottom left of the frame as it lies);
    ``support`` 0..1 of its weakest inner side; ``cut``: which of top, right, bottom, left is the frame."""

    quad: Points
    support: float
    cut: tuple[str, ...]


def _field(channels: Sequence[Plane]) -> tuple[NDArray[np.float32], NDArray[np.float32], Plane]:
    """Gradient of the channel (light, two of colour) that steps most at each pixel, and the edges of all channels."""
    gx = np.zeros(channels[0].shape, np.float32)
    gy, best = np.zeros_like(gx), np.zeros_like(gx)
    edges = np.zeros(gx.shape, np.uint8)
    for channel, weight in zip(channels, (1.0, 1.6, 1.6), strict=True):
        smooth = cv2.GaussianBlur(cv2.medianBlur(channel, 5), (0, 0), 1.0)
        x, y = (cv2.Sobel(smooth, cv2.CV_16S, *way, scale=weight) for way in ((1, 0), (0, 1)))
        across, down = x.astype(np.float32), y.astype(np.float32)
        size = cv2.magnitude(across, down)
        take = cv2.compare(size, best, cv2.CMP_GT)
        for one, all_ in ((across, gx), (down, gy), (size, best)):
            cv2.copyTo(one, take, all_)
        usual, most = np.percentile(size[::2, ::2], (50, 97))
        high = max(10.0, min(float(most), NOISE * float(usual) + OVER))
        cv2.bitwise_or(edges, cv2.Canny(x, y, high * 0.2, high), edges)
    return gx, gy, edges


def _lines(edges: NDArray[np.uint8]) -> list[tuple[float, float, float]]:
    """The strongest distinct lines ``x·cos + y·sin = rho`` through the edges."""
    segments = cv2.HoughLinesP(edges, 1, np.pi / 360, 40, minLineLength=min(edges.shape) // 9, maxLineGap=10)
    if segments is None:
        return []
    parts = segments.reshape(-1, 4).astype(float)
    lengths = np.hypot(parts[:, 2] - parts[:, 0], parts[:, 3] - parts[:, 1])
    first = np.argsort(-lengths)[:SEGMENTS]
    (x1, y1, x2, y2), lengths = parts[first].T, lengths[first]
    angle = np.arctan2(x2 - x1, -(y2 - y1)) % np.pi
    cos, sin = np.cos(angle), np.sin(angle)
    rho = x1 * cos + y1 * sin
    # Row by column: whether a segment lies on the line of another one, which is no shorter.
    turn = np.abs((angle[None] - angle[:, None] + np.pi / 2) % np.pi - np.pi / 2)
    away = np.abs((x1 + x2)[:, None] / 2 * cos + (y1 + y2)[:, None] / 2 * sin - rho)
    on = (turn < 0.05) & (away < 6)
    found: list[int] = []
    seen = np.zeros(len(first))
    for at in range(len(first)):
        own = next((line for line in found if on[at, line]), at)
        seen[own] += lengths[at]
        if own == at:
            found.append(at)
    return [(angle[at], rho[at], seen[at]) for at in sorted(found, key=lambda at: -seen[at])[:LINES]]


def ordered(quad: Points) -> Points:
    """Clockwise from the corner nearest the top left."""
    middle = quad.mean(axis=0)
    turn = np.arctan2(quad[:, 1] - middle[1], quad[:, 0] - middle[0])
    quad = quad[np.argsort(turn)]
    return np.roll(quad, -int(np.argmin(quad.sum(axis=1))), axis=0)


class _Field:
    """Where along each line there is a step across it, so that any piece of a line is judged at once."""

    def __init__(self, gx: NDArray[np.float32], gy: NDArray[np.float32], lines: Lines, floor: float) -> None:
        height, width = gx.shape
        half = int(np.ceil(np.hypot(height, width) / 2 / APIECE))
        cos, sin = (np.asarray(f(lines[:, 0]), np.float32)[:, None, None] for f in (np.cos, np.sin))
        # Along each line from the foot of the frame's middle: nothing farther than half a diagonal is seen.
        self._start = height / 2 * cos[:, 0, 0] - width / 2 * sin[:, 0, 0] - half * APIECE
        along = self._start[:, None, None] + np.arange(2 * half + 1, dtype=np.float32) * APIECE
        rho = lines[:, 1, None, None].astype(np.float32) + np.arange(-2, 3, dtype=np.float32)[:, None]
        x = np.rint(rho * cos - along * sin).astype(np.int32)
        y = np.rint(rho * sin + along * cos).astype(np.int32)
        inside = (x >= 1) & (y >= 1) & (x < width - 1) & (y < height - 1)
        x, y = np.clip(x, 0, width - 1), np.clip(y, 0, height - 1)
        steps = (np.abs(gx[y, x] * cos + gy[y, x] * sin) > floor) & inside
        self._sums = np.pad(np.cumsum(steps.any(axis=1), axis=1), ((0, 0), (1, 0)))
        self._lines = lines

    def support(self, line: NDArray[np.int64], a: Points, b: Points) -> Points:
        """Share of the piece from ``a`` to ``b`` (n×2) of each ``line`` that lies on a step."""
        cos, sin = np.cos(self._lines[line, 0]), np.sin(self._lines[line, 0])
        one, other = (-p[:, 0] * sin + p[:, 1] * cos for p in (a, b))
        low, high = np.minimum(one, other), np.maximum(one, other)
        spare = 0.03 * (high - low)
        start, most = self._start[line], self._sums.shape[1] - 1
        first = np.clip(np.rint((low + spare - start) / APIECE).astype(np.int64), 0, most - 1)
        last = np.clip(np.rint((high - spare - start) / APIECE).astype(np.int64) + 1, 1, most)
        return np.asarray((self._sums[line, last] - self._sums[line, first]) / np.maximum(last - first, 1), np.float64)


def _apart(these: NDArray[np.bool_], place: Points, least: float) -> NDArray[np.int64]:
    """Pairs (n×2) of the lines among ``these`` whose ``place`` across the frame's middle is ``least`` apart."""
    pairs = np.array(list(combinations(np.flatnonzero(these), 2)), np.int64).reshape(-1, 2)
    return pairs[np.abs(place[pairs[:, 0]] - place[pairs[:, 1]]) > least]


def _quads(lines: Lines, size: tuple[int, int]) -> tuple[Points, NDArray[np.int64]]:
    """All sensible quadrilaterals of two by two lines (n×4×2), and the line of each side (n×4)."""
    height, width = size
    steepness = np.abs(np.sin(lines[:, 0]))
    cos, sin, rho = np.cos(lines[:, 0]), np.sin(lines[:, 0]), lines[:, 1]
    flat = _apart(steepness > 0.7071, (rho - cos * width / 2) / np.maximum(sin, 0.5), APART * height)
    across = np.where(cos < 0, -1, 1) * (rho - sin * height / 2) / np.maximum(np.abs(cos), 0.5)
    steep = _apart(steepness <= 0.7071, across, APART * width)
    at = np.indices((len(flat), len(steep))).reshape(2, -1)
    sides = np.column_stack([flat[at[0], 0], steep[at[1], 0], flat[at[0], 1], steep[at[1], 1]])
    corners = []
    crossing = np.ones(len(sides), bool)
    for side in range(4):
        p, q = sides[:, side - 1], sides[:, side]
        turn = cos[p] * sin[q] - sin[p] * cos[q]
        crossing &= np.abs(turn) > 0.35
        turn = np.where(np.abs(turn) > 1e-6, turn, 1.0)
        corners.append(
            np.column_stack([(rho[p] * sin[q] - rho[q] * sin[p]) / turn, (cos[p] * rho[q] - cos[q] * rho[p]) / turn])
        )
    # Corner k is where side k-1 meets side k: side k runs from corner k to corner k+1.
    quads = np.stack(corners, axis=1)
    over = 0.02 * max(size)
    inside = ((quads > -over) & (quads < np.array([width + over, height + over]))).all(axis=(1, 2))
    following = np.roll(quads, -1, axis=1)
    area = np.abs((quads[:, :, 0] * following[:, :, 1] - quads[:, :, 1] * following[:, :, 0]).sum(axis=1)) / 2
    edge = following - quads
    after = np.roll(edge, -1, axis=1)
    bend = edge[:, :, 0] * after[:, :, 1] - edge[:, :, 1] * after[:, :, 0]
    convex = (bend > 0).all(axis=1) | (bend < 0).all(axis=1)
    keep = crossing & inside & convex & (area > MIN_AREA * width * height)
    return quads[keep], sides[keep]


def _squareness(quads: Points) -> Points:
    """How far the worst corner is from a right angle, as its cosine: pages in photos stay below about .3."""
    edge = np.roll(quads, -1, axis=1) - quads
    edge /= np.maximum(np.linalg.norm(edge, axis=2, keepdims=True), 1e-9)
    return np.asarray(np.abs((edge * np.roll(edge, -1, axis=1)).sum(axis=2)).max(axis=1), np.float64)


def _refined(image: Bgr, quad: Points, frame: list[str]) -> Points:
    """Each side fitted to the steepest step across it, in the picture's own pixels; one that is the ``frame``'s own
    (its name, otherwise empty) laid on the outermost pixels, so that nothing of the page is lost there."""
    height, width = image.shape[:2]
    scale = max(height, width) / WORK
    ends = np.array([[0, 0], [width - 1, 0], [width - 1, height - 1], [0, height - 1]], np.float64)
    rim = {name: (ends[at], ends[(at + 1) % 4]) for at, name in enumerate(FRAME)}
    for reach in (5.0 * scale, 2.0 * scale):
        lines = []
        for side in range(4):
            a, b = quad[side], quad[(side + 1) % 4]
            lines.append(rim[frame[side]] if frame[side] else _fit(image, a, b, reach) or (a, b))
        corners = []
        for side in range(4):
            corner = meet(*lines[side - 1], *lines[side])
            corners.append(quad[side] if corner is None else corner)
        quad = np.array(corners)
    return quad


def _fit(image: Bgr, a: Points, b: Points, reach: float) -> tuple[Points, Points] | None:
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
    seen = cv2.remap(image, maps[:, :, 0], maps[:, :, 1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    profiles = cv2.GaussianBlur(cv2.cvtColor(seen, cv2.COLOR_BGR2LAB).astype(np.float32), (7, 1), 1.2)
    best: tuple[float, tuple[Points, Points]] | None = None
    for smooth in cv2.split(profiles):
        size = np.abs(np.gradient(smooth, axis=1))
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


def meet(a: Points, b: Points, c: Points, d: Points) -> Points | None:
    """Where the line through ``a`` and ``b`` crosses the one through ``c`` and ``d``; None for parallels."""
    one, other = b - a, d - c
    bottom = one[0] * other[1] - one[1] * other[0]
    if abs(bottom) < 1e-9:
        return None
    along = ((c[0] - a[0]) * other[1] - (c[1] - a[1]) * other[0]) / bottom
    return np.asarray(a + along * one, np.float64)


class Lined:
    """The lines of a picture about :data:`WORK` long, and the quadrilaterals they make. ``light`` is its light, and
    ``paper`` the same with strokes closed away (H×W, 8 bit)."""

    def __init__(self, image: Bgr) -> None:
        self.light, *colours = (
            np.asarray(each, np.uint8) for each in cv2.split(cv2.cvtColor(image, cv2.COLOR_BGR2LAB))
        )
        self.paper = np.asarray(cv2.morphologyEx(self.light, cv2.MORPH_CLOSE, _STROKES), np.uint8)
        self._gx, self._gy, edges = _field((self.paper, *colours))
        self._size = height, width = edges.shape
        found = _lines(edges)
        self._frame = len(found)
        rim = [(np.pi / 2, 1.0, 0.0), (0.0, width - 2.0, 0.0), (np.pi / 2, height - 2.0, 0.0), (0.0, 1.0, 0.0)]
        self._lines = np.array([*found, *rim], np.float64)
        self._quads, self._sides = _quads(self._lines, self._size)

    def ranked(self, most: int, faint: bool = False) -> list[Found]:
        """The likeliest quadrilaterals, best first, to about a pixel. ``faint``: a step counts that hardly rises
        above the picture's noise, as a white sheet's on a white desk."""
        if len(self._quads) == 0:
            return []
        quads, sides = self._quads, self._sides
        height, width = self._size
        usual, strong = np.percentile(cv2.magnitude(self._gx, self._gy)[::2, ::2], (50, 99))
        floor = max(6.0, 2.0 * float(usual) if faint else min(0.22 * float(strong), 4.0 * float(usual) + 6.0))
        field = _Field(self._gx, self._gy, self._lines, floor)
        supports = np.column_stack(
            [field.support(sides[:, side], quads[:, side], quads[:, (side + 1) % 4]) for side in range(4)]
        )
        on_frame = sides >= self._frame
        weakest = np.where(on_frame, 1.0, supports).min(axis=1)
        inner = np.maximum((~on_frame).sum(axis=1), 1)
        mean = np.where(on_frame, 0.0, supports).sum(axis=1) / inner
        following = np.roll(quads, -1, axis=1)
        area = np.abs((quads[:, :, 0] * following[:, :, 1] - quads[:, :, 1] * following[:, :, 0]).sum(axis=1)) / 2
        slanted = np.maximum(_squareness(quads) - 0.3, 0.0)
        large = 0.25 * np.sqrt(area / (width * height))
        score = mean + 0.6 * weakest + large - 0.35 * on_frame.sum(axis=1) - 2.0 * slanted
        score[((~on_frame).sum(axis=1) < 2) | (weakest < 0.45)] = -np.inf
        likely = [at for at in np.argsort(-score)[: most * 4].tolist() if np.isfinite(score[at])]
        best: list[int] = []
        corners = np.array([ordered(quads[at]) for at in likely]).reshape(-1, 4, 2)
        for at in range(len(likely)):
            if len(best) == most:
                break
            if not (np.abs(corners[best] - corners[at]).max(axis=(1, 2)) < 0.012 * max(height, width)).any():
                best.append(at)
        return [
            Found(corners[at], float(weakest[likely[at]]), cut(_clockwise(quads[likely[at]]), width, height, 1.0))
            for at in best
        ]


def _clockwise(quad: Points) -> Points:
    edge = np.roll(quad, -1, axis=0) - quad
    turn = edge[0, 0] * edge[1, 1] - edge[0, 1] * edge[1, 0]
    return quad if turn > 0 else quad[::-1]


def _on_frame(a: Points, b: Points, width: int, height: int, scale: float) -> str:
    """Which edge of the frame a side is, or nothing."""
    near = 2.6 / scale
    for name, axis, at in zip(FRAME, (1, 0, 1, 0), (0, width - 1, height - 1, 0), strict=True):
        if abs(a[axis] - at) <= near and abs(b[axis] - at) <= near:
            return name
    return ""


def framed(quad: Points, width: int, height: int, scale: float) -> list[bool]:
    """Which of the four sides are the frame's own."""
    return [bool(_on_frame(quad[at], quad[(at + 1) % 4], width, height, scale)) for at in range(4)]


def cut(quad: Points, width: int, height: int, scale: float) -> tuple[str, ...]:
    names = (_on_frame(quad[at], quad[(at + 1) % 4], width, height, scale) for at in range(4))
    return tuple(name for name in names if name)


def refined(image: Bgr, found: Found) -> Found | None:
    """The same page with its sides fitted below a pixel; None when they do not make a page."""
    height, width = image.shape[:2]
    scale = min(1.0, WORK / max(height, width))
    frame = [_on_frame(found.quad[at], found.quad[(at + 1) % 4], width, height, scale) for at in range(4)]
    quad = _refined(image, found.quad, frame)
    if not cv2.isContourConvex(quad.astype(np.float32)):
        return None
    return Found(ordered(quad), found.support, found.cut)
