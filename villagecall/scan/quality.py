"""What a clerk must know while the paper is still in hand: blur, dark, glare, cut-off, fingers, too few dots.

Each fault comes with a sentence that says what to do and, where it has a place, the spot on the page in per
mille. Nothing is repaired in silence: stains and holes stay for the officer to judge.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from villagecall.case import Fault, Spot
from villagecall.scan.picture import halved
from villagecall.scan.skew import reduce, shrink

Gray = NDArray[np.uint8]
Bgr = NDArray[np.uint8]
MIN_DPI = 150
"""DA/T 31 asks for 200 dpi; what is below 150 cannot be read safely."""
PHOTO_DPI = 68
"""A photo reads finer than a scan of as many dots: there a character of 3.7 mm has ten of them."""
SOFT = 4.2
"""Pixels: edges of a sharp picture are below 3.5 wide, bilinear warping included."""
ENOUGH = 20_000
"""So many points on edges tell how wide they are."""
KNOWN = ("blur", "dark", "glare", "cutoff", "lowdpi")
"""The codes that an outside evaluation of page quality knows; a finger is this project's own."""
BURNT = 250
GLANCE = 300
"""Longest side of the picture that large things are looked for on."""
SHADOW = 62
"""Levels: paper that is darker shows no pencil any more."""
_WHERE = {
    (0, 0): ("左上角", "upper left"), (0, 1): ("上边", "top"), (0, 2): ("右上角", "upper right"),
    (1, 0): ("左边", "left"), (1, 1): ("中间", "middle"), (1, 2): ("右边", "right"),
    (2, 0): ("左下角", "lower left"), (2, 1): ("下边", "bottom"), (2, 2): ("右下角", "lower right"),
}  # fmt: skip
_SIDES = {"top": ("上边", "top"), "right": ("右边", "right"), "bottom": ("下边", "bottom"), "left": ("左边", "left")}


def codes(faults: tuple[Fault, ...]) -> dict[str, list[str]]:
    """``quality``: those of :data:`KNOWN`; ``faults``: every code, in the order of ``faults``."""
    every = [fault.code for fault in faults]
    return {"quality": [code for code in every if code in KNOWN], "faults": every}


def place(spot: Spot) -> tuple[str, str]:
    """Where on the page, in words."""
    row = min(2, (spot.y + spot.h // 2) * 3 // 1000)
    column = min(2, (spot.x + spot.w // 2) * 3 // 1000)
    return _WHERE[(row, column)]


def _soft(gray: NDArray[np.uint8]) -> float:
    """Width in pixels of the edges of strokes, in the direction where they are widest; 0 = nothing to measure.

    Looked at by direction, since a shaken picture stays sharp along the way it was shaken.
    """
    work = np.asarray(cv2.GaussianBlur(gray, (0, 0), 0.6), np.uint8)
    kernel = np.ones((9, 9), np.uint8)
    contrast = cv2.subtract(cv2.dilate(work, kernel), cv2.erode(work, kernel))
    # The paper goes along with shadows, so that their soft edges are not taken for strokes.
    coarse = cv2.blur(cv2.morphologyEx(halved(work), cv2.MORPH_CLOSE, np.ones((13, 13), np.uint8)), (5, 5))
    paper = cv2.resize(coarse, (work.shape[1], work.shape[0]))
    ink = cv2.subtract(paper, cv2.erode(work, np.ones((5, 5), np.uint8)))
    x, y = cv2.Sobel(work, cv2.CV_32F, 1, 0, scale=1 / 8), cv2.Sobel(work, cv2.CV_32F, 0, 1, scale=1 / 8)
    slope = cv2.magnitude(x, y)
    edge = cv2.compare(slope, cv2.dilate(slope, np.ones((3, 3), np.uint8)), cv2.CMP_GE)
    for one, least in ((contrast, np.maximum(cv2.convertScaleAbs(paper, alpha=0.12), 10)),
                       (ink, cv2.convertScaleAbs(contrast, alpha=0.7))):  # fmt: skip
        edge = cv2.bitwise_and(edge, cv2.compare(one, least, cv2.CMP_GT))
    edge[:6], edge[-6:], edge[:, :6], edge[:, -6:] = 0, 0, 0, 0
    at = np.flatnonzero(edge)
    if len(at) < 60:
        return 0.0
    at = at[:: max(1, len(at) // ENOUGH)]
    step, light, steep, across, down = (np.asarray(each).ravel()[at] for each in (contrast, paper, slope, x, y))
    width, strength = step / np.maximum(steep, 0.1), step / np.maximum(light.astype(np.float32), 1.0)
    turn = np.degrees(np.arctan2(down, across)) % 180
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
    coarse = halved(halved(halved(gray[: rows * tile, : columns * tile])))
    strokes = np.asarray(cv2.absdiff(coarse, cv2.blur(coarse, (9, 9))), np.uint8)
    busy = cv2.resize(strokes.astype(np.float32), (columns, rows), interpolation=cv2.INTER_AREA)
    order = np.argsort(-np.asarray(busy).ravel())[:most]
    pieces = [gray[at // columns * tile :, at % columns * tile :][:tile, :tile] for at in order]
    return np.concatenate(pieces, axis=0)


def dark(small: Bgr) -> Fault | None:
    """All of the page, or a large part from one edge on that lies in deep shadow. ``small``: the page of a photo."""
    gray = np.asarray(cv2.cvtColor(small, cv2.COLOR_BGR2GRAY), np.uint8)
    if float(np.percentile(gray, 80)) < 95:
        return Fault(
            code="dark",
            zh="这一页太暗了。请开灯或换到亮处后重新扫描。",
            en="This page is too dark. Add light and scan it again.",
        )
    paper = cv2.resize(cv2.dilate(gray, np.ones((9, 9), np.uint8)), (24, 32), interpolation=cv2.INTER_AREA)
    deep = np.asarray(cv2.medianBlur(np.asarray(paper, np.uint8), 3) < SHADOW, np.uint8)
    count, _, stats, _ = cv2.connectedComponentsWithStats(deep)
    if count < 2:
        return None
    at = 1 + int(stats[1:, cv2.CC_STAT_AREA].argmax())
    x, y, w, h, area = (int(value) for value in stats[at])
    sides = (x == 0) + (y == 0) + (x + w == 24) + (y + h == 32)
    # A portrait or a black picture lies inside the page; a shadow comes from beyond it.
    if area < 0.18 * deep.size or sides < 2:
        return None
    spot = _box(x, y, w, h, deep.shape)
    zh, en = place(spot)
    return Fault(
        code="dark",
        zh=f"{zh}在暗影里,看不清。请避开影子、打开灯后重新扫描。",
        en=f"The {en} lies in deep shadow. Keep out of the light's way and scan again.",
        spot=spot,
    )


def glare(page: NDArray[np.uint8]) -> Fault | None:
    """A burnt-out patch that swallows what lies below it. ``page`` is the rectified page in BGR, a photo."""
    # Halved first: the library is several times faster at that than at a broken factor.
    small = np.asarray(cv2.resize(reduce(page, 594), (420, 594), interpolation=cv2.INTER_AREA), np.uint8)
    darkest = np.asarray(cv2.min(cv2.min(small[:, :, 0], small[:, :, 1]), small[:, :, 2]), np.uint8)
    burnt = (darkest >= BURNT).astype(np.uint8)
    if burnt.mean() > 0.85:
        return None  # a white page in good light is white all over
    around = float(np.percentile(darkest[burnt == 0][::5], 60))
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


def lowdpi(dpi: int, *, photographed: bool = False) -> Fault | None:
    """``dpi`` 0 = not known."""
    if dpi == 0 or dpi >= (PHOTO_DPI if photographed else MIN_DPI):
        return None
    return Fault(
        code="lowdpi",
        zh=f"清晰度不够(约 {dpi} 点/英寸)。请用 300 dpi 扫描,或走近一些再拍。",
        en=f"Too few dots (about {dpi} dpi). Scan at 300 dpi, or go closer.",
    )


def find_faults(glance: Bgr, sharp: Gray, dpi: int, cut: tuple[str, ...], *, photographed: bool) -> list[Fault]:
    """The faults of a straight upright page, the gravest first.

    ``glance`` the page in colour, about 1100 pixels high, as it was seen (not whitened); ``sharp`` its light in
    pixels that show how sharp it is; ``dpi`` 0 = not known, of a photo as if it were of A4; ``cut`` the sides
    that the picture leaves out.
    """
    small = shrink(reduce(glance, 2 * GLANCE), GLANCE)
    coarse = lowdpi(_of_card(dpi, glance) if photographed else dpi, photographed=photographed)
    found = [
        dark(small) if photographed else None,
        finger(small),
        glare(glance) if photographed else None,
        cutoff(cut),
        coarse,
        # What has too few dots cannot be sharp: one reason is enough, and it is the one to act upon.
        blur(sharp) if coarse is None else None,
    ]
    return [fault for fault in found if fault is not None]


def _of_card(dpi: int, page: Bgr) -> int:
    """Dots per inch of a photo of an ID card alone (ISO/IEC 7810 ID-1, 85.6 mm), told by its shape."""
    long, short = max(page.shape[:2]), min(page.shape[:2])
    return round(dpi * 297 / 85.6) if 1.53 < long / short < 1.65 else dpi


def _box(x: int, y: int, w: int, h: int, shape: tuple[int, ...]) -> Spot:
    high, wide = shape[:2]
    return Spot(x=x * 1000 // wide, y=y * 1000 // high, w=w * 1000 // wide, h=h * 1000 // high)


def finger(small: Bgr) -> Fault | None:
    """A finger or a hand from beyond the edge that lies on what is written. ``small``: the page, :data:`GLANCE`.

    Skin of every tone keeps red above green above blue in about the same steps (the melanin and the blood below
    it take away blue first); paper is the white it is measured against. Fingers that only hold the margin hide
    nothing.
    """
    wide = small.astype(np.int16)
    paper = np.percentile(small[::2, ::2].reshape(-1, 3), 75, axis=0).clip(24, 255)
    blue, green, red = (np.asarray(wide[:, :, at] * (255.0 / paper[at]), np.float32) for at in range(3))
    warm = red - blue
    skin = (
        (warm > 0.14 * red) & (red - green > 0.07 * red) & (green - blue > 0.03 * red)
        & (red - green > 0.22 * warm) & (red - green < 0.86 * warm)
        & (red > 30) & (green < 226) & (warm < 0.72 * red)
    ).astype(np.uint8)  # fmt: skip
    high, across = skin.shape
    thick = max(3, across // 40)
    skin = np.asarray(cv2.morphologyEx(skin, cv2.MORPH_CLOSE, np.ones((5, 5), np.uint8)), np.uint8)
    skin = np.asarray(cv2.morphologyEx(skin, cv2.MORPH_OPEN, np.ones((thick, thick), np.uint8)), np.uint8)
    count, labels, stats, _ = cv2.connectedComponentsWithStats(skin)
    marked = np.asarray(labels)
    written: tuple[int, int, int, int] | None = None
    for at in sorted(range(1, count), key=lambda each: -int(stats[each, cv2.CC_STAT_AREA])):
        x, y, w, h, area = (int(value) for value in stats[at])
        if area < 0.002 * skin.size:
            break
        patch = marked == at
        rim = [patch[:3].any(0), patch[-3:].any(0), patch[:, :3].any(1), patch[:, -3:].any(1)]
        touched = [int(side.sum()) for side in rim]
        # A desk that shows along a side, or a page of that colour, is no finger.
        if not any(touched) or max(touched[0], touched[1]) > 0.45 * across or max(touched[2], touched[3]) > 0.45 * high:
            continue
        if area > 0.4 * skin.size or sum(touched) > 0.5 * (across + high):
            continue
        written = written or _written(small, skin)
        hidden = patch[written[1] : written[3], written[0] : written[2]]
        if int(hidden.sum()) < 0.0012 * skin.size:
            continue
        spot = _box(x, y, w, h, skin.shape)
        zh, en = place(spot)
        return Fault(
            code="finger",
            zh=f"{zh}被手指挡住了,请重新扫描这一页。",
            en=f"A finger covers the {en}. Scan this page again.",
            spot=spot,
        )
    return None


def _written(small: Bgr, beside: Gray) -> tuple[int, int, int, int]:
    """Left, top, right, bottom of what is on the page apart from ``beside``; nothing there: the page's middle."""
    gray = np.asarray(cv2.cvtColor(small, cv2.COLOR_BGR2GRAY), np.uint8)
    ink = np.asarray(cv2.subtract(cv2.blur(gray, (21, 21)), gray), np.uint8) > 14
    ink &= cv2.dilate(beside, np.ones((17, 17), np.uint8)) == 0
    high, wide = gray.shape
    ink[: high // 40], ink[-high // 40 :], ink[:, : wide // 40], ink[:, -wide // 40 :] = False, False, False, False
    y, x = np.nonzero(ink)
    if len(x) < 20:
        return wide // 8, high // 8, wide - wide // 8, high - high // 8
    left, right = np.percentile(x, (1, 99))
    top, bottom = np.percentile(y, (1, 99))
    return int(left), int(top), int(right) + 1, int(bottom) + 1
