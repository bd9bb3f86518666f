"""Text that is not seen but found: the lines read on a page, behind its picture in the case file.

Written in text rendering mode 3 (ISO 32000-1, 9.3.6) with a font of no shapes, made here: PDF/A-2 wants every font
embedded, widths that agree, and no reference to ``.notdef`` (ISO 19005-2, 6.2.11). A code is the character's own
number in Unicode; what lies beyond the first plane gets one of the numbers that are no character (surrogates).
"""

from __future__ import annotations

import struct
from collections.abc import Sequence

import pikepdf

from villagecall.scan.text import Line

NAME = "PageText"
KEY, KEY_BEYOND = "/Tx0", "/Tx1"
"""The font as all pages have it in common, and one with what a single page needs beyond the first plane."""
_MADE = 3_786_912_000
"""2024-01-01 in seconds since 1904, as fonts count: a fixed date, so that equal contents give equal bytes."""
_EM, _HALF, _ASCENT, _DESCENT = 1000, 500, 800, -200
_NARROW = 0x250
"""Characters below are half as wide as they are high; everything else, Chinese above all, is as wide as high."""
_BEYOND = 0xD800
_BEYOND_LAST = 0xDFFF
_LOOK_BACK = 40


def font_file() -> bytes:
    """A TrueType font of three empty glyphs: ``.notdef``, one of full and one of half width."""
    metrics = struct.pack(">HhHhHh", _EM, 0, _EM, 0, _HALF, 0)
    tables = {
        b"glyf": bytes(2),
        b"head": struct.pack(
            ">IIIIHHQQhhhhHHhhh", 0x10000, 0x10000, 0, 0x5F0F3CF5, 3, _EM, _MADE, _MADE, 0, 0, 0, 0, 0, 8, 2, 0, 0
        ),
        b"hhea": struct.pack(">IhhhHhhhhhhhhhhhH", 0x10000, _ASCENT, _DESCENT, 0, _EM, *[0] * 3, 1, *[0] * 7, 3),
        b"hmtx": metrics,
        b"loca": bytes(8),
        b"maxp": struct.pack(">IH13H", 0x10000, 3, *[0] * 4, 1, *[0] * 8),
    }
    count = len(tables)
    power = 1 << (count.bit_length() - 1)
    head = struct.pack(">IHHHH", 0x10000, count, power * 16, power.bit_length() - 1, count * 16 - power * 16)
    directory, contents, at = b"", b"", 12 + 16 * count
    places = {}
    for tag, data in tables.items():
        padded = data + bytes(-len(data) % 4)
        places[tag] = at
        directory += tag + struct.pack(">III", _sum(padded), at, len(data))
        contents += padded
        at += len(padded)
    font = bytearray(head + directory + contents)
    struct.pack_into(">I", font, places[b"head"] + 8, (0xB1B0AFBA - _sum(bytes(font))) & 0xFFFFFFFF)
    return bytes(font)


def _sum(data: bytes) -> int:
    total: int = sum(struct.unpack(f">{len(data) // 4}I", data))
    return total & 0xFFFFFFFF


def _to_unicode(beyond: Sequence[str]) -> bytes:
    """Which character a code is: itself, or one of those beyond the first plane."""
    rows = [f"<{high:02x}00> <{high:02x}ff> <{high:02x}00>" for high in range(256) if not 0xD8 <= high <= 0xDF]
    out = [
        "/CIDInit /ProcSet findresource begin 12 dict begin begincmap",
        "/CIDSystemInfo << /Registry (Adobe) /Ordering (UCS) /Supplement 0 >> def",
        f"/CMapName /{NAME}-UCS def /CMapType 2 def",
        "1 begincodespacerange <0000> <ffff> endcodespacerange",
    ]
    for at in range(0, len(rows), 100):
        part = rows[at : at + 100]
        out += [f"{len(part)} beginbfrange", *part, "endbfrange"]
    single = [f"<{_BEYOND + at:04x}> <{char.encode('utf-16-be').hex()}>" for at, char in enumerate(beyond)]
    for at in range(0, len(single), 100):
        part = single[at : at + 100]
        out += [f"{len(part)} beginbfchar", *part, "endbfchar"]
    return "\n".join([*out, "endcmap CMapName currentdict /CMap defineresource pop end end"]).encode()


def _font(pdf: pikepdf.Pdf, beyond: Sequence[str]) -> pikepdf.Object:
    """The font with what a page beyond the first plane needs of it."""
    file = pikepdf.Stream(pdf, font_file())
    file.Length1 = len(font_file())
    narrow = _NARROW * b"\0\2" + (0x10000 - _NARROW) * b"\0\1"
    name = pikepdf.Name(f"/{NAME}")
    descriptor = pikepdf.Dictionary(
        Type=pikepdf.Name("/FontDescriptor"),
        FontName=name,
        Flags=4,
        FontBBox=[0, 0, 0, 0],
        ItalicAngle=0,
        Ascent=_ASCENT,
        Descent=_DESCENT,
        CapHeight=_ASCENT,
        StemV=0,
        FontFile2=pdf.make_indirect(file),
    )
    below = pikepdf.Dictionary(
        Type=pikepdf.Name("/Font"),
        Subtype=pikepdf.Name("/CIDFontType2"),
        BaseFont=name,
        CIDSystemInfo=pikepdf.Dictionary(
            Registry=pikepdf.String("Adobe"), Ordering=pikepdf.String("Identity"), Supplement=0
        ),
        FontDescriptor=pdf.make_indirect(descriptor),
        DW=_EM,
        W=[0, _NARROW - 1, _HALF],
        CIDToGIDMap=pdf.make_indirect(pikepdf.Stream(pdf, narrow)),
    )
    font = pikepdf.Dictionary(
        Type=pikepdf.Name("/Font"),
        Subtype=pikepdf.Name("/Type0"),
        BaseFont=name,
        Encoding=pikepdf.Name("/Identity-H"),
        DescendantFonts=[pdf.make_indirect(below)],
        ToUnicode=pdf.make_indirect(pikepdf.Stream(pdf, _to_unicode(beyond))),
    )
    return pdf.make_indirect(font)


def _earlier(pdf: pikepdf.Pdf) -> pikepdf.Object | None:
    """The font of a page before, so that a document has it once."""
    last = len(pdf.pages) - 1
    for at in range(last - 1, max(-1, last - 1 - _LOOK_BACK), -1):
        resources = pdf.pages[at].obj.get("/Resources", pikepdf.Dictionary())
        font = resources.get("/Font", pikepdf.Dictionary()).get(KEY)
        if font is not None:
            return font
    return None


def operators(lines: Sequence[Line], width: float, height: float, beyond: Sequence[str]) -> bytes:
    """The content that writes ``lines`` over their places on a page of ``width`` × ``height`` points."""
    key = KEY_BEYOND if beyond else KEY
    codes = {char: _BEYOND + at for at, char in enumerate(beyond)}
    out = ["BT 3 Tr"]
    for line in lines:
        text = [codes.get(char, ord(char)) for char in line.text]
        text = [code for code in text if code <= 0xFFFF]
        size = 0.8 * line.h * height / 1000  # what was found is a little higher than the writing
        natural = size * sum(_HALF if code < _NARROW else _EM for code in text) / _EM
        if not text or size <= 0:
            continue
        stretch = 100 * (line.w * width / 1000) / natural
        base = height - (line.y + line.h / 2) * height / 1000 - size * (_ASCENT + _DESCENT) / 2 / _EM
        shown = "".join(f"{code:04x}" for code in text)
        out.append(
            f"{key} {size:.2f} Tf {stretch:.2f} Tz 1 0 0 1 {line.x * width / 1000:.2f} {base:.2f} Tm <{shown}> Tj"
        )
    return "\n".join([*out, "ET"]).encode()


def add(pdf: pikepdf.Pdf, lines: Sequence[Line]) -> None:
    """Put the text behind the picture of the last page of ``pdf``."""
    if not lines:
        return
    page = pdf.pages[-1]
    _, _, width, height = (float(value) for value in page.mediabox)
    wanted = dict.fromkeys(char for line in lines for char in line.text if ord(char) > 0xFFFF)
    beyond = list(wanted)[: _BEYOND_LAST - _BEYOND + 1]
    font = None if beyond else _earlier(pdf)
    page.obj.Resources.Font = pikepdf.Dictionary({KEY_BEYOND if beyond else KEY: font or _font(pdf, beyond)})
    page.contents_add(operators(lines, width, height, beyond))
