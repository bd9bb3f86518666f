"""Papers drawn for the scan room, each from a seed, with the truth about them: how they are turned, where
their corners are, whether anything stands on them. No font is needed; strokes stand for characters.

All pictures are BGR. Sizes are those of A4 at 150 dpi unless a test asks otherwise.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.uint8]
Corners = NDArray[np.float64]
SIZE = (1240, 1754)
INK = (52, 46, 44)
RED = (46, 16, 200)


def _strips(height: int) -> Iterator[slice]:
    """The rows of a picture, few enough at a time that what is computed of them stays in the processor's cache."""
    for top in range(0, height, 64):
        yield slice(top, min(top + 64, height))


def _thrice(plane: NDArray[np.floating[Any]]) -> NDArray[np.floating[Any]]:
    """H×W to H×W×3: many times faster than to let numpy repeat each value for its three colours."""
    return np.asarray(cv2.merge([plane, plane, plane]))


def paper(seed: int, size: tuple[int, int] = SIZE, level: float = 246.0) -> NDArray[np.float32]:
    """Paper with its tint and its grain, ``size`` (width, height)."""
    rng = np.random.default_rng(seed)
    tint = level - rng.uniform(0, 8, 3)
    made = np.empty((size[1], size[0], 3), np.float32)
    for rows in _strips(size[1]):
        grain = rng.normal(0, 1.6, (rows.stop - rows.start, size[0]))
        made[rows] = cv2.merge([grain + one for one in tint])
    return made


def _glyph(image: Image, rng: np.random.Generator, x: int, y: int, em: int, ink: tuple[int, ...]) -> None:
    """Strokes in a square, as many as a character has; the first ones reach its top and its foot."""
    weight = max(1, round(em / 14))
    for y_share in (0.1 + rng.uniform(0, 0.08), 0.88 + rng.uniform(-0.08, 0)):
        left, right = rng.uniform(0.06, 0.3), rng.uniform(0.7, 0.94)
        at, to = (round(x + left * em), round(y + y_share * em)), (round(x + right * em), round(y + y_share * em))
        cv2.line(image, at, to, ink, weight, cv2.LINE_AA)
    for _ in range(int(rng.integers(2, 6))):
        a = rng.uniform(0.08, 0.92, 2) * em
        if rng.random() < 0.75:
            along = rng.uniform(0.3, 0.85) * em
            b = (min(em * 0.94, a[0] + along), a[1]) if rng.random() < 0.5 else (a[0], min(em * 0.94, a[1] + along))
        else:
            b = tuple(rng.uniform(0.08, 0.92, 2) * em)
        at, to = (round(x + a[0]), round(y + a[1])), (round(x + b[0]), round(y + b[1]))
        cv2.line(image, at, to, ink, weight, cv2.LINE_AA)


def _line(image: Image, rng: np.random.Generator, x: int, y: int, em: int, count: int, ink: tuple[int, ...]) -> None:
    for at in range(count):
        if rng.random() > 0.06:
            _glyph(image, rng, x + round(at * em * 1.06), y, em, ink)


def letter(seed: int, size: tuple[int, int] = SIZE, ink: tuple[int, ...] = INK) -> Image:
    """Paragraphs of text in one column."""
    rng, image = np.random.default_rng(seed), paper(seed, size).clip(0, 255).astype(np.uint8)
    em = int(rng.integers(22, 30)) * size[0] // 1240
    left, y, width = size[0] // 9, size[1] // 10, size[0] * 7 // 9
    _line(image, rng, size[0] // 3, y, round(em * 1.6), 7, ink)
    y += em * 4
    while y < size[1] * 0.86:
        full = int(width / (em * 1.06))
        count = full if rng.random() < 0.75 else int(rng.integers(full // 4, full))
        _line(image, rng, left, y, em, count, ink)
        y += round(em * (1.7 if count == full else 2.6))
    return image


def form(seed: int, size: tuple[int, int] = SIZE) -> Image:
    """A ruled form, filled in, with a red round seal."""
    rng, image = np.random.default_rng(seed), paper(seed, size).clip(0, 255).astype(np.uint8)
    em = 24 * size[0] // 1240
    _line(image, rng, size[0] // 3, size[1] // 14, round(em * 1.7), 8, INK)
    left, right, y = size[0] // 10, size[0] * 9 // 10, size[1] // 7
    rows = int(rng.integers(9, 14))
    for row in range(rows + 1):
        cv2.line(image, (left, y + row * em * 4), (right, y + row * em * 4), INK, 2)
    for x in (left, left + size[0] // 5, right):
        cv2.line(image, (x, y), (x, y + rows * em * 4), INK, 2)
    for row in range(rows):
        _line(image, rng, left + em, y + row * em * 4 + em, em, 5, INK)
        _line(image, rng, left + size[0] // 5 + em, y + row * em * 4 + em, em, int(rng.integers(2, 18)), (110, 50, 30))
    seal(image, (size[0] * 2 // 3, size[1] * 7 // 10), size[0] // 11)
    return image


def seal(image: Image, middle: tuple[int, int], radius: int) -> None:
    """A round red seal, stamped on the page: what lies below shows through."""
    mask = np.zeros(image.shape[:2], np.uint8)
    cv2.circle(mask, middle, radius, 255, max(2, radius // 14), cv2.LINE_AA)
    cv2.circle(mask, middle, radius // 3, 255, -1, cv2.LINE_AA)
    left, top, wide, high = cv2.boundingRect(mask)
    below = image[top : top + high, left : left + wide]
    part = (mask[top : top + high, left : left + wide, None] / 255.0) * 0.8
    below[:] = (below * (1 - part) + np.array(RED) * part * (below / 255.0)).astype(np.uint8)


def one_line(seed: int, size: tuple[int, int] = SIZE) -> Image:
    """A page with a single line of writing."""
    rng, image = np.random.default_rng(seed), paper(seed, size).clip(0, 255).astype(np.uint8)
    em = 30 * size[0] // 1240
    _line(image, rng, size[0] // 6, int(size[1] * rng.uniform(0.2, 0.7)), em, int(rng.integers(12, 22)), INK)
    return image


def card_copy(seed: int, size: tuple[int, int] = SIZE) -> Image:
    """Both sides of a card copied onto a page."""
    rng, image = np.random.default_rng(seed), paper(seed, size).clip(0, 255).astype(np.uint8)
    wide, high = size[0] * 41 // 100, size[0] * 26 // 100
    for y in (size[1] // 6, size[1] // 2):
        x = (size[0] - wide) // 2
        cv2.rectangle(image, (x, y), (x + wide, y + high), (222, 226, 214), -1)
        cv2.rectangle(image, (x, y), (x + wide, y + high), (150, 150, 140), 2)
        for row in range(5):
            _line(
                image, rng, x + wide // 14, y + high // 9 + row * high // 6, high // 11, int(rng.integers(5, 13)), INK
            )
    return image


def _ground(image: Image) -> NDArray[np.float64]:
    """The paper's colour, which four fifths of the page do not pass: ``np.percentile``, without sorting."""
    at, share = divmod(0.8 * (image.shape[0] * image.shape[1] - 1), 1)
    sums = [np.cumsum(cv2.calcHist([image], [colour], None, [256], [0, 256]), dtype=np.int64) for colour in range(3)]
    low, high = (np.array([np.searchsorted(one, place, "right") for one in sums]) for place in (at, at + 1))
    return np.asarray(low + (high - low) * share, np.float64)


def faint(image: Image, share: float = 0.22) -> Image:
    """Pencil or a third carbon copy: little is left of the ink."""
    ground = _ground(image)
    values = np.arange(256)[:, None]
    return np.asarray(cv2.LUT(image, np.clip(ground - (ground - values) * share, 0, 255).astype(np.uint8)[None]))


def blank(seed: int, *, through: float = 0.0, size: tuple[int, int] = SIZE) -> Image:
    """An empty page; ``through``: so much of what stands on its back shines through, mirrored and soft."""
    image = paper(seed, size)
    if through:
        back = letter(seed + 1000, size)[:, ::-1].astype(np.float32)
        soft = cv2.GaussianBlur(back, (0, 0), 2.2)
        image -= (float(np.percentile(soft, 80)) - soft).clip(0) * through
    return np.asarray(noisy(np.asarray(image.clip(0, 255), np.uint8), seed), np.uint8)


def noisy(image: Image, seed: int, sigma: float = 2.0) -> Image:
    rng = np.random.default_rng(seed + 7)
    made = np.empty_like(image)
    for rows in _strips(len(image)):
        grain = rng.normal(0, sigma, image[rows].shape[:2]).astype(np.float32)
        made[rows] = np.clip(image[rows] + _thrice(grain), 0, 255)
    return made


def askew(image: Image, degrees: float, lid: tuple[int, int, int] | None = None) -> Image:
    """Turned counter-clockwise about its middle; around it lies more paper, or a scanner's ``lid``."""
    height, width = image.shape[:2]
    matrix = cv2.getRotationMatrix2D(((width - 1) / 2, (height - 1) / 2), degrees, 1.0)
    cos, sin = abs(matrix[0, 0]), abs(matrix[0, 1])
    wide, high = int(width * cos + height * sin) + 1, int(width * sin + height * cos) + 1
    matrix[0, 2] += (wide - width) / 2
    matrix[1, 2] += (high - height) / 2
    ground = lid or tuple(float(value) for value in _ground(image))
    return np.asarray(cv2.warpAffine(image, matrix, (wide, high), flags=cv2.INTER_CUBIC, borderValue=ground), np.uint8)


def desk(seed: int, size: tuple[int, int], colour: tuple[int, int, int]) -> NDArray[np.float32]:
    """A table top with grain and uneven light."""
    rng = np.random.default_rng(seed)
    rough = cv2.resize(rng.normal(0, 7, (size[1] // 40, size[0] // 8)).astype(np.float32), size)
    down, across = np.arange(size[1], dtype=np.float32)[:, None], np.arange(size[0], dtype=np.float32)
    light = 1 - 0.22 * (across / size[0] * rng.uniform(-1, 1) + down / size[1] * rng.uniform(-1, 1))
    made = np.empty((size[1], size[0], 3), np.float32)
    for rows in _strips(size[1]):
        lit = cv2.merge([(np.float32(one) + rough[rows]) * light[rows] for one in colour])
        made[rows] = lit + rng.normal(0, 2, lit.shape)
    return made


def photographed(
    page: Image, seed: int, colour: tuple[int, int, int] = (70, 110, 150), *, size: tuple[int, int] = (1500, 2000)
) -> tuple[Image, Corners]:
    """The page on a desk, seen by a hand-held camera: the picture, and where its corners are."""
    rng = np.random.default_rng(seed)
    width, height = size
    inset = np.array([[0.12, 0.1], [0.88, 0.1], [0.88, 0.9], [0.12, 0.9]])
    quad = (inset + rng.uniform(-0.045, 0.045, (4, 2))) * np.array([width, height])
    high, wide = page.shape[:2]
    flat = np.array([[-0.5, -0.5], [wide - 0.5, -0.5], [wide - 0.5, high - 0.5], [-0.5, high - 0.5]], np.float32)
    matrix = cv2.getPerspectiveTransform(flat, quad.astype(np.float32))
    mask = cv2.warpPerspective(np.full(page.shape[:2], 255, np.uint8), matrix, size, flags=cv2.INTER_AREA)
    seen = cv2.warpPerspective(page, matrix, size, flags=cv2.INTER_AREA, borderMode=cv2.BORDER_REPLICATE)
    edge = cv2.GaussianBlur(mask, (3, 3), 0)
    shade = cv2.GaussianBlur(np.roll(mask, (9, 7), (0, 1)), (0, 0), 9)
    table, bright = desk(seed, size, colour), rng.uniform(0.86, 0.98)
    picture = np.empty((height, width, 3), np.uint8)
    for rows in _strips(height):
        part = _thrice(edge[rows].astype(np.float64) / 255.0)
        under = table[rows] * _thrice(1 - 0.35 * (shade[rows].astype(np.float64) / 255.0))
        picture[rows] = (under * (1 - part) + seen[rows] * part * bright).clip(0, 255)
    return noisy(picture, seed), quad


def encoded(image: Image, suffix: str = ".jpg", dpi: int = 150, quality: int = 85) -> bytes:
    """File bytes; a JPEG carries its resolution as scanners write it."""
    flags = [cv2.IMWRITE_JPEG_QUALITY, quality] if suffix == ".jpg" else []
    ok, data = cv2.imencode(suffix, image, flags)
    assert ok
    raw = bytearray(data.tobytes())
    if suffix == ".jpg":
        raw[13:18] = bytes([1, dpi >> 8, dpi & 255, dpi >> 8, dpi & 255])
    return bytes(raw)
