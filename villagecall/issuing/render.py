"""From a sheet to a PDF/A-2b: Typst sets it, pikepdf declares, writes and checks it.

Typst's own PDF/A is refused by the validator, so it writes plain PDF 1.7 and pikepdf does the rest. The
same sheet always gives the same bytes. Nothing here may run on the event loop: call it in a thread.
"""

from __future__ import annotations

import hashlib
import io
import json
import re
import threading
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from pathlib import Path
from typing import Final

import pikepdf
import segno
import typst

from villagecall import fonts
from villagecall.errors import VillagecallError
from villagecall.issuing.number import show_code
from villagecall.issuing.sheet import Sheet, chinese_date, local_day, plain_date

SIZE_LIMIT: Final = 150 * 1024
"""Bytes a certificate may have before it is sealed."""

FLAVOUR: Final = "2b"
_PT: Final = 72 / 25.4


class RenderError(VillagecallError):
    """The certificate could not be set; nothing was issued."""


@dataclass(frozen=True, slots=True)
class Layout:
    """Paper size and the middle of the seal, in mm from the top left; ``seal`` is its diameter.

    42 mm is the diameter of a county's or town's seal (国发〔1999〕25号); a card has no room for it.
    """

    width: float
    height: float
    seal_x: float
    seal_y: float
    seal: float = 42

    def seal_box(self) -> tuple[int, int, int, int]:
        """The seal's rectangle in PDF points: left, bottom, right, top."""
        half = self.seal / 2
        bottom = self.height - self.seal_y
        edges = (self.seal_x - half, bottom - half, self.seal_x + half, bottom + half)
        left, low, right, top = (round(edge * _PT) for edge in edges)
        return left, low, right, top


LAYOUTS: Final = {
    "card": Layout(210, 297, 140, 100, 32),
    "filing": Layout(210, 297, 143, 238),
    "permit": Layout(297, 210, 222, 162),
    "notice": Layout(210, 297, 142, 230),
}


@dataclass(frozen=True, slots=True)
class Facts:
    """What a machine reads out of a certificate; written into its metadata before it is sealed."""

    number: str
    code: str
    title: str
    item: str
    unit: str
    issued: str
    seal: tuple[int, int, int, int]

    def dump(self) -> str:
        doc = {name: getattr(self, name) for name in self.__slots__}
        return json.dumps({"villagecall": 1, **doc}, ensure_ascii=False, sort_keys=True)

    @classmethod
    def read(cls, text: str) -> Facts | None:
        """The reverse of :meth:`dump`; None when the text is not ours."""
        try:
            doc = json.loads(text)
            if doc.pop("villagecall") != 1:
                return None
            left, low, right, top = (int(edge) for edge in doc.pop("seal"))
            return cls(seal=(left, low, right, top), **{str(key): str(value) for key, value in doc.items()})
        except (ValueError, KeyError, TypeError, AttributeError):
            return None


def _templates() -> Path:
    with resources.as_file(resources.files("villagecall.issuing") / "templates") as folder:
        return folder


@lru_cache(maxsize=1)
def _compiler() -> typst.Compiler:
    return typst.Compiler(root=_templates(), font_paths=fonts.face().fonts, ignore_system_fonts=True)


_COMPILING = threading.Lock()


def _compile(template: str, inputs: dict[str, str], stamp: int) -> bytes:
    try:
        with _COMPILING:  # one compiler keeps the parsed fonts; it is not for two threads at once
            made = _compiler().compile(
                input=_templates() / f"{template}.typ",
                format="pdf",
                sys_inputs=inputs,
                timestamp=stamp,
                pdf_tags=False,
            )
    except typst.TypstError as error:
        raise RenderError(f"template {template}: {error.message}") from error
    if not isinstance(made, bytes):
        raise RenderError(f"template {template}: no pages")
    return made


def _qr(url: str) -> str:
    """Level Q: a quarter of the symbol may be lost to a bad print."""
    out = io.BytesIO()
    segno.make(url, error="q", micro=False).save(out, kind="svg", border=2, xmldecl=False, svgns=True)
    return out.getvalue().decode()


def _data(sheet: Sheet, layout: Layout) -> dict[str, object]:
    day = local_day(sheet.issued)
    return {
        "title": sheet.title,
        "number": sheet.number,
        "code": show_code(sheet.code),
        "holder": sheet.holder,
        "unit": sheet.unit,
        "rows": [list(row) for row in sheet.rows],
        "text": sheet.text,
        "date": chinese_date(day),
        "date_plain": plain_date(day),
        "valid": plain_date(sheet.valid_until) if sheet.valid_until else "",
        "qr": _qr(sheet.url),
        "photo": list(sheet.photo) if sheet.photo else None,
        "wants_photo": sheet.wants_photo,
        "reasons": list(sheet.reasons),
        "remedy": sheet.remedy,
        "seal": {"x": layout.seal_x, "y": layout.seal_y},
    }


def render(sheet: Sheet) -> bytes:
    """The unsealed certificate, PDF/A-2b, checked. Raises :class:`RenderError` or ``fonts.NoFont``."""
    layout = LAYOUTS.get(sheet.kind)
    if layout is None:
        raise RenderError(f"there is no template of kind {sheet.kind!r}")
    family = fonts.face().family
    inputs = {"data": json.dumps(_data(sheet, layout), ensure_ascii=False), "font": family}
    plain = _compile(sheet.kind, inputs, int(sheet.issued.timestamp()))
    facts = Facts(
        number=sheet.number,
        code=sheet.code,
        title=sheet.title,
        item=sheet.item,
        unit=sheet.unit,
        issued=sheet.issued.isoformat(timespec="seconds"),
        seal=layout.seal_box(),
    )
    made = archival(plain, facts)
    if len(made) > SIZE_LIMIT:
        raise RenderError(f"the certificate has {len(made)} bytes, more than {SIZE_LIMIT}")
    return made


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def render_seal(unit: str, purpose: str) -> bytes:
    """The visible seal as a PDF page of 42 × 42 mm without ground."""
    return _drop_cidsets(_compile("seal", {"unit": unit, "purpose": purpose, "font": fonts.face().family}, 0))


def _drop_cidsets(pdf: bytes) -> bytes:
    with pikepdf.open(io.BytesIO(pdf)) as doc:
        _without_cidset(doc)
        out = io.BytesIO()
        doc.save(out, deterministic_id=True)
    return out.getvalue()


def _without_cidset(doc: pikepdf.Pdf) -> None:
    for thing in doc.objects:  # Typst's /CIDSet leaves glyphs out; PDF/A-2 does not ask for one
        if isinstance(thing, pikepdf.Dictionary) and "/CIDSet" in thing:
            del thing["/CIDSet"]


def archival(pdf: bytes, facts: Facts) -> bytes:
    """``pdf`` as PDF/A-2b with ``facts`` in its metadata. Raises :class:`RenderError` when it is none."""
    out = io.BytesIO()
    with pikepdf.open(io.BytesIO(pdf)) as doc:
        _without_cidset(doc)
        if "/Metadata" in doc.Root:
            del doc.Root["/Metadata"]  # its xmpMM entries are Typst's own; pikepdf writes ours from /Info
        doc.docinfo["/Title"] = f"{facts.title} {facts.number}"
        doc.docinfo["/Author"] = facts.unit
        doc.docinfo["/Subject"] = facts.item
        doc.docinfo["/Keywords"] = facts.dump()
        try:
            pikepdf.pdfa.prepare(doc, FLAVOUR)
            _still(doc, facts.issued)
            pikepdf.pdfa.save(doc, out, FLAVOUR, repair=False, deterministic_id=True)
        except pikepdf.pdfa.PdfaError as error:
            raise RenderError(f"not PDF/A-2b: {error}") from error
    return out.getvalue()


def _still(doc: pikepdf.Pdf, at: str) -> None:
    """Date the metadata by the certificate, not by the clock: equal sheets give equal bytes."""
    xmp = doc.Root.Metadata.read_bytes()
    stamped = b"<xmp:MetadataDate>" + at.encode() + b"</xmp:MetadataDate>"
    doc.Root.Metadata.write(re.sub(rb"<xmp:MetadataDate>[^<]*</xmp:MetadataDate>", stamped, xmp))
