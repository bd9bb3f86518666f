"""Empty backs that must be called blank, and nearly empty pages that must not, from a seed."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from bench.drawn import scans, sheets
from bench.drawn.faults import Sample, stored

Image = NDArray[np.uint8]
Light = NDArray[np.float32]
Rng = np.random.Generator
WRITTEN = (
    "word", "signature", "seal", "number", "carbon", "pencil", "line", "slip", "matrix", "fingerprint",
)  # fmt: skip
EMPTY = (
    "clean", "through", "strong", "yellow", "dust", "holes", "crease", "streak", "ruled", "punched",
    "photos", "office", "staple", "dogear", "border",
)  # fmt: skip


def _ground(rng: Rng, dpi: int, yellow: bool) -> Light:
    high, wide = round(11.69 * dpi), round(8.27 * dpi)
    tint = (
        np.array([rng.uniform(150, 200), rng.uniform(205, 225), rng.uniform(225, 240)])
        if yellow
        else rng.uniform(228, 252) - rng.uniform(0, 8, 3)
    )
    clouds = cv2.resize(
        rng.normal(0, 6 if yellow else 2, (9, 7)).astype(np.float32), (wide, high), interpolation=cv2.INTER_CUBIC
    )
    return np.asarray(tint.astype(np.float32) + clouds[:, :, None], np.float32)


def _through(rng: Rng, page: Light, dpi: int, low: float, high: float) -> Light:
    return scans.through(rng, page, dpi, float(rng.uniform(low, high)), float(rng.normal(0, 1.5)))


def _read(rng: Rng, page: Light) -> Image:
    """What a scanner makes of it: some read softly, some sharpen; two in five sheets lie a little askew."""
    if rng.random() < 0.4:
        blue, green, red = (float(each) for each in np.median(page[::9, ::9], axis=(0, 1)))
        page, _ = scans.lying(page, float(rng.normal(0, 1.2)), (blue, green, red), 0.0)
    if rng.random() < 0.4:
        page = np.asarray(cv2.GaussianBlur(page, (0, 0), rng.uniform(0.4, 0.9)), np.float32)
    elif rng.random() < 0.3:
        share = float(rng.uniform(0.2, 0.8))
        page = np.asarray(page * (1 + share) - cv2.GaussianBlur(page, (0, 0), 1.2) * share, np.float32)
    seen = page + rng.normal(0, rng.uniform(0.5, 4), page.shape[:2]).astype(np.float32)[:, :, None]
    return stored(rng, np.asarray(seen.clip(0, 255), np.uint8), 45)


def _office(rng: Rng, page: Light, dpi: int, how: str) -> Light:
    """What an office does to a sheet: big holes at any side, a staple, a folded corner, the scanner's dark rim."""
    high, wide = page.shape[:2]
    dark = float(rng.choice([15, 45, 80, 120]))
    if how == "office":
        size, count = (dpi * rng.uniform(0.1, 0.15), 2) if rng.random() < 0.7 else (dpi * rng.uniform(0.07, 0.1), 26)
        off, side = size + dpi * rng.uniform(0.12, 0.35), int(rng.integers(4))
        for at in np.linspace(0.36, 0.64, count) if count == 2 else np.linspace(0.05, 0.95, count):
            middle = ((off, high * at), (wide * at, off), (wide - off, high * at), (wide * at, high - off))[side]
            cv2.circle(page, (int(middle[0]), int(middle[1])), int(size), (dark,) * 3, -1, cv2.LINE_AA)
    elif how == "staple":
        at = np.array([dpi * rng.uniform(0.3, 0.7), dpi * rng.uniform(0.2, 0.5)])
        turn = np.radians(rng.choice([0, -45, -90]) + rng.normal(0, 8))
        end = at + np.array([np.cos(turn), -np.sin(turn)]) * dpi * 0.42
        grey = (float(rng.uniform(60, 170)),) * 3
        cv2.line(page, tuple(map(int, at)), tuple(map(int, end)), grey, max(1, dpi // 60), cv2.LINE_AA)
    elif how == "dogear":
        long = dpi * rng.uniform(0.4, 1.2)
        corner = np.array([[0, 0], [long, 0], [0, long * rng.uniform(0.6, 1.6)]], np.int32)
        layer = np.zeros((high, wide), np.float32)
        cv2.fillConvexPoly(layer, corner, 1.0, cv2.LINE_AA)
        page = page * (1 - layer * rng.uniform(0.05, 0.8))[:, :, None]
    else:
        for side in rng.permutation(4)[: int(rng.integers(1, 5))]:
            turned = np.rot90(page, int(side))
            turned[: int(dpi * rng.uniform(0.02, 0.12))] = dark
    return np.asarray(page, np.float32)


def empty(seed: int, how: str | None = None) -> Sample:
    """The back of a page, blank; ``how`` one of :data:`EMPTY`."""
    rng = np.random.default_rng((seed, 14))
    how = how or str(rng.choice(EMPTY))
    dpi = int(rng.choice([150, 200, 200, 300]))
    page = _ground(rng, dpi, how == "yellow")
    high, wide = page.shape[:2]
    if how == "through" or (how in ("yellow", "holes", "crease") and rng.random() < 0.4):
        page = _through(rng, page, dpi, 0.04, 0.2)
    if how == "strong":
        page = _through(rng, page, dpi, 0.2, 0.4)
    if how == "photos":
        strength, tilt = float(rng.uniform(0.08, 0.3)), float(rng.normal(0, 1.5))
        page = scans.through(rng, page, dpi, strength, tilt, "photopage")
    if how in ("office", "staple", "dogear", "border"):
        page = _through(rng, page, dpi, 0.04, 0.3) if rng.random() < 0.5 else page
        page = _office(rng, page, dpi, how)
    if how == "dust":
        for _ in range(int(rng.integers(5, 60))):
            grey = float(rng.uniform(60, 180))
            cv2.circle(
                page,
                (int(rng.integers(wide)), int(rng.integers(high))),
                int(rng.integers(0, max(2, dpi // 90))),
                (grey,) * 3,
                -1,
            )
    if how in ("holes", "punched"):
        grey, across = float(rng.choice([20, 60, 110])), int(dpi * rng.uniform(0.35, 0.6))
        for at in np.linspace(0.3, 0.7, int(rng.choice([2, 4]))):
            cv2.circle(page, (across, int(high * at)), int(dpi * 0.12), (grey,) * 3, -1, cv2.LINE_AA)
    if how == "crease":
        for _ in range(int(rng.integers(1, 4))):
            y = float(rng.uniform(0.1, 0.9)) * high
            ends = ((0, int(y)), (wide, int(y + rng.normal(0, 0.03) * high)))
            layer = np.zeros((high, wide), np.float32)
            cv2.line(layer, *ends, 1.0, max(1, dpi // 90), cv2.LINE_AA)
            page -= (cv2.GaussianBlur(layer, (0, 0), dpi / 200) * rng.uniform(15, 60))[:, :, None]
    if how == "streak":
        for _ in range(int(rng.integers(1, 4))):
            x = int(rng.integers(wide))
            page[:, x : x + int(rng.integers(1, 4))] *= rng.uniform(0.5, 0.95)
    if how == "ruled":
        gap, colour = int(dpi * rng.uniform(0.26, 0.4)), tuple(float(v) for v in rng.uniform(120, 190, 3))
        for y in range(int(high * 0.1), int(high * 0.94), gap):
            cv2.line(page, (int(wide * 0.09), y), (int(wide * 0.91), y), colour, max(1, dpi // 150), cv2.LINE_AA)
    return Sample(_read(rng, page), "blank", blank=True, dpi=dpi, how=how)


def written(seed: int, how: str | None = None) -> Sample:
    """Hardly anything on it, yet written; ``how`` one of :data:`WRITTEN`."""
    rng = np.random.default_rng((seed, 15))
    how = how or str(rng.choice(WRITTEN))
    dpi = int(rng.choice([150, 200, 200, 300]))
    page = _ground(rng, dpi, rng.random() < 0.2)
    high, wide = page.shape[:2]
    if rng.random() < 0.3:
        page = _through(rng, page, dpi, 0.05, 0.2)
    if how == "carbon":
        ink = sheets.sheet(seed, "letter", dpi)
        soft = cv2.GaussianBlur(ink, (0, 0), dpi / rng.uniform(140, 220))[:high, :wide]
        page[: soft.shape[0], : soft.shape[1]] -= (255.0 - soft) * rng.uniform(0.14, 0.3)
        return Sample(_read(rng, page), "letter", dpi=dpi, how=how)
    if how == "signature":
        steps = rng.normal(0, dpi * 0.09, (int(rng.integers(10, 24)), 2))
        walk = np.cumsum(steps + np.array([dpi * 0.035, 0.0]), axis=0)
        line = cv2.resize(walk.astype(np.float32), (2, len(walk) * 8), interpolation=cv2.INTER_CUBIC)
        line = line + rng.uniform(0.25, 0.6, 2) * (wide, high)
        grey = tuple(float(v) for v in rng.uniform(30, 110, 3))
        cv2.polylines(page, [line.astype(np.int32)], False, grey, max(1, dpi // 75), cv2.LINE_AA)
        return Sample(_read(rng, page), "sparse", dpi=dpi, how=how)
    if how == "seal":
        at, radius = tuple((rng.uniform(0.25, 0.75, 2) * (wide, high)).astype(int)), int(dpi * rng.uniform(0.5, 0.82))
        mask = np.zeros((high, wide), np.float32)
        cv2.circle(mask, at, radius, 1.0, max(2, dpi // 25), cv2.LINE_AA)
        for turn in range(0, 360, 40):
            x, y = at[0] + 0.7 * radius * np.cos(np.radians(turn)), at[1] + 0.7 * radius * np.sin(np.radians(turn))
            cv2.rectangle(
                mask, (int(x), int(y)), (int(x + radius * 0.12), int(y + radius * 0.2)), 1.0, max(1, dpi // 60)
            )
        mask = (mask * rng.uniform(0.35, 0.9))[:, :, None]
        page = page * (1 - mask) + np.array((60, 40, 205), np.float32) * mask
        return Sample(_read(rng, np.asarray(page, np.float32)), "seal", dpi=dpi, how=how)
    if how == "fingerprint":
        size = (int(dpi * rng.uniform(0.45, 0.65)), int(dpi * rng.uniform(0.6, 0.85)))
        down, across = np.mgrid[-1 : 1 : size[1] * 1j, -1 : 1 : size[0] * 1j].astype(np.float32)
        away = np.hypot(across + rng.normal(0, 0.1), down * 0.8 + 0.2 * across * across)
        ridges = (0.5 + 0.5 * np.cos(away * 2 * np.pi * size[1] / (2 * dpi * 0.02))) * (np.hypot(across, down) < 1)
        y, x = (int(rng.uniform(0.1, 0.8) * (each - part)) for each, part in ((high, size[1]), (wide, size[0])))
        ink = (ridges * rng.uniform(0.35, 0.9))[:, :, None]
        there = page[y : y + size[1], x : x + size[0]]
        there[:] = there * (1 - ink) + np.array((70, 60, 200), np.float32) * ink
        return Sample(_read(rng, page), "seal", dpi=dpi, how=how)
    source = sheets.sheet(seed, "receipt" if how == "slip" else "oneline", dpi)
    x, y, w, h = cv2.boundingRect(np.asarray((source.min(axis=2) < 235) * 255, np.uint8))
    share = {"word": 0.25, "number": 0.1, "pencil": 0.4}.get(how, 1.0)
    strength = rng.uniform(0.22, 0.4) if how in ("word", "pencil", "slip") else rng.uniform(0.6, 1)
    piece = source[y : y + h, x : x + max(min(w, 2 * h), int(w * share))]
    if how == "matrix":  # needles: dots of about a hundred and forty to the inch, from a worn ribbon
        strength = rng.uniform(0.25, 0.5)
        down, across = np.mgrid[: piece.shape[0], : piece.shape[1]] * (2 * np.pi * 140 / max(280, dpi))
        needles = 0.75 + 0.25 * np.cos(down) * np.cos(across)
        piece = np.asarray(255 - (255 - piece) * needles[:, :, None], np.uint8)
    top = max(0, int(high * (0.94 if how == "number" else rng.uniform(0.1, 0.8))) - piece.shape[0])
    left = int(rng.uniform(0.1, 0.9) * max(1, wide - piece.shape[1]))
    there = page[top : top + piece.shape[0], left : left + piece.shape[1]]
    there -= (255.0 - piece[: there.shape[0], : there.shape[1]]) * strength
    return Sample(_read(rng, page), "oneline", dpi=dpi, how=how)
