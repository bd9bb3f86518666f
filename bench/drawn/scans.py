"""Scanned pages with exact truth, from a seed: sheets of :mod:`bench.drawn.sheets` on many scanners.

``scan(seed, kind)`` draws one. What can go wrong on the paper (pencil, carbon copy, shade, halftone, what
shines through, stamps, writing across) lies under the turn; what the scanner adds (dust, streaks, its lid,
grain, black and white, JPEG) lies over it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import cv2
import numpy as np
from numpy.typing import NDArray

from bench.drawn import sheets

Image = NDArray[np.uint8]
Light = NDArray[np.float32]
Rng = np.random.Generator
HARD = ("faint", "carbon", "shade", "dots", "bleed", "tilted", "stamped", "strokes")
TASKS = ("skew15", "skew15", "skew45", "border", "orient")
Corners = list[list[float]]


@dataclass(frozen=True, slots=True)
class Scan:
    """A scan, BGR, and the truth about it in the terms of the evaluation: ``angle`` in degrees
    counter-clockwise; ``orientation`` the clockwise turn that makes it upright; ``quad`` the paper's corners in
    pixels where a lid shows around it, otherwise None; ``hard`` one of :data:`HARD` or empty."""

    image: Image
    task: str
    kind: str
    angle: float
    orientation: int = 0
    quad: Corners | None = None
    blank: bool = False
    quality: str = "ok"
    mode: str = "color"
    dpi: int = 200
    hard: str = ""
    jpeg: int = 90

    def truth(self, file: str) -> dict[str, object]:
        """A record as in the truth of the shared folder."""
        named: dict[str, object] = {
            each: getattr(self, each)
            for each in ("task", "kind", "angle", "orientation", "quad", "blank", "quality", "mode", "dpi")
        }
        return named | {"file": file, "size": [self.image.shape[1], self.image.shape[0]]} | {"hard": self.hard}

    def data(self) -> bytes:
        """The file a scanner would have sent: PNG for black and white, otherwise JPEG."""
        image = self.image if self.mode == "color" else self.image[:, :, 0]
        bilevel = self.mode == "bilevel"
        ok, data = cv2.imencode(
            ".png" if bilevel else ".jpg", image, [] if bilevel else [cv2.IMWRITE_JPEG_QUALITY, self.jpeg]
        )
        if not ok:
            raise ValueError("the page could not be encoded")
        raw = bytearray(data.tobytes())
        if not bilevel:
            raw[13:18] = bytes([1, self.dpi >> 8, self.dpi & 255, self.dpi >> 8, self.dpi & 255])
        return bytes(raw)


# ---------------------------------------------------------------- on the paper


def _clouds(rng: Rng, shape: tuple[int, ...], grid: int) -> Light:
    """Smooth unevenness, about ±1."""
    small = rng.normal(0, 1, (grid, grid)).astype(np.float32)
    return np.asarray(cv2.resize(small, (shape[1], shape[0]), interpolation=cv2.INTER_CUBIC), np.float32)


def _paper(rng: Rng, print_: Image) -> Light:
    """The print on paper with its tint."""
    tint = np.array([1.0, 1.0, 1.0]) * rng.uniform(0.86, 1.0) - rng.uniform(0, 0.1, 3) * (rng.random() < 0.6)
    return np.asarray(print_.astype(np.float32) * tint.clip(0.5, 1).astype(np.float32), np.float32)


def _faint(rng: Rng, page: Light, dpi: int) -> Light:
    """Pencil: little is left, and not everywhere the same."""
    ground = page.max(axis=(0, 1))
    share = rng.uniform(0.08, 0.3) * (1 + 0.35 * _clouds(rng, page.shape, 6)).clip(0.4, 1.6)
    return np.asarray(ground - (ground - page) * share[:, :, None], np.float32)


def _carbon(rng: Rng, page: Light, dpi: int) -> Light:
    """A carbon copy: blue, soft, with a grey veil and smears."""
    soft = cv2.GaussianBlur(page, (0, 0), dpi / rng.uniform(70, 160))
    ground = soft.max(axis=(0, 1))
    dark = (ground - soft).mean(axis=2, keepdims=True) * rng.uniform(0.25, 0.6)
    veil = 14 * _clouds(rng, page.shape, int(rng.integers(5, 40)))[:, :, None]
    colour = np.array([0.55, 0.85, 1.0] if rng.random() < 0.7 else [0.9, 1.0, 0.9])
    return np.asarray(ground * rng.uniform(0.75, 0.95) - veil - dark * colour, np.float32)


def _shade(rng: Rng, page: Light, dpi: int) -> Light:
    """A book's spine, a lamp from one side, a shadow with an edge."""
    down, across = np.mgrid[0 : page.shape[0], 0 : page.shape[1]].astype(np.float32)
    down, across = down / page.shape[0], across / page.shape[1]
    light = 1 - rng.uniform(0.1, 0.5) * (across * rng.uniform(-1, 1) + down * rng.uniform(-1, 1)).clip(0, 1)
    at = rng.uniform(0, 1)
    light *= 1 - rng.uniform(0, 0.6) * np.exp(-np.square((across - at) / rng.uniform(0.03, 0.12)))
    if rng.random() < 0.5:
        turn = rng.uniform(0, 2 * np.pi)
        side = (across - 0.5) * np.cos(turn) + (down - 0.5) * np.sin(turn) - rng.uniform(-0.2, 0.3)
        light *= 1 - rng.uniform(0.2, 0.5) / (1 + np.exp(-side / rng.uniform(0.002, 0.05)))
    return np.asarray(page * light[:, :, None], np.float32)


def _dots(rng: Rng, page: Light, dpi: int) -> Light:
    """A printed halftone ground: dots on a screen at its own angle, under some or all of the page."""
    down, across = np.mgrid[0 : page.shape[0], 0 : page.shape[1]].astype(np.float32)
    turn = np.radians(float(rng.choice([0, 15, 30, 45, 75])) + rng.uniform(-2, 2))
    wave = 2 * np.pi * min(rng.uniform(25, 85), dpi / 3) / dpi
    x, y = across * np.cos(turn) + down * np.sin(turn), down * np.cos(turn) - across * np.sin(turn)
    dots = ((np.cos(x * wave) * np.cos(y * wave) + rng.uniform(-0.5, 0.3)) * 3).clip(0, 1)
    part = np.ones(page.shape[:2], np.float32)
    if rng.random() < 0.6:
        part[:] = 0
        y0, x0 = int(page.shape[0] * rng.uniform(0, 0.5)), int(page.shape[1] * rng.uniform(0, 0.4))
        part[y0 : y0 + int(page.shape[0] * rng.uniform(0.2, 0.5)), x0 : x0 + int(page.shape[1] * 0.6)] = 1
    return np.asarray(page * (1 - rng.uniform(0.15, 0.5) * (dots * part)[:, :, None]), np.float32)


def _turned(image: Light, degrees: float, fill: float = 255.0) -> Light:
    """Counter-clockwise about the middle, at the same size."""
    matrix = cv2.getRotationMatrix2D(((image.shape[1] - 1) / 2, (image.shape[0] - 1) / 2), degrees, 1.0)
    size = (image.shape[1], image.shape[0])
    return np.asarray(
        cv2.warpAffine(image, matrix, size, flags=cv2.INTER_LINEAR, borderValue=(fill, fill, fill)), np.float32
    )


def _other(rng: Rng, page: Light, dpi: int, kind: str) -> Light:
    """Another sheet at this one's size, of any common kind unless it is named."""
    kind = kind or str(rng.choice(["letter", "form", "ledger", "redhead"]))
    other = sheets.sheet(int(rng.integers(1 << 30)), kind, dpi)
    canvas = np.full(page.shape, 255, np.float32)
    high, wide = min(page.shape[0], other.shape[0]), min(page.shape[1], other.shape[1])
    canvas[:high, :wide] = other[:high, :wide]
    return canvas


def through(rng: Rng, page: Light, dpi: int, strength: float, tilt: float, kind: str = "") -> Light:
    """What stands on the back shines through: mirrored, soft, ``tilt`` degrees against the front."""
    back = _turned(np.ascontiguousarray(_other(rng, page, dpi, kind)[:, ::-1]), tilt)
    soft = cv2.GaussianBlur(back, (0, 0), dpi / rng.uniform(60, 150))
    return np.asarray(page * (1 - strength * (255 - soft) / 255), np.float32)


def _bleed(rng: Rng, page: Light, dpi: int) -> Light:
    tilt = float(rng.choice([0.0, rng.uniform(-3, 3), rng.uniform(-12, 12)]))
    return through(rng, page, dpi, float(rng.uniform(0.15, 0.45)), tilt)


def _tilted(rng: Rng, page: Light, dpi: int) -> Light:
    """Some lines were written across the page at their own angle."""
    note = sheets.sheet(int(rng.integers(1 << 30)), str(rng.choice(["hand", "sparse"])), dpi).astype(np.float32)
    high, wide = min(page.shape[0], note.shape[0]), min(page.shape[1], note.shape[1])
    rows = int(high * rng.uniform(0.15, 0.35))
    band = np.full(page.shape, 255, np.float32)
    at = int(rng.uniform(0, high - rows))
    band[at : at + rows, :wide] = note[high // 8 : high // 8 + rows, :wide]
    return np.asarray(page * _turned(band, float(rng.choice([-1, 1]) * rng.uniform(2, 20))) / 255, np.float32)


def _stamped(rng: Rng, page: Light, dpi: int) -> Light:
    """Received, checked, entered: boxes with a line in them, each at its own angle."""
    for _ in range(int(rng.integers(1, 5))):
        layer = np.full(page.shape, 255, np.float32)
        wide, high = int(dpi * rng.uniform(1.2, 2.8)), int(dpi * rng.uniform(0.4, 1.0))
        y, x = (int(rng.uniform(0, max(1, page.shape[i] - d))) for i, d in ((0, high), (1, wide)))
        colour = [(30, 20, 200), (160, 40, 30), (60, 60, 60)][int(rng.integers(3))]
        word = sheets.sheet(int(rng.integers(1 << 30)), "oneline", dpi)
        ink = cv2.boundingRect(np.asarray((word.min(axis=2) < 128) * 255, np.uint8))
        part = word[ink[1] : ink[1] + min(ink[3], high - 12), ink[0] : ink[0] + min(ink[2], wide - 16)]
        box = layer[y : y + high, x : x + wide]
        box[6 : 6 + part.shape[0], 8 : 8 + part.shape[1]] = part[: box.shape[0] - 6, : box.shape[1] - 8]
        cv2.rectangle(layer, (x, y), (x + wide - 1, y + high - 1), (0, 0, 0), max(1, dpi // 60))
        mask = (255 - _turned(layer, float(rng.normal(0, 14))).mean(axis=2, keepdims=True)) / 255 * rng.uniform(0.6, 1)
        page = page * (1 - mask) + np.array(colour, np.float32) * mask * page / 255
    return np.asarray(page, np.float32)


def _strokes(rng: Rng, page: Light, dpi: int) -> Light:
    """Signatures, crossings-out, arrows, a child's scribble."""
    layer = np.ascontiguousarray(page)
    for _ in range(int(rng.integers(3, 14))):
        steps = int(rng.integers(3, 30))
        walk = np.cumsum(rng.normal(0, dpi * 0.16, (steps, 2)), axis=0) + rng.uniform(0.1, 0.9, 2) * page.shape[1::-1]
        line = cv2.resize(walk.astype(np.float32), (2, steps * 8), interpolation=cv2.INTER_CUBIC)
        colour = [(90, 40, 30), (40, 40, 40), (40, 30, 180)][int(rng.integers(3))]
        cv2.polylines(
            layer, [line.astype(np.int32)], False, colour, max(1, int(dpi / rng.uniform(40, 120))), cv2.LINE_AA
        )
    return layer


WRONG = {
    "faint": _faint, "carbon": _carbon, "shade": _shade, "dots": _dots, "bleed": _bleed, "tilted": _tilted,
    "stamped": _stamped, "strokes": _strokes,
}  # fmt: skip


# ---------------------------------------------------------------- on the scanner


def lying(page: Light, degrees: float, around: tuple[float, float, float], room: float) -> tuple[Light, Corners]:
    """The page turned counter-clockwise on the glass, with ``room`` (a share of its size) around it; its corners."""
    high, wide = page.shape[:2]
    turn = np.radians(degrees)
    cos, sin = abs(np.cos(turn)), abs(np.sin(turn))
    across, down = int((wide * cos + high * sin) * (1 + room)), int((wide * sin + high * cos) * (1 + room))
    matrix = cv2.getRotationMatrix2D(((wide - 1) / 2, (high - 1) / 2), degrees, 1.0)
    matrix[:, 2] += ((across - wide) / 2, (down - high) / 2)
    turned = cv2.warpAffine(page, matrix, (across, down), flags=cv2.INTER_CUBIC, borderValue=around)
    flat = np.array([[0, 0, 1], [wide - 1, 0, 1], [wide - 1, high - 1, 1], [0, high - 1, 1]], np.float64)
    return np.asarray(turned, np.float32), [[round(float(v), 2) for v in each] for each in flat @ matrix.T]


def _dust(rng: Rng, image: Light, dpi: int) -> None:
    """Specks, and streaks along the feed: these stay straight when the page does not."""
    for _ in range(int(rng.integers(0, 160)) if rng.random() < 0.5 else 0):
        at = (int(rng.integers(image.shape[1])), int(rng.integers(image.shape[0])))
        cv2.circle(image, at, int(rng.integers(0, max(1, dpi // 90) + 1)), (float(rng.uniform(40, 150)),) * 3, -1)
    for _ in range(int(rng.integers(1, 4)) if rng.random() < 0.25 else 0):
        x = int(rng.integers(image.shape[1]))
        image[:, x : x + int(rng.integers(1, 3))] *= rng.uniform(0.6, 0.97)


def _holes(rng: Rng, page: Light, dpi: int, lid: float) -> None:
    """Punched for the file, two or four along the left edge."""
    for at in np.linspace(0.3, 0.7, int(rng.choice([2, 4]))):
        cv2.circle(page, (int(dpi * 0.45), int(page.shape[0] * at)), int(dpi * 0.12), (lid, lid, lid), -1, cv2.LINE_AA)


def _bilevel(rng: Rng, grey: NDArray[np.uint8], dpi: int) -> NDArray[np.uint8]:
    if rng.random() < 0.5:
        side = int(dpi * 0.25) | 1
        return np.asarray(
            cv2.adaptiveThreshold(grey, 255, cv2.ADAPTIVE_THRESH_MEAN_C, cv2.THRESH_BINARY, side, rng.uniform(8, 18)),
            np.uint8,
        )
    level = float(np.percentile(grey, 70)) * rng.uniform(0.6, 0.85)
    return np.asarray(np.where(grey < level, 0, 255), np.uint8)


@dataclass(slots=True)
class _Scanner:
    """One machine and its settings."""

    rng: Rng
    dpi: int = 200
    mode: str = "color"
    jpeg: int = 85
    grain: float = 2.0
    soft: float = 0.0
    lid: float = 25.0
    gain: float = 1.0
    tone: float = field(default=1.0)

    @staticmethod
    def drawn(rng: Rng) -> _Scanner:
        return _Scanner(
            rng,
            dpi=int(rng.choice([100, 150, 200, 200, 200, 240, 300, 300, 400], p=[0.07, 0.13] + [0.12] * 6 + [0.08])),
            mode=str(rng.choice(["color", "gray", "bilevel"], p=[0.45, 0.35, 0.2])),
            jpeg=int(rng.integers(35, 94)),
            grain=float(rng.uniform(0.5, 6)),
            soft=float(rng.uniform(0, 0.9)),
            lid=float(rng.choice([rng.uniform(0, 50), rng.uniform(60, 150)])),
            gain=float(rng.uniform(0.85, 1.05)),
            tone=float(rng.uniform(0.8, 1.25)),
        )

    def read(self, image: Light) -> Image:
        """What the machine makes of the light."""
        if self.soft > 0.3:
            image = np.asarray(cv2.GaussianBlur(image, (0, 0), self.soft), np.float32)
        grain = self.rng.normal(0, self.grain, image.shape[:2]).astype(np.float32)
        lit = np.power((image * self.gain).clip(0, 255) / 255, self.tone) * 255 + grain[:, :, None]
        seen = np.asarray(lit.clip(0, 255), np.uint8)
        if self.mode == "color":
            return self._stored(seen)
        grey = np.asarray(cv2.cvtColor(seen, cv2.COLOR_BGR2GRAY), np.uint8)
        if self.mode == "bilevel":
            return np.asarray(cv2.cvtColor(_bilevel(self.rng, grey, self.dpi), cv2.COLOR_GRAY2BGR), np.uint8)
        return self._stored(np.asarray(cv2.cvtColor(grey, cv2.COLOR_GRAY2BGR), np.uint8))

    def _stored(self, seen: Image) -> Image:
        _, data = cv2.imencode(".jpg", seen, [cv2.IMWRITE_JPEG_QUALITY, self.jpeg])
        return np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR), np.uint8)


def _angle(rng: Rng, task: str) -> float:
    reach = {"skew15": 15.0, "skew45": 44.0, "border": 6.0, "orient": 3.0, "skewhard": 14.0, "blank": 2.0}[task]
    return round(float(rng.uniform(-reach, reach)) if rng.random() > 0.04 else 0.0, 4)


def scan(seed: int, kind: str | None = None, *, task: str | None = None, hard: str | None = None) -> Scan:
    """One page. ``kind`` one of :data:`bench.drawn.sheets.KINDS` or of :data:`HARD`; without it, a fair mixture."""
    rng = np.random.default_rng((seed, 77))
    if kind in WRONG:
        kind, hard = None, kind
    if kind is None:
        written = [each for each in sheets.KINDS if each != "blank"]
        easy = [each for each in written if not hard or each not in ("sparse", "oneline", "hand", "receipt")]
        kind = str(rng.choice(easy))
    task = task or ("blank" if kind == "blank" else "skewhard" if hard else str(rng.choice(TASKS)))
    if task == "skewhard" and not hard:
        hard = str(rng.choice(HARD))
    machine = _Scanner.drawn(rng)
    if hard:
        machine.mode = str(rng.choice(["color", "gray"]))
        machine.dpi = max(150, min(300, machine.dpi))
    page = _paper(rng, sheets.sheet(seed, kind, machine.dpi))
    if hard:
        page = WRONG[hard](rng, page, machine.dpi)
    elif rng.random() < 0.15 and kind != "blank":
        page = through(rng, page, machine.dpi, float(rng.uniform(0.03, 0.12)), float(rng.normal(0, 1)))
    elif kind == "blank" and rng.random() < 0.5:
        page = through(rng, page, machine.dpi, float(rng.uniform(0.03, 0.2)), float(rng.normal(0, 1)))
    if rng.random() < 0.15:
        _holes(rng, page, machine.dpi, machine.lid)
    angle, ground = _angle(rng, task), np.percentile(page[::7, ::7].reshape(-1, 3), 90, axis=0)
    bordered = task == "border"
    around = (machine.lid,) * 3 if bordered else tuple(float(v) for v in ground) if rng.random() < 0.7 else (255.0,) * 3
    glass, corners = lying(page, angle, (around[0], around[1], around[2]), float(rng.uniform(0.01, 0.12)) * bordered)
    if not bordered and rng.random() < 0.4:  # the scanner's window is the paper's size: corners are lost
        high, wide = page.shape[:2]
        y, x = (glass.shape[0] - high) // 2, (glass.shape[1] - wide) // 2
        if abs(angle) < 16:
            glass = np.ascontiguousarray(glass[max(0, y) : max(0, y) + high, max(0, x) : max(0, x) + wide])
    quarter = int(rng.integers(1, 4)) if task == "orient" else 0
    glass = np.ascontiguousarray(np.rot90(glass, quarter))
    _dust(rng, glass, machine.dpi)
    return Scan(
        image=machine.read(glass), task=task, kind=kind, angle=angle, orientation=90 * quarter,
        quad=corners if bordered else None, blank=kind == "blank", mode=machine.mode, dpi=machine.dpi,
        hard=hard or "", jpeg=machine.jpeg,
    )  # fmt: skip


def mixture(first: int, count: int, hard_share: float = 0.3) -> Iterator[Scan]:
    """``count`` pages of every kind from seed ``first`` on; the hard kinds in turn."""
    written = [each for each in sheets.KINDS if each != "blank"]
    hards = round(count * hard_share)
    for at in range(count):
        yield scan(first + at, HARD[at % len(HARD)] if at < hards else written[at % len(written)])
