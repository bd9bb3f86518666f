"""Where a page may lie, told by areas rather than by lines: what is unlike the frame's rim, or what is light.

Each way of telling page from desk gives a mask; the mask's largest convex part, freed of fingers and things that
touch it, gives four sides. Whether a page lies there is for others to judge.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from villagecall.scan.corners import meet

Lab = NDArray[np.float32]
Mask = NDArray[np.uint8]
Points = NDArray[np.float64]
RIM = 4
"""Pixels of the frame taken for what the page lies on."""
MIN_AREA = 0.06
CLUSTERS = 3
NOISE = 1.2
"""Lab levels by which a ground differs from itself at the least."""
ROUND = np.ones((5, 5), np.uint8)


def candidates(lab: Lab) -> list[Points]:
    """Quadrilaterals (4×2, clockwise) in the pixels of ``lab`` (H×W×3, 8-bit Lab as float32), at most a dozen."""
    found: list[Points] = []
    for mask in _masks(lab):
        for quad in _quads_of(mask):
            if not any(np.abs(quad - other).max() < 2.0 for other in found):
                found.append(quad)
    return found


def _masks(lab: Lab) -> list[Mask]:
    light = np.asarray(cv2.morphologyEx(lab[:, :, 0], cv2.MORPH_CLOSE, np.ones((7, 7), np.uint8)), np.float32)
    page = np.dstack([light, lab[:, :, 1], lab[:, :, 2]])
    masks = [_otsu(light)]
    colour = cv2.magnitude(page[:, :, 1] - 128, page[:, :, 2] - 128)
    masks.append(_otsu(np.asarray(light - 2.0 * colour, np.float32)))
    masks += _unlike_rim(page)
    masks += _reached(page)
    return masks


def _otsu(plane: NDArray[np.float32]) -> Mask:
    low, high = float(plane.min()), float(plane.max())
    levels = ((plane - low) * (255.0 / max(1.0, high - low))).astype(np.uint8)
    return np.asarray(cv2.threshold(levels, 0, 1, cv2.THRESH_BINARY | cv2.THRESH_OTSU)[1], np.uint8)


def _unlike_rim(page: Lab) -> list[Mask]:
    """By the distance of each colour to the nearest of the rim's own, at several thresholds."""
    parts = [page[:RIM], page[-RIM:], page[:, :RIM], page[:, -RIM:]]
    rim = np.concatenate([part.reshape(-1, 3) for part in parts])[::3]
    stop = (cv2.TERM_CRITERIA_EPS | cv2.TERM_CRITERIA_MAX_ITER, 8, 0.5)
    cv2.setRNGSeed(1)
    _, label, centres = cv2.kmeans(
        np.ascontiguousarray(rim), CLUSTERS, np.zeros((len(rim), 1), np.int32), stop, 1, cv2.KMEANS_PP_CENTERS
    )
    far: list[NDArray[np.float32]] = []
    for at, centre in enumerate(centres):
        own = rim[label.ravel() == at]
        if len(own) < 0.06 * len(rim):
            continue
        spread = float(np.median(np.abs(own - centre).sum(axis=1)))
        off = page - centre
        colour = 1.6 * cv2.magnitude(off[:, :, 1], off[:, :, 2])
        far.append(np.asarray(cv2.magnitude(off[:, :, 0], colour) / (spread + NOISE), np.float32))
    if not far:
        return []
    away = np.minimum.reduce(far)
    capped = np.minimum(away, np.percentile(away[::2, ::2], 95))
    masks = [_otsu(np.asarray(capped, np.float32))]
    masks += [np.asarray(away > at, np.uint8) for at in (2.0, 4.0)]
    return masks


def _reached(page: Lab) -> list[Mask]:
    """What is not reached from the rim without a step: for a page as light as its desk, by its faint edge."""
    gradient: NDArray[np.float32] = np.zeros(page.shape[:2], np.float32)
    for channel, weight in ((0, 1.0), (1, 1.6), (2, 1.6)):
        soft = cv2.GaussianBlur(page[:, :, channel], (0, 0), 1.2)
        steps = [cv2.Sobel(soft, cv2.CV_32F, *way, scale=weight / 8) for way in ((1, 0), (0, 1))]
        gradient = np.maximum(gradient, cv2.magnitude(*steps))
    masks = []
    usual = float(np.median(gradient[::2, ::2]))
    for times in (2.5, 5.0):
        free = np.asarray(gradient < max(0.35, usual * times), np.uint8)
        free[:2], free[-2:], free[:, :2], free[:, -2:] = 1, 1, 1, 1
        _, labels = cv2.connectedComponents(free, connectivity=4)
        masks.append(np.asarray(labels != labels[0, 0], np.uint8))
    return masks


def _quads_of(mask: Mask) -> list[Points]:
    """The quadrilaterals of the largest part: as it is, and with what is narrow taken away."""
    found = []
    longest = max(mask.shape)
    for wide in (5, max(9, longest // 16)):
        opened = cv2.morphologyEx(mask, cv2.MORPH_OPEN, np.ones((wide, wide), np.uint8))
        outlines, _ = cv2.findContours(opened, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
        for outline in sorted(outlines, key=cv2.contourArea)[-2:]:
            if cv2.contourArea(outline) < MIN_AREA * mask.size:
                continue
            quad = _four_sides(outline.reshape(-1, 2).astype(np.float64), mask.shape)
            if quad is not None:
                found.append(quad)
    return found


def _four_sides(outline: Points, size: tuple[int, ...]) -> Points | None:
    """Four lines through an outline: corners of its hull first, then each side fitted to the points near it."""
    hull = cv2.convexHull(outline.astype(np.float32))
    around = cv2.arcLength(hull, True)
    rough = None
    for share in (0.01, 0.015, 0.02, 0.03, 0.04, 0.06, 0.08, 0.11):
        few = cv2.approxPolyDP(hull, share * around, True)
        if len(few) <= 4:
            rough = few if len(few) == 4 else None
            break
    if rough is None:
        return None
    quad = np.asarray(rough.reshape(4, 2), np.float64)
    high, wide = size[0], size[1]
    framed = np.column_stack([outline[:, 1] <= 1, outline[:, 0] >= wide - 2, outline[:, 1] >= high - 2,
                              outline[:, 0] <= 1])  # fmt: skip
    for reach in (0.03 * around / 4 + 2, 2.5):
        lines = []
        for at in range(4):
            a, b = quad[at], quad[(at + 1) % 4]
            along = (b - a) / max(1e-6, float(np.hypot(*(b - a))))
            off = np.abs((outline - a) @ np.array([-along[1], along[0]]))
            place = (outline - a) @ along / max(1e-6, float(np.hypot(*(b - a))))
            near = (off < reach) & (place > 0.04) & (place < 0.96)
            # Where the outline runs along the frame it says nothing of the page's own sides.
            inner = near & ~framed.any(axis=1)
            if inner.sum() >= max(8, 0.3 * near.sum()):
                points = outline[inner].astype(np.float32)
                vx, vy, x, y = cv2.fitLine(points, cv2.DIST_HUBER, 0, 0.01, 0.01).ravel().astype(float)
                lines.append((np.array([x, y]), np.array([x + vx, y + vy])))
            else:
                lines.append((a, b))
        corners = [meet(*lines[at - 1], *lines[at]) for at in range(4)]
        fitted = [each for each in corners if each is not None]
        if len(fitted) < 4 or np.abs(np.array(fitted) - quad).max() > 0.2 * max(size):
            return None
        quad = np.array(fitted)
    if not cv2.isContourConvex(quad.astype(np.float32)):
        return None
    edge = np.roll(quad, -1, axis=0) - quad
    turn = edge[0, 0] * edge[1, 1] - edge[0, 1] * edge[1, 0]
    return np.asarray(quad if turn > 0 else quad[::-1], np.float64)
