"""Whether two scans show the same sheet of paper: ink that is on one and not on the other decides. Pure.

Two copies of one form look alike from afar, and a name or a single figure tells them apart; so the pages are laid
on each other (features, an affine map, then a field of small shifts for paper that was pulled unevenly). Then a window
of a character's size goes over both: its worst correlation, and the dark pixels in it that have no ink near them on
the other page, are the measure.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from villagecall.scan import flat
from villagecall.scan.alike import MORE, Likeness

Gray = NDArray[np.uint8]
Dense = NDArray[np.float32]
SIDE = 1600
"""Longest side in pixels at which pages are compared: 0.19 mm to the pixel on A4, a stroke of small print."""
_SEEK = 660
_FEATURES = 700
_INLIERS = 25
_WINDOW = 25
_BLOCK = 160
_REACH = 6
_FAR_FIELD = 0.004
_STRONG, _ANY = 120, 45
_INK = 700.0
"""Variance of a window that has a stroke in it."""
_FEW = 15


def ink(grey: Gray) -> Gray:
    """How dark each place is against its paper, at :data:`SIDE`: 0 = paper, about 200 = the page's own ink."""
    scale = min(1.0, SIDE / max(grey.shape))
    if scale < 1:
        grey = np.asarray(cv2.resize(grey, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA), np.uint8)
    grey = grey[: grey.shape[0] // 2 * 2, : grey.shape[1] // 2 * 2]
    small = cv2.resize(grey, None, fx=0.25, fy=0.25, interpolation=cv2.INTER_AREA)
    paper = cv2.blur(cv2.dilate(small, np.ones((11, 11), np.uint8)), (15, 15))
    dark = cv2.subtract(cv2.resize(paper, (grey.shape[1], grey.shape[0]), interpolation=cv2.INTER_LINEAR), grey)
    dark = cv2.GaussianBlur(dark, (0, 0), 0.8)
    strokes = dark[dark > 40]
    full = float(np.percentile(strokes, 75)) if strokes.size > 200 else 160.0
    return np.asarray(cv2.convertScaleAbs(dark, alpha=200.0 / max(60.0, full)), np.uint8)


def _laid(one: Gray, other: Gray) -> tuple[NDArray[np.float64] | None, int]:
    """The affine map (2×3) that takes ``one``'s pixels to ``other``'s, and how many features agree on it."""
    scale = min(1.0, _SEEK / max(one.shape))
    finder = cv2.ORB.create(nfeatures=_FEATURES, scaleFactor=1.25, nlevels=5, edgeThreshold=15, patchSize=25)
    places, words = [], []
    for page in (one, other):
        small = cv2.resize(page, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
        found, described = finder.detectAndCompute(small, None)
        if described is None or len(found) < _INLIERS:
            return None, 0
        places.append((np.array([point.pt for point in found], np.float32) + 0.5) / scale - 0.5)
        words.append(described)
    pairs = cv2.BFMatcher(cv2.NORM_HAMMING, crossCheck=True).match(words[0], words[1])
    pairs = [pair for pair in pairs if pair.distance < 64]
    if len(pairs) < _INLIERS:
        return None, len(pairs)
    start = places[0][[pair.queryIdx for pair in pairs]]
    end = places[1][[pair.trainIdx for pair in pairs]]
    matrix, agreed = cv2.estimateAffine2D(start, end, ransacReprojThreshold=3.0, maxIters=1500, confidence=0.995)
    count = 0 if agreed is None else int(agreed.sum())
    if matrix is None or count < _INLIERS:
        return None, count
    stretch = np.linalg.svd(matrix[:, :2], compute_uv=False)
    if not (0.5 < stretch[1] <= stretch[0] < 2.0 and stretch[0] / stretch[1] < 1.1):
        return None, count
    return np.asarray(matrix, np.float64), count


def _settled(one: Gray, other: Gray) -> Gray:
    """``other`` after the shifts, block by block and smooth between them, that lay it best on ``one``."""
    rows, columns = max(1, round(one.shape[0] / _BLOCK)), max(1, round(one.shape[1] / _BLOCK))
    field = np.zeros((rows, columns, 2), np.float32)
    weight = np.full((rows, columns), 1e-3, np.float32)
    half = cv2.resize(one, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
    beside = cv2.resize(other, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
    reach, high, wide = _REACH // 2 + 1, half.shape[0] / rows, half.shape[1] / columns
    steps = np.arange(-reach, reach + 1, dtype=np.float32) ** 2
    away = steps[:, None] + steps[None, :]
    for row in range(rows):
        for column in range(columns):
            top, left = max(reach, int(row * high)), max(reach, int(column * wide))
            bottom = min(half.shape[0] - reach, int((row + 1) * high))
            right = min(half.shape[1] - reach, int((column + 1) * wide))
            block = half[top:bottom, left:right]
            if block.size < 400 or float(block.mean()) < 4:
                continue
            around = beside[top - reach : bottom + reach, left - reach : right + reach]
            found = np.asarray(cv2.matchTemplate(around, block, cv2.TM_CCOEFF_NORMED), np.float32)
            # A line lies well anywhere along itself: of places as good, the nearest.
            found -= _FAR_FIELD * away
            _, best, _, (x, y) = cv2.minMaxLoc(found)
            if best > 0.5 and 0 < x < 2 * reach and 0 < y < 2 * reach:
                field[row, column] = (2 * (x - reach + _peak(found[y], x)), 2 * (y - reach + _peak(found[:, x], y)))
                weight[row, column] = best
    smooth = cv2.GaussianBlur(field * weight[:, :, None], (3, 3), 0) / cv2.GaussianBlur(weight, (3, 3), 0)[:, :, None]
    size = (one.shape[1], one.shape[0])
    across, down = (
        np.asarray(cv2.resize(np.ascontiguousarray(smooth[:, :, axis]), size), np.float32) for axis in (0, 1)
    )
    across = across + np.arange(size[0], dtype=np.float32)[None, :]
    down = down + np.arange(size[1], dtype=np.float32)[:, None]
    return np.asarray(cv2.remap(other, across, down, cv2.INTER_LINEAR), np.uint8)


def _peak(scores: NDArray[np.float32], at: int) -> float:
    """Where between its neighbours the highest of three scores lies (a parabola through them)."""
    before, middle, behind = (float(each) for each in scores[at - 1 : at + 2])
    bend = before - 2 * middle + behind
    return 0.0 if bend >= 0 else 0.5 * (before - behind) / bend


def _unmatched(one: Gray, other: Gray) -> NDArray[np.uint8]:
    """1 where ``one`` has a stroke and ``other`` nothing near it."""
    near_ink = cv2.dilate(other, np.ones((3, 3), np.uint8))
    return np.asarray((one > _STRONG) & (near_ink < _ANY), np.uint8)


def _means(plane: Dense) -> Dense:
    """Weighted means around each second pixel. A bell and not a box: at a box's side a line that lies a pixel
    further in on one page makes all the difference."""
    half = cv2.resize(plane, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.GaussianBlur(half, (0, 0), _WINDOW / 7), np.float32)


def _worst(one: Gray, other: Gray, common: NDArray[np.bool_]) -> float:
    """The correlation in the worst windows that have ink on either page (the mean of a few: one pixel's place
    is chance)."""
    x, y = (cv2.GaussianBlur(page, (0, 0), 1.0).astype(np.float32) for page in (one, other))
    mean_x, mean_y = _means(x), _means(y)
    own_x, own_y = _means(x * x) - mean_x * mean_x, _means(y * y) - mean_y * mean_y
    more = np.maximum(own_x, own_y)
    shared = _means(x * y) - mean_x * mean_y
    # A window that is empty on one page only has no variance there: it must not come out as alike.
    agree = shared / np.sqrt(np.maximum(own_x * own_y, 1.0) + (0.02 * more) ** 2 + 1.0)
    seen = agree[(more > _INK) & common[::2, ::2]]
    if seen.size < _FEW:
        return -1.0
    return float(np.partition(seen, _FEW - 1)[_FEW - 1])


def likeness(one: Gray, other: Gray) -> Likeness:
    """Compare two straightened pages, grey, of any size and either way up."""
    first, second = ink(one), ink(other)
    matrix, features = _laid(first, second)
    if matrix is None:
        return Likeness(-1.0, 0, 0)
    size = (first.shape[1], first.shape[0])
    back = cv2.WARP_INVERSE_MAP | cv2.INTER_LINEAR
    laid = np.asarray(cv2.warpAffine(second, matrix, size, flags=back), np.uint8)
    there = cv2.warpAffine(np.full(second.shape, 255, np.uint8), matrix, size, flags=back)
    laid = _settled(first, laid)
    common = cv2.erode(np.asarray(there), np.ones((25, 25), np.uint8)) > 0
    edge = round(0.02 * SIDE)
    common[:edge], common[-edge:], common[:, :edge], common[:, -edge:] = False, False, False, False
    lost = (_unmatched(first, laid) | _unmatched(laid, first)) & common
    counted = cv2.boxFilter(np.asarray(lost, np.uint8), cv2.CV_16S, (_WINDOW, _WINDOW), normalize=False)
    left = int(counted.max())
    # Most forms of another person end here; the dense comparison is for what might be the same.
    return Likeness(-1.0 if left > MORE else _worst(first, laid, common), left, features)


def compared(one: bytes, other: bytes) -> Likeness:
    """:func:`likeness` of two view copies. Raises :class:`villagecall.scan.layers.NotLayers`."""
    return likeness(flat.grey(one), flat.grey(other))
