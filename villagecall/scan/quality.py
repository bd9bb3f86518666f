"""What a clerk must know while the paper is still in hand: blur, dark, glare, cut-off, too few dots.

Each fault comes with a sentence that says what to do and, where it has a place, the spot on the page in per
mille. Nothing is repaired in silence: stains and holes stay for the officer to judge.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from villagecall.case import Fault, Spot
from villagecall.scan.skew import shrink

MIN_DPI = 150
"""DA/T 31 asks for 200 dpi; what is below 150 cannot be read safely."""
SOFT = 4.2
"""Pixels: edges of a sharp picture are below 3.5 wide, bilinear warping included."""
BURNT = 250
_WHERE = {
    (0, 0): ("左上角", "upper left"), (0, 1): ("上边", "top"), (0, 2): ("右上角", "upper right"),
    (1, 0): ("左边", "left"), (1, 1): ("中间", "middle"), (1, 2): ("右边", "right"),
    (2, 0): ("左下角", "lower left"), (2, 1): ("下边", "bottom"), (2, 2): ("右下角", "lower right"),
}  # fmt: skip
_SIDES = {"top": ("上边", "top"), "right": ("右边", "right"), "bottom": ("下边", "bottom"), "left": ("左边", "left")}


def place(spot: Spot) -> tuple[str, str]:
    """Where on the page, in words."""
    row = min(2, (spot.y + spot.h // 2) * 3 // 1000)
    column = min(2, (spot.x + spot.w // 2) * 3 // 1000)
    return _WHERE[(row, column)]


def _soft(gray: NDArray[np.uint8]) -> float:
    """Width in pixels of the edges of strokes, in the direction where they are widest; 0 = nothing to measure.

    Looked at by direction, since a shaken picture stays sharp along the way it was shaken.
    """
    work = cv2.GaussianBlur(gray, (0, 0), 0.6)
    kernel = np.ones((9, 9), np.uint8)
    high = cv2.dilate(work, kernel)
    contrast = np.asarray(cv2.subtract(high, cv2.erode(work, kernel)), np.float32)
    # The paper goes along with shadows, so that their soft edges are not taken for strokes.
    paper = cv2.blur(cv2.morphologyEx(work, cv2.MORPH_CLOSE, np.ones((25, 25), np.uint8)), (9, 9))
    share = contrast / np.maximum(np.asarray(paper, np.float32), 1.0)
    ink = np.asarray(cv2.subtract(paper, cv2.erode(work, np.ones((5, 5), np.uint8))), np.float32)
    x, y = cv2.Sobel(work, cv2.CV_32F, 1, 0), cv2.Sobel(work, cv2.CV_32F, 0, 1)
    slope = np.asarray(cv2.magnitude(x, y), np.float32) / 8
    top = slope >= np.asarray(cv2.dilate(slope, np.ones((3, 3), np.uint8)), np.float32)
    edge = top & (share > 0.12) & (contrast > 10) & (ink > 0.7 * contrast)
    edge[:6], edge[-6:], edge[:, :6], edge[:, -6:] = False, False, False, False
    if edge.sum() < 60:
        return 0.0
    width = contrast[edge] / np.maximum(slope[edge], 0.1)
    turn, strength = np.degrees(np.arctan2(y[edge], x[edge])) % 180, share[edge]
    widest = 0.0
    for middle in range(0, 180, 30):
        near = np.abs((turn - middle + 90) % 180 - 90) <= 20
        if near.sum() > 60:  # its own strong edges: shaking leaves them weak across its way
            strong = near & (strength > 0.6 * float(np.percentile(strength[near], 75)))
            widest = max(widest, float(np.percentile(width[strong], 25)))
    return widest


def blur(gray: NDArray[np.uint8]) -> Fault | None:
    """``gray`` in the picture's own pixels: enlarging or reducing hides how sharp it was."""
    if _soft(_busiest(gray)) < SOFT:
        return None
    return Fault(
        code="blur",
        zh="这一页拍糊了,字看不清。请拿稳、对好焦后重新扫描这一页。",
        en="This page is blurred. Hold still, focus, and scan it again.",
    )


def _busiest(gray: NDArray[np.uint8], tile: int = 320, most: int = 9) -> NDArray[np.uint8]:
    """The pieces of a page with most on them, side by side: enough to judge it by."""
    rows, columns = gray.shape[0] // tile, gray.shape[1] // tile
    if rows * columns <= most:
        return gray
    coarse = cv2.resize(gray[: rows * tile, : columns * tile], (columns * 40, rows * 40), interpolation=cv2.INTER_AREA)
    grey = np.asarray(cv2.absdiff(coarse, cv2.medianBlur(coarse, 9)), np.float32)
    busy = grey.reshape(rows, 40, columns, 40).mean(axis=(1, 3))
    order = np.argsort(-busy.ravel())[:most]
    pieces = [gray[at // columns * tile :, at % columns * tile :][:tile, :tile] for at in order]
    return np.concatenate(pieces, axis=0)


def dark(gray: NDArray[np.uint8]) -> Fault | None:
    paper = float(np.percentile(shrink(gray, 300), 80))
    if paper >= 95:
        return None
    return Fault(
        code="dark",
        zh="这一页太暗了。请开灯或换到亮处后重新扫描。",
        en="This page is too dark. Add light and scan it again.",
    )


def glare(page: NDArray[np.uint8]) -> Fault | None:
    """A burnt-out patch that swallows what lies below it. ``page`` is the rectified page in BGR, a photo."""
    small = np.asarray(cv2.resize(page, (420, 594), interpolation=cv2.INTER_AREA), np.uint8)
    burnt = (small.min(axis=2) >= BURNT).astype(np.uint8)
    if burnt.mean() > 0.85:
        return None  # a white page in good light is white all over
    around = float(np.percentile(small.min(axis=2)[burnt == 0], 60))
    burnt = np.asarray(cv2.morphologyEx(burnt, cv2.MORPH_OPEN, np.ones((7, 7), np.uint8)), np.uint8)
    count, labels, stats, _ = cv2.connectedComponentsWithStats(burnt)
    if count < 2 or around > 246:
        return None
    at = 1 + int(stats[1:, cv2.CC_STAT_AREA].argmax())
    x, y, w, h, area = (int(value) for value in stats[at])
    if area < 0.006 * burnt.size:
        return None
    # Writing makes holes in a patch that is only bright; glare has swallowed it.
    patch = (np.asarray(labels) == at).astype(np.uint8)
    filled = np.asarray(cv2.morphologyEx(patch, cv2.MORPH_CLOSE, np.ones((15, 15), np.uint8)), np.uint8)
    if float(filled.sum() - patch.sum()) > 0.12 * float(filled.sum()):
        return None
    spot = Spot(x=x * 1000 // 420, y=y * 1000 // 594, w=w * 1000 // 420, h=h * 1000 // 594)
    zh, en = place(spot)
    return Fault(
        code="glare",
        zh=f"{zh}反光,字被盖住了。请关闪光灯、换个角度重新扫描。",
        en=f"Glare at the {en} hides what is written. Switch the flash off and scan again.",
        spot=spot,
    )


def cutoff(sides: tuple[str, ...]) -> Fault | None:
    if not sides:
        return None
    zh = "、".join(_SIDES[side][0] for side in sides)
    en = " and ".join(_SIDES[side][1] for side in sides)
    edges = {
        "top": Spot(x=0, y=0, w=1000, h=40),
        "bottom": Spot(x=0, y=960, w=1000, h=40),
        "left": Spot(x=0, y=0, w=40, h=1000),
        "right": Spot(x=960, y=0, w=40, h=1000),
    }
    return Fault(
        code="cutoff",
        zh=f"{zh}没有拍全。请把整页放进画面后重新扫描。",
        en=f"The {en} is cut off. Bring the whole page into the picture and scan again.",
        spot=edges[sides[0]],
    )


def lowdpi(dpi: int) -> Fault | None:
    """``dpi`` 0 = not known."""
    if dpi == 0 or dpi >= MIN_DPI:
        return None
    return Fault(
        code="lowdpi",
        zh=f"清晰度不够(约 {dpi} 点/英寸)。请用 300 dpi 扫描,或走近一些再拍。",
        en=f"Too few dots (about {dpi} dpi). Scan at 300 dpi, or go closer.",
    )
