"""A view copy as a page of a PDF: its parts go in as they are, nothing is encoded again.

Layers become two pictures on top of each other, the ink's masked by the stencil (ISO 32000-1, 8.9.6.3: explicit
masking), which PDF/A-2 allows as it allows CCITTFaxDecode.
"""

from __future__ import annotations

import pikepdf

from villagecall.scan.layers import MARK, Layers, NotLayers

_PT = 72
_A4_INCHES = 11.69
_SMALLEST, _A3_INCHES = 2.0, 16.6
"""Inches of a paper's longer side that are believed: from a card to A3 with a little edge."""


def _image(pdf: pikepdf.Pdf, data: bytes, width: int, height: int) -> pikepdf.Stream:
    stream = pikepdf.Stream(pdf, data)
    stream.Type, stream.Subtype = pikepdf.Name("/XObject"), pikepdf.Name("/Image")
    stream.Width, stream.Height = width, height
    return stream


def _jpeg(pdf: pikepdf.Pdf, data: bytes) -> pikepdf.Stream:
    width, height, components = _frame(data)
    image = _image(pdf, data, width, height)
    image.BitsPerComponent = 8
    image.ColorSpace = pikepdf.Name("/DeviceGray" if components == 1 else "/DeviceRGB")
    image.Filter = pikepdf.Name("/DCTDecode")
    return image


def _frame(jpeg: bytes) -> tuple[int, int, int]:
    """Width, height and colour components of a JPEG, from its frame header (ITU-T T.81 B.2.2)."""
    at = 2
    while at + 9 < len(jpeg):
        marker, length = jpeg[at + 1], int.from_bytes(jpeg[at + 2 : at + 4], "big")
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
            height, width = (int.from_bytes(jpeg[at + k : at + k + 2], "big") for k in (5, 7))
            return width, height, jpeg[at + 9]
        at += 2 + length
    raise NotLayers("a view copy is not a JPEG")


def _stencil(pdf: pikepdf.Pdf, layers: Layers) -> pikepdf.Stream:
    mask = _image(pdf, layers.mask, layers.mask_width, layers.mask_height)
    mask.ImageMask, mask.BitsPerComponent = True, 1
    mask.Filter = pikepdf.Name("/CCITTFaxDecode")
    mask.DecodeParms = pikepdf.Dictionary(K=-1, Columns=layers.mask_width, Rows=layers.mask_height)
    return mask


def add(pdf: pikepdf.Pdf, view: bytes, width: int, height: int, dpi: int = 0) -> None:
    """Put a view copy of ``width`` × ``height`` pixels behind the last page; ``dpi`` 0, or one that no paper of an
    office has, = as large as A4.

    Raises :class:`villagecall.scan.layers.NotLayers`."""
    if view.startswith(MARK):
        layers = Layers.unpack(view)
        ink = _jpeg(pdf, layers.ink)
        ink.Mask = pdf.make_indirect(_stencil(pdf, layers))
        images = pikepdf.Dictionary(Im0=_jpeg(pdf, layers.ground), Im1=ink)
    else:
        images = pikepdf.Dictionary(Im0=_jpeg(pdf, view))
    if not _SMALLEST <= max(width, height) / max(1, dpi) <= _A3_INCHES:
        dpi = max(1, round(max(width, height) / _A4_INCHES))  # cameras write 72 whatever the paper was
    across, down = round(width * _PT / dpi, 2), round(height * _PT / dpi, 2)
    content = f"q {across} 0 0 {down} 0 0 cm {' '.join(f'{name} Do' for name in images)} Q"
    page = pikepdf.Dictionary(
        Type=pikepdf.Name("/Page"),
        MediaBox=[0, 0, across, down],
        Resources=pikepdf.Dictionary(XObject=images),
        Contents=pikepdf.Stream(pdf, content.encode()),
    )
    pdf.pages.append(pikepdf.Page(pdf.make_indirect(page)))
