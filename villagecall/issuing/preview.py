"""A picture and the words of a finished certificate, by PDFium. Call in a thread; one page at a time."""

from __future__ import annotations

import io
import threading
from array import array
from bisect import bisect_left
from itertools import accumulate
from typing import Final

import pypdfium2
from PIL import Image

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
            png = io.BytesIO()
            page.render(scale=dpi / 72, may_draw_forms=True).to_pil().save(png, "PNG")
        finally:
            doc.close()
    return png.getvalue()


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
    try:
        with Image.open(io.BytesIO(jpeg), formats=("JPEG",)) as found:
            image = found.convert("RGB")
    except OSError:
        return None
    dark = image.convert("L").point(lambda level: 255 * (level < 245))
    if dark.histogram()[255] > image.width * image.height // 100:
        left, right = _most(dark, (image.width, 1))
        top, bottom = _most(dark, (1, image.height))
        image = image.crop((left, top, right + 1, bottom + 1))
    wide, high = image.size
    if wide * height > high * width:
        keep = max(1, high * width // height)
        start = (wide - keep) // 2
        image = image.crop((start, 0, start + keep, high))
    else:
        keep = max(1, wide * height // width)
        start = (high - keep) // 3
        image = image.crop((0, start, wide, start + keep))
    out = io.BytesIO()
    image.resize((width, height), Image.Resampling.BOX).save(out, "JPEG", quality=85, optimize=True)
    return out.getvalue()


def _most(dark: Image.Image, size: tuple[int, int]) -> tuple[int, int]:
    """First and last column (``size`` = width, 1) or row (1, height) of the middle 99 % of what is dark."""
    counts = list(accumulate(array("f", dark.convert("F").resize(size, Image.Resampling.BOX).tobytes())))
    return bisect_left(counts, counts[-1] * 0.005), bisect_left(counts, counts[-1] * 0.995)
