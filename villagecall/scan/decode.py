"""From a file's bytes to the pixels of one of its pages. Runs in the worker only."""

from __future__ import annotations

import io

import cv2
import numpy as np
import pikepdf
import pypdfium2
from numpy.typing import NDArray

from villagecall.scan import front
from villagecall.scan.refusals import ActivePdf, LockedPdf, NotAnImage, TooManyPages, Truncated

Bgr = NDArray[np.uint8]
PDF_DPI = 300
_ACTIVE = frozenset(
    {"/JavaScript", "/Launch", "/SubmitForm", "/ImportData", "/RichMedia", "/GoToE", "/Movie", "/Sound"}
)


class Document:
    """A file that passed the front door. ``frames`` pages, each decoded when asked for."""

    def __init__(self, data: bytes) -> None:
        self.claim = front.sniff(data)
        self._data = data
        self._pdf: pypdfium2.PdfDocument | None = None
        self.frames = self.claim.frames
        if self.claim.kind == "pdf":
            _inspect_pdf(data)
            try:
                self._pdf = pypdfium2.PdfDocument(data)
            except pypdfium2.PdfiumError as error:
                raise Truncated from error
            self.frames = len(self._pdf)
            if self.frames == 0:
                raise Truncated
            if self.frames > front.MAX_FRAMES:
                raise TooManyPages(limit=front.MAX_FRAMES)

    def page(self, frame: int) -> tuple[Bgr, int]:
        """``(pixels BGR, dpi or 0)`` of a page. Raises a refusal when it cannot be decoded."""
        if self._pdf is not None:
            return self._pdf_page(frame)
        raw = np.frombuffer(self._data, np.uint8)
        try:
            if self.claim.kind == "tiff":
                ok, images = cv2.imdecodemulti(raw, cv2.IMREAD_COLOR, range=(frame, frame + 1))
                image = images[0] if ok and len(images) else None
            else:
                image = cv2.imdecode(raw, cv2.IMREAD_COLOR)
        except cv2.error as error:
            raise Truncated from error
        if image is None:
            raise Truncated
        front.checked(image.shape[1], image.shape[0])
        return np.ascontiguousarray(image, np.uint8), self.claim.dpi

    def _pdf_page(self, frame: int) -> tuple[Bgr, int]:
        assert self._pdf is not None  # noqa: S101  (the caller looked)
        try:
            page = self._pdf[frame]
            width, height = page.get_size()
            scale = PDF_DPI / 72
            if max(width, height) * scale > front.MAX_SIDE or width * height * scale * scale > front.MAX_PIXELS:
                scale = min(front.MAX_SIDE / max(width, height), (front.MAX_PIXELS / (width * height)) ** 0.5) * 0.99
            if width * scale < 8 or height * scale < 8:
                raise Truncated
            picture = page.render(scale=scale, may_draw_forms=False, rev_byteorder=False).to_numpy()
        except pypdfium2.PdfiumError as error:
            raise Truncated from error
        if picture.ndim == 2:
            picture = cv2.cvtColor(picture, cv2.COLOR_GRAY2BGR)
        return np.ascontiguousarray(picture[:, :, :3], np.uint8), round(72 * scale)


def _inspect_pdf(data: bytes) -> None:
    """Refuse what acts. Every object is looked at, since actions can hang anywhere."""
    try:
        with pikepdf.open(io.BytesIO(data)) as pdf:
            if pdf.is_encrypted:
                raise LockedPdf
            if len(pdf.pages) > front.MAX_FRAMES:
                raise TooManyPages(limit=front.MAX_FRAMES)
            if "/EmbeddedFiles" in pdf.Root.get("/Names", {}) or "/JavaScript" in pdf.Root.get("/Names", {}):
                raise ActivePdf
            for thing in pdf.objects:
                if not isinstance(thing, pikepdf.Dictionary | pikepdf.Stream):
                    continue
                if str(thing.get("/S", "")) in _ACTIVE or "/JS" in thing or "/EF" in thing or "/XFA" in thing:
                    raise ActivePdf
    except pikepdf.PasswordError as error:
        raise LockedPdf from error
    except pikepdf.PdfError as error:
        raise (Truncated if b"%PDF-" in data[:1024] else NotAnImage) from error
