"""What a page may lie on, and what may lie around it: table tops, things, fingers; each from a generator.

Pictures are float32 BGR, levels 0..255; coordinates are pixels, a pixel's middle being a whole number.
"""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
from numpy.typing import NDArray

Canvas = NDArray[np.float32]
Mask = NDArray[np.float32]
Points = NDArray[np.float64]
Rng = np.random.Generator
SKINS = ((120, 150, 205), (95, 130, 190), (140, 175, 225), (70, 95, 150))


def rough(rng: Rng, size: tuple[int, int], across: float, down: float) -> Mask:
    """Smooth noise of unit spread whose grains are ``across`` × ``down`` pixels."""
    w, h = max(2, round(size[0] / across)), max(2, round(size[1] / down))
    small = rng.normal(0, 1, (h, w)).astype(np.float32)
    return np.asarray(cv2.resize(small, size, interpolation=cv2.INTER_CUBIC), np.float32)


def _plain(rng: Rng, size: tuple[int, int], colour: Points, spread: float, grain: float) -> Canvas:
    veil = rough(rng, size, size[0] / 5, size[1] / 5) * spread
    fine = rough(rng, size, grain, grain) * spread * 0.5
    return np.asarray(colour.astype(np.float32) + (veil + fine)[:, :, None], np.float32)


def wood(rng: Rng, size: tuple[int, int]) -> Canvas:
    tone = np.array([60, 100, 150.0]) * rng.uniform(0.35, 1.45) + rng.uniform(-12, 12, 3)
    along = rough(rng, size, size[0] / 3, 5) * 9 + rough(rng, size, size[0] / 2, 40) * 12
    if rng.random() < 0.5:
        along = np.asarray(cv2.resize(np.ascontiguousarray(along.T), size), np.float32)
    board = np.asarray(tone.astype(np.float32) + along[:, :, None], np.float32)
    if rng.random() < 0.4:  # joints between boards
        step = int(rng.integers(size[1] // 6, size[1] // 3))
        for y in range(int(rng.integers(0, step)), size[1], step):
            cv2.line(board, (0, y), (size[0], y + int(rng.integers(-9, 9))), (tone * 0.5).tolist(), 3, cv2.LINE_AA)
    return board


def cloth(rng: Rng, size: tuple[int, int]) -> Canvas:
    tone, pitch = rng.uniform(25, 200, 3), float(rng.uniform(6, 24))
    y, x = np.mgrid[0 : size[1], 0 : size[0]].astype(np.float32)
    weave = (np.sin(x * 2 * np.pi / pitch) * np.sin(y * 2 * np.pi / pitch)) * rng.uniform(3, 14)
    return np.asarray(_plain(rng, size, tone, 4, 6) + weave[:, :, None], np.float32)


def metal(rng: Rng, size: tuple[int, int]) -> Canvas:
    streaks = rough(rng, size, size[0] / 2, 1.6) * 5 + rough(rng, size, size[0] / 2, size[1] / 3) * 14
    return np.asarray(rng.uniform(95, 190) + rng.uniform(-6, 6, 3) + streaks[:, :, None], np.float32)


def marble(rng: Rng, size: tuple[int, int]) -> Canvas:
    base = _plain(rng, size, rng.uniform(120, 205) + rng.uniform(-8, 8, 3), 6, 9)
    veins = np.abs(rough(rng, size, size[0] / 6, size[1] / 8))
    return np.asarray(base - (np.exp(-veins * 14) * rng.uniform(8, 30))[:, :, None], np.float32)


def white(rng: Rng, size: tuple[int, int]) -> Canvas:
    return _plain(rng, size, rng.uniform(196, 226) + rng.uniform(-7, 7, 3), 2.0, 5)


def near_white(rng: Rng, size: tuple[int, int]) -> Canvas:
    """As light as paper, of a slightly other tint."""
    return _plain(rng, size, rng.uniform(224, 240) + rng.uniform(-6, 6, 3), 1.2, 5)


def dark(rng: Rng, size: tuple[int, int]) -> Canvas:
    return _plain(rng, size, rng.uniform(14, 60) + rng.uniform(-5, 5, 3), 3, 4)


def lid(rng: Rng, size: tuple[int, int]) -> Canvas:
    return _plain(rng, size, np.full(3, rng.uniform(4, 45)), 1.5, 3)


def plaid(rng: Rng, size: tuple[int, int]) -> Canvas:
    """Oilcloth: stripes both ways, or tiles with joints."""
    out = _plain(rng, size, rng.uniform(60, 225, 3), 3, 5)
    y, x = np.mgrid[0 : size[1], 0 : size[0]].astype(np.float32)
    angle, pitch = rng.uniform(-0.5, 0.5), rng.uniform(0.05, 0.25) * max(size)
    share = rng.uniform(0.06, 0.5)
    for turn in (angle, angle + np.pi / 2):
        place = (x * np.cos(turn) + y * np.sin(turn)) / pitch % 1.0
        edge = np.clip((share / 2 - np.abs(place - 0.5)) * pitch + 0.5, 0, 1) * rng.uniform(0.2, 0.8)
        out = out * (1 - edge[:, :, None]) + rng.uniform(20, 235, 3).astype(np.float32) * edge[:, :, None]
    return np.asarray(out, np.float32)


GROUNDS: dict[str, Callable[[Rng, tuple[int, int]], Canvas]] = {
    "wood": wood, "cloth": cloth, "metal": metal, "marble": marble, "white": white,
    "near-white": near_white, "dark": dark, "plaid": plaid, "lid": lid,
}  # fmt: skip


def lay(canvas: Canvas, outline: Points, colour: Points, shadow: float = 0.25, soft: float = 6.0) -> None:
    """A flat thing with its shadow, in place."""
    shape = (outline * 16).round().astype(np.int32)
    mask = np.zeros(canvas.shape[:2], np.uint8)
    cv2.fillPoly(mask, [shape], 255, cv2.LINE_AA, 4)
    dim = cv2.GaussianBlur(np.roll(mask, (5, 4), (0, 1)), (0, 0), soft).astype(np.float32) / 255 * shadow
    part = (mask.astype(np.float32) / 255)[:, :, None]
    canvas *= (1 - dim)[:, :, None]
    canvas[:] = canvas * (1 - part) + colour.astype(np.float32) * part


def _turned(middle: Points, wide: float, high: float, angle: float) -> Points:
    cos, sin = np.cos(angle), np.sin(angle)
    corners = np.array([[-wide, -high], [wide, -high], [wide, high], [-wide, high]]) / 2
    return np.asarray(middle + corners @ np.array([[cos, sin], [-sin, cos]]), np.float64)


def thing(rng: Rng, canvas: Canvas, middle: Points) -> None:
    """A pen, a cup, another paper, a keyboard, a book or a phone, about ``middle``."""
    unit, angle = max(canvas.shape[:2]) / 20, float(rng.uniform(0, np.pi))
    kind = rng.choice(["pen", "cup", "paper", "keyboard", "book", "phone"])
    if kind == "pen":
        lay(canvas, _turned(middle, unit * 8, unit * 0.5, angle), rng.uniform(10, 235, 3), 0.3)
        lay(canvas, _turned(middle, unit * 8, unit * 0.1, angle), rng.uniform(120, 250, 3), 0.0)
    elif kind == "cup":
        round_ = np.linspace(0, 2 * np.pi, 60)[:, None]
        ring = np.hstack([np.cos(round_), np.sin(round_)])
        lay(canvas, middle + ring * unit * 2.2, rng.uniform(60, 245, 3), 0.4, unit / 3)
        lay(canvas, middle + ring * unit * 1.9, rng.uniform(20, 120, 3), 0.0)
    elif kind == "paper":
        lay(canvas, _turned(middle, unit * rng.uniform(4, 9), unit * rng.uniform(5, 12), angle),
            rng.uniform(205, 248) + rng.uniform(-6, 6, 3))  # fmt: skip
        for row in range(int(rng.integers(0, 9))):
            at = middle + np.array([-np.sin(angle), np.cos(angle)]) * (row - 4) * unit * 0.5
            lay(canvas, _turned(at, unit * rng.uniform(1, 3.4), unit * 0.12, angle), np.full(3, 70.0), 0.0)
    elif kind == "keyboard":
        lay(canvas, _turned(middle, unit * 12, unit * 4.4, angle), rng.uniform(15, 210, 3), 0.3)
        cap = rng.uniform(10, 245, 3)
        across, down = np.array([np.cos(angle), np.sin(angle)]), np.array([-np.sin(angle), np.cos(angle)])
        for row in range(4):
            for column in range(12):
                at = middle + across * (column - 5.5) * unit * 0.95 + down * (row - 1.5) * unit
                lay_small(canvas, _turned(at, unit * 0.8, unit * 0.8, angle), cap)
    else:
        wide, high = (unit * 5, unit * 8) if kind == "book" else (unit * 2.2, unit * 4.6)
        lay(canvas, _turned(middle, wide, high, angle), rng.uniform(8, 200, 3), 0.45, unit / 4)
        lay(canvas, _turned(middle, wide * 0.8, high * 0.8, angle), rng.uniform(8, 230, 3), 0.0)


def lay_small(canvas: Canvas, outline: Points, colour: Points) -> None:
    cv2.fillPoly(canvas, [(outline * 16).round().astype(np.int32)], colour.tolist(), cv2.LINE_8, 4)


def finger(rng: Rng, canvas: Canvas, tip: Points, towards: Points) -> None:
    """A finger whose tip is at ``tip`` and which leaves in the direction ``towards`` (unit)."""
    wide = max(canvas.shape[:2]) * rng.uniform(0.022, 0.038)
    mask = np.zeros(canvas.shape[:2], np.uint8)
    end = tip + towards * wide * 20
    cv2.line(mask, [round(v) for v in tip], [round(v) for v in end], 255, max(3, round(wide)), cv2.LINE_AA)
    near = cv2.GaussianBlur(mask, (0, 0), wide / 5).astype(np.float32) / 255
    dim = cv2.GaussianBlur(np.roll(mask, (7, 6), (0, 1)), (0, 0), wide / 4).astype(np.float32) / 255
    canvas *= (1 - 0.35 * dim)[:, :, None]
    part = (cv2.GaussianBlur(mask, (0, 0), 1.2).astype(np.float32) / 255)[:, :, None]
    skin = np.array(SKINS[int(rng.integers(len(SKINS)))], np.float32) * np.float32(rng.uniform(0.75, 1.1))
    lit = skin * (0.62 + 0.38 * near)[:, :, None]
    canvas[:] = canvas * (1 - part) + lit * part
