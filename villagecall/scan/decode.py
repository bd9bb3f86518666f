"""From a file's bytes to the pixels of one of its pages. Runs in the worker only."""

from __future__ import annotations

import struct
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
EXIF = b"Exif\0\0"
ORIENTATION = 0x0112
TURNS = {1: None, 3: cv2.ROTATE_180, 6: cv2.ROTATE_90_CLOCKWISE, 8: cv2.ROTATE_90_COUNTERCLOCKWISE}
"""How EXIF orientations turn a picture upright (CIPA DC-008, 4.6.4 A); no camera writes those that mirror."""


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
    pixels of three colours; turned as EXIF says. None for what is better left to the other decoder: EXIF that is odd
    or mirrors, other colour models, damaged."""
    orientation = _orientation(data)
    if orientation not in TURNS:
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
    turn = TURNS[orientation]
    luma, *colours = (
        plane[: each.height] if turn is None else np.asarray(cv2.rotate(plane[: each.height], turn), np.uint8)
        for plane, each in zip(planes, frame.planes, strict=True)
    )
    if kind == "gray":
        neutral = np.full(luma.shape, 128, np.uint8)
        return luma, neutral, neutral
    return luma, colours[0], colours[1]


def _orientation(data: bytes) -> int:
    """Of a JPEG, by its EXIF: 1 to 8, 1 = upright or unsaid, 0 = cannot be told."""
    if data.count(EXIF) != 1:
        return 0 if EXIF in data else 1
    tags = data[data.find(EXIF) + len(EXIF) :]
    order = {b"II*\0": "<", b"MM\0*": ">"}.get(tags[:4])
    if order is None:
        return 0
    try:
        (first,) = struct.unpack_from(order + "I", tags, 4)
        (count,) = struct.unpack_from(order + "H", tags, first)
        for entry in range(count):
            tag, kind, number, value = struct.unpack_from(order + "HHIH", tags, first + 2 + 12 * entry)
            if tag == ORIENTATION:
                return value if (kind, number) == (3, 1) else 0
    except struct.error:
        return 0
    return 1
