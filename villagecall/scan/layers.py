"""A page in layers (mixed raster content): a sharp two-valued mask says where ink is, a small picture its colour,
another one the paper below. Stored as one file of three parts; browsers are given an SVG made from it, the case
file takes the parts as they are.

The parts come from the process that decodes hostile files. Nothing of them is ever read as markup: what the server
writes is its own text, and the parts in base64 inside ``data:`` addresses of one image type each.
"""

from __future__ import annotations

import base64
import gzip
import struct
import zlib
from dataclasses import dataclass

from villagecall.scan.front import checked, sniff
from villagecall.scan.refusals import ScanRefusal

MEDIA_TYPE = "application/vnd.villagecall.layers"
_HEAD = struct.Struct(">4s6I")
MARK = b"VCL1"


class NotLayers(ValueError):
    """The bytes are not a page in layers."""


@dataclass(frozen=True, slots=True)
class Layers:
    """``mask``: T.6 bits, ``mask_width`` × ``mask_height``, black where ink is. ``ink`` and ``ground``: JPEG of any
    size. All are stretched over the page, ``width`` × ``height``."""

    width: int
    height: int
    mask_width: int
    mask_height: int
    mask: bytes
    ink: bytes
    ground: bytes

    def pack(self) -> bytes:
        sizes = (self.width, self.height, self.mask_width, self.mask_height, len(self.mask), len(self.ink))
        return _HEAD.pack(MARK, *sizes) + self.mask + self.ink + self.ground

    @classmethod
    def unpack(cls, data: bytes) -> Layers:
        """Raises :class:`NotLayers` where a size is out of bounds or a small picture is no JPEG."""
        if len(data) < _HEAD.size:
            raise NotLayers("too short")
        mark, width, height, across, down, mask, ink = _HEAD.unpack_from(data)
        if mark != MARK:
            raise NotLayers("not a page in layers")
        if _HEAD.size + mask + ink >= len(data):
            raise NotLayers("cut off")
        at = _HEAD.size
        parts = (data[at : at + mask], data[at + mask : at + mask + ink], data[at + mask + ink :])
        try:
            checked(width, height)
            checked(across, down)
            if any(sniff(part).kind != "jpeg" for part in parts[1:]):
                raise NotLayers("a layer is no JPEG")
        except ScanRefusal as refusal:
            raise NotLayers("a layer is out of bounds") from refusal
        return cls(width, height, across, down, *parts)


def media_type(view: bytes) -> str:
    """What a view copy is, looked into. Raises :class:`NotLayers` where it is neither layers nor a JPEG."""
    if view.startswith(MARK):
        Layers.unpack(view)
        return MEDIA_TYPE
    try:
        if sniff(view).kind == "jpeg":
            return "image/jpeg"
    except ScanRefusal as refusal:
        raise NotLayers("neither layers nor a JPEG") from refusal
    raise NotLayers("neither layers nor a JPEG")


def tiff(layers: Layers) -> bytes:
    """The mask as a TIFF of one strip (TIFF 6.0; compression 4)."""
    w, h, size = layers.mask_width, layers.mask_height, len(layers.mask)
    tags = ((256, w), (257, h), (258, 1), (259, 4), (262, 0), (273, 8), (278, h), (279, size))
    entries = b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in tags)
    return (
        struct.pack("<4sI", b"II*\0", 8 + size)
        + layers.mask
        + struct.pack("<H", len(tags))
        + entries
        + struct.pack("<I", 0)
    )


def _chunk(name: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))


def png(rows: bytes, width: int, height: int) -> bytes:
    """A PNG of one bit: 1 = ink, opaque; 0 = nothing. ``rows``: packed bits, each line led by its filter byte 0."""
    return (
        b"\x89PNG\r\n\x1a\n"
        + _chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 1, 3, 0, 0, 0))
        + _chunk(b"PLTE", b"\xff\xff\xff\0\0\0")
        + _chunk(b"tRNS", b"\0\xff")
        + _chunk(b"IDAT", zlib.compress(rows, 4))
        + _chunk(b"IEND", b"")
    )


def checked_png(data: bytes, width: int, height: int) -> bytes:
    """The bytes, if they are a PNG as :func:`png` writes it. Raises :class:`NotLayers`."""
    head = struct.pack(">IIBBBBB", width, height, 1, 3, 0, 0, 0)
    if data[:8] != b"\x89PNG\r\n\x1a\n" or data[16:29] != head:
        raise NotLayers("the mask is no PNG of this size")
    at, names = 8, []
    while at + 12 <= len(data):
        (length,) = struct.unpack_from(">I", data, at)
        names.append(data[at + 4 : at + 8])
        at += 12 + length
    if at != len(data) or names != [b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND"]:
        raise NotLayers("the mask is no PNG of ours")
    return data


def svg(layers: Layers, mask: bytes) -> bytes:
    """What a browser shows, gzip-encoded (base64 alone would cost a third). ``mask``: the PNG of the mask."""
    size = f'width="{layers.width}" height="{layers.height}"'

    def image(kind: str, data: bytes, more: str = "") -> str:
        uri = f"data:image/{kind};base64,{base64.b64encode(data).decode()}"
        return f'<image {size} preserveAspectRatio="none" {more}href="{uri}"/>'

    stencil = image("png", checked_png(mask, layers.mask_width, layers.mask_height))
    ground, ink = image("jpeg", layers.ground), image("jpeg", layers.ink, 'mask="url(#m)" ')
    text = (
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} viewBox="0 0 {layers.width} {layers.height}">'
        f'<mask id="m" mask-type="alpha" maskUnits="userSpaceOnUse" x="0" y="0" {size}>{stencil}</mask>'
        f"{ground}{ink}</svg>"
    )
    return gzip.compress(text.encode(), 5, mtime=0)
