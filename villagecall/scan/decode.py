"""From a file's bytes to the pixels of one of its pages. Runs in the worker only."""

from __future__ import annotations

import io

import av
import cv2
import numpy as np
import pikepdf
import pypdfium2
from numpy.typing import NDArray

from villagecall.scan import front, picture
from villagecall.scan.picture import Picture
from villagecall.scan.refusals import ActivePdf, LockedPdf, TooManyPages, Truncated

Bgr = NDArray[np.uint8]
Gray = NDArray[np.uint8]
PDF_DPI = 300
_ACTIVE = frozenset(
    {"/JavaScript", "/Launch", "/SubmitForm", "/ImportData", "/RichMedia", "/GoToE", "/Movie", "/Sound", "/Rendition"}
)
_PARTS_THAT_ACT = frozenset({"/JS", "/JavaScript", "/EF", "/EmbeddedFiles", "/XFA"})
MAX_PARTS = 200_000
"""Of one object: an array nested for ever is an attack, not a paper."""


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

    def picture(self, frame: int) -> Picture:
        """A page as it is judged. Raises a refusal when it cannot be decoded."""
        if self.claim.kind == "jpeg" and frame == 0:
            planes = _planes(self._data)
            if planes is not None:
                front.checked(planes[0].shape[1], planes[0].shape[0])
                return picture.of_planes(*planes, self.claim.dpi)
        return picture.of_bgr(*self.page(frame))

    def page(self, frame: int) -> tuple[Bgr, int]:
        """``(pixels BGR, dpi or 0)`` of a page in full colour. Raises a refusal when it cannot be decoded."""
        if not 0 <= frame < self.frames:
            raise Truncated
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
        except (pypdfium2.PdfiumError, ValueError, ZeroDivisionError, OverflowError) as error:
            raise Truncated from error
        if picture.ndim == 2:
            picture = cv2.cvtColor(picture, cv2.COLOR_GRAY2BGR)
        return np.ascontiguousarray(picture[:, :, :3], np.uint8), round(72 * scale)


def _planes(data: bytes) -> tuple[Gray, Gray, Gray] | None:
    """Light and the two colour differences of an ordinary JPEG, as they are stored; nearly twice as fast as
    pixels of three colours. None for what is better left to the other decoder: turned by EXIF, other colour
    models, damaged."""
    if b"Exif\0\0" in data[:65536]:
        return None
    try:
        decoder = av.CodecContext.create("mjpeg", "r")
        decoder.thread_count = 1
        decoder.options = {"err_detect": "explode"}
        frames = decoder.decode(av.Packet(data))
    except (av.error.FFmpegError, ValueError):
        return None
    if len(frames) != 1 or not isinstance(frames[0], av.VideoFrame):
        return None
    frame = frames[0]
    kind = frame.format.name
    if kind not in ("yuvj420p", "yuvj422p", "yuvj444p", "gray"):
        return None
    planes = [
        np.frombuffer(memoryview(plane), np.uint8).reshape(-1, plane.line_size)[:, : plane.width]
        for plane in frame.planes
    ]
    luma, *colours = (plane[: each.height] for plane, each in zip(planes, frame.planes, strict=True))
    if kind == "gray":
        neutral = np.full(luma.shape, 128, np.uint8)
        return luma, neutral, neutral
    return luma, colours[0], colours[1]


def _inspect_pdf(data: bytes) -> None:
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
