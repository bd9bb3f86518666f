"""A PDF as an upload: refused where it acts, else drawn page by page. Runs in the worker only, and is loaded there
when the first PDF comes: its libraries take memory that pictures need not pay for."""

from __future__ import annotations

import io

import cv2
import numpy as np
import pikepdf
import pypdfium2
from numpy.typing import NDArray

from villagecall.scan import front
from villagecall.scan.refusals import ActivePdf, LockedPdf, TooManyPages, Truncated

Bgr = NDArray[np.uint8]
DPI = 300
_ACTIVE = frozenset(
    {"/JavaScript", "/Launch", "/SubmitForm", "/ImportData", "/RichMedia", "/GoToE", "/Movie", "/Sound", "/Rendition"}
)
_PARTS_THAT_ACT = frozenset({"/JS", "/JavaScript", "/EF", "/EmbeddedFiles", "/XFA"})
MAX_PARTS = 200_000
"""Of one object: an array nested for ever is an attack, not a paper."""


class Pages:
    """The pages of a PDF that does nothing by itself. Raises a refusal for any other."""

    def __init__(self, data: bytes) -> None:
        _inspect(data)
        try:
            self._pdf = pypdfium2.PdfDocument(data)
        except pypdfium2.PdfiumError as error:
            raise Truncated from error
        self.count = len(self._pdf)
        if self.count == 0:
            raise Truncated
        if self.count > front.MAX_FRAMES:
            raise TooManyPages(limit=front.MAX_FRAMES)

    def drawn(self, frame: int) -> tuple[Bgr, int]:
        """``(pixels BGR, dpi)`` of a page. Raises a refusal when it cannot be drawn."""
        try:
            page = self._pdf[frame]
            width, height = page.get_size()
            scale = DPI / 72
            if max(width, height) * scale > front.MAX_SIDE or width * height * scale * scale > front.MAX_PIXELS:
                scale = min(front.MAX_SIDE / max(width, height), (front.MAX_PIXELS / (width * height)) ** 0.5) * 0.99
            if width * scale < 8 or height * scale < 8:
                raise Truncated
            picture = page.render(scale=scale, may_draw_forms=False, rev_byteorder=False).to_numpy()
        except (pypdfium2.PdfiumError, ValueError, ZeroDivisionError, OverflowError) as error:
            raise Truncated from error
        if picture.ndim == 2:
            picture = cv2.cvtColor(picture, cv2.COLOR_GRAY2BGR)
        return np.ascontiguousarray(picture[:, :, :3], np.uint8), round(72 * scale)


def _inspect(data: bytes) -> None:
    """Refuse what acts. Every object is looked at, since actions can hang anywhere."""
    try:
        with pikepdf.open(io.BytesIO(data)) as pdf:
            if pdf.is_encrypted:
                raise LockedPdf
            if len(pdf.pages) > front.MAX_FRAMES:
                raise TooManyPages(limit=front.MAX_FRAMES)
            if any(_acts(thing) for thing in pdf.objects) or _acts(pdf.trailer):
                raise ActivePdf
    except pikepdf.PasswordError as error:
        raise LockedPdf from error
    except (pikepdf.PdfError, ValueError, TypeError, KeyError, AttributeError, RuntimeError) as error:
        raise Truncated from error  # so many ways has a library to say that a document is damaged


def _acts(thing: pikepdf.Object) -> bool:
    """Whether an object or what lies directly in it is an action, a script, a form that computes, a file."""
    waiting, seen = [thing], 0
    while waiting:
        each = waiting.pop()
        seen += 1
        if seen > MAX_PARTS:
            raise ActivePdf
        if isinstance(each, pikepdf.Array):
            waiting += [part for part in each if _holds(part)]
        elif isinstance(each, pikepdf.Dictionary | pikepdf.Stream):
            keys = set(each.keys())
            if keys & _PARTS_THAT_ACT or str(each.get("/S", "")) in _ACTIVE:
                return True
            waiting += [each[key] for key in keys - {"/Parent"} if _holds(each[key])]
    return False


def _holds(part: object) -> bool:
    """Whether this is a container written in place; what stands apart is looked at by itself."""
    return isinstance(part, pikepdf.Array | pikepdf.Dictionary) and not part.is_indirect
