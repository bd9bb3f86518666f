"""Broken, cut, mixed and exaggerated files from a seed: what a decoder's front door has to stand.

:func:`mutant` gives the same bytes for the same seed. Bases are small valid files of every kind that is taken,
in the variants scanners write; what is done to them keeps checksums right half of the time, since a wrong one
would end most attempts at the first check.
"""

from __future__ import annotations

import io
import random
import re
import struct
import zlib
from collections.abc import Callable, Mapping
from functools import lru_cache

import cv2
import numpy as np
import pikepdf

from tests.support import hostile, pages

SIZE = (124, 175)
EDGES = (0, 1, 2, 7, 8, 127, 128, 255, 256, 32767, 32768, 65535, 65536, 2**24, 2**31 - 1, 2**31, 2**32 - 1)
Change = Callable[[random.Random, bytearray], bytearray]


def _cv(suffix: str, image: np.ndarray, *flags: int) -> bytes:
    ok, data = cv2.imencode(suffix, image, list(flags))
    assert ok
    return data.tobytes()


def _pdf_with_picture(jpeg: bytes) -> bytes:
    made = hostile.pdf(2)
    image = pikepdf.Stream(made, jpeg)
    image.Type, image.Subtype = pikepdf.Name("/XObject"), pikepdf.Name("/Image")
    image.Width, image.Height, image.BitsPerComponent = *SIZE, 8
    image.ColorSpace, image.Filter = pikepdf.Name("/DeviceRGB"), pikepdf.Name("/DCTDecode")
    made.pages[0].Resources = pikepdf.Dictionary(XObject=pikepdf.Dictionary(Im0=image))
    made.pages[0].Contents = pikepdf.Stream(made, b"q 400 0 0 500 60 60 cm /Im0 Do Q")
    return hostile.saved(made, object_stream_mode=pikepdf.ObjectStreamMode.generate)


@lru_cache(maxsize=1)
def bases() -> tuple[tuple[str, bytes], ...]:
    """Valid files: kind and bytes."""
    page = pages.form(1, SIZE)
    grey = np.asarray(cv2.cvtColor(page, cv2.COLOR_BGR2GRAY))
    deep = (grey.astype(np.uint16) * 257).astype(np.uint16)
    alpha = np.dstack([page, grey])
    jpeg = pages.encoded(page, dpi=300)
    exif = (
        b"\xff\xe1" + struct.pack(">H", 34) + b"Exif\0\0II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0\0\0\0\0"
    )
    found = [
        ("jpeg", jpeg),
        ("jpeg", jpeg[:2] + exif[:36] + jpeg[2:]),
        ("jpeg", _cv(".jpg", grey)),
        ("jpeg", _cv(".jpg", page, cv2.IMWRITE_JPEG_PROGRESSIVE, 1)),
        ("jpeg", _cv(".jpg", page, cv2.IMWRITE_JPEG_RST_INTERVAL, 4)),
        ("jpeg", _cv(".jpg", page, cv2.IMWRITE_JPEG_SAMPLING_FACTOR, cv2.IMWRITE_JPEG_SAMPLING_FACTOR_444)),
        *(("png", _cv(".png", each)) for each in (page, grey, deep, alpha)),
        ("png", _cv(".png", np.where(grey > 128, 255, 0).astype(np.uint8), cv2.IMWRITE_PNG_BILEVEL, 1)),
        *(("tiff", _cv(".tiff", page, cv2.IMWRITE_TIFF_COMPRESSION, how)) for how in (1, 5, 8, 32773)),
        ("tiff", _cv(".tiff", deep)),
        ("tiff", hostile.tiff([page, page, page])),
        ("tiff", hostile.tiff_chain(4)),
        ("pdf", hostile.saved(hostile.pdf(3))),
        ("pdf", hostile.saved(hostile.pdf(1), linearize=True)),
        ("pdf", _pdf_with_picture(jpeg)),
        ("pdf", hostile.pdf_with_script()),
        ("pdf", hostile.pdf_with_password()),
    ]
    return tuple(found)


def _place(rng: random.Random, raw: bytearray) -> int:
    """Somewhere, and in the first kilobyte as often as behind it."""
    return rng.randrange(min(len(raw), 1024) if rng.random() < 0.5 else len(raw))


def bytes_changed(rng: random.Random, raw: bytearray) -> bytearray:
    for _ in range(rng.choice((1, 1, 2, 4, 16, 64))):
        raw[_place(rng, raw)] = rng.randrange(256)
    return raw


def bits_turned(rng: random.Random, raw: bytearray) -> bytearray:
    for _ in range(rng.choice((1, 2, 8))):
        raw[_place(rng, raw)] ^= 1 << rng.randrange(8)
    return raw


def edges_written(rng: random.Random, raw: bytearray) -> bytearray:
    """Numbers that are too small or too large, in either byte order."""
    for _ in range(rng.choice((1, 2, 3))):
        order, size = rng.choice("<>"), rng.choice((2, 4))
        at, value = _place(rng, raw), rng.choice(EDGES) % 256**size
        raw[at : at + size] = struct.pack(order + ("H" if size == 2 else "I"), value)
    return raw


def cut(rng: random.Random, raw: bytearray) -> bytearray:
    return raw[: rng.randrange(len(raw) + 1)]


def piece_lost(rng: random.Random, raw: bytearray) -> bytearray:
    at = _place(rng, raw)
    del raw[at : at + rng.choice((1, 2, 8, 64, 512))]
    return raw


def piece_twice(rng: random.Random, raw: bytearray) -> bytearray:
    at = _place(rng, raw)
    raw[at:at] = raw[at : at + rng.choice((2, 12, 64, 512))] * rng.choice((1, 1, 2, 50))
    return raw


def mixed(rng: random.Random, raw: bytearray) -> bytearray:
    """Two files in one: behind, before, or inside each other."""
    other = rng.choice(bases())[1]
    way = rng.randrange(4)
    if way == 0:
        return raw + other
    if way == 1:
        return bytearray(rng.choice((b"GIF89a", b"<html>", b"PK\x03\x04", b"%PDF-1.7\n", other[:64]))) + raw
    at, to = _place(rng, raw), rng.randrange(len(other))
    return raw[:at] + other[to:] if way == 2 else raw[:at] + other + raw[at:]


def exaggerated(rng: random.Random, raw: bytearray) -> bytearray:
    """The size in the header is another one, often a huge one."""
    wide, high = (rng.choice((*EDGES, rng.randrange(1, 9000))) for _ in range(2))
    if raw[:3] == b"\xff\xd8\xff":
        for marker in (b"\xff\xc0", b"\xff\xc2"):
            at = raw.find(marker)
            if at > 0:
                raw[at + 5 : at + 9] = struct.pack(">HH", high % 65536, wide % 65536)
    elif raw[:4] == b"\x89PNG":
        raw[16:24] = struct.pack(">II", wide % 2**32, high % 2**32)
    elif bytes(raw[:4]) in (b"II*\0", b"MM\0*"):
        for tag in (256, 257, 278, 277, 258):
            at = raw.find(struct.pack("<H", tag), 8)
            if at > 0 and rng.random() < 0.5:
                raw[at + 8 : at + 12] = struct.pack("<I", rng.choice((wide, high)) % 2**32)
    else:
        raw = bytearray(re.sub(rb"\d+", lambda _: str(rng.choice((wide, -high, "1e9"))).encode(), raw, count=8))
    return raw


def words_changed(rng: random.Random, raw: bytearray) -> bytearray:
    """A PDF's own words in each other's place; its numbers out of range."""
    names = re.findall(rb"/[A-Za-z]+", bytes(raw)) or [b"/Type"]
    for _ in range(rng.choice((1, 2, 5))):
        found = list(re.finditer(rb"/[A-Za-z]+|\d+ 0 R|\b\d+\b", bytes(raw)))
        if not found:
            return raw
        word = rng.choice(found)
        by = rng.choice(
            (rng.choice(names), b"null", b"[[[[", b"<<", b">>", b"1 0 R", b"-1", b"99999999999", b"0.0000001")
        )
        raw[word.start() : word.end()] = by
    return raw


CHANGES: tuple[Change, ...] = (
    bytes_changed, bits_turned, edges_written, cut, piece_lost, piece_twice, mixed, exaggerated, words_changed,
)  # fmt: skip


def mended(raw: bytearray) -> bytearray:
    """A PNG with its checksums right again, so that what is inside is looked at."""
    at = 8
    while at + 12 <= len(raw):
        (length,) = struct.unpack_from(">I", raw, at)
        if at + 12 + length > len(raw):
            break
        raw[at + 8 + length : at + 12 + length] = struct.pack(">I", zlib.crc32(raw[at + 4 : at + 8 + length]))
        at += 12 + length
    return raw


def mutant(seed: int) -> tuple[str, bytes]:
    """The kind it began as, and the bytes it became."""
    rng = random.Random(seed)
    kind, whole = rng.choice(bases())
    raw = bytearray(whole)
    for _ in range(rng.choice((1, 1, 1, 2, 3, 5))):
        if raw:
            raw = rng.choice(CHANGES)(rng, raw)
    if raw[:4] == b"\x89PNG" and rng.random() < 0.6:
        raw = mended(raw)
    return kind, bytes(raw)


def _flat() -> bytes:
    rows = zlib.compress(bytes((1 + 3 * 7000) * 7000), 9)
    return hostile.png_header(7000, 7000) + hostile.chunk(b"IDAT", rows) + hostile.chunk(b"IEND", b"")


def _wordy() -> bytes:
    text = hostile.png_header(8, 8) + hostile.chunk(b"zTXt", b"a\0\0" + zlib.compress(bytes(2**27), 9))
    return text + hostile.chunk(b"IDAT", zlib.compress(bytes(25 * 8))) + hostile.chunk(b"IEND", b"")


def _nested() -> bytes:
    made = hostile.pdf()
    made.Root.Deep = made.make_indirect(pikepdf.Object.parse(b"[" * 400 + b"]" * 400))
    return hostile.saved(made)


def _wide() -> bytes:
    return hostile.saved(hostile.pdf(1, size=(14_000, 14_000)))


def _swollen() -> bytes:
    made = hostile.pdf()
    made.pages[0].Contents = pikepdf.Stream(made, b"0 0 m 1 1 l S\n" * 2_000_000)
    return hostile.saved(made, compress_streams=True)


def _itself() -> bytes:
    """A form that draws itself ten times, for ever (ISO 32000-1, 8.10 forbids it)."""
    made = hostile.pdf()
    form = made.make_indirect(pikepdf.Stream(made, b"/Fm0 Do " * 10))
    form.Type, form.Subtype, form.BBox = pikepdf.Name("/XObject"), pikepdf.Name("/Form"), [0, 0, 500, 500]
    form.Resources = pikepdf.Dictionary(XObject=pikepdf.Dictionary(Fm0=form))
    made.pages[0].Resources = pikepdf.Dictionary(XObject=pikepdf.Dictionary(Fm0=form))
    made.pages[0].Contents = pikepdf.Stream(made, b"/Fm0 Do " * 10)
    out = io.BytesIO()
    made.save(out)
    return out.getvalue()


BOMBS: Mapping[str, Callable[[], bytes]] = {
    "forty-nine million pixels in fifty kilobytes": _flat,
    "a text chunk of 128 MB": _wordy,
    "arrays in arrays": _nested,
    "a page five metres wide": _wide,
    "two million lines to draw": _swollen,
    "a page drawn by itself": _itself,
}
"""Small files that ask for much, each in its own way; made when asked for, which takes a moment."""
