"""From a file's bytes to the pixels of one of its pages. Runs in the worker only."""

from __future__ import annotations

from typing import TYPE_CHECKING

import av
import cv2
import numpy as np
from numpy.typing import NDArray

from villagecall.scan import front, picture
from villagecall.scan.picture import Picture
from villagecall.scan.refusals import Truncated

if TYPE_CHECKING:
    from villagecall.scan.pdf import Pages

Bgr = NDArray[np.uint8]
Gray = NDArray[np.uint8]


class Document:
    """A file that passed the front door. ``frames`` pages, each decoded when asked for."""

    def __init__(self, data: bytes) -> None:
        self.claim = front.sniff(data)
        self._data = data
        self._pdf: Pages | None = None
        self.frames = self.claim.frames
        if self.claim.kind == "pdf":
            from villagecall.scan import pdf  # when one comes, see there

            self._pdf = pdf.Pages(data)
            self.frames = self._pdf.count

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
            return self._pdf.drawn(frame)
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
