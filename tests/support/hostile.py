"""Files nobody should send, made here: bombs, broken pictures, documents that act."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np
import pikepdf
from numpy.typing import NDArray


def chunk(name: bytes, data: bytes) -> bytes:
    """One chunk of a PNG (W3C PNG, 5.3)."""
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def png_header(width: int, height: int) -> bytes:
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))


def png_bomb(width: int = 30_000, height: int = 30_000) -> bytes:
    """A few kilobytes that ask for gigabytes."""
    rows = zlib.compress(b"\0" * 2**20, 9)
    return png_header(width, height) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


def tiff_chain(pages: int, width: int = 8, height: int = 8, *, loop: bool = False) -> bytes:
    """A TIFF of ``pages`` directories that share one strip; ``loop``: the last one leads to the first."""
    out = bytearray(b"II*\0" + struct.pack("<I", 8 + width * height))
    out += bytes(width * height)
    for page in range(pages):
        tags = [(256, 3, width), (257, 3, height), (258, 3, 8), (259, 3, 1), (262, 3, 1), (273, 4, 8), (278, 3, height)]
        tags.append((279, 4, width * height))
        out += struct.pack("<H", len(tags))
        for tag, kind, value in tags:
            out += struct.pack("<HHII", tag, kind, 1, value)
        last = page == pages - 1
        out += struct.pack("<I", (8 + width * height if loop else 0) if last else len(out) + 4)
    return bytes(out)


def tiff(images: Sequence[NDArray[np.uint8]]) -> bytes:
    """A multi-page TIFF as a feeder writes it."""
    ok, data = cv2.imencodemulti(".tiff", list(images))
    assert ok
    return data.tobytes()


def pdf(pages: int = 1, *, size: tuple[int, int] = (595, 842)) -> pikepdf.Pdf:
    """A plain document with a dark bar on each page."""
    made = pikepdf.new()
    for at in range(pages):
        made.add_blank_page()
        made.pages[-1].MediaBox = [0, 0, *size]
        bar = f"0 0 0 rg 60 {100 + 30 * (at % 20)} 300 12 re f".encode()
        made.pages[-1].Contents = pikepdf.Stream(made, bar)
    return made


def saved(made: pikepdf.Pdf, **how: Any) -> bytes:
    out = io.BytesIO()
    made.save(out, **how)
    return out.getvalue()


def pdf_with_script() -> bytes:
    made = pdf()
    made.Root.OpenAction = pikepdf.Dictionary(S=pikepdf.Name("/JavaScript"), JS=pikepdf.String("app.alert(1)"))
    return saved(made)


def pdf_that_launches() -> bytes:
    made = pdf()
    action = pikepdf.Dictionary(S=pikepdf.Name("/Launch"), F=pikepdf.String("calc.exe"))
    made.pages[0].AA = pikepdf.Dictionary(O=made.make_indirect(action))
    return saved(made)


def pdf_with_attachment() -> bytes:
    made = pdf()
    embedded = pikepdf.Stream(made, b"MZ" + bytes(64))
    spec = pikepdf.Dictionary(
        Type=pikepdf.Name("/Filespec"), F=pikepdf.String("tool.exe"), EF=pikepdf.Dictionary(F=embedded)
    )
    files = pikepdf.Dictionary(Names=[pikepdf.String("tool.exe"), spec])
    made.Root.Names = pikepdf.Dictionary(EmbeddedFiles=files)
    return saved(made)


def pdf_with_password() -> bytes:
    return saved(pdf(), encryption=pikepdf.Encryption(owner="owner", user="user"))


def pdf_without_printing() -> bytes:
    """Opens without a password, but is encrypted."""
    return saved(pdf(), encryption=pikepdf.Encryption(owner="owner", user=""))
