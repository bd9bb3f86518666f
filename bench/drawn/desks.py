"""Photos of pages on desks, each from a seed, with exact truth: a pinhole camera looks at a flat page.

``photo(seed)`` gives the file's bytes, its pixels and the page's corners. The page's sides may bow a little
(curled paper), it may be folded, held by fingers, lie in a shadow, leave the picture or fill it.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import cv2
import numpy as np
from numpy.typing import NDArray

from bench.drawn import grounds
from bench.drawn.grounds import Canvas, Points, Rng
from tests.support import pages

Image = NDArray[np.uint8]
FRAMES = ((1500, 2000), (1512, 2016), (1600, 1200), (1920, 1080), (1200, 1600), (1080, 1440), (1280, 960))
PAPERS = {"a4": (210, 297), "a5": (148, 210), "wide": (297, 210), "card": (85.6, 54), "voucher": (210, 99),
          "receipt": (80, 150)}  # fmt: skip
FILLS, CUT, LID = 0.12, 0.14, 0.1
"""Shares of the photos whose page fills the frame, leaves it, or lies under a scanner's lid."""
ENOUGH_DPI = 100
"""Of a photo: characters of 3.7 mm have fifteen dots."""
INK = 0.8
"""Of the paper's light: what is darker is written or printed, a tinted field is not."""


@dataclass(frozen=True, slots=True)
class Photo:
    """``quad``: 4×2 clockwise in pixels, or None where the page fills the frame; beyond the frame where cut.
    ``quality`` holds "cutoff" where the page leaves the picture; ``marks`` says what was drawn; ``ink`` is not 0
    where something is written or printed, whether or not a finger lies on it."""

    data: bytes
    image: Image
    quad: Points | None
    quality: list[str]
    ink: NDArray[np.uint8]
    marks: dict[str, object] = field(default_factory=dict)

    @property
    def plain(self) -> bool:
        """No finger on it, and dots enough to be read: nobody would ask for another photo of this page."""
        if self.marks["fingers"]:
            return False
        if self.quad is None:
            return True
        longest = max(float(np.hypot(*side)) for side in self.quad - np.roll(self.quad, 1, axis=0))
        return longest / max(PAPERS[str(self.marks["paper"])]) * 25.4 >= ENOUGH_DPI


def table(seed: int, size: tuple[int, int]) -> Image:
    """A page that is mostly one strong frame: the page's edge is outside it."""
    rng, image = np.random.default_rng(seed), pages.letter(seed, size)
    inset = round(size[0] * rng.uniform(0.05, 0.12))
    box = (inset, round(inset * rng.uniform(0.9, 1.6)), size[0] - inset, size[1] - round(inset * rng.uniform(0.9, 1.6)))
    image[box[1] : box[3], box[0] : box[2]] = (np.array(image[5, 5], float) - rng.uniform(0, 22, 3)).clip(0, 255)
    cv2.rectangle(image, box[:2], box[2:], (30, 30, 34), int(rng.integers(3, 10)))
    for at in np.linspace(box[1], box[3], int(rng.integers(5, 14)))[1:-1]:
        cv2.line(image, (box[0], round(at)), (box[2], round(at)), (40, 40, 44), 2)
    return image


def picture_page(seed: int, size: tuple[int, int]) -> Image:
    """A page with a photo printed on it."""
    rng, image = np.random.default_rng(seed), pages.one_line(seed, size)
    w, h = round(size[0] * rng.uniform(0.5, 0.85)), round(size[1] * rng.uniform(0.3, 0.7))
    x, y = (size[0] - w) // 2, round((size[1] - h) * rng.uniform(0.2, 0.8))
    scene = grounds.GROUNDS[str(rng.choice(["wood", "marble", "plaid"]))](rng, (w, h))
    image[y : y + h, x : x + w] = scene.clip(0, 255).astype(np.uint8)
    return image


def card(seed: int, size: tuple[int, int]) -> Image:
    """An identity card: tinted, a portrait, a few lines."""
    rng = np.random.default_rng(seed)
    image = (pages.paper(seed, size, 235) - rng.uniform(0, 34, 3)).clip(0, 255).astype(np.uint8)
    w, h = size
    image[h // 7 : h * 6 // 10, w * 62 // 100 : w * 92 // 100] = rng.uniform(90, 210, 3)
    cv2.circle(image, (w * 77 // 100, h * 36 // 100), h // 8, (120, 150, 200), -1, cv2.LINE_AA)
    for row in range(6):
        cv2.line(image, (w // 14, h * (row + 1) // 8), (w * int(rng.integers(25, 55)) // 100, h * (row + 1) // 8),
                 (60, 50, 50), max(2, h // 40), cv2.LINE_AA)  # fmt: skip
    return image


def _content(rng: Rng, seed: int, paper: str) -> tuple[Image, str]:
    wide, high = PAPERS[paper]
    size = (1240, round(1240 * high / wide)) if wide <= high else (1754, round(1754 * high / wide))
    if paper == "card":
        return card(seed, size), "card"
    ways = {"letter": pages.letter, "form": pages.form, "one_line": pages.one_line, "card_copy": pages.card_copy,
            "table": table, "picture": picture_page}  # fmt: skip
    names = list(ways) if paper in ("a4", "a5") else ["letter", "one_line", "table"]
    name = str(rng.choice(names))
    return ways[name](seed, size), name


def _seen(rng: Rng, paper: str, size: tuple[int, int], kind: str) -> Points:
    """The corners of a flat page before a pinhole camera, placed as ``kind`` asks."""
    wide, high = PAPERS[paper]
    corners = np.array([[-wide, -high, 0], [wide, -high, 0], [wide, high, 0], [-wide, high, 0]]) / 2
    focal = max(size) * rng.uniform(0.75, 1.7)
    tilt = np.radians(0 if kind == "lid" else rng.triangular(0, 6, 34))
    towards, roll = rng.uniform(0, 2 * np.pi), np.radians(rng.normal(0, 9))
    if kind == "lid":
        roll = np.radians(rng.uniform(-6, 6))
    axis = np.array([np.cos(towards), np.sin(towards), 0]) * tilt
    turn = cv2.Rodrigues(axis)[0] @ cv2.Rodrigues(np.array([0, 0, roll]))[0]
    distance = focal * max(wide / size[0], high / size[1])
    share = {"fills": rng.uniform(1.5, 2.2), "lid": rng.uniform(0.8, 0.92)}.get(kind, rng.uniform(0.5, 0.93))
    for _ in range(60):  # nearer or farther until it takes its share of the picture
        space = corners @ turn.T + np.array([0, 0, distance / share])
        flat = space[:, :2] / space[:, 2:] * focal
        flat -= (flat.max(axis=0) + flat.min(axis=0)) / 2
        extent = flat.max(axis=0) - flat.min(axis=0)
        spare = np.array(size) - 1 - extent
        middle = (np.array(size) - 1) / 2
        if kind == "fills":
            quad = flat + middle + rng.uniform(-0.05, 0.05, 2) * size
            frame = np.array([[0, 0], [size[0], 0], [size[0], size[1]], [0, size[1]]], float)
            if all(cv2.pointPolygonTest(quad.astype(np.float32), tuple(map(float, each)), True) > 6 for each in frame):
                return np.asarray(quad, np.float64)
            share *= 1.05
        elif (spare > 0.02 * np.array(size)).all():
            quad = flat + middle + rng.uniform(-0.46, 0.46, 2) * spare
            return _pushed(rng, quad, size) if kind == "cut" else np.asarray(quad, np.float64)
        else:
            share *= 0.95
    return np.asarray(flat + middle, np.float64)


def _pushed(rng: Rng, quad: Points, size: tuple[int, int]) -> Points:
    """Moved until a whole side of the page is outside, sometimes two."""
    out = quad.copy()
    for axis in rng.permutation(2)[: 2 if rng.random() < 0.2 else 1]:
        low = rng.random() < 0.5
        pair = np.sort(out[:, axis])[:2] if low else np.sort(out[:, axis])[2:]
        beyond = (out[:, axis].max() - out[:, axis].min()) * rng.uniform(0.03, 0.2)
        out[:, axis] += -pair.max() - beyond if low else size[axis] - pair.min() + beyond
    return out


def _coverage(rng: Rng, quad: Points, size: tuple[int, int], bow: float) -> Canvas:
    """How much of each pixel is page: from the distance to each side, which may bow by ``bow`` of its length."""
    y, x = np.mgrid[0 : size[1], 0 : size[0]].astype(np.float32)
    part = np.ones((size[1], size[0]), np.float32)
    for at in range(4):
        a, b = quad[at], quad[(at + 1) % 4]
        along = b - a
        length = float(np.hypot(*along))
        away = ((x - a[0]) * -along[1] + (y - a[1]) * along[0]) / length
        if bow:
            share = np.clip(((x - a[0]) * along[0] + (y - a[1]) * along[1]) / length**2, 0, 1)
            away += np.sin(share * np.pi) * rng.normal(0, bow) * length
        part = np.minimum(part, np.clip(away + 0.5, 0, 1))
    return part


def _creases(rng: Rng, size: tuple[int, int]) -> Canvas:
    """Light on a folded or crumpled page, about 1."""
    y, x = np.mgrid[0 : size[1], 0 : size[0]].astype(np.float32)
    light = np.ones((size[1], size[0]), np.float32)
    if rng.random() < 0.35:
        for share in (0.5,) if rng.random() < 0.5 else (1 / 3, 2 / 3):
            across = (y / size[1] if rng.random() < 0.6 else x / size[0]) - share
            light += np.tanh(across * 60) * rng.uniform(-0.04, 0.04) - np.exp(-((across * 300) ** 2)) * 0.09
    if rng.random() < 0.2:
        for _ in range(9):
            turn, far = rng.uniform(0, np.pi), rng.uniform(-0.4, 0.4)
            place = (x / size[0] - 0.5) * np.cos(turn) + (y / size[1] - 0.5) * np.sin(turn) - far
            light += np.abs(place) * rng.normal(0, 0.09)
    return light


def _shadows(rng: Rng, canvas: Canvas, size: tuple[int, int]) -> None:
    """A hand's or a lamp's shadow over everything, hard or soft."""
    mask = np.zeros((size[1], size[0]), np.uint8)
    points = rng.uniform(-0.2, 1.2, (int(rng.integers(3, 6)), 2)) * size
    cv2.fillPoly(mask, [cv2.convexHull(points.astype(np.int32))], 255)
    soft = cv2.GaussianBlur(mask, (0, 0), rng.uniform(1.5, 60)).astype(np.float32) / 255
    canvas *= (1 - rng.uniform(0.08, 0.45) * soft)[:, :, None]


def photo(seed: int) -> Photo:
    rng = np.random.default_rng(seed + 90_000)
    chance = float(rng.random())
    kind = "fills" if chance < FILLS else "cut" if chance < FILLS + CUT else "lid" if chance < 0.26 + LID else "desk"
    paper = str(rng.choice(list(PAPERS), p=[0.56, 0.1, 0.08, 0.1, 0.08, 0.08])) if kind == "desk" else "a4"
    size = FRAMES[int(rng.integers(len(FRAMES)))]
    if kind in ("lid", "fills") and size[0] > size[1]:
        size = (size[1], size[0])
    ground = "lid" if kind == "lid" else str(rng.choice([name for name in grounds.GROUNDS if name != "lid"]))
    canvas = grounds.GROUNDS[ground](rng, size)
    quad = _seen(rng, paper, size, kind)
    clutter = int(rng.integers(1, 7)) if kind in ("desk", "cut") and rng.random() < 0.5 else 0
    for _ in range(clutter):
        grounds.thing(rng, canvas, rng.uniform(0, 1, 2) * size)
    middle = quad.mean(axis=0)
    if kind == "desk" and rng.random() < 0.18:  # a second sheet beneath
        turn = cv2.getRotationMatrix2D((float(middle[0]), float(middle[1])), rng.uniform(-14, 14), 1.0)
        grounds.lay(canvas, quad @ turn[:, :2].T + turn[:, 2] + rng.uniform(-0.03, 0.03, 2) * size,
                    rng.uniform(200, 244) + rng.uniform(-8, 8, 3))  # fmt: skip
    content, name = _content(rng, seed, paper)
    bow = 0.0 if kind == "lid" or rng.random() < 0.6 else float(rng.choice([0.0008, 0.002]))
    part = _coverage(rng, quad, size, bow)
    shift, soft = rng.uniform(-14, 14, 2), rng.uniform(2, 16)
    moved = cv2.warpAffine(part, np.array([[1, 0, shift[0]], [0, 1, shift[1]]]), size)
    canvas *= (1 - rng.uniform(0.08, 0.45) * cv2.GaussianBlur(moved, (0, 0), soft))[:, :, None]
    high, wide = content.shape[:2]
    light = _creases(rng, (wide, high))
    flat = np.array([[-0.5, -0.5], [wide - 0.5, -0.5], [wide - 0.5, high - 0.5], [-0.5, high - 0.5]], np.float32)
    sheet = np.asarray((content * light[:, :, None]).clip(0, 255), np.uint8)
    reduced = max(1, round(wide / max(1.0, float(np.hypot(*(quad[1] - quad[0]))))))
    if reduced > 1:
        sheet = np.asarray(
            cv2.resize(sheet, (wide // reduced, high // reduced), interpolation=cv2.INTER_AREA), np.uint8
        )
        flat = (flat + 0.5) * np.array([sheet.shape[1] / wide, sheet.shape[0] / high], np.float32) - 0.5
    matrix = cv2.getPerspectiveTransform(flat.astype(np.float32), quad.astype(np.float32))
    seen = cv2.warpPerspective(sheet, matrix, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    canvas = np.asarray(canvas * (1 - part[:, :, None]) + seen * part[:, :, None] * rng.uniform(0.9, 1.0), np.float32)
    ink = cv2.warpPerspective(_ink(sheet), matrix, size, flags=cv2.INTER_NEAREST)
    fingers = int(rng.integers(1, 4)) if kind in ("desk", "cut") and rng.random() < 0.25 else 0
    for _ in range(fingers):
        at = int(rng.integers(4))
        share = rng.uniform(0.15, 0.85)
        tip = quad[at] * (1 - share) + quad[(at + 1) % 4] * share
        out = (tip - middle) / np.hypot(*(tip - middle))
        grounds.finger(rng, canvas, tip - out * rng.uniform(10, 60), out)
    if kind != "lid" and rng.random() < 0.4:
        _shadows(rng, canvas, size)
    image = _camera(rng, canvas, size, kind == "lid")
    data = pages.encoded(image, quality=int(rng.integers(72, 96)))
    marks: dict[str, object] = {
        "kind": kind, "ground": ground, "paper": paper, "content": name, "clutter": clutter, "fingers": fingers,
        "bow": bow,
    }  # fmt: skip
    fault = ["cutoff"] if kind == "cut" else []
    shown = np.asarray(cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR), np.uint8)
    return Photo(data, shown, None if kind == "fills" else quad, fault, np.asarray(ink, np.uint8), marks)


def _ink(sheet: Image) -> Image:
    grey = cv2.cvtColor(sheet, cv2.COLOR_BGR2GRAY)
    return np.asarray(grey < INK * float(np.percentile(grey[::3, ::3], 90)), np.uint8)


def _camera(rng: Rng, canvas: Canvas, size: tuple[int, int], scanner: bool) -> Image:
    """Uneven light, vignetting, white balance, lens and sensor."""
    if not scanner:
        across = np.linspace(-1, 1, size[0], dtype=np.float32)[None, :]
        down = np.linspace(-1, 1, size[1], dtype=np.float32)[:, None]
        light = 1 + rng.uniform(-0.12, 0.12) * across + rng.uniform(-0.12, 0.12) * down
        light = light * (1 - rng.uniform(0, 0.16) * (across**2 + down**2))
        canvas = canvas * (light * rng.uniform(0.72, 1.04))[:, :, None] * rng.uniform(0.92, 1.04, 3)
    seen = np.asarray(cv2.GaussianBlur(canvas.astype(np.float32), (0, 0), rng.uniform(0.4, 1.3)), np.float32)
    noise = rng.normal(0, rng.uniform(0.8, 4), seen.shape).astype(np.float32)
    return np.asarray((seen + noise).clip(0, 255), np.uint8)
