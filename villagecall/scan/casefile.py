"""The case file: one PDF/A-2b of everything that was handed in, with a cover, a bookmark per material, page
labels and metadata. The view copies go in as they are, never encoded twice; equal contents give equal bytes.

That it is PDF/A-2b follows from what it is made of: a cover in an embedded font that has a shape for each character,
view copies this engine encoded, text in a font made for it. The tests put every kind through a validator.

A page that was replaced or removed stays, behind the others and marked: a correction drops nothing.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import BinaryIO

import pikepdf
import typst

from villagecall import fonts
from villagecall.errors import VillagecallError
from villagecall.scan import pdfpage, textlayer
from villagecall.scan.layers import NotLayers
from villagecall.scan.text import Line

FLAVOUR = "2b"
GROUP = 32
"""Pages in memory at once where a case file is written to disk."""
_DATE = b"<xmp:MetadataDate>%s</xmp:MetadataDate>"
_STAMPED = re.compile(_DATE % b"[^<]*")
_ESCAPE = re.compile(r"([\\#*_`$<>@\[\]~=/\-+\"'])")


class CaseFileError(VillagecallError):
    """A sheet cannot become a page; the text says why."""


@dataclass(frozen=True, slots=True)
class Sheet:
    """One page: its view copy (layers or a JPEG), its pixels, dots per inch (0 = as A4), the bookmark it belongs to.

    ``note``: why a page stands apart (已替换, 已删除). ``part``: pages of another part stand under a bookmark of
    their own, even if it reads the same."""

    jpeg: bytes
    width: int
    height: int
    dpi: int
    chapter: str
    note: str = ""
    part: int = 0
    text: tuple[Line, ...] = ()
    """What was read on it: lies behind the picture, for those who search."""


@dataclass(frozen=True, slots=True)
class Cover:
    """What stands on the first page. ``lines``: label and value; ``at``: None = undated."""

    title: str
    lines: tuple[tuple[str, str], ...]
    at: datetime | None
    number: str = ""
    keywords: str = ""
    contents: tuple[str, ...] = field(default=())


def cover_page(cover: Cover) -> bytes:
    """The cover as a PDF page. Raises :class:`villagecall.fonts.NoFont` where no font can write Chinese."""
    face = fonts.face()

    def text(value: str) -> str:
        return _ESCAPE.sub(r"\\\1", face.written(value))

    rows = ", ".join(f"[{text(label)}], [{text(value)}]" for label, value in cover.lines)
    listed = "\n".join(f"+ {text(line)}" for line in cover.contents)
    source = f"""
#set page(width: 210mm, height: 297mm, margin: (x: 30mm, y: 40mm))
#set text(font: "{face.family}", size: 13pt, lang: "zh")
#align(center)[#text(size: 30pt)[卷 宗] #v(4mm) #text(size: 18pt)[{text(cover.title)}]]
#v(14mm)
#table(columns: (36mm, 1fr), stroke: 0.5pt + rgb("#7b8794"), inset: 3.2mm, {rows})
#v(10mm)
{"#text(size: 14pt)[卷内目录] #v(3mm)" if listed else ""}
{listed}
"""
    return typst.compile(source.encode(), font_paths=face.fonts, ignore_system_fonts=True, timestamp=0)


def _image_page(pdf: pikepdf.Pdf, sheet: Sheet) -> None:
    try:
        pdfpage.add(pdf, sheet.jpeg, sheet.width, sheet.height, sheet.dpi)
    except NotLayers as error:
        raise CaseFileError(str(error)) from error
    textlayer.add(pdf, sheet.text)


def bundle(cover: Cover, sheets: Sequence[Sheet]) -> bytes:
    """The case file. Raises :class:`CaseFileError` where a view copy is neither layers nor a JPEG."""
    out = io.BytesIO()
    with _opened(cover) as pdf:
        front = len(pdf.pages)
        for sheet in sheets:
            _image_page(pdf, sheet)
        _save(pdf, cover, front, [_Mark.of(sheet) for sheet in sheets], out)
    return out.getvalue()


def write(cover: Cover, sheets: Iterable[Sheet], to: Path, folder: Path) -> None:
    """The case file as a file that is there whole or not at all. Pages are taken one by one and laid aside in
    ``folder`` (on the file system of ``to``), so that memory holds :data:`GROUP` of them. Raises as :func:`bundle`
    does."""
    marks: list[_Mark] = []
    with ExitStack() as held:
        pdf = held.enter_context(_opened(cover))
        front = len(pdf.pages)
        waiting = iter(sheets)
        while group := list(islice(waiting, GROUP)):
            marks += [_Mark.of(sheet) for sheet in group]
            aside = folder / f"part-{len(marks):06}.pdf"
            with pikepdf.new() as part:
                for sheet in group:
                    _image_page(part, sheet)
                part.save(aside)
            del group
            # Read from the file when it is written, not kept: a mapped file would count as memory.
            kept = held.enter_context(pikepdf.open(aside, access_mode=pikepdf.AccessMode.stream))
            pdf.pages.extend(kept.pages)
        whole = folder / "whole.pdf"
        _save(pdf, cover, front, marks, whole)
    whole.replace(to)


@dataclass(frozen=True, slots=True)
class _Mark:
    """What bookmarks and labels need to know of a page."""

    part: int
    chapter: str
    note: str

    @classmethod
    def of(cls, sheet: Sheet) -> _Mark:
        return cls(sheet.part, sheet.chapter, sheet.note)


def _opened(cover: Cover) -> pikepdf.Pdf:
    """The cover as a document that takes pages and can become PDF/A."""
    pdf = pikepdf.open(io.BytesIO(cover_page(cover)))
    for thing in pdf.objects:  # Typst's /CIDSet leaves glyphs out; PDF/A-2 does not ask for one
        if isinstance(thing, pikepdf.Dictionary) and "/CIDSet" in thing:
            del thing["/CIDSet"]
    if "/Metadata" in pdf.Root:
        del pdf.Root["/Metadata"]
    return pdf


def _bookmarks(pdf: pikepdf.Pdf, front: int, marks: Sequence[_Mark]) -> None:
    """One for each material, and below it one for each page that carries a note (ISO 32000-1, 12.3.3)."""
    with pdf.open_outline() as outline:
        outline.root.append(pikepdf.OutlineItem("封面", 0))
        chapter: tuple[int, str] | None = None
        for at, mark in enumerate(marks):
            if (mark.part, mark.chapter) != chapter:
                chapter = (mark.part, mark.chapter)
                outline.root.append(pikepdf.OutlineItem(mark.chapter, front + at))
            if mark.note:
                outline.root[-1].children.append(pikepdf.OutlineItem(mark.note, front + at))


def _labels(front: int, marks: Sequence[_Mark]) -> pikepdf.Dictionary:
    """封面, then 1, 2, 3 …; pages with a note are counted apart, as 附1, 附2 … (ISO 32000-1, 12.4.2)."""
    found: list[pikepdf.Object | int] = [0, pikepdf.Dictionary(P=pikepdf.String("封面"))]
    for at, mark in enumerate(marks):
        if at and bool(mark.note) == bool(marks[at - 1].note):
            continue
        counted = sum(bool(other.note) == bool(mark.note) for other in marks[:at]) + 1
        label = pikepdf.Dictionary(S=pikepdf.Name("/D"), St=counted)
        if mark.note:
            label.P = pikepdf.String("附")
        found += [front + at, label]
    return pikepdf.Dictionary(Nums=pikepdf.Array(found))


def _save(pdf: pikepdf.Pdf, cover: Cover, front: int, marks: Sequence[_Mark], to: Path | BinaryIO) -> None:
    _bookmarks(pdf, front, marks)
    pdf.Root.PageLabels = _labels(front, marks)
    pdf.Root.PageMode = pikepdf.Name("/UseOutlines")
    pdf.docinfo["/Title"] = f"{cover.title} {cover.number}".strip()
    pdf.docinfo["/Subject"] = cover.title
    if cover.keywords:
        pdf.docinfo["/Keywords"] = cover.keywords
    pikepdf.pdfa.prepare(pdf, FLAVOUR)
    # No clock: the time is the case's, and a bundle of files has none.
    stamp = b"" if cover.at is None else _DATE % cover.at.isoformat(timespec="seconds").encode()
    pdf.Root.Metadata.write(_STAMPED.sub(stamp, pdf.Root.Metadata.read_bytes()))
    # Not checked once more (pdfa.save would): five sixths of the time, for what the tests show of every kind of part.
    pdf.save(to, **pikepdf.pdfa.resolve_save_kwargs(FLAVOUR, deterministic_id=True, linearize=True))
