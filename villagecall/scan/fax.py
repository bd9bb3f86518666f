"""A two-valued picture as ITU-T T.6 («Group 4») writes it: what a PDF takes as it is, half the size of a PNG."""

from __future__ import annotations

import io

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from PIL.TiffImagePlugin import TiffImageFile

_ONE_STRIP = 1 << 30
_OFFSETS, _COUNTS = 273, 279


def encode(mask: NDArray[np.uint8]) -> bytes:
    """``mask`` H×W, not 0 = black. The bits of T.6 with the end-of-block code, as libtiff writes them: all in one
    strip, since every strip begins anew, and without the TIFF around them."""
    height, width = mask.shape
    out = io.BytesIO()
    whole = Image.frombuffer("1", (width, height), np.ascontiguousarray(mask), "raw", "1;8", 0, 1)
    whole.save(out, "TIFF", compression="group4", strip_size=_ONE_STRIP)
    out.seek(0)
    with TiffImageFile(out) as written:
        at, size = (int(written.tag_v2[tag][0]) for tag in (_OFFSETS, _COUNTS))
    return out.getvalue()[at : at + size]
