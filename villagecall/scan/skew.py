"""Skew of a page, in degrees, over ±45° (pure pixels in, number out).

Text lines, rules and column edges give sharp steps in the sums of rows or columns once the page is turned
straight. A coarse sweep over small pictures finds the turn to a fraction of a degree; then the page is
turned once and the rest is found in the Fourier domain of its strips, where a turn is a phase: the angle
at which the strips' profiles add up with the most energy.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

Gray = NDArray[np.uint8]
Ink = NDArray[np.float32]

WORK = 1000
"""Longest side that the fine search works on, in pixels."""
COARSE = 300
STRIPS = 40


def shrink(gray: Gray, side: int) -> Gray:
    """By area, so that no line is lost; never enlarged."""
    scale = side / max(gray.shape)
    if scale >= 1:
        return gray
    size = (max(1, round(gray.shape[1] * scale)), max(1, round(gray.shape[0] * scale)))
    return np.asarray(cv2.resize(gray, size, interpolation=cv2.INTER_AREA), np.uint8)


def ink_of(gray: Gray) -> Ink:
    """How much darker than the paper around it each pixel is, 0..1; black borders are dropped."""
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (21, 21))
    paper = cv2.GaussianBlur(cv2.morphologyEx(gray, cv2.MORPH_CLOSE, kernel), (0, 0), 9).astype(np.float32)
    ink = np.clip(1.0 - gray.astype(np.float32) / np.maximum(paper, 24.0), 0.0, 1.0)
    dark = (gray < 0.5 * max(1.0, float(np.median(gray)))).astype(np.uint8)
    count, labels, stats, _ = cv2.connectedComponentsWithStats(dark, connectivity=8)
    height, width = gray.shape
    for at in range(1, count):
        x, y, w, h, area = stats[at]
        if area > 0.004 * gray.size and (x == 0 or y == 0 or x + w == width or y + h == height):
            ink[labels == at] = 0.0
    return np.asarray(ink, np.float32)


def turned(image: Ink, degrees: float) -> Ink:
    """Turned clockwise about the middle, same size."""
    height, width = image.shape
    matrix = cv2.getRotationMatrix2D(((width - 1) / 2, (height - 1) / 2), -degrees, 1.0)
    return np.asarray(cv2.warpAffine(image, matrix, (width, height), flags=cv2.INTER_LINEAR), np.float32)


def _energy(image: Ink) -> float:
    rows = np.diff(image.sum(axis=1))
    columns = np.diff(image.sum(axis=0))
    return float(rows @ rows + columns @ columns)


def _coarse(ink: Ink) -> float:
    side = max(ink.shape)
    scale = min(1.0, COARSE / side)
    shrunk = cv2.resize(ink, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    small = np.asarray(shrunk, np.float32)
    # A round window: what leaves the picture while it is turned must not count.
    height, width = small.shape
    y, x = np.ogrid[:height, :width]
    radius = min(height, width) / 2
    distance = np.hypot(y - (height - 1) / 2, x - (width - 1) / 2)
    window = np.clip((radius * 1.15 - distance) / (radius * 0.15), 0.0, 1.0)
    small = np.asarray(small * window, np.float32)
    angles = np.arange(-45.0, 45.01, 1.0)
    scores = np.array([_energy(turned(small, float(angle))) for angle in angles])
    best = float(angles[int(scores.argmax())])
    fine = np.arange(best - 1.0, best + 1.01, 0.25)
    scores = np.array([_energy(turned(small, float(angle))) for angle in fine])
    return float(fine[int(scores.argmax())])


def _spectra(ink: Ink) -> tuple[NDArray[np.complex128], NDArray[np.float64]]:
    """Spectra of the row profiles of vertical strips, and the strips' middles relative to the centre."""
    height, width = ink.shape
    edges = np.linspace(0, width, STRIPS + 1).astype(int)
    profiles = np.add.reduceat(ink, edges[:-1], axis=1).T
    middles = (edges[:-1] + edges[1:] - 1) / 2 - (width - 1) / 2
    length = cv2.getOptimalDFTSize(height * 2)
    return np.fft.rfft(profiles, n=length, axis=1), middles


def _search(
    spectra: list[tuple[NDArray[np.complex128], NDArray[np.float64], float]], angles: NDArray[np.float64]
) -> NDArray[np.float64]:
    scores = np.zeros(len(angles))
    for spectrum, middles, sign in spectra:
        bins = spectrum.shape[1]
        keep = slice(4, int(bins * 0.55))
        omega = np.pi * np.arange(bins)[keep] / bins
        weights = np.square(np.sin(omega / 2))
        part = spectrum[:, keep]
        for at, angle in enumerate(angles):
            shift = sign * np.tan(np.radians(angle)) * middles
            total = (part * np.exp(1j * np.outer(shift, omega))).sum(axis=0)
            scores[at] += float((np.abs(total) ** 2 * weights).sum())
    return scores


def _peak(angles: NDArray[np.float64], scores: NDArray[np.float64]) -> float:
    at = int(scores.argmax())
    if 0 < at < len(scores) - 1:
        left, middle, right = scores[at - 1 : at + 2]
        bend = left - 2 * middle + right
        if bend < 0:
            return float(angles[at] + 0.5 * (left - right) / bend * (angles[1] - angles[0]))
    return float(angles[at])


def skew(gray: Gray) -> float:
    """Degrees that the content of an 8-bit grey page is turned counter-clockwise, within ±45.

    A page without anything on it gives 0.
    """
    ink = ink_of(shrink(gray, WORK))
    if float(ink.mean()) < 1e-4:
        return 0.0
    coarse = _coarse(ink)
    straight = turned(ink, coarse)
    rows, row_middles = _spectra(straight)
    columns, column_middles = _spectra(np.ascontiguousarray(straight.T))
    spectra = [(rows, row_middles, -1.0), (columns, column_middles, 1.0)]
    rough = np.linspace(-0.6, 0.6, 25)
    near = _peak(rough, _search(spectra, rough))
    close = near + np.linspace(-0.06, 0.06, 7)
    return coarse + _peak(close, _search(spectra, close))
