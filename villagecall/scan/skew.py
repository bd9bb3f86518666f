"""Skew of a page, in degrees, over ±45° (pure pixels in, number out).

Text lines, rules and column edges give sharp steps in the sums of rows or columns once the page is turned
straight. How sharp, for every direction at once, stands in the page's spectrum: by the projection-slice
theorem a line of it through the origin is the spectrum of the page's sums in that direction, so its energy,
weighted by the squared frequency, is the energy of those steps. That gives the turn to a fraction of a degree.
Then the page is turned once and the rest is found in the spectra of its strips, where a small turn is a
phase: the angle at which the strips' profiles add up with the most energy.

Before that, what is not the page's own writing is taken out: the ground, the
streaks of a scanner, the grain of a dark lid. A page with little on it is looked at only where that is,
in more pixels.
"""

from __future__ import annotations

from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

Gray = NDArray[np.uint8]
Ink = NDArray[np.uint8]
Box = tuple[int, int, int, int]

WORK = 1000
"""About the longest side that the fine search works on, in pixels."""
SPARSE = 0.55
"""A page whose content is shorter than this share of it is looked at again, in more pixels."""
SPARSE_SIDE = 420
SPECTRUM = 400
CONTENT = 390
"""Longest side of the content inside the spectrum's square; the rest is room against wrapping round."""
STEP = 0.25
RIVALS = 3
"""So many directions of the coarse search are looked at closely when they are nearly as good as the best."""
RIVAL = 0.85
SURE = 1.15
"""The best direction has so many times the steps of the middling one, otherwise there is none."""
STRIPS = 28
LONG = 0.5
"""Radians a pixel below which a wave is as long as a character. Where little is written, single strokes that
happen to lie in one line weigh as much as the line itself: there long and short waves must agree."""
WRITTEN = 90
"""Ink from which a pixel belongs to a character, where one line stands alone."""
CHARACTERS = (5.0, 30.0)
"""Characters of the line that is followed as a line; with more of them the strips know better."""
BRUSH = 0.4
"""Degrees from which strokes are a brush's; those of print lie in their line and tell it better than anything."""
GRAIN = 0.04
"""Share of the paper's light that its own grain may take away."""
FULL = 0.45
"""Share of the paper's light that is missing where ink counts in full: a seal weighs no more than a line of print."""
DIM = 0.35
"""Ground darker than this share of the page's paper is not amplified further: a lid's grain is no writing."""
BLOCK = 16
BANDS = 24


def shrink(gray: Gray, side: int) -> Gray:
    """By area, so that no line is lost; never enlarged."""
    scale = side / max(gray.shape)
    if scale >= 1:
        return gray
    size = (max(1, round(gray.shape[1] * scale)), max(1, round(gray.shape[0] * scale)))
    return np.asarray(cv2.resize(gray, size, interpolation=cv2.INTER_AREA), np.uint8)


def reduce(gray: Gray, side: int) -> Gray:
    """About ``side`` long, by a whole factor: several times faster than :func:`shrink`."""
    factor = round(max(gray.shape[:2]) / side)
    if factor <= 1 or min(gray.shape[:2]) < 2 * factor:
        return gray
    return _blocks(gray, factor, factor)


def _blocks(image: NDArray[np.uint8], down: int, across: int) -> NDArray[np.uint8]:
    """Means of blocks so many pixels high and wide; what is left over at the end falls away."""
    height, width = max(1, image.shape[0] // down), max(1, image.shape[1] // across)
    part = image[: height * down, : width * across]
    return np.asarray(cv2.resize(part, (width, height), interpolation=cv2.INTER_AREA), np.uint8)


def ink_of(gray: Gray) -> Ink:
    """How much darker than the paper around it each pixel is, 0..255. Large dark things (a scanner's lid, a
    photo's ground) are their own paper, so that only strokes are left."""
    height, width = gray.shape
    half = cv2.resize(gray, (max(1, width // 2), max(1, height // 2)), interpolation=cv2.INTER_AREA)
    closed = cv2.morphologyEx(half, cv2.MORPH_CLOSE, np.ones((13, 13), np.uint8))
    quarter = cv2.resize(closed, (max(1, width // 4), max(1, height // 4)), interpolation=cv2.INTER_AREA)
    least = np.uint8(max(8.0, DIM * float(np.percentile(quarter[::4, ::4], 90))))
    # Ink = (paper − grain − pixel) ÷ (paper × full), in two passes over bytes: gain is kept in 32nds.
    gain = cv2.divide(255 * 32 / (FULL - GRAIN), np.maximum(quarter, least))
    paper = cv2.convertScaleAbs(cv2.blur(closed, (5, 5)), alpha=1 - GRAIN)
    size = (width, height)
    missing = cv2.subtract(cv2.resize(paper, size, interpolation=cv2.INTER_LINEAR), gray)
    ink = cv2.multiply(missing, cv2.resize(gain, size, interpolation=cv2.INTER_LINEAR), scale=1 / 32)
    return _without_streaks(np.asarray(ink, np.uint8))


def _without_streaks(ink: Ink) -> Ink:
    """Without the lines that run along a whole column or row of the picture: a scanner's, whatever the page's turn."""
    if min(ink.shape) < 4 * BANDS:
        return ink
    for axis in (0, 1):
        bands = _blocks(ink, ink.shape[0] // BANDS, 1) if axis == 0 else _blocks(ink, 1, ink.shape[1] // BANDS).T
        always = np.ascontiguousarray(np.sort(bands, axis=0)[BANDS // 5][None])
        around = cv2.blur(cv2.erode(always, np.ones((1, 9), np.uint8)), (9, 1))
        streak = cv2.subtract(always, around)
        if streak.max() > 2:
            whole = np.ascontiguousarray(np.broadcast_to(streak if axis == 0 else streak.T, ink.shape))
            ink = np.asarray(cv2.subtract(ink[: whole.shape[0], : whole.shape[1]], whole), np.uint8)
    return ink


def _content(ink: Ink) -> Box | None:
    """x, y, width, height of all that is more than dust."""
    blocks = _blocks(ink, BLOCK, BLOCK)
    flat = blocks.ravel()
    level = float(np.partition(flat, -8)[-8]) if flat.size > 8 else float(flat.max())
    ground = float(np.percentile(flat, 20))  # grain of a bad black-and-white scan lies everywhere
    there = np.asarray(blocks > max(1.0, 0.06 * level, 1.5 * ground + 3.0 * (ground > 0)), np.uint8)
    near = cv2.filter2D(there, -1, np.ones((3, 3), np.uint8), borderType=cv2.BORDER_CONSTANT)
    kept = np.asarray(there * (near >= 3), np.uint8)
    if not kept.any():
        return None
    x, y, wide, high = cv2.boundingRect(kept)
    left, top = max(0, x - 1) * BLOCK, max(0, y - 1) * BLOCK
    right, bottom = min(ink.shape[1], (x + wide + 2) * BLOCK), min(ink.shape[0], (y + high + 2) * BLOCK)
    return left, top, right - left, bottom - top


@lru_cache(maxsize=1)
def _polar() -> tuple[NDArray[np.float64], NDArray[np.float32], NDArray[np.int16], NDArray[np.uint16]]:
    """Directions in degrees, radii, and where they lie in the half spectrum."""
    degrees = np.arange(0.0, 180.0, STEP) - 90.0
    radii = np.arange(10, int(SPECTRUM * 0.46), dtype=np.float64)
    turn = np.radians(degrees)[:, None]
    x, y = np.cos(turn) * radii, np.sin(turn) * radii + SPECTRUM // 2
    whole, part = cv2.convertMaps(x.astype(np.float32), y.astype(np.float32), cv2.CV_16SC2)
    weights = np.asarray(radii, np.float32)
    return degrees, weights, np.asarray(whole, np.int16), np.asarray(part, np.uint16)


def _taper(size: int) -> NDArray[np.float32]:
    at = np.arange(size, dtype=np.float32)
    return np.minimum(1, (np.minimum(at, size - 1 - at) + 1) / 16).astype(np.float32)


def _coarse(ink: Ink, reach: float) -> list[float]:
    """The likeliest turns in degrees within ``reach``, to about ``STEP``, best first; none where no direction
    stands out."""
    factor = -(-max(ink.shape) // CONTENT)
    small = ink if factor == 1 else _blocks(ink, factor, factor)
    height, width = small.shape
    square = np.zeros((SPECTRUM, SPECTRUM), np.float32)
    square[:height, :width] = (small - np.float32(small.mean())) * _taper(height)[:, None] * _taper(width)
    spectrum = cv2.dft(square, flags=cv2.DFT_COMPLEX_OUTPUT)[:, : SPECTRUM // 2]
    power = np.square(spectrum[:, :, 0]) + np.square(spectrum[:, :, 1])
    middle = SPECTRUM // 2
    power = np.concatenate((power[middle:], power[:middle]))
    degrees, weights, whole, part = _polar()
    # Amplitude, not power: a halftone screen is one strong wave, a line of print is many.
    steps = cv2.remap(np.sqrt(power), whole, part, cv2.INTER_LINEAR) @ weights
    half = len(steps) // 2
    both = steps[:half] + steps[half:]  # rows and columns: a quarter turn apart
    found: list[float] = []
    least = SURE * float(np.median(both))
    both[np.abs((degrees[:half] + 45.0) % 90.0 - 45.0) > reach] = 0.0
    best = float(both.max())
    for _ in range(RIVALS):
        at = int(both.argmax())
        if both[at] < RIVAL * best or best <= least:
            break
        found.append(-float(degrees[at]) if degrees[at] > -45 else -float(degrees[at]) - 90.0)
        both[np.arange(at - 6, at + 7) % half] = 0.0
    return found


def turned(image: Ink, degrees: float) -> Ink:
    """Turned clockwise about the middle; the result holds all of it."""
    height, width = image.shape
    matrix = cv2.getRotationMatrix2D(((width - 1) / 2, (height - 1) / 2), -degrees, 1.0)
    cos, sin = abs(float(matrix[0, 0])), abs(float(matrix[0, 1]))
    wide, high = int(width * cos + height * sin) + 1, int(width * sin + height * cos) + 1
    matrix[0, 2] += (wide - width) / 2
    matrix[1, 2] += (high - height) / 2
    return np.asarray(cv2.warpAffine(image, matrix, (wide, high), flags=cv2.INTER_LINEAR), np.uint8)


def _spectra(
    profiles: NDArray[np.float32], apart: float, sign: float
) -> tuple[NDArray[np.complex64], NDArray[np.float32], NDArray[np.float64]]:
    """Spectra of the steps in the strips' profiles (one a row, ``apart`` pixels from each other), the phase
    that one radian of slope gives each, and the frequencies in radians a pixel."""
    strips, size = profiles.shape
    length = cv2.getOptimalDFTSize(size + size // 8)
    first, last = max(4, length // 60), max(6, int(length * 0.4))
    padded = np.zeros((strips, length), np.float32)
    padded[:, :size] = profiles
    spectrum = cv2.dft(padded, flags=cv2.DFT_COMPLEX_OUTPUT | cv2.DFT_ROWS).view(np.complex64)[:, first:last, 0]
    omega = 2 * np.pi * np.arange(first, last) / length
    steps = (2 * np.sin(omega / 2) * apart).astype(np.float32)
    middles = (np.arange(strips) - (strips - 1) / 2) * (sign * apart)
    return spectrum * steps, np.outer(middles, omega).astype(np.float32), omega


def _unit(phase: NDArray[np.float32]) -> NDArray[np.complex64]:
    found = np.empty(phase.shape, np.complex64)
    np.cos(phase, out=found.real)
    np.sin(phase, out=found.imag)
    return found


class _Strips:
    """A page in strips, down and across: how much energy their profiles add up to at small slopes."""

    def __init__(self, straight: Ink, few: bool) -> None:
        height, width = straight.shape
        strips = max(1, min(STRIPS, height, width))
        wide, high = width // strips, height // strips
        rows = cv2.resize(
            straight[:, : wide * strips].astype(np.float32), (strips, height), interpolation=cv2.INTER_AREA
        )
        columns = cv2.resize(
            straight[: high * strips].astype(np.float32), (width, strips), interpolation=cv2.INTER_AREA
        )
        parts = (
            _spectra(np.ascontiguousarray(rows.T), wide, -1.0),
            _spectra(np.asarray(columns, np.float32), high, 1.0),
        )
        self._spectrum = np.concatenate([part[0] for part in parts], axis=1)
        self._phase = np.concatenate([part[1] for part in parts], axis=1)
        self._coarse = np.concatenate([part[2] for part in parts]) < LONG if few else None

    def energies(self, middle: float, step: float, count: int) -> NDArray[np.float64]:
        """Energy of the sum at ``2 × count + 1`` slopes around ``middle``."""
        at = self._spectrum * _unit(np.float32(middle - count * step) * self._phase)
        further = _unit(np.float32(step) * self._phase)
        found = np.empty(2 * count + 1)
        for each in range(len(found)):
            if each:
                at *= further
            total = at.sum(axis=0)
            power = np.square(total.real) + np.square(total.imag)
            found[each] = power.sum()
            if self._coarse is not None:
                long = float(power[self._coarse].sum())
                found[each] = np.sqrt(max(0.0, long * (found[each] - long)))
        return found


def _closely(ink: Ink, coarse: float, few: bool) -> tuple[float, float]:
    """``(degrees, energy there)`` of the best turn near ``coarse``."""
    strips = _Strips(turned(ink, coarse), few)
    middle, energy = 0.0, 0.0
    for step, count, tries in ((0.1, 20 if few else 3, 4), (0.03, 1, 3), (0.008, 1, 2)):
        slope = float(np.radians(step))
        for _ in range(tries):
            energies = strips.energies(middle, slope, count)
            at = int(energies.argmax())
            energy = float(energies[at])
            middle += (at - count) * slope
            if 0 < at < 2 * count:
                left, top, right = energies[at - 1 : at + 2]
                bend = left - 2 * top + right
                if bend < 0:
                    middle += float(0.5 * (left - right) / bend) * slope
                break
    return coarse + float(np.degrees(np.arctan(middle))), energy


def _writing(gray: Gray, full: Gray) -> tuple[Ink, bool] | None:
    """The ink of what stands on the page, cut to it, and whether that is little: then it is seen in ``full``."""
    work = reduce(gray, WORK)
    ink = ink_of(work)
    box = _content(ink)
    if box is None:
        return None
    x, y, wide, high = box
    scale = full.shape[0] / work.shape[0]
    if max(wide, high) < SPARSE * max(ink.shape) and scale >= 1.5:
        part = full[int(y * scale) : int((y + high) * scale), int(x * scale) : int((x + wide) * scale)]
        return ink_of(shrink(part, SPARSE_SIDE)), True
    return ink[y : y + high, x : x + wide], False


def _slope(heights: NDArray[np.float64], weights: NDArray[np.float64]) -> float:
    """Of a straight line through heights a pixel apart; what lies far off it (a comma) hardly counts."""
    at = np.arange(len(heights), dtype=np.float64)
    weight, slope = weights, 0.0
    for _ in range(6):
        slope, start = np.polyfit(at, heights, 1, w=np.sqrt(weight))
        away = heights - start - slope * at
        usual = 3.0 * float(np.median(np.abs(away))) + 1e-6
        weight = weights / (1 + np.square(away / usual))
    return float(slope)


def _rise(ink: NDArray[np.float64]) -> float:
    """Degrees by which the level strokes rise to the right: by the gradients across them, near nought in print."""
    right, down = cv2.Sobel(ink, cv2.CV_64F, 1, 0), cv2.Sobel(ink, cv2.CV_64F, 0, 1)
    level = np.abs(down) > 3 * np.abs(right)
    return float(np.degrees(np.arctan2((right * down)[level].sum(), np.square(down)[level].sum() + 1e-6)))


def _along_line(straight: Ink) -> float:
    """Degrees that a line of characters, alone on its page and nearly straight, is still turned; 0 for all else.

    The strokes of a brush or of a hand rise while their line does not, and a few of them outweigh it. Where the
    characters stand and where their weight lies rise only with the line: both are followed in a window as wide
    as a character, and their slopes are averaged, as their errors have little in common.
    """
    dark = np.asarray(straight > WRITTEN, np.uint8)
    x, y, wide, high = cv2.boundingRect(dark)
    there = dark[y : y + high, x : x + wide]
    if high == 0 or not CHARACTERS[0] <= wide / high <= CHARACTERS[1] or np.mean(there.any(axis=1)) < 1:
        return 0.0
    ink = straight[y : y + high, x : x + wide].astype(np.float64)
    if abs(_rise(ink)) < BRUSH:
        return 0.0
    window = int(high * 0.9) | 1
    inside = slice(window // 2, wide - window // 2)
    weight, moment = (cv2.blur(each[None], (window, 1))[0, inside] for each in (ink.sum(axis=0), np.arange(high) @ ink))
    lowest = np.where(there.any(axis=0), high - 1.0 - there[::-1].argmax(axis=0), -1.0)
    feet = cv2.dilate(lowest[None], np.ones((1, window), np.uint8))[0, inside]
    slopes = (
        _slope(np.asarray(moment / np.maximum(weight, 1.0), np.float64), np.minimum(weight, np.median(weight)) + 1e-6),
        _slope(np.asarray(feet, np.float64), np.ones(len(feet))),
    )
    return -float(np.degrees(np.arctan(np.mean(slopes))))


def skew(gray: Gray, full: Gray | None = None, reach: float = 45.0) -> float:
    """Degrees that the content of an 8-bit grey page is turned counter-clockwise, within ±45.

    ``full``: the same page in more pixels, where there are any. ``reach``: how far it can be turned at most,
    where that is known. A page without anything on it, or without any direction, gives 0.
    """
    found = _writing(gray, gray if full is None else full)
    if found is None:
        return 0.0
    ink, few = found
    turns = [_closely(ink, coarse, few) for coarse in _coarse(ink, reach)]
    if not turns:
        return 0.0
    angle = max(turns, key=lambda each: each[1])[0]
    # A full page is told from a line in a sixteenth of the pixels.
    glance = turned(np.ascontiguousarray(ink[::4, ::4]), angle) > WRITTEN
    _, _, wide, high = cv2.boundingRect(np.asarray(glance, np.uint8))
    if wide > 0.6 * CHARACTERS[0] * high:
        angle += _along_line(turned(ink, angle))
    return (angle + 45.0) % 90.0 - 45.0
