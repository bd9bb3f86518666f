"""Is there nothing on this page? Never says so of a written one (pure pixels in, bool out)."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from villagecall.scan.skew import shrink

SIDE = 700
DARKER = 60
"""Levels below the paper around it that make a pixel writing: what shines through from the back is fainter."""
SHARE = 2.5e-5
FAINT = 22
FAINT_SHARE = 8e-4


def is_blank(gray: NDArray[np.uint8]) -> bool:
    """``gray`` is the page alone (no desk, no scanner lid)."""
    small = shrink(gray, SIDE)
    margin_y, margin_x = max(1, small.shape[0] // 40), max(1, small.shape[1] // 40)
    paper = cv2.medianBlur(small, 41)
    darker = cv2.subtract(paper, small)[margin_y:-margin_y, margin_x:-margin_x]
    if float((darker > DARKER).mean()) > SHARE:
        return False
    # Pencil and carbon copies are faint, but their strokes are crisp; what shines through is soft.
    crisp = cv2.subtract(cv2.GaussianBlur(small, (0, 0), 2.0), small)[margin_y:-margin_y, margin_x:-margin_x]
    return float(((darker > FAINT) & (crisp > FAINT // 2)).mean()) < FAINT_SHARE
