"""A view copy back into pixels, and its mask into what a browser draws. Decodes: for the confined workers and tests."""

from __future__ import annotations

import io

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from villagecall.scan.layers import MARK, Layers, NotLayers, png, tiff

Bgr = NDArray[np.uint8]


def stencil(layers: Layers) -> NDArray[np.uint8]:
    """The mask's pixels, 255 where ink is. Raises :class:`NotLayers`."""
    try:
        with Image.open(io.BytesIO(tiff(layers))) as image:
            light = np.asarray(image.convert("L"), np.uint8)
    except OSError as error:
        raise NotLayers("the mask cannot be decoded") from error
    return np.asarray(255 - light, np.uint8)


def stencil_png(data: bytes) -> bytes:
    """The mask of a packed page as PNG, for :func:`villagecall.scan.layers.svg`. Raises :class:`NotLayers`."""
    layers = Layers.unpack(data)
    rows = np.packbits(stencil(layers), axis=1)
    lines = np.zeros((rows.shape[0], rows.shape[1] + 1), np.uint8)  # each led by its filter byte
    lines[:, 1:] = rows
    return png(lines.tobytes(), layers.mask_width, layers.mask_height)


def picture(data: bytes) -> Bgr:
    """A view copy, in layers or a JPEG, as one picture in the size of the page. Raises :class:`NotLayers`."""
    return _flat(data, cv2.IMREAD_COLOR)


def grey(data: bytes) -> NDArray[np.uint8]:
    """The same without its colour: a third of the memory and of the time."""
    return _flat(data, cv2.IMREAD_GRAYSCALE)


def _flat(data: bytes, how: int) -> NDArray[np.uint8]:
    if not data.startswith(MARK):
        return _decoded(data, how)
    layers = Layers.unpack(data)
    size = (layers.width, layers.height)
    ink, ground = (cv2.resize(_decoded(part, how), size) for part in (layers.ink, layers.ground))
    mask = cv2.resize(stencil(layers), size, interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.copyTo(ink, cv2.threshold(mask, 127, 255, cv2.THRESH_BINARY)[1], ground), np.uint8)


def _decoded(jpeg: bytes, how: int) -> NDArray[np.uint8]:
    found = cv2.imdecode(np.frombuffer(jpeg, np.uint8), how)
    if found is None:
        raise NotLayers("not a JPEG")
    return np.asarray(found, np.uint8)
