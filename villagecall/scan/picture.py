"""A decoded page as the judging steps want it: every pixel of its light, and colour at a smaller size.

Colour is never looked at in more detail than light: what is cheap to leave out is left out here, once. A JPEG
keeps light and colour apart already (ITU-T T.871: YCbCr), so its planes are taken as they are stored.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

Gray = NDArray[np.uint8]
Bgr = NDArray[np.uint8]
LARGE = 1600
"""Longest side in pixels above which colour is kept at half the size."""


@dataclass(frozen=True, slots=True)
class Picture:
    """``grey`` H×W, every pixel; ``light`` the same and ``colour`` in BGR, both about H/step × W/step, where a
    full pixel's place is ``(small + 0.5) * step - 0.5``; ``dpi`` from the file, 0 = unsaid."""

    grey: Gray
    light: Gray
    colour: Bgr
    step: int
    dpi: int

    @property
    def size(self) -> tuple[int, int]:
        """Width and height in pixels of the file."""
        return self.grey.shape[1], self.grey.shape[0]


def step_for(width: int, height: int) -> int:
    return 2 if max(width, height) > LARGE and min(width, height) >= 4 else 1


def halved(plane: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """By area, two by two; an odd last row or column is left out."""
    high, wide = plane.shape[0] // 2, plane.shape[1] // 2
    return np.asarray(cv2.resize(plane[: 2 * high, : 2 * wide], (wide, high), interpolation=cv2.INTER_AREA), np.uint8)


def of_bgr(image: Bgr, dpi: int) -> Picture:
    """From pixels that are there already."""
    grey = np.asarray(cv2.cvtColor(image, cv2.COLOR_BGR2GRAY), np.uint8)
    step = step_for(grey.shape[1], grey.shape[0])
    if step == 1:
        return Picture(grey, grey, image, 1, dpi)
    return Picture(grey, halved(grey), halved(image), step, dpi)


def of_planes(luma: Gray, blue: Gray, red: Gray, dpi: int) -> Picture:
    """From a JPEG's planes: ``luma`` H×W; ``blue`` and ``red`` differences at full or half width and height."""
    step = step_for(luma.shape[1], luma.shape[0])
    light = halved(luma) if step == 2 else luma
    size = (light.shape[1], light.shape[0])
    parts = [light, *(_fitted(part, size) for part in (red, blue))]
    colour = cv2.cvtColor(cv2.merge(parts), cv2.COLOR_YCrCb2BGR)
    return Picture(luma, light, np.asarray(colour, np.uint8), step, dpi)


def _fitted(plane: Gray, size: tuple[int, int]) -> Gray:
    """A colour plane at the size of the light beside it; an odd edge is cut, not squeezed."""
    wide, high = size
    if plane.shape[1] >= 2 * wide and plane.shape[0] >= 2 * high:
        return halved(plane)[:high, :wide]
    if plane.shape[1] >= 2 * wide:
        plane = plane[:, : 2 * wide]
    elif plane.shape[1] >= wide:
        plane = plane[:, :wide]
    if plane.shape[0] >= 2 * high:
        plane = plane[: 2 * high]
    elif plane.shape[0] >= high:
        plane = plane[:high]
    if plane.shape[:2] == (high, wide):
        return plane
    larger = plane.shape[0] < high or plane.shape[1] < wide
    how = cv2.INTER_LINEAR if larger else cv2.INTER_AREA
    return np.asarray(cv2.resize(plane, size, interpolation=how), np.uint8)
