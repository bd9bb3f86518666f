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


def blur(gray: NDArray[np.uint8], side: int = 1400) -> Fault | None:
    """The sharpest strokes of a sharp page rise within a pixel or two; of a blurred one they do not."""
    small = shrink(gray, side)
    work = small.astype(np.float32)
    fine = cv2.magnitude(cv2.Sobel(work, cv2.CV_32F, 1, 0), cv2.Sobel(work, cv2.CV_32F, 0, 1))
    if float((fine > 24).mean()) < 2e-4:
        return None
    # Contrast around each strong edge, against its steepest slope: the width of the edge in pixels.
    kernel = np.ones((9, 9), np.uint8)
    reach = cv2.subtract(cv2.dilate(small, kernel), cv2.erode(small, kernel)).astype(np.float32)
    margin = max(8, min(small.shape) // 30)
    inner = (slice(margin, -margin), slice(margin, -margin))
    slope, contrast = np.asarray(fine[inner] / 4.0, np.float32), reach[inner]
    local = slope == cv2.dilate(slope, np.ones((5, 5), np.uint8))
    strong = local & (contrast > max(20.0, float(np.percentile(contrast, 99)) * 0.35))
    if strong.sum() < 60:
        return None
    width = contrast[strong] / np.maximum(slope[strong], 1.0)
    if float(np.percentile(width, 30)) < 3.3:
        return None
    return Fault(
        code="blur",
        zh="这一页拍糊了,字看不清。请拿稳、对好焦后重新扫描这一页。",
        en="This page is blurred. Hold still, focus, and scan it again.",
    )


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
    low = small.min(axis=2)
    gray = cv2.cvtColor(small, cv2.COLOR_BGR2GRAY)
    paper = float(np.percentile(gray, 60))
    burnt = ((low >= 250) & (gray > min(252.0, paper + 8))).astype(np.uint8)
    burnt = cv2.morphologyEx(burnt, cv2.MORPH_OPEN, np.ones((7, 7), np.uint8))
    count, _, stats, _ = cv2.connectedComponentsWithStats(burnt)
    if count < 2:
        return None
    at = 1 + int(stats[1:, cv2.CC_STAT_AREA].argmax())
    x, y, w, h, area = (int(value) for value in stats[at])
    # A white page in good light is white all over; glare is a patch with paper around it.
    if area < 0.006 * burnt.size or paper > 244:
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
