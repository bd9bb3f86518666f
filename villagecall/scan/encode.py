"""The copies made for looking at: a view of the page and a thumbnail. The original stays as it came.

A page of writing becomes :class:`villagecall.scan.layers.Layers`: a mask of the ink at the page's own resolution
(at most :data:`VIEW_DPI`), the ink's colour and the paper as two small JPEGs. What is a picture, or too dark for the
difference between paper and ink to mean anything, becomes one JPEG.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from villagecall.scan import fax
from villagecall.scan.layers import MEDIA_TYPE, Layers
from villagecall.scan.picture import halved
from villagecall.scan.skew import reduce

Gray = NDArray[np.uint8]
Bgr = NDArray[np.uint8]
Floats = NDArray[np.float32]
Mat = cv2.typing.MatLike
VIEW_DPI = 300
VIEW_SIDE = 3600
PICTURE_DPI = 200
PICTURE_SIDE = 2400
THUMB_WIDTH = 220
SMALL = 4
"""The layers of colour have a quarter of the mask's pixels along each side."""
FAINTEST = 22
"""Levels below the paper from which on something is drawn sharply: three times the noise of a scanner."""
PALE = 75
MOST_INK = 0.3
BUSY = 16
MOST_PICTURE = 0.0025
MASSIVE_MM = 3.5
MOST_MASSIVE = 0.002
ONE_INK = 5e-5
MOST_UNMIXED = 3.0
"""So many times further from the paper an ink may be than the pixel it is a part of."""
COARSE = 2000
UNEVEN = 28
DARKEST_PAPER = 110


@dataclass(frozen=True, slots=True)
class View:
    """The copy that is kept and shown: ``width`` × ``height`` are the pixels that places are counted in, ``dpi`` of
    them to the inch (0 = unknown), ``data`` a packed :class:`villagecall.scan.layers.Layers` or a JPEG, as
    ``media_type`` says."""

    width: int
    height: int
    dpi: int
    media_type: str
    data: bytes


def view(grey: Gray, colour: Bgr, dpi: int) -> View:
    """The straight, upright page: ``grey`` at up to :data:`VIEW_DPI`; ``colour`` BGR, the same page at any smaller
    size: a quarter of ``grey`` is all that layers use; ``dpi`` of ``grey``, 0 = unknown."""
    found = _layered(grey, colour)
    if found is not None:
        return View(found.width, found.height, dpi, MEDIA_TYPE, found.pack())
    scale = min(1.0, PICTURE_SIDE / max(grey.shape), PICTURE_DPI / dpi if dpi else 1.0)
    if scale < 0.95:
        dpi = round(dpi * scale)
        size = (max(1, round(grey.shape[1] * scale)), max(1, round(grey.shape[0] * scale)))
        grey = np.asarray(cv2.resize(grey, size, interpolation=cv2.INTER_AREA), np.uint8)
    return View(grey.shape[1], grey.shape[0], dpi, "image/jpeg", _picture(grey, colour))


def _box(side: int) -> NDArray[np.uint8]:
    return np.ones((side, side), np.uint8)


def _layered(grey: Gray, colour: Bgr) -> Layers | None:
    """The page in layers; None where it is better kept as a picture."""
    height, width = grey.shape
    if min(width, height) < 64:
        return None
    half = halved(grey)
    quarter = halved(half)
    small = (quarter.shape[1], quarter.shape[0])
    paper = _paper(quarter)
    if float(np.median(paper[::4, ::4])) < DARKEST_PAPER:
        return None
    # What has few dots is drawn finer than it was seen: between two dots a stroke's edge is known better than to one.
    times = 2 if max(grey.shape) < COARSE else 1
    size = (width * times, height * times)
    fine = grey if times == 1 else np.asarray(cv2.resize(grey, size, interpolation=cv2.INTER_CUBIC), np.uint8)
    darkest, lightest = (_every_second(each(half, _box(3)), small) for each in (cv2.erode, cv2.dilate))
    level = cv2.resize(_threshold(darkest, paper, np.asarray(cv2.subtract(lightest, darkest), np.uint8)), size)
    mask = np.asarray(cv2.compare(fine, level, cv2.CMP_LT), np.uint8)
    cover = halved(halved(mask if times == 1 else halved(mask)))
    if float(cv2.mean(cover)[0]) > MOST_INK * 255:
        return None
    tint = _sized(colour, small)
    ground, massive = _ground(tint, cover)
    if massive > MOST_MASSIVE or _picture_share(ground) > MOST_PICTURE:
        return None
    ink = _ink(darkest, tint, cover, ground)
    low, high = np.percentile(paper[::4, ::4], (4, 96))
    if high - low < UNEVEN:
        ground = _cleaned(ground)
    return Layers(width, height, *size, fax.encode(mask), _jpeg(ink, 40), _jpeg(ground, 50))


def _every_second(image: Mat, size: tuple[int, int]) -> Gray:
    part = np.asarray(image, np.uint8)[: 2 * size[1], : 2 * size[0]]
    return np.asarray(cv2.resize(part, size, interpolation=cv2.INTER_NEAREST), np.uint8)


def _sized(colour: Bgr, size: tuple[int, int]) -> Bgr:
    """``colour`` as large as the layers of colour."""
    if colour.shape[1] // 2 == size[0] and colour.shape[0] // 2 == size[1]:
        return halved(colour)
    if (colour.shape[1], colour.shape[0]) == size:
        return colour
    how = cv2.INTER_AREA if colour.shape[1] > 2 * size[0] else cv2.INTER_LINEAR  # by area is five times as dear
    return np.asarray(cv2.resize(colour, size, interpolation=how), np.uint8)


def _picture_share(ground: Bgr) -> float:
    """How much of the page is a photo, a shaded drawing, a dark border: where ink is taken away and something still
    changes from place to place. On paper it does so nowhere, however it is stained or lit."""
    around = cv2.morphologyEx(ground, cv2.MORPH_GRADIENT, _box(3))[4:-4, 4:-4]
    blue, green, red = cv2.split(around)
    busy = _over(cv2.blur(cv2.max(blue, cv2.max(green, red)), (5, 5)), BUSY)
    return cv2.countNonZero(busy) / busy.size


def _paper(quarter: Gray) -> Gray:
    """How light the paper is at each place, ink left out; in the size of ``quarter``."""
    rough = halved(halved(halved(quarter))) if min(quarter.shape) >= 64 else quarter
    open_ = cv2.medianBlur(cv2.dilate(rough, _box(3)), 7)
    return np.asarray(cv2.resize(open_, (quarter.shape[1], quarter.shape[0])), np.uint8)


def _threshold(darkest: Gray, paper: Gray, edges: Gray) -> Gray:
    """Below which level there is ink: half way between the paper and the darkest around, so that strokes keep their
    weight whatever the ink, and never nearer to the paper than noise is."""
    depth = cv2.blur(cv2.dilate(cv2.subtract(paper, darkest), _box(9)), (9, 9))
    steps = np.maximum(FAINTEST, np.arange(256) * 0.36).astype(np.uint8)
    level = cv2.subtract(paper, cv2.LUT(depth, steps))
    # What is pale and has no edge is a stain or a shadow, which no stroke of one colour would show as it is.
    needed = cv2.LUT(depth, np.where(np.arange(256) < PALE, np.arange(256) * 0.5, 0).astype(np.uint8))
    soft = _over(cv2.subtract(needed, cv2.dilate(edges, _box(9))), 0)
    return np.asarray(cv2.bitwise_and(level, cv2.bitwise_not(soft)), np.uint8)


def _mean(image: Floats, weight: Floats) -> Floats:
    return np.asarray(image * (255 / np.maximum(weight, 1e-3))[:, :, None], np.float32)


def _spread(sums: Floats, weights: Floats) -> Floats:
    """The weighted mean at each place; where there is no weight, that of a wider neighbourhood."""
    high, wide = weights.shape
    if min(high, wide) <= 2:
        return _mean(sums, weights)
    size = ((wide + 1) // 2, (high + 1) // 2)
    wider = [np.asarray(cv2.resize(each, size, interpolation=cv2.INTER_AREA), np.float32) for each in (sums, weights)]
    around = np.asarray(cv2.resize(_spread(wider[0], wider[1]), (wide, high)), np.float32)
    part = np.minimum(1.0, weights / 8)[:, :, None]
    return np.asarray(around + (_mean(sums, weights) - around) * part, np.float32)


def _ink(darkest: Gray, colour: Bgr, cover: Gray, ground: Bgr) -> Bgr:
    """The colour of the ink, spread over the whole page: the mean of what is ink through and through; where
    there is none near, of what is most so. Between inks of one colour nothing changes: that costs nothing.
    All in the layers' size; ``cover`` is how much of each pixel is ink."""
    small = (ground.shape[1], ground.shape[0])
    share = np.arange(256) / 255
    weight = cv2.LUT(cover, np.where(share < 0.1, 0, np.maximum(8, 255 * share**2)).astype(np.uint8))
    # A pixel that is part ink, part paper is unmixed: what it lacks against the paper is the ink's doing.
    gain = cv2.LUT(cover, (32 / np.clip(share, 1 / MOST_UNMIXED, 1)).astype(np.uint8))
    missing = cv2.multiply(cv2.subtract(ground, colour), cv2.merge([gain] * 3), scale=1 / 32)
    own = np.asarray(cv2.subtract(ground, missing), np.uint8)
    wide = _wide(small)
    heavy = cv2.multiply(own, cv2.merge([weight] * 3), scale=1 / 255)
    sums, lights, weights = (
        np.asarray(cv2.blur(cv2.resize(each, wide, interpolation=cv2.INTER_AREA), (3, 3)), np.float32)
        for each in (heavy, cv2.multiply(darkest, weight, scale=1 / 255), weight)
    )
    spread = _deepened(_spread(sums, weights), lights, weights, ground)
    page = np.asarray(cv2.resize(spread, small), np.uint8)
    near = [cv2.cvtColor(each, cv2.COLOR_BGR2YCrCb) for each in (own, page)]
    light, red, blue = cv2.split(cv2.absdiff(near[0], near[1]))
    apart = cv2.max(red, blue)
    coloured = cv2.bitwise_and(_over(apart, 12), _over(cover, 80))
    if cv2.countNonZero(cv2.bitwise_and(_over(apart, 20), coloured)) < ONE_INK * coloured.size:
        return spread
    other = cv2.bitwise_or(coloured, cv2.bitwise_and(_over(light, 40), _over(cover, 160)))
    return np.asarray(cv2.copyTo(own, other, page), np.uint8)


def _deepened(ink: Floats, lights: Floats, weights: Floats, ground: Bgr) -> Bgr:
    """``ink`` as far from the paper as the ink's light is in full detail: colour is seen in less, so that thin
    strokes are paler in it than they are."""
    paper = np.asarray(cv2.resize(ground, (ink.shape[1], ink.shape[0]), interpolation=cv2.INTER_AREA), np.float32)
    light, white = (np.asarray(cv2.cvtColor(each, cv2.COLOR_BGR2GRAY), np.float32) for each in (ink, paper))
    wanted = np.where(weights > 1, lights * (255 / np.maximum(weights, 1)), light)
    more = np.clip((white - wanted) / np.maximum(white - light, 8), 1.0, 1.8)[:, :, None]
    return np.asarray(np.clip(paper + (ink - paper) * more, 0, 255), np.uint8)


def _over(image: Mat, level: int) -> Mat:
    """255 where ``image`` is above ``level``."""
    return cv2.threshold(image, level, 255, cv2.THRESH_BINARY)[1]


def _wide(small: tuple[int, int]) -> tuple[int, int]:
    """An eighth of the colour layers' size: between places so far apart ink and paper change gently."""
    return -(-small[0] // 8), -(-small[1] // 8)


def _ground(page: Bgr, cover: Gray) -> tuple[Bgr, float]:
    """The page without its ink, where ink is as the paper around; and how much of it is ink through and through
    for millimetres: more than letters and seals are."""
    small = (cover.shape[1], cover.shape[0])
    bare = cv2.bitwise_not(_over(cv2.dilate(cover, _box(3)), 8))
    sums, weights = (
        np.asarray(cv2.resize(each, _wide(small), interpolation=cv2.INTER_AREA), np.float32)
        for each in (cv2.copyTo(page, bare), bare)
    )
    paper = np.asarray(cv2.resize(np.clip(_spread(sums, weights), 0, 255).astype(np.uint8), small), np.uint8)
    reach = max(3, round(MASSIVE_MM * max(small) / 297))
    massive = cv2.countNonZero(_over(cv2.erode(cover, _box(reach)), 220)) / cover.size
    return np.asarray(cv2.copyTo(page, bare, paper), np.uint8), massive


def has_colour(image: Bgr) -> bool:
    """Whether a red head, a seal or a photo stands on the page (DA/T 31: then colour is kept)."""
    small = reduce(image, 440)
    lab = cv2.cvtColor(small, cv2.COLOR_BGR2LAB).astype(np.int16)
    # The paper's own tint is not colour: measured against the page's middle.
    a, b = lab[:, :, 1] - int(np.median(lab[:, :, 1])), lab[:, :, 2] - int(np.median(lab[:, :, 2]))
    return float((np.hypot(a, b) > 14).mean()) > 4e-4


def whitening(image: Bgr) -> NDArray[np.uint8] | None:
    """A table (256, 1, 3) that takes this page's paper to white and leaves ink and seals what they are; None where
    the light is too uneven or too dark. One table for the whole page: a stain stays a stain."""
    small = reduce(image, 280)
    paper = np.percentile(small[::2, ::2].reshape(-1, 3), 70, axis=0)
    if paper.min() < 150 or paper.max() - paper.min() > 60:
        return None
    level = np.arange(256)[:, None]
    # Below the knee nothing changes; above, no difference grows by more than two thirds.
    knee = paper - np.maximum(24, 1.5 * (250 - paper))
    lifted = knee + (level - knee) * (250 - knee) / (paper - knee)
    table = np.where(level <= knee, level, np.clip(lifted, 0, 255)).astype(np.uint8)
    return table.reshape(256, 1, 3)


def _cleaned(image: Bgr) -> Bgr:
    table = whitening(image)
    return image if table is None else np.asarray(cv2.LUT(image, table), np.uint8)


def _picture(grey: Gray, colour: Bgr) -> bytes:
    """JPEG of the page; grey where there is no colour on it."""
    table = whitening(colour)
    if not has_colour(colour):
        light = None if table is None else np.ascontiguousarray(table[:, :, 1])
        return _jpeg(grey if light is None else np.asarray(cv2.LUT(grey, light), np.uint8), 62)
    size = (grey.shape[1], grey.shape[0])
    _, red, blue = cv2.split(cv2.cvtColor(colour, cv2.COLOR_BGR2YCrCb))
    parts = [grey, *(cv2.resize(part, size, interpolation=cv2.INTER_LINEAR) for part in (red, blue))]
    page = np.asarray(cv2.cvtColor(cv2.merge(parts), cv2.COLOR_YCrCb2BGR), np.uint8)
    return _jpeg(page if table is None else np.asarray(cv2.LUT(page, table), np.uint8), 62)


def thumb(image: Bgr) -> bytes:
    height = max(1, round(THUMB_WIDTH * image.shape[0] / image.shape[1]))
    image = reduce(image, max(THUMB_WIDTH, height))  # by a whole factor first: far cheaper
    return _jpeg(np.asarray(cv2.resize(image, (THUMB_WIDTH, height), interpolation=cv2.INTER_AREA), np.uint8), 70)


def _jpeg(image: Bgr, quality: int) -> bytes:
    flags = [cv2.IMWRITE_JPEG_QUALITY, quality, cv2.IMWRITE_JPEG_OPTIMIZE, 1]
    ok, data = cv2.imencode(".jpg", image, flags)
    if not ok:
        raise ValueError("the picture could not be encoded")
    return data.tobytes()
