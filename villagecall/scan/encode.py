"""The copies made for looking at: a view of the page and a thumbnail (JPEG). The original stays as it came."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from villagecall.scan.skew import reduce

Bgr = NDArray[np.uint8]
VIEW_DPI = 200
VIEW_SIDE = 2400
THUMB_WIDTH = 220


def has_colour(image: Bgr) -> bool:
    """Whether a red head, a seal or a photo stands on the page (DA/T 31: then colour is kept)."""
    small = reduce(image, 440)
    lab = cv2.cvtColor(small, cv2.COLOR_BGR2LAB).astype(np.int16)
    # The paper's own tint is not colour: measured against the page's middle.
    a, b = lab[:, :, 1] - int(np.median(lab[:, :, 1])), lab[:, :, 2] - int(np.median(lab[:, :, 2]))
    return float((np.hypot(a, b) > 14).mean()) > 4e-4


def whitening(image: Bgr) -> NDArray[np.uint8] | None:
    """A table that takes this page's paper towards white; None where its light is too uneven or too dark.

    One gain for the whole page: stains, holes and seals stay what they are."""
    small = reduce(image, 280)
    paper = np.percentile(small.reshape(-1, 3), 85, axis=0)
    if paper.min() < 150 or paper.max() - paper.min() > 60:
        return None
    table = np.clip(np.arange(256)[:, None] * (250.0 / paper)[None, :], 0, 255).astype(np.uint8)
    return table.reshape(256, 1, 3)


def whitened(image: Bgr, table: NDArray[np.uint8] | None) -> Bgr:
    """The page by a table of :func:`whitening`."""
    return image if table is None else np.asarray(cv2.LUT(image, table), np.uint8)


def view(grey: NDArray[np.uint8], colour: Bgr) -> bytes:
    """JPEG of the straight page: ``grey`` in the size that is shown, ``colour`` the same page, smaller or equal;
    grey where there is no colour on it."""
    table = whitening(colour)
    if not has_colour(whitened(colour, table)):
        light = None if table is None else np.ascontiguousarray(table[:, :, 1])
        return _jpeg(grey if light is None else np.asarray(cv2.LUT(grey, light), np.uint8), 62)
    size = (grey.shape[1], grey.shape[0])
    _, red, blue = cv2.split(cv2.cvtColor(colour, cv2.COLOR_BGR2YCrCb))
    parts = [grey, *(cv2.resize(part, size, interpolation=cv2.INTER_LINEAR) for part in (red, blue))]
    page = np.asarray(cv2.cvtColor(cv2.merge(parts), cv2.COLOR_YCrCb2BGR), np.uint8)
    return _jpeg(whitened(page, table), 62)


def thumb(image: Bgr) -> bytes:
    height = max(1, round(THUMB_WIDTH * image.shape[0] / image.shape[1]))
    return _jpeg(np.asarray(cv2.resize(image, (THUMB_WIDTH, height), interpolation=cv2.INTER_AREA), np.uint8), 70)


def _jpeg(image: Bgr, quality: int) -> bytes:
    flags = [cv2.IMWRITE_JPEG_QUALITY, quality, cv2.IMWRITE_JPEG_OPTIMIZE, 1]
    ok, data = cv2.imencode(".jpg", image, flags)
    if not ok:
        raise ValueError("the picture could not be encoded")
    return data.tobytes()
