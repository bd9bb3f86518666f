"""The case file: one PDF/A-2b of everything that was handed in, with a cover, a bookmark per material, page
labels and metadata. The view copies go in as they are, never encoded twice; equal contents give equal bytes.

A page that was replaced or removed stays, behind the others and marked: a correction drops nothing.
"""

from __future__ import annotations

import io
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

import pikepdf
import typst
from pikepdf import pdfa

from villagecall import fonts
from villagecall.errors import VillagecallError

FLAVOUR = "2b"
_PT = 72
_ESCAPE = re.compile(r"([\\#*_`$<>@\[\]~=/\-+\"'])")


class CaseFileError(VillagecallError):
    """The case file would not be PDF/A-2b; the text says why."""


@dataclass(frozen=True, slots=True)
class Sheet:
    """One page: its JPEG, size in pixels, dots per inch (0 = as A4), the bookmark it belongs to."""

    jpeg: bytes
    width: int
    height: int
    dpi: int
    chapter: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class Cover:
    """What stands on the first page. ``lines``: label and value."""

    title: str
    lines: tuple[tuple[str, str], ...]
    at: datetime
    number: str = ""
    keywords: str = ""
    contents: tuple[str, ...] = field(default=())


def _text(value: str) -> str:
    return _ESCAPE.sub(r"\\\1", value)


def cover_page(cover: Cover) -> bytes:
    """The cover as a PDF page. Raises :class:`villagecall.fonts.NoFont` where no font can write Chinese."""
    face = fonts.face()
    rows = ", ".join(f"[{_text(label)}], [{_text(value)}]" for label, value in cover.lines)
    listed = "\n".join(f"+ {_text(line)}" for line in cover.contents)
    source = f"""
#set page(width: 210mm, height: 297mm, margin: (x: 30mm, y: 40mm))
#set text(font: "{face.family}", size: 13pt, lang: "zh")
#align(center)[#text(size: 30pt)[卷 宗] #v(4mm) #text(size: 18pt)[{_text(cover.title)}]]
#v(14mm)
#table(columns: (36mm, 1fr), stroke: 0.5pt + rgb("#7b8794"), inset: 3.2mm, {rows})
#v(10mm)
{"#text(size: 14pt)[卷内目录] #v(3mm)" if listed else ""}
{listed}
"""
    return typst.compile(source.encode(), font_paths=face.fonts, ignore_system_fonts=True, timestamp=0)


def _image_page(pdf: pikepdf.Pdf, sheet: Sheet) -> None:
    grey = _components(sheet.jpeg) == 1
    image = pikepdf.Stream(pdf, sheet.jpeg)
    image["/Type"] = pikepdf.Name("/XObject")
    image["/Subtype"] = pikepdf.Name("/Image")
    image["/Width"], image["/Height"], image["/BitsPerComponent"] = sheet.width, sheet.height, 8
    image["/ColorSpace"] = pikepdf.Name("/DeviceGray" if grey else "/DeviceRGB")
    image["/Filter"] = pikepdf.Name("/DCTDecode")
    dpi = sheet.dpi or max(sheet.width, sheet.height) / 11.69
    width, height = round(sheet.width * _PT / dpi, 2), round(sheet.height * _PT / dpi, 2)
    content = f"q {width} 0 0 {height} 0 0 cm /Im0 Do Q".encode()
    page = pikepdf.Dictionary(
        Type=pikepdf.Name("/Page"),
        MediaBox=[0, 0, width, height],
        Resources=pikepdf.Dictionary(XObject=pikepdf.Dictionary(Im0=image)),
        Contents=pikepdf.Stream(pdf, content),
    )
    pdf.pages.append(pikepdf.Page(pdf.make_indirect(page)))


def _components(jpeg: bytes) -> int:
    """Colour components of a JPEG, from its frame header (ITU-T T.81 B.2.2)."""
    at = 2
    while at + 9 < len(jpeg):
        marker, length = jpeg[at + 1], int.from_bytes(jpeg[at + 2 : at + 4], "big")
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
            return jpeg[at + 9]
        at += 2 + length
    raise CaseFileError("a view copy is not a JPEG")


def bundle(cover: Cover, sheets: Sequence[Sheet]) -> bytes:
    """The case file. Raises :class:`CaseFileError` when the result is not PDF/A-2b."""
    out = io.BytesIO()
    with pikepdf.open(io.BytesIO(cover_page(cover))) as pdf:
        for thing in pdf.objects:  # Typst's /CIDSet leaves glyphs out; PDF/A-2 does not ask for one
            if isinstance(thing, pikepdf.Dictionary) and "/CIDSet" in thing:
                del thing["/CIDSet"]
        if "/Metadata" in pdf.Root:
            del pdf.Root["/Metadata"]
        front = len(pdf.pages)
        for sheet in sheets:
            _image_page(pdf, sheet)
        with pdf.open_outline() as outline:
            outline.root.append(pikepdf.OutlineItem("封面", 0))
            chapter = ""
            for at, sheet in enumerate(sheets):
                if sheet.chapter != chapter:
                    chapter = sheet.chapter
                    outline.root.append(pikepdf.OutlineItem(chapter, front + at))
                if sheet.note:
                    outline.root.append(pikepdf.OutlineItem(f"{chapter} {sheet.note}", front + at))
        labels: list[pikepdf.Object | int] = [0, pikepdf.Dictionary(P=pikepdf.String("封面"))]
        if sheets:
            labels += [front, pikepdf.Dictionary(S=pikepdf.Name("/D"))]
        pdf.Root.PageLabels = pikepdf.Dictionary(Nums=pikepdf.Array(labels))
        pdf.Root.PageMode = pikepdf.Name("/UseOutlines")
        pdf.docinfo["/Title"] = f"{cover.title} {cover.number}".strip()
        pdf.docinfo["/Subject"] = cover.title
        if cover.keywords:
            pdf.docinfo["/Keywords"] = cover.keywords
        try:
            pdfa.prepare(pdf, FLAVOUR)
            stamped = b"<xmp:MetadataDate>" + cover.at.isoformat(timespec="seconds").encode() + b"</xmp:MetadataDate>"
            xmp = pdf.Root.Metadata.read_bytes()
            pdf.Root.Metadata.write(re.sub(rb"<xmp:MetadataDate>[^<]*</xmp:MetadataDate>", stamped, xmp))
            pdfa.save(pdf, out, FLAVOUR, repair=False, deterministic_id=True)
        except pdfa.PdfaError as error:
            raise CaseFileError(f"not PDF/A-2b: {error}") from error
    return out.getvalue()
