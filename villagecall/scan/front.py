"""The front door: what an upload claims to be, read from its first bytes before anything is decoded.

Uploads are hostile. Sizes are read from headers and refused before a decoder sees a pixel, so that a small
file cannot ask for gigabytes. Pure: bytes in, kind out.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Literal

from villagecall.scan.refusals import (
    EmptyFile,
    NotAnImage,
    OfficeFile,
    OtherPicture,
    PhonePhoto,
    TooManyPages,
    TooManyPixels,
    Truncated,
)

Kind = Literal["jpeg", "png", "tiff", "pdf"]
MAX_PIXELS = 60_000_000
"""An A3 page at 400 dpi has 31 million."""
MAX_SIDE = 20_000
MAX_FRAMES = 200
MEDIA_TYPES: dict[Kind, str] = {
    "jpeg": "image/jpeg",
    "png": "image/png",
    "tiff": "image/tiff",
    "pdf": "application/pdf",
}


@dataclass(frozen=True, slots=True)
class Claim:
    """What the header says: ``frames`` 0 = known only to the decoder (PDF); sides in pixels, dpi 0 = unsaid."""

    kind: Kind
    width: int = 0
    height: int = 0
    dpi: int = 0
    frames: int = 1


def checked(width: int, height: int) -> None:
    """Raises :class:`TooManyPixels`; a picture without area is damaged."""
    if width <= 0 or height <= 0:
        raise Truncated
    if width * height > MAX_PIXELS or max(width, height) > MAX_SIDE:
        raise TooManyPixels(width=width, height=height)


def sniff(data: bytes) -> Claim:
    """What this is, by its own bytes; never by its name or what the browser says.

    Raises a :class:`villagecall.scan.refusals.ScanRefusal`.
    """
    if not data:
        raise EmptyFile
    if data[:3] == b"\xff\xd8\xff":
        return _jpeg(data)
    if data[:8] == b"\x89PNG\r\n\x1a\n":
        return _png(data)
    if data[:4] in (b"II*\0", b"MM\0*"):
        return _tiff(data)
    # Readers look for the header in the first kilobyte; what has another format before it is two files in one.
    if data[:1024].lstrip(b"\xef\xbb\xbf\0\t\n\f\r ").startswith(b"%PDF-"):
        return Claim("pdf", frames=0)
    raise _stranger(data)


HEIF_BRANDS = {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"}
OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
"""Compound File Binary: .doc, .xls, .wps, .et."""
ZIP_PARTS = (b"[Content_Types].xml", b"mimetype", b"_rels/", b"word/", b"xl/", b"ppt/")


def _stranger(data: bytes) -> NotAnImage:
    """What people do choose although it is not taken, by name: only then can the sentence say what to do."""
    if data[4:8] == b"ftyp":
        brand = data[8:12]
        if brand in (b"avif", b"avis"):
            return OtherPicture(format="AVIF")
        if brand in HEIF_BRANDS:
            return PhonePhoto()
    if data[:8] == OLE or (data[:4] == b"PK\3\4" and data[30:].startswith(ZIP_PARTS)):
        return OfficeFile()
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return OtherPicture(format="WebP")
    if data[:2] == b"BM" and len(data) >= 26 and int.from_bytes(data[2:6], "little") == len(data):
        return OtherPicture(format="BMP")
    if data[:6] in (b"GIF87a", b"GIF89a"):
        return OtherPicture(format="GIF")
    return NotAnImage()


def _jpeg(data: bytes) -> Claim:
    at, dpi = 2, 0
    while at + 4 <= len(data):
        if data[at] != 0xFF:
            raise Truncated
        marker = data[at + 1]
        if marker == 0xFF:
            at += 1
            continue
        if marker in (0x01, *range(0xD0, 0xD9)):
            at += 2
            continue
        (length,) = struct.unpack_from(">H", data, at + 2)
        if length < 2 or at + 2 + length > len(data):
            raise Truncated
        if marker == 0xE0 and data[at + 4 : at + 9] == b"JFIF\0" and length >= 14:
            unit, x, _ = struct.unpack_from(">BHH", data, at + 11)
            dpi = x if unit == 1 else round(x * 2.54) if unit == 2 else 0
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
            if length < 8:
                raise Truncated
            height, width = struct.unpack_from(">HH", data, at + 5)
            checked(width, height)
            # The end-of-image marker may be followed by padding; without it the picture was cut.
            if data.rfind(b"\xff\xd9") < at:
                raise Truncated
            return Claim("jpeg", width, height, dpi)
        at += 2 + length
    raise Truncated


def _png(data: bytes) -> Claim:
    if len(data) < 33 or data[12:16] != b"IHDR":
        raise Truncated
    width, height = struct.unpack_from(">II", data, 16)
    checked(width, height)
    at, dpi, ended = 33, 0, False
    while at + 12 <= len(data):
        (length,) = struct.unpack_from(">I", data, at)
        name = data[at + 4 : at + 8]
        if length > len(data) - at - 12:
            raise Truncated
        if name == b"pHYs" and length == 9:
            per_metre, _, unit = struct.unpack_from(">IIB", data, at + 8)
            dpi = round(per_metre * 0.0254) if unit == 1 else 0
        if name == b"acTL":
            raise NotAnImage
        if name == b"IEND":
            ended = True
            break
        at += 12 + length
    if not ended:
        raise Truncated
    return Claim("png", width, height, min(dpi, 4800))


def _tiff(data: bytes) -> Claim:
    order = "<" if data[:2] == b"II" else ">"
    if len(data) < 8:
        raise Truncated
    (at,) = struct.unpack_from(order + "I", data, 4)
    seen: set[int] = set()
    first: Claim | None = None
    frames = 0
    while at:
        if at in seen or at + 2 > len(data):
            raise Truncated
        seen.add(at)
        frames += 1
        if frames > MAX_FRAMES:
            raise TooManyPages(limit=MAX_FRAMES)
        (count,) = struct.unpack_from(order + "H", data, at)
        if at + 2 + 12 * count + 4 > len(data):
            raise Truncated
        width, height, dpi = _tiff_tags(data, order, at + 2, count)
        checked(width, height)
        first = first or Claim("tiff", width, height, dpi)
        (at,) = struct.unpack_from(order + "I", data, at + 2 + 12 * count)
    if first is None:
        raise Truncated
    return Claim("tiff", first.width, first.height, first.dpi, frames)


def _tiff_tags(data: bytes, order: str, at: int, count: int) -> tuple[int, int, int]:
    width = height = dpi = 0
    unit = 2
    for entry in range(count):
        tag, kind, number = struct.unpack_from(order + "HHI", data, at + 12 * entry)
        place = at + 12 * entry + 8
        if tag in (256, 257, 296) and number == 1:
            (value,) = struct.unpack_from(order + ("H" if kind == 3 else "I"), data, place)
            if tag == 256:
                width = value
            elif tag == 257:
                height = value
            else:
                unit = value
        elif tag == 282 and kind == 5:
            (where,) = struct.unpack_from(order + "I", data, place)
            if where + 8 <= len(data):
                above, below = struct.unpack_from(order + "II", data, where)
                dpi = round(above / below) if below else 0
    return width, height, min(4800, round(dpi * 2.54) if unit == 3 else dpi)
