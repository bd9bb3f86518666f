"""Skew of a page, in degrees, over ±45° (pure pixels in, number out).

Text lines, rules and column edges give sharp steps in the sums of rows or columns once the page is turned
straight. How sharp, for every direction at once, stands in the page's spectrum: by the projection-slice
theorem a line of it through the origin is the spectrum of the page's sums in that direction, so its energy,
weighted by the squared frequency, is the energy of those steps. That gives the turn to a fraction of a degree.
Then the page is turned once and the rest is found in the spectra of its strips, where a small turn is a
phase: the angle at which the strips' profiles add up with the most energy.
"""

from __future__ import annotations

from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

Gray = NDArray[np.uint8]
Ink = NDArray[np.float32]
Spectrum = NDArray[np.complex64]

WORK = 1000
"""About the longest side that the fine search works on, in pixels."""
SPECTRUM = 512
CONTENT = 440
"""Longest side of the page inside the spectrum's square; the rest is room against wrapping round."""
STEP = 0.2
RIVALS = 3
"""So many directions of the coarse search are looked at closely when they are nearly as good as the best."""
RIVAL = 0.7
STRIPS = 28


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
    height, width = gray.shape[0] // factor, gray.shape[1] // factor
    return np.asarray(
        cv2.resize(gray[: height * factor, : width * factor], (width, height), interpolation=cv2.INTER_AREA), np.uint8
    )


def ink_of(gray: Gray) -> Ink:
    """How much darker than the paper around it each pixel is, 0..1. Large dark things (a scanner's lid, a
    photo's ground) are their own paper, so that only strokes are left."""
    half = cv2.resize(gray, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
    paper = cv2.blur(cv2.morphologyEx(half, cv2.MORPH_CLOSE, np.ones((13, 13), np.uint8)), (5, 5))
    paper = cv2.resize(paper, (gray.shape[1], gray.shape[0]), interpolation=cv2.INTER_LINEAR)
    paper = np.maximum(np.asarray(paper, np.uint8), 1)
    share = np.asarray(cv2.divide(gray, paper, scale=-1, dtype=cv2.CV_32F), np.float32)
    return np.asarray(np.maximum(share + np.float32(0.96), 0), np.float32)  # paper's own grain is below 4 %


@lru_cache(maxsize=1)
def _polar() -> tuple[NDArray[np.float64], NDArray[np.float32], NDArray[np.int16], NDArray[np.uint16]]:
    """Directions in degrees, squared radii, and where they lie in the half spectrum."""
    degrees = np.arange(0.0, 180.0, STEP) - 90.0
    radii = np.arange(10, int(SPECTRUM * 0.46), dtype=np.float64)
    turn = np.radians(degrees)[:, None]
    x, y = np.cos(turn) * radii, np.sin(turn) * radii + SPECTRUM // 2
    whole, part = cv2.convertMaps(x.astype(np.float32), y.astype(np.float32), cv2.CV_16SC2)
    weights = np.asarray(np.square(radii), np.float32)
    return degrees, weights, np.asarray(whole, np.int16), np.asarray(part, np.uint16)


def _taper(size: int) -> NDArray[np.float32]:
    at = np.arange(size, dtype=np.float32)
    return np.minimum(1, (np.minimum(at, size - 1 - at) + 1) / 16).astype(np.float32)


def _coarse(ink: Ink) -> list[float]:
    """The likeliest turns in degrees, to about ``STEP``, best first."""
    scale = min(1.0, CONTENT / max(ink.shape))
    small = cv2.resize(ink, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    height, width = small.shape
    square = np.zeros((SPECTRUM, SPECTRUM), np.float32)
    square[:height, :width] = (small - float(small.mean())) * _taper(height)[:, None] * _taper(width)
    spectrum = cv2.dft(square, flags=cv2.DFT_COMPLEX_OUTPUT)[:, : SPECTRUM // 2]
    power = np.square(spectrum[:, :, 0]) + np.square(spectrum[:, :, 1])
    power = np.roll(power, SPECTRUM // 2, axis=0)
    degrees, weights, whole, part = _polar()
    steps = cv2.remap(power, whole, part, cv2.INTER_LINEAR) @ weights
    half = len(steps) // 2
    both = steps[:half] + steps[half:]  # rows and columns: a quarter turn apart
    found: list[float] = []
    best = float(both.max())
    for _ in range(RIVALS):
        at = int(both.argmax())
        if both[at] < RIVAL * best or best <= 0:
            break
        found.append(-float(degrees[at]) if degrees[at] > -45 else -float(degrees[at]) - 90.0)
        both[np.arange(at - 7, at + 8) % half] = 0.0
    return found or [0.0]


def turned(image: NDArray[np.float32], degrees: float) -> NDArray[np.float32]:
    """Turned clockwise about the middle; the result holds all of it."""
    height, width = image.shape
    matrix = cv2.getRotationMatrix2D(((width - 1) / 2, (height - 1) / 2), -degrees, 1.0)
    cos, sin = abs(float(matrix[0, 0])), abs(float(matrix[0, 1]))
    wide, high = int(width * cos + height * sin) + 1, int(width * sin + height * cos) + 1
    matrix[0, 2] += (wide - width) / 2
    matrix[1, 2] += (high - height) / 2
    return np.asarray(cv2.warpAffine(image, matrix, (wide, high), flags=cv2.INTER_LINEAR), np.float32)


class _Strips:
    """Spectra of the profiles of a page's strips, and the phase that one radian of slope gives each."""

    def __init__(self, image: NDArray[np.float32], sign: float) -> None:
        height, width = image.shape
        narrow = cv2.resize(image, (STRIPS, height), interpolation=cv2.INTER_AREA)
        length = cv2.getOptimalDFTSize(height + height // 8)
        bins = np.arange(max(4, length // 60), int(length * 0.4))
        omega = 2 * np.pi * bins / length
        spectrum = np.fft.rfft(narrow.T, n=length, axis=1)[:, bins] * (2 * np.sin(omega / 2))
        self._spectrum = (spectrum * (width / STRIPS)).astype(np.complex64)
        middles = (np.arange(STRIPS) + 0.5) * (width / STRIPS) - width / 2
        self._phase = np.outer(sign * middles, omega).astype(np.float32)

    def energies(self, middle: float, step: float, count: int) -> NDArray[np.float64]:
        """Energy of the sum at ``2 × count + 1`` slopes around ``middle``."""
        at = self._spectrum * np.exp(1j * np.float32(middle - count * step) * self._phase)
        further = np.exp(1j * np.float32(step) * self._phase)
        found = np.empty(2 * count + 1)
        for each in range(len(found)):
            total = at.sum(axis=0)
            found[each] = np.vdot(total, total).real
            at *= further
        return found


def _closely(ink: Ink, coarse: float) -> tuple[float, float]:
    """``(degrees, energy there)`` of the best turn near ``coarse``."""
    straight = turned(ink, coarse)
    parts = (_Strips(straight, -1.0), _Strips(np.ascontiguousarray(straight.T), 1.0))
    middle, energy = 0.0, 0.0
    for step, count in ((0.1, 3), (0.04, 1), (0.01, 1)):
        slope = np.radians(step)
        energies = sum((part.energies(middle, slope, count) for part in parts), np.zeros(2 * count + 1))
        at = int(energies.argmax())
        energy = float(energies[at])
        middle += (at - count) * slope
        if 0 < at < 2 * count:
            left, top, right = energies[at - 1 : at + 2]
            bend = left - 2 * top + right
            if bend < 0:
                middle += float(0.5 * (left - right) / bend) * slope
    return coarse + float(np.degrees(np.arctan(middle))), energy


def skew(gray: Gray) -> float:
    """Degrees that the content of an 8-bit grey page is turned counter-clockwise, within ±45.

    A page without anything on it gives 0.
    """
    ink = ink_of(reduce(gray, WORK))
    if float(ink.mean()) < 1e-5:
        return 0.0
    angle = max((_closely(ink, coarse) for coarse in _coarse(ink)), key=lambda found: found[1])[0]
    return (angle + 45.0) % 90.0 - 45.0
