"""A picture and the words of a finished certificate, by PDFium. Call in a thread; one page at a time."""

from __future__ import annotations

import threading
from typing import Final

import cv2
import numpy as np
import pypdfium2

DPI: Final = 110
"""Enough to read 9-point letters on a screen."""

_LOCK = threading.Lock()
"""PDFium is not for two threads at once."""


def picture(pdf: bytes, dpi: int = DPI) -> bytes:
    """The first page as PNG, with the seal's appearance."""
    with _LOCK:
        doc = pypdfium2.PdfDocument(pdf)
        try:
            doc.init_forms()  # the seal is the look of a form field
            page = doc[0]
            image = page.render(scale=dpi / 72, may_draw_forms=True).to_numpy()
            ok, png = cv2.imencode(".png", image, [cv2.IMWRITE_PNG_COMPRESSION, 6])
        finally:
            doc.close()
    if not ok:
        raise ValueError("the picture could not be written")
    return png.tobytes()


def words(pdf: bytes) -> str:
    """All text of all pages as it is drawn, without blanks and line ends. Raises ``ValueError``."""
    with _LOCK:
        try:
            doc = pypdfium2.PdfDocument(pdf)
        except pypdfium2.PdfiumError as error:
            raise ValueError("PDFium does not open it") from error
        try:
            text = "".join(page.get_textpage().get_text_range() for page in doc)
        finally:
            doc.close()
    return "".join(text.split())


def portrait(jpeg: bytes, *, width: int = 354, height: int = 472) -> bytes | None:
    """A 3:4 portrait out of the picture of a photo: white margins dropped, cut in the middle, a little
    above it (faces are); None when the bytes are no picture. 354 × 472 pixels are 30 × 40 mm at 300 dpi."""
    image = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR)
    if image is None:
        return None
    ys, xs = np.where(cv2.cvtColor(image, cv2.COLOR_BGR2GRAY) < 245)
    if len(ys) > image.shape[0] * image.shape[1] // 100:
        left, right = np.percentile(xs, (0.5, 99.5)).astype(int)
        top, bottom = np.percentile(ys, (0.5, 99.5)).astype(int)
        image = image[top : bottom + 1, left : right + 1]
    high, wide = image.shape[:2]
    if wide * height > high * width:
        keep = max(1, high * width // height)
        start = (wide - keep) // 2
        image = image[:, start : start + keep]
    else:
        keep = max(1, wide * height // width)
        start = (high - keep) // 3
        image = image[start : start + keep]
    shrunk = cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA)
    ok, out = cv2.imencode(".jpg", shrunk, [cv2.IMWRITE_JPEG_QUALITY, 85, cv2.IMWRITE_JPEG_OPTIMIZE, 1])
    return out.tobytes() if ok else None
